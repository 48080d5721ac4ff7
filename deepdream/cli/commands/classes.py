"""`deepdream classes`: pictures of classes from noise, each with its probability before and
after."""

import argparse
import os
from typing import Any, List, Tuple

import numpy as np

from netfile.files import file_sha1
from netfile.terminal import counted, say

from ... import nets, pictures
from ...dream.class_pictures import (
    BYTES_PER_PIXEL,
    METHODS,
    grey_noise,
    probabilities,
    visualise,
)
from ...errors import TargetError
from ...nets.class_output import check_classes, class_output
from ...nets.labels import distinct, file_stems
from ...request.fields import showable
from ...request.recipe import model_name, note
from ...settings import CLASS_PICTURES
from .. import options, progress
from ..results import check_new_files, check_result_folder, save

_SHEET = "sheet.png"


def add_parser(verbs: Any) -> None:
    p = verbs.add_parser("classes", help="show what classes look like to the net, from noise")
    p.add_argument(
        "names",
        nargs="+",
        type=options.filled,
        metavar="NAME",
        help="classes of the model, by name or number; or all",
    )
    options.add_out(p, "FOLDER", "where the pictures and sheet.png go; made if it is not there")
    options.add_model(p)
    p.add_argument(
        "--method", choices=METHODS, default=CLASS_PICTURES.method, help="how (default %(default)s)"
    )
    options.add_setting(
        p,
        "--seeds",
        options.number(int, 1, highest=256),
        CLASS_PICTURES.seeds,
        "N",
        "pictures of each, in one batch",
    )
    options.add_setting(
        p,
        "--seed",
        options.number(int, 0, highest=2**31),
        CLASS_PICTURES.seed,
        "N",
        "the first of them",
    )
    options.add_engine(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    check_result_folder(args.out)
    seeds = range(args.seed, args.seed + args.seeds)
    model = options.model_of(args)
    labels = nets.classes(model)
    numbers = [nets.class_number(model, name)[0] for name in args.names if args.names != ["all"]]

    def scores(description: Any) -> List[str]:
        output = class_output(description, len(labels))
        count = check_classes(description, output, max(numbers, default=0))
        numbers.extend([] if numbers else range(count or len(labels)))
        if not numbers:
            raise TargetError("the number of classes is not known; give the classes by number")
        return [output.layer]

    opened = nets.open(
        model,
        args.engine,
        layers=scores,
        batch=args.seeds,
        any_size=False,
        beside=BYTES_PER_PIXEL,
        gpu=args.gpu,
    )
    digest = file_sha1(model.weights)
    names = distinct(labels, max(len(labels), max(numbers) + 1))
    stems = file_stems([*labels, *names[len(labels) :]])
    numbers = list(dict.fromkeys(numbers))
    files = [f"{stems[number]}-{seed}.png" for number in numbers for seed in seeds]
    inputs = [model.weights, model.deploy]
    check_new_files(args.out, [*files, _SHEET], args.overwrite, inputs)
    os.makedirs(args.out, exist_ok=True)
    rows = []
    for number in numbers:
        name = names[number]
        made, before, after = _visualise(opened, number, name, seeds, args.method)
        for seed, picture, first, last in zip(seeds, made, before, after):
            path = os.path.join(args.out, f"{stems[number]}-{seed}.png")
            told = {
                "model": model_name(model),
                "weights_sha1": digest,
                "class": showable(name)[:1000],
                "number": number,
                "scale": model.scale,
                "method": args.method,
                "seed": seed,
            }
            save(path, picture, note("deepdream classes", told), args.overwrite)
            say(f"{path}: {name} {first:.4f} before, {last:.4f} after")
        captions = [f"{name}  {first:.3f} to {last:.3f}" for first, last in zip(before, after)]
        rows.append(list(zip(made, captions)))
    sheet = os.path.join(args.out, _SHEET)
    save(sheet, pictures.contact_sheet(rows), "", args.overwrite)
    say(f"wrote {counted(len(rows) * len(seeds), 'picture')} and {sheet}")


def _visualise(
    opened: nets.OpenNet, number: int, name: str, seeds: range, method: str
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The class's pictures, one for each seed, and its probability for each before and after."""
    from tqdm import tqdm

    output, size, net = opened.output, opened.size, opened.net
    with tqdm(bar_format=progress.FORMAT, desc=name) as bar:
        noise = grey_noise(size, seeds)
        before = probabilities(net, noise, number, size, output.predict)

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(1)

        made = visualise(
            net, output.layer, number, size, seeds, METHODS[method], report, output.scores
        )
        after = probabilities(net, made, number, size, output.predict)
    return made, before, after

"""`deepdream classes`: pictures of classes from noise, each with its probability before and
after."""

import argparse
import json
import os
from collections import Counter
from typing import Any, List, Sequence, Tuple

import numpy as np

from netfile.files import file_sha1

from ... import nets, pictures
from ...dream.class_pictures import (
    BYTES_PER_PIXEL,
    METHODS,
    grey_noise,
    probabilities,
    visualise,
)
from ...errors import OutputError
from ...nets.labels import class_output
from ...settings import CLASS_PICTURES
from .. import options, progress
from ..results import check_new_files, check_result_folder, save

_SHEET = "sheet.png"


def add_parser(verbs: Any) -> None:
    p = verbs.add_parser("classes", help="show what classes look like to the net, from noise")
    p.add_argument(
        "names",
        nargs="+",
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
    names = nets.classes(model) if args.names == ["all"] else []
    wanted = [nets.class_number(model, name) for name in names or args.names]
    wanted = list(dict.fromkeys(wanted))
    stems = _file_names(wanted)
    files = [f"{stem}-{seed}.png" for stem in stems for seed in seeds]
    inputs = [model.weights, model.deploy]
    check_new_files(args.out, [*files, _SHEET], args.overwrite, inputs)
    opened = nets.open(
        model,
        args.engine,
        layers=lambda description: [class_output(description).scores],
        batch=args.seeds,
        any_size=False,
        beside=BYTES_PER_PIXEL,
        gpu=args.gpu,
    )
    digest = file_sha1(model.weights)
    os.makedirs(args.out, exist_ok=True)
    rows = []
    for (number, name), stem in zip(wanted, stems):
        made, before, after = _visualise(opened, number, name, seeds, args.method)
        for seed, picture, first, last in zip(seeds, made, before, after):
            path = os.path.join(args.out, f"{stem}-{seed}.png")
            told = {
                "model": model.name,
                "weights_sha1": digest,
                "class": name,
                "method": args.method,
                "seed": seed,
            }
            save(path, picture, json.dumps({"deepdream classes": told}), args.overwrite)
            print(f"{path}: {name} {first:.4f} before, {last:.4f} after")
        captions = [f"{name}  {first:.3f} to {last:.3f}" for first, last in zip(before, after)]
        rows.append(list(zip(made, captions)))
    sheet = os.path.join(args.out, _SHEET)
    save(sheet, pictures.contact_sheet(rows), "", args.overwrite)
    print(f"wrote {len(rows) * len(seeds)} pictures and {sheet}")


def _visualise(
    opened: nets.OpenNet, number: int, name: str, seeds: range, method: str
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The class's pictures, one for each seed, and its probability for each before and after."""
    from tqdm import tqdm

    output, size, net = opened.output, opened.size, opened.net
    with tqdm(bar_format=progress.FORMAT, desc=name) as bar:
        before = probabilities(net, grey_noise(size, seeds), number, size, output.probabilities)

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(1)

        made = visualise(net, output.scores, number, size, seeds, METHODS[method], report)
        after = probabilities(net, made, number, size, output.probabilities)
    return made, before, after


def _file_names(wanted: Sequence[Tuple[int, str]]) -> List[str]:
    """A file name's beginning for each (number, name) of a class; the number tells those apart that
    would be the same."""
    names = [_file_name(name) for _, name in wanted]
    often = Counter(name.lower() for name in names)
    return [
        f"{name}-class-{number}" if often[name.lower()] > 1 else name
        for name, (number, _) in zip(names, wanted)
    ]


def _file_name(name: str) -> str:
    """The class's name as part of a file's. Raises OutputError where nothing of it is left."""
    kept = "".join(c if c.isalnum() or c in "-_." else "_" for c in name).strip(".")
    if not kept:
        raise OutputError(
            f"class {name!r}: no file can have this name; give the class by its number"
        )
    return kept

"""`deepdream classes`: pictures of classes from noise, each with its probability before and
after."""

import argparse
import json
import os
from typing import Any, Tuple

import numpy as np

from netfile.files import file_sha1

from ... import nets, pictures
from ...dream.class_pictures import METHODS, grey_noise, probabilities, visualise
from ...errors import OutputError
from ...nets.labels import class_output
from ...request.recipe import model_name
from ...settings import CLASS_PICTURES
from .. import options, progress
from ..results import check_result_folder


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
    model = options.model_of(args)
    names = nets.classes(model) if args.names == ["all"] else []
    wanted = [nets.class_number(model, name) for name in names or args.names]
    for _, name in wanted:
        _file_name(name)
    opened = nets.open(
        model,
        args.engine,
        layers=lambda description: [class_output(description).scores],
        batch=args.seeds,
        any_size=False,
        gpu=args.gpu,
    )
    os.makedirs(args.out, exist_ok=True)
    seeds = range(args.seed, args.seed + args.seeds)
    rows = []
    for number, name in wanted:
        made, before, after = _visualise(opened, number, name, seeds, args.method)
        for seed, picture, first, last in zip(seeds, made, before, after):
            path = os.path.join(args.out, f"{_file_name(name)}-{seed}.png")
            told = {
                "model": model_name(model),
                "weights_sha1": file_sha1(model.weights),
                "class": name,
                "method": args.method,
                "seed": seed,
            }
            pictures.save(path, picture, json.dumps({"deepdream classes": told}))
            print(f"{path}: {name} {first:.4f} before, {last:.4f} after")
        captions = [f"{name}  {first:.3f} to {last:.3f}" for first, last in zip(before, after)]
        rows.append(list(zip(made, captions)))
    sheet = os.path.join(args.out, "sheet.png")
    pictures.save(sheet, pictures.contact_sheet(rows))
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


def _file_name(name: str) -> str:
    """The class's name as part of a file's. Raises OutputError where nothing of it is left."""
    kept = "".join(c if c.isalnum() or c in "-_." else "_" for c in name).strip(".")
    if not kept:
        raise OutputError(
            f"class {name!r}: no file can have this name; give the class by its number"
        )
    return kept

"""`deepdream classes`: pictures of classes from noise, each with its probability before and
after."""

import argparse
import os
from typing import Any, List, Tuple

import numpy as np

from netfile.files import file_sha1
from netfile.terminal import counted, print_table

from ... import nets, pictures
from ...dream.class_pictures import (
    BYTES_PER_PIXEL,
    METHODS,
    grey_noise,
    probabilities,
    visualise,
)
from ...errors import DreamError, TargetError
from ...nets import memory
from ...nets.class_output import check_classes, class_output
from ...nets.labels import distinct, file_stems, named
from ...request.fields import showable
from ...request.recipe import model_name, note
from ...settings import CLASS_PICTURES
from .. import events, options
from ..progress import Meter
from ..results import check_new_files, check_result_folder, save

_SHEET = "sheet.png"

EXAMPLES = (
    "deepdream classes --list",
    "deepdream classes owl pagoda -o classes/",
    "deepdream classes all -o classes/ --seeds 1",
)


def add_parser(verbs: Any) -> None:
    about = "show what classes look like to the net, from noise; or list them"
    p = options.add_command(verbs, "classes", about, EXAMPLES)
    p.add_argument(
        "names",
        nargs="*",
        type=options.filled,
        metavar="NAME",
        help="classes of the model, by name or number; or all",
    )
    p.add_argument("--list", action="store_true", help="list the model's classes, and do no more")
    text = "where the pictures and sheet.png go; made if it is not there"
    options.add_out(p, "FOLDER", text, required=False)
    options.add_model(p)
    how = p.group(options.HOW)
    how.add_argument(
        "--method",
        choices=METHODS,
        default=CLASS_PICTURES.method,
        metavar="NAME",
        help=f"{', '.join(METHODS)} (default %(default)s)",
    )
    options.add_setting(
        how,
        "--seeds",
        options.number(int, 1, highest=256),
        CLASS_PICTURES.seeds,
        "N",
        "pictures of each, in one batch",
    )
    options.add_setting(
        how,
        "--seed",
        options.number(int, 0, highest=2**31),
        CLASS_PICTURES.seed,
        "N",
        "the first of them",
    )
    options.add_engine(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    if args.list:
        _list(args)
        return
    if not args.names or not args.out:
        raise DreamError("give the classes, and a folder with -o; --list lists the classes")
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
    events.emit("start", model=model.name, classes=[names[i] for i in numbers], seeds=len(seeds))
    steps = METHODS[args.method].steps * len(numbers)
    with Meter(steps, memory=_memory(opened, args.seeds)) as meter:
        for i, number in enumerate(numbers):
            name = names[number]
            made, before, after = _visualise(opened, number, name, seeds, args.method, meter, i)
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
                with meter.aside():
                    events.wrote(
                        path,
                        f"{path}: {name} {first:.4f} before, {last:.4f} after",
                        **{"class": name},
                        before=round(float(first), 4),
                        after=round(float(last), 4),
                    )
            captions = [f"{name}  {first:.3f} to {last:.3f}" for first, last in zip(before, after)]
            rows.append(list(zip(made, captions)))
    sheet = os.path.join(args.out, _SHEET)
    save(sheet, pictures.contact_sheet(rows), "", args.overwrite)
    events.wrote(sheet, f"wrote {counted(len(rows) * len(seeds), 'picture')} and {sheet}")


def _list(args: argparse.Namespace) -> None:
    """Print the number and the name of each class of the model."""
    names = named(options.model_of(args))
    if events.manner() == events.JSON:
        for number, name in enumerate(names):
            events.emit("class", number=number, name=name)
    else:
        print_table([(str(number), name) for number, name in enumerate(names)])


def _memory(opened: nets.OpenNet, seeds: int) -> int:
    return memory.of_net(opened, [opened.size], seeds, BYTES_PER_PIXEL)


def _visualise(
    opened: nets.OpenNet,
    number: int,
    name: str,
    seeds: range,
    method: str,
    meter: Meter,
    classes_before: int,
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The class's pictures, one for each seed, and its probability for each before and after."""
    output, size, net = opened.output, opened.size, opened.net
    noise = grey_noise(size, seeds)
    before = probabilities(net, noise, number, size, output.predict)

    def report(done: int, total: int) -> None:
        meter.at(classes_before * total + done, name, **{"class": name}, step=done, steps=total)

    made = visualise(net, output.layer, number, size, seeds, METHODS[method], report, output.scores)
    after = probabilities(net, made, number, size, output.predict)
    return made, before, after

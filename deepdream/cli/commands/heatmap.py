"""`deepdream heatmap`: where a class is in a picture, drawn over it, by the model's net made to
take any size."""

import argparse
import os
from pathlib import Path
from typing import Any, List

import numpy as np

from netfile.terminal import say

from ... import nets, pictures
from ...dream.preprocess import preprocess
from ...errors import SizeError
from ...nets.class_output import check_class, class_output
from ...nets.labels import distinct
from ...pictures.output import check_file
from ...pictures.resize import bicubic
from ...studies import heatmap
from .. import events, meant, options
from ..results import check_picture, save

EXAMPLES = (
    "deepdream heatmap photo.jpg --class pagoda",
    "deepdream heatmap photo.jpg --class 23 -o where.png --scale 1.5",
)


def add_parser(verbs: Any) -> None:
    p = options.add_command(verbs, "heatmap", "draw over a picture where a class is", EXAMPLES)
    p.add_argument("image", type=options.filled, metavar="IMAGE", help="the picture")
    p.add_argument(
        "--class",
        dest="class_name",
        type=options.filled,
        required=True,
        metavar="NAME",
        help="a class of the model, by name or number",
    )
    options.add_out(
        p,
        "OUT",
        "the picture to write (default: IMAGE's name with the class in it, in the working folder)",
        required=False,
    )
    options.add_model(p, scale_is_free=False)
    p.add_argument(
        "--scale",
        type=options.number(float, 0, inclusive=False, highest=100),
        default=1.0,
        metavar="X",
        help="enlarge the picture first; a class shows at its size in training",
    )
    options.add_engine(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    class_text = args.class_name.replace(os.sep, "_").replace(" ", "_")
    out = args.out or f"{Path(args.image).stem}-{class_text}.png"
    check_file(out, pictures.FORMATS, args.overwrite, [args.image])
    pixels = pictures.load(args.image)
    height, width = (max(1, round(n * args.scale)) for n in pixels.shape[:2])
    pixels = bicubic(pixels, (height, width))
    model = meant.model_of(args)
    number, name = nets.class_number(model, args.class_name)

    def end(description: Any) -> List[str]:
        output = class_output(description, len(nets.classes(model)))
        check_class(description, output, number)
        return [output.end]

    try:
        opened = nets.open(
            model,
            args.engine,
            layers=end,
            sizes=[(height, width)],
            backward=False,
            any_size=True,
            beside=heatmap.BYTES_PER_PIXEL,
            gpu=args.gpu,
        )
    except SizeError as e:
        if e.declared and e.fits is None:
            e.enlarge = np.ceil(max(e.declared[0] / height, e.declared[1] / width) * 10) / 10
        raise
    check_file(out, pictures.FORMATS, args.overwrite, [model.weights, model.deploy])
    check_picture(out, (height, width), "")
    output = opened.output
    blob = output.probabilities
    size, step = heatmap.window(opened.description, blob)
    values = heatmap.class_map(opened.net, preprocess(opened.net, pixels), blob)
    values = output.shares(values[None])[0]
    heat = heatmap.enlarge(values[number], (height, width), size, step)
    save(out, heatmap.over(pixels, heat), "", args.overwrite)
    _tell(model, name, values, number)
    events.wrote(out)


def _tell(model: nets.Model, name: str, values: np.ndarray, number: int) -> None:
    places = values[number]
    row, column = np.unravel_index(places.argmax(), places.shape)
    say(
        f"{name} in {model.name}: {places.max():.3f} at most, {places.mean():.3f} on average, over "
        f"{places.shape[1]}x{places.shape[0]} places; strongest in column {column + 1}, row "
        f"{row + 1}"
    )
    peaks = values.reshape(len(values), -1).max(1)
    names = distinct(nets.classes(model), len(values))
    strongest = ", ".join(f"{names[i]} {peaks[i]:.3f}" for i in peaks.argsort()[::-1][:5])
    say(f"strongest classes anywhere: {strongest}")

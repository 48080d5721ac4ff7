"""`net_surgery heatmap`: a model, its net made to take any size, a picture, and where a class is in it."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from net_surgery.errors import ShapeError, SurgeryError
from netfile.shapes import infer

from ... import pictures
from ...dream.preprocess import preprocess
from ...errors import SizeError
from ...nets import engine, model
from ...nets.any_size import any_size
from ...pictures import output as files
from ...settings import DEFAULT_MODEL
from ...studies import heatmap

BICUBIC = 3  # Pillow's number, whose name has moved between its releases


def run(ns):
    out = (
        ns.out
        or f"{Path(ns.image).stem}-{ns.class_name.replace(os.sep, '_').replace(' ', '_')}.png"
    )
    files.check_file(out, pictures.FORMATS)
    pixels = _scaled(pictures.load(ns.image), ns.scale)
    caffe = engine.load(ns.engine)
    found = model.find(ns.model or DEFAULT_MODEL)
    number, name = model.class_number(found, ns.class_name)
    model.check_weights(found, model.description(found, caffe), caffe)
    made, _ = any_size(found, caffe)
    description = model.description(made, caffe)
    blob = _last(description)
    size, step = heatmap.window(description, blob)
    _check_size(description, pixels, size)
    net = model.build(made, description, caffe)
    values = heatmap.class_map(net, preprocess(net, pixels), blob)
    if number >= len(values):
        raise SurgeryError(
            f"{found.name} has {len(values)} classes, from 0 to {len(values) - 1}, no {number}"
        )
    pictures.save(
        out, heatmap.over(pixels, heatmap.enlarge(values[number], pixels.shape[:2], size, step))
    )
    _tell(found, name, values, number)
    print(f"wrote {out}")


def _scaled(pixels, scale):
    if scale == 1:
        return pixels
    height, width = (max(1, round(n * scale)) for n in pixels.shape[:2])
    return np.asarray(
        Image.fromarray(pictures.to_bytes(pixels)).resize((width, height), BICUBIC), np.float32
    )


def _last(description):
    """The blob of the last Softmax, or else what the net ends in."""
    softmax = [layer for layer in description.layer if layer.type == "Softmax"]
    return (softmax or list(description.layer))[-1].top[0]


def _check_size(description, pixels, size):
    height, width = pixels.shape[:2]
    try:
        infer(description, {"data": (1, 3, height, width)})
    except ShapeError as e:
        factor = max(size[0] / height, size[1] / width)
        raise SizeError(
            f"the picture is {width}x{height}: {e}; enlarge it: --scale {np.ceil(factor * 10) / 10:g}"
        ) from None


def _tell(found, name, values, number):
    places = values[number]
    row, column = np.unravel_index(places.argmax(), places.shape)
    print(f"{name} in {found.name}: {places.max():.3f} at most, {places.mean():.3f} on average, over {places.shape[1]}x{places.shape[0]} places; "
          f"strongest in column {column + 1}, row {row + 1}")  # fmt: skip
    peaks = values.reshape(len(values), -1).max(1)
    names = model.classes(found) or [str(i) for i in range(len(values))]
    print(
        "strongest classes anywhere: "
        + ", ".join(f"{names[i]} {peaks[i]:.3f}" for i in peaks.argsort()[::-1][:5])
    )

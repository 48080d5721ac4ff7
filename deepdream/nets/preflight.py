"""Checks of a request before it runs: the layer to dream of, and the size of every octave."""

import difflib
import math
from collections import Counter
from typing import Dict

from net_surgery.errors import InnerProductSizeError, ShapeError
from netfile.shapes import infer, window

from ..errors import SizeError, TargetError
from . import engine as engines

_NO_TARGETS = ("Input", "Split", "Data")


def targets(description):
    """Names that are both a layer and the blob it makes, in order: what `end` can be."""
    return [
        layer.name
        for layer in description.layer
        if layer.name in layer.top and layer.type not in _NO_TARGETS
    ]


def check_end(description, end):
    """Raise TargetError, with names that would do, unless a dream can start from `end`."""
    valid = targets(description)
    if end in valid:
        return
    for layer in description.layer:
        blob = layer.top[0] if layer.top else ""
        if layer.name == end and blob in valid:
            raise TargetError(
                f'"{end}" writes the blob "{blob}" and has none of its own; use --end {blob}'
            )
    near = difflib.get_close_matches(end, valid, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise TargetError(
        f'the net has no layer "{end}" to dream of; {hint}`deepdream layers` lists them all'
    )


def needs_any_size(description, end, sizes):
    """Whether an InnerProduct, whose weights are made for one size, stands in the way of these (height, width)."""
    for h, w in sizes:
        try:
            infer(description, {"data": (1, 3, h, w)}, end)
        except InnerProductSizeError:
            return True
        except ShapeError:
            pass  # check_octaves says which and why
    return False


def check_octaves(description, end, sizes):
    """Raise SizeError, naming octave, layer and the largest --octaves that fits, unless every octave suits the net.

    sizes: (height, width) of each octave, largest first.
    """
    for index, (h, w) in enumerate(sizes):
        try:
            infer(description, {"data": (1, 3, h, w)}, end)
        except ShapeError as e:
            raise _unsuited(sizes, index, e) from None


def check_guide(description, end, size):
    """Raise SizeError unless the net takes a guide picture of this (height, width)."""
    try:
        infer(description, {"data": (1, 3, *size)}, end)
    except ShapeError as e:
        raise _unsuited_guide(size, e) from None


def check_on_engine(caffe, description, end, sizes, guide_size=None):
    """As check_octaves and check_guide, but the engine itself is asked, for the layers whose shapes are not worked out here."""
    asked = [*sizes, guide_size] if guide_size else sizes
    found = engines.refusal(caffe, [str(_upto(description, end, size)) for size in asked])
    if found:
        index, why = found
        raise (
            _unsuited(sizes, index, why) if index < len(sizes) else _unsuited_guide(guide_size, why)
        )


def memory_needed(description, end, size, columns):
    """Bytes that a forward and a backward pass take at this (height, width), about: every blob with its diff, a further diff for each
    reader of a blob that has several, what MAX pooling and LRN keep, and, with `columns`, every convolution's columns of the whole
    picture, which a real Caffe holds."""
    shapes = infer(description, {"data": (1, 3, *size)}, end)
    counts = {blob: math.prod(shape) for blob, shape in shapes.items() if shape}
    total = 2 * sum(counts.values())
    readers: Dict[str, int] = Counter()
    for layer in description.layer:
        top = counts.get(layer.top[0], 0) if layer.top else 0
        for blob in layer.bottom:
            readers[blob] += blob not in layer.top
        if layer.type == "Pooling" and layer.pooling_param.pool == 0 or layer.type == "LRN":
            total += top
        if columns and layer.type == "Convolution" and top and shapes.get(layer.bottom[0]):
            kernel = math.prod(window(layer.convolution_param)[0])
            total += (
                shapes[layer.bottom[0]][1] * kernel * math.prod(shapes[layer.top[0]][2:])
                if kernel > 1
                else 0
            )
        if layer.name == end:
            break
    total += sum(count * counts.get(blob, 0) for blob, count in readers.items() if count > 1)
    return 4 * total


def check_memory(description, end, size, caffe):
    """Raise SizeError, with a size that fits, where a pass at this (height, width) needs more memory than is free."""
    free = engines.available_memory()
    if free is None:
        return
    needed = memory_needed(description, end, size, columns=not engines.errors(caffe))
    if needed > free:
        share = math.sqrt(free / needed)
        raise SizeError(
            f"the picture is {size[1]}x{size[0]}: a step at that size takes {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; "
            f"use a picture of {int(size[1] * share)}x{int(size[0] * share)} at most, or a layer nearer to the input"
        )


def _upto(description, end, size):
    """A copy of the description up to the layer `end`, for one picture of this (height, width)."""
    out = type(description)()
    out.CopyFrom(description)
    del out.layer[[layer.name for layer in out.layer].index(end) + 1 :]
    for layer in out.layer:
        for i, top in enumerate(layer.top if layer.type == "Input" else []):
            shapes = layer.input_param.shape
            if top == "data":
                shapes[i if len(shapes) > 1 else 0].dim[:] = [1, 3, *size]
    return out


def _unsuited(sizes, index, why):
    h, w = sizes[index]
    if index == 0:
        return SizeError(f"the picture is {w}x{h}: {why}")
    return SizeError(
        f"octave {len(sizes) - index} of {len(sizes)} would be {w}x{h} pixels: {why}; use --octaves {index} at most"
    )


def _unsuited_guide(size, why):
    return SizeError(f"the guide picture is {size[1]}x{size[0]}: {why}; use a larger one")

"""Checks of a request before it runs: the layer to dream of, and the size of every octave."""

import difflib

from net_surgery.errors import InnerProductSizeError, ShapeError
from net_surgery.shapes import infer

from . import engine as engines
from .errors import SizeError, TargetError

_NO_TARGETS = ("Input", "Split", "Data")


def targets(description):
    """Names that are both a layer and the blob it makes, in order: what `end` can be."""
    return [layer.name for layer in description.layer if layer.name in layer.top and layer.type not in _NO_TARGETS]


def check_end(description, end):
    """Raise TargetError, with names that would do, unless a dream can start from `end`."""
    valid = targets(description)
    if end in valid:
        return
    for layer in description.layer:
        blob = layer.top[0] if layer.top else ""
        if layer.name == end and blob in valid:
            raise TargetError(f'"{end}" writes the blob "{blob}" and has none of its own; use --end {blob}')
    near = difflib.get_close_matches(end, valid, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise TargetError(f'the net has no layer "{end}" to dream of; {hint}`deepdream layers` lists them all')


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
        raise _unsuited(sizes, index, why) if index < len(sizes) else _unsuited_guide(guide_size, why)


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
    return SizeError(f"octave {len(sizes) - index} of {len(sizes)} would be {w}x{h} pixels: {why}; use --octaves {index} at most")


def _unsuited_guide(size, why):
    return SizeError(f"the guide picture is {size[1]}x{size[0]}: {why}; use a larger one")

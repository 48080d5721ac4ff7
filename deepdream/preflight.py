"""Checks of a request before it runs: the layer to dream of, and the size of every octave."""

import difflib

from . import engine as engines
from .errors import SizeError, TargetError
from .shapes import layers_of, shapes, targets, truncated


def check_end(description, end):
    """Raise TargetError, with names that would do, unless a dream can start from `end`."""
    valid = targets(description)
    if end in valid:
        return
    for layer in layers_of(description):
        blob = layer.tops[0] if layer.tops else ""
        if layer.name == end and blob in valid:
            raise TargetError(f'"{end}" writes the blob "{blob}" and has none of its own; use --end {blob}')
    near = difflib.get_close_matches(end, valid, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise TargetError(f'the net has no layer "{end}" to dream of; {hint}`deepdream layers` lists them all')


def check_octaves(description, end, sizes):
    """Raise SizeError, naming octave, layer and the largest --octaves that fits, unless every octave suits the net.

    sizes: (height, width) of each octave, largest first.
    """
    for index, (h, w) in enumerate(sizes):
        try:
            shapes(description, max(h, 0), max(w, 0), end)
        except SizeError as e:
            raise _unsuited(sizes, index, e) from None


def check_guide(description, end, size):
    """Raise SizeError unless the net takes a guide picture of this (height, width)."""
    try:
        shapes(description, size[0], size[1], end)
    except SizeError as e:
        raise _unsuited_guide(size, e) from None


def check_on_engine(caffe, description, end, sizes, guide_size=None):
    """As check_octaves and check_guide, but the engine itself is asked, for the layers whose shapes are not worked out here."""
    asked = [*sizes, guide_size] if guide_size else sizes
    found = engines.refusal(caffe, [str(truncated(description, end, h, w)) for h, w in asked])
    if found:
        index, why = found
        raise _unsuited(sizes, index, why) if index < len(sizes) else _unsuited_guide(guide_size, why)


def _unsuited(sizes, index, why):
    h, w = sizes[index]
    if index == 0:
        return SizeError(f"the picture is {w}x{h}: {why}")
    return SizeError(f"octave {len(sizes) - index} of {len(sizes)} would be {w}x{h} pixels: {why}; use --octaves {index} at most")


def _unsuited_guide(size, why):
    return SizeError(f"the guide picture is {size[1]}x{size[0]}: {why}; use a larger one")

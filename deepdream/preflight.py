"""Checks of a request before it runs: the layer to dream of, and the size of every octave."""

import difflib

from .errors import SizeError, TargetError
from .octaves import octave_sizes
from .shapes import layers_of, shapes, targets


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


def check_octaves(description, end, height, width, dream):
    """Raise SizeError, naming octave, layer and the largest --octaves that fits, unless every octave suits the net."""
    sizes = octave_sizes(height, width, dream.octaves, dream.octave_scale)
    for index, (h, w) in enumerate(sizes):
        try:
            shapes(description, max(h, 0), max(w, 0), end)
        except SizeError as e:
            if index == 0:
                raise SizeError(f"the picture is {width}x{height}: {e}") from None
            raise SizeError(
                f"octave {dream.octaves - index} of {dream.octaves} would be {w}x{h} pixels: {e}; use --octaves {index} at most"
            ) from None

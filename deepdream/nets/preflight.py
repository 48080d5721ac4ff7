"""Checks of a request before it runs: the layer to dream of, the size of every octave."""

import difflib
from typing import Any, List, Optional, Sequence, Tuple

from netfile.errors import InnerProductSizeError, ShapeError
from netfile.shapes import infer

from ..errors import SizeError, TargetError
from .description import input_name, input_shape

Size = Tuple[int, int]
_NO_TARGETS = ("Input", "Split", "Data")


def targets(description: Any) -> List[str]:
    """Names that are both a layer and the blob that it makes, in order: what `end` can be."""
    return [
        layer.name
        for layer in description.layer
        if layer.name in layer.top and layer.type not in _NO_TARGETS
    ]


def check(description: Any, end: str, sizes: Sequence[Size], is_blob: bool = False) -> None:
    """Ask whether a dream can start from `end` with octaves of these (height, width), largest
    first.

    is_blob: whether `end` may be a blob that no layer is called after, such as a class output.

    Raises:
        TargetError: as `check_end`.
        SizeError: as `check_octaves`.
    """
    makers = [layer.name for layer in description.layer if layer.bottom and end in layer.top]
    if is_blob and makers and end not in targets(description):
        end = makers[-1]
    else:
        check_end(description, end)
    check_octaves(description, end, sizes)


def check_end(description: Any, end: str) -> None:
    """Ask whether a dream can start from `end`.

    Raises:
        TargetError: it cannot; with the names that are nearest.
    """
    valid = targets(description)
    if end in valid:
        return
    for layer in description.layer:
        blob = layer.top[0] if layer.top else ""
        if layer.name == end and blob in valid:
            raise TargetError(
                f'"{end}" writes the blob "{blob}" and has none of its own', layer=end, instead=blob
            )
    near = difflib.get_close_matches(end, valid, 3, 0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise TargetError(f'the net has no layer "{end}" to dream of{hint}', layer=end)


def needs_any_size(description: Any, end: str, sizes: Sequence[Size]) -> bool:
    """Whether an InnerProduct, whose weights are made for one size, forbids one of these (height,
    width)."""
    for size in sizes:
        try:
            infer(description, input_shape(description, size), end)
        except InnerProductSizeError:
            return True
        except ShapeError:
            pass  # check_octaves says which and why
    return False


def check_octaves(description: Any, end: str, sizes: Sequence[Size]) -> None:
    """Ask whether every octave suits the net. sizes: (height, width) of each octave, largest first.

    Raises:
        SizeError: one does not; it names the octave and the layer, and the most octaves that fit.
    """
    for index, size in enumerate(sizes):
        try:
            infer(description, input_shape(description, size), end)
        except ShapeError as e:
            raise octave_unsuited(sizes, index, str(e)) from None


def check_guide(description: Any, end: str, size: Size) -> None:
    """Ask whether the net takes a guide picture of this (height, width).

    Raises:
        SizeError: it does not.
    """
    try:
        infer(description, input_shape(description, size), end)
    except ShapeError as e:
        raise guide_unsuited(size, str(e)) from None


def unknown_sizes(description: Any, end: str, sizes: Sequence[Size]) -> List[Size]:
    """Those of the sizes at which some layer's shape cannot be worked out, so that an engine must
    be asked."""
    unknown = []
    for size in sizes:
        shapes = infer(description, input_shape(description, size), end)
        if any(shape is None for shape in shapes.values()):
            unknown.append(size)
    return unknown


def octave_unsuited(sizes: Sequence[Size], index: int, why: str) -> SizeError:
    """The error of octave number `index` (0 is the picture itself) of these (height, width)."""
    height, width = sizes[index]
    if index == 0:
        return SizeError(f"the picture is {width}x{height}: {why}", size=sizes[0])
    return SizeError(
        f"octave {len(sizes) - index} of {len(sizes)} would be {width}x{height} pixels: {why}",
        size=sizes[index],
        octaves=index,
    )


def guide_unsuited(size: Size, why: str) -> SizeError:
    """The error of a guide picture of this (height, width)."""
    return SizeError(
        f"the guide picture is {size[1]}x{size[0]}: {why}; use a larger one", size=size
    )


def truncated(description: Any, end: str, size: Optional[Size] = None) -> Any:
    """A copy of a description up to the layer `end`, for one picture of this (height, width)."""
    out = type(description)()
    out.CopyFrom(description)
    del out.layer[[layer.name for layer in out.layer].index(end) + 1 :]
    source = next(layer for layer in out.layer if layer.type == "Input")
    if size:
        source.input_param.shape[0].dim[:] = input_shape(description, size)[input_name(description)]
    return out

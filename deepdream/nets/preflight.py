"""Checks of a request before it runs: the layer to dream of, the size of every octave, the memory
of a pass."""

import difflib
import math
from collections import Counter
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from netfile.errors import InnerProductSizeError, ShapeError
from netfile.shapes import infer, window

from ..errors import SizeError, TargetError
from . import engine
from .description import input_name, input_shape

Size = Tuple[int, int]
_NO_TARGETS = ("Input", "Split", "Data")


class Pass(NamedTuple):
    """The largest pass that a request makes: up to `end`, `batch` pictures of (height, width)
    `size`.

    backward: whether it runs backward too.
    """

    end: str
    size: Size
    batch: int = 1
    backward: bool = True


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


def memory_needed(description: Any, largest: Pass, columns: bool) -> int:
    """Bytes that a pass takes, about.

    That is every blob with its diff, a further diff for each reader of a blob that has several,
    what MAX pooling and LRN keep, and, with `columns`, every convolution's columns of the whole
    picture, which a real Caffe holds.
    """
    shapes = infer(description, input_shape(description, largest.size, largest.batch), largest.end)
    counts = {blob: math.prod(shape) for blob, shape in shapes.items() if shape}
    total = sum(counts.values()) * (2 if largest.backward else 1)
    readers: Dict[str, int] = Counter()
    for layer in description.layer:
        top = counts.get(layer.top[0], 0) if layer.top else 0
        for blob in layer.bottom:
            readers[blob] += blob not in layer.top
        if layer.type == "Pooling" and layer.pooling_param.pool == 0 or layer.type == "LRN":
            total += top
        if columns and layer.type == "Convolution" and top and shapes.get(layer.bottom[0]):
            total += _columns(layer, shapes)
        if layer.name == largest.end:
            break
    if largest.backward:
        total += sum(count * counts.get(blob, 0) for blob, count in readers.items() if count > 1)
    return 4 * total


def _columns(layer: Any, shapes: Any) -> int:
    """Values of the columns that a real Caffe makes of one picture for this convolution."""
    kernel = math.prod(window(layer.convolution_param)[0])
    channels, places = shapes[layer.bottom[0]][1], math.prod(shapes[layer.top[0]][2:])
    return int(channels * kernel * places) if kernel > 1 else 0


def check_memory(description: Any, largest: Pass, caffe: Any) -> None:
    """Ask whether the largest pass fits into the memory that is free.

    Raises:
        SizeError: it does not; with a size that would.
    """
    free = engine.available_memory()
    if free is None:
        return
    needed = memory_needed(description, largest, columns=engine.aborts(caffe))
    if needed <= free:
        return
    height, width = largest.size
    share = math.sqrt(free / needed)
    fits = int(height * share), int(width * share)
    what = f"the picture is {width}x{height}: a step at that size takes"
    if largest.batch > 1:
        what = f"{largest.batch} pictures of {width}x{height} at a time take"
    raise SizeError(
        f"{what} {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; "
        + (
            f"{int(largest.batch * free / needed)} at a time would fit"
            if largest.batch > 1
            else f"use a picture of {fits[1]}x{fits[0]} at most, or a layer nearer to the input"
        ),
        size=largest.size,
        fits=fits,
    )


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

"""The memory that a request takes, of the host or of a GPU, compared with what is free, before
anything is computed."""

import math
from collections import Counter
from typing import Any, Dict, NamedTuple, Optional, Sequence

import netfile.system.memory
from netfile.shapes import infer, weight_shapes, window

from ..errors import ModelError, Size, SizeError
from . import engine, lean
from .description import input_shape

# of a GPU's memory, by the layers' code: tensors as its top that a layer has for a moment
_FOR_A_MOMENT = {"LRN": 4}  # others: their result, beside that of the pass before
# bytes for each pixel: at the end of a step its change, and what makes that smooth; and always
_OF_A_STEP, _OF_A_PICTURE = 90, 24
# tensors as their top that layers keep; in place, their input and what came from above for the
# gradient of their weights
_KEPT = {"LRN": 1, "Swish": 1}
_KEPT_IN_PLACE = {"PReLU": 2, "Scale": 2, "Bias": 1}
_SURE = 0.95  # of what is allowed: what a pass takes is worked out to about so much


class Pass(NamedTuple):
    """The largest pass that a request makes: up to `end`, `batch` pictures of (height, width)
    `size`.

    backward: whether it runs backward too. beside: bytes that the request keeps for each pixel of
    its pictures, beside the net. what: the picture.
    """

    end: str
    size: Size
    batch: int = 1
    backward: bool = True
    beside: int = 0
    what: str = "picture"


def needed(description: Any, largest: Pass, real_caffe: bool) -> int:
    """Bytes that a pass takes, about, and what is kept beside it."""
    beside = largest.beside * largest.batch * math.prod(largest.size)
    return 4 * _values(description, largest, real_caffe) + beside


def held(description: Any, largest: Pass, real_caffe: bool) -> int:
    """Bytes that the net still holds after such passes, and uses again in the next ones."""
    return 4 * _values(description, largest, real_caffe, after=True)


def _values(description: Any, largest: Pass, real_caffe: bool, after: bool = False) -> int:
    """Values that a pass takes; after: those that the net holds after it."""
    shapes = infer(description, input_shape(description, largest.size, largest.batch), largest.end)
    counts = {blob: math.prod(shape) for blob, shape in shapes.items() if shape}
    layers = description.layer[: _index(description, largest.end) + 1]
    one = largest.batch == 1
    if real_caffe:
        values = sum(counts.values()) * (2 if largest.backward else 1)
        values += _caffes_own(layers, shapes, counts, largest.backward)
    elif largest.backward:
        values = lean.values(layers, counts, list(layers[-1].top), one, after)
    else:
        # a Concat's bottoms lie in its top; with several items in the batch they cannot
        values = sum(counts.values()) - sum(
            counts.get(blob, 0) for layer in layers if one and layer.type == "Concat"
            for blob in layer.bottom
        )  # fmt: skip
    return values


def needed_there(description: Any, largest: Pass) -> int:
    """Bytes that a pass of the built-in engine takes on a GPU, about, beside its weights.

    A library that convolves may take more, where there is more.
    """
    shapes = infer(description, input_shape(description, largest.size, largest.batch), largest.end)
    counts = {blob: math.prod(shape) for blob, shape in shapes.items() if shape}
    layers = description.layer[: _index(description, largest.end) + 1]
    values = sum(counts.values()) * (2 if largest.backward else 1)
    one, moment = largest.batch == 1, 0
    for layer in layers:
        top = counts.get(layer.top[0], 0) if layer.top else 0
        moment = max(moment, top * _FOR_A_MOMENT.get(layer.type, 1))
        if layer.type == "Pooling" and layer.pooling_param.pool == 0:
            values += 2 * top  # the maxima's places, as 64 bits
        values += _KEPT.get(layer.type, 0) * top
        if list(layer.top) == list(layer.bottom):
            values += _KEPT_IN_PLACE.get(layer.type, 0) * top
        if layer.type == "Concat" and one:  # its bottoms lie in its top
            values -= sum(counts.get(blob, 0) for blob in layer.bottom)
    pixels = largest.batch * math.prod(largest.size)
    moment = max(4 * moment, _OF_A_STEP * pixels if largest.backward else 0)
    return 4 * values + moment + _OF_A_PICTURE * pixels


def weights_there(description: Any, end: str) -> int:
    """Bytes of the weights that passes up to `end` bring to a GPU."""
    names = {layer.name for layer in description.layer[: _index(description, end) + 1]}
    shapes = weight_shapes(description).items()
    return 4 * sum(math.prod(shape) for name, every in shapes if name in names for shape in every)


def _index(description: Any, end: str) -> int:
    names = [layer.name for layer in description.layer]
    return names.index(end) if end in names else len(names)


def _caffes_own(layers: Any, shapes: Any, counts: Dict[str, int], backward: bool) -> int:
    """Values that a real Caffe holds beside its blobs.

    What MAX pooling and LRN keep, every convolution's columns of one picture, and a diff for each
    reader of a blob that has several.
    """
    values = 0
    readers: Dict[str, int] = Counter()
    for layer in layers:
        top = counts.get(layer.top[0], 0) if layer.top else 0
        for blob in layer.bottom:
            readers[blob] += blob not in layer.top
        if layer.type == "Pooling" and layer.pooling_param.pool == 0 or layer.type == "LRN":
            values += top
        if layer.type == "Convolution" and top and shapes.get(layer.bottom[0]):
            values += _columns(layer, shapes)
    if backward:
        values += sum(count * counts.get(blob, 0) for blob, count in readers.items() if count > 1)
    return values


def _columns(layer: Any, shapes: Any) -> int:
    """Values of the columns that a real Caffe makes of one picture for this convolution."""
    kernel = math.prod(window(layer.convolution_param)[0])
    channels, places = shapes[layer.bottom[0]][1], math.prod(shapes[layer.top[0]][2:])
    return int(channels * kernel * places) if kernel > 1 else 0


def of_net(opened: Any, sizes: Sequence[Size], batch: int = 1, beside: int = 0) -> int:
    """Bytes that an open net takes for passes at these (height, width), by its tiles if it has any,
    its weights among them; of a GPU's memory, if the built-in engine computes there.

    opened: an OpenNet. batch, beside: as in Pass.
    """
    real_caffe = engine.aborts(opened.caffe)
    largest = max(sizes, key=math.prod)
    one = Pass(opened.end, opened.tile or largest, batch)
    if is_of_gpu(opened):
        weights = weights_there(opened.description, opened.end)
        return needed_there(opened.description, one) + weights
    takes = needed(opened.description, one, real_caffe) + beside * batch * math.prod(largest)
    return takes + int(opened.model.weights.stat().st_size)


def is_of_gpu(opened: Any) -> bool:
    """Whether what `of_net` gives is of a GPU's memory."""
    return opened.gpu is not None and not engine.aborts(opened.caffe)


def free() -> Optional[netfile.system.memory.Free]:
    """The memory that is free; a place for tests to say how much."""
    return netfile.system.memory.free()


def in_words(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def available(most: Optional[int] = None, holds: int = 0) -> Optional[netfile.system.memory.Free]:
    """The memory that a request can have; None where nothing is known of it.

    Args:
        most: bytes that this process may have in all, if that is bounded.
        holds: bytes that an open net has taken already and uses again.
    """
    bounds = [free()]
    if most is not None:
        left = int(_SURE * max(0, most - netfile.system.memory.resident()))
        bounds.append(netfile.system.memory.Free(left, f"left of the {in_words(most)} allowed"))
    least = min((bound for bound in bounds if bound), default=None)
    return least and least._replace(bytes=least.bytes + holds)


def is_much(count: int, most: Optional[int] = None, holds: int = 0) -> bool:
    """Whether so many bytes are more than half of what a request can have; most, holds: as in
    `available`."""
    left = available(most, holds)
    return left is not None and 2 * count > left.bytes


def kept(description: Any, end: str, size: Size) -> int:
    """Bytes of the activations of `end` for one picture of this (height, width)."""
    shape = infer(description, input_shape(description, size), end).get(end)
    return 4 * math.prod(shape) if shape else 0


def check(
    description: Any,
    largest: Pass,
    caffe: Any,
    weights: int = 0,
    guides: int = 0,
    holds: int = 0,
    most: Optional[int] = None,
) -> None:
    """Ask whether the largest pass fits into the memory that is free.

    Args:
        weights: bytes of the caffemodel, if it is not loaded yet.
        guides: bytes of the guides' activations, which stay beside it.
        holds, most: as in `available`.

    Raises:
        ModelError: the weights alone do not fit.
        SizeError: the pass does not, with a size that would; or not beside the guides' activations.
    """
    left = available(most, holds)
    if left is None:
        return
    if weights >= left.bytes:
        raise ModelError(
            f"the weights take {in_words(weights)} of memory, and {in_words(left.bytes)} are "
            f"{left.bound}; use a smaller net"
        )
    takes = needed(description, largest, real_caffe=engine.aborts(caffe))
    share = (left.bytes - weights) / takes
    if share >= 1 and weights + takes + guides > left.bytes:
        raise SizeError(
            f"the guides' activations take {guides / 1e9:.1f} GB of memory beside a step's "
            f"{(weights + takes) / 1e9:.1f}, and {left.bytes / 1e9:.1f} GB are {left.bound}; use "
            "fewer guide pictures, or smaller ones"
        )
    if share >= 1:
        return
    raise _too_large(largest, weights + takes, share, left)


def check_there(
    description: Any, largest: Pass, left: Optional[netfile.system.memory.Free], guides: int = 0
) -> None:
    """Ask whether the largest pass fits into the memory of a GPU.

    Args:
        left: what is free of it; None where nothing is known of that.
        guides: bytes of the guides' activations, which stay beside the pass.

    Raises:
        ModelError: what stays beside the pass does not fit.
        SizeError: the pass does not, with a size that would.
    """
    if left is None:
        return
    stays = weights_there(description, largest.end) + guides
    if stays >= left.bytes:
        raise ModelError(
            f"the weights{' and guides' if guides else ''} take {in_words(stays)} of memory, and "
            f"{in_words(left.bytes)} are {left.bound}; use a smaller net, or compute on the CPU"
        )
    takes = needed_there(description, largest)
    share = (left.bytes - stays) / takes
    if share < 1:
        error = _too_large(largest, stays + takes, share, left)
        error.on_gpu = True
        raise error


def _too_large(
    largest: Pass, takes: int, share: float, left: netfile.system.memory.Free
) -> SizeError:
    """The error for a pass of which such a share would fit."""
    height, width = largest.size
    side = math.sqrt(share)
    fits = int(height * side), int(width * side)
    what = f"the {largest.what} is {width}x{height}: a step at that size takes"
    way_out = f"use a {largest.what} of {fits[1]}x{fits[0]} at most, or a layer nearer to the input"
    if largest.batch > 1:
        what = f"{largest.batch} pictures of {width}x{height} at a time take"
        way_out = f"{int(largest.batch * share) or 'not even one'} at a time would fit"
    return SizeError(
        f"{what} {takes / 1e9:.1f} GB of memory, and {left.bytes / 1e9:.1f} GB are {left.bound}; "
        f"{way_out}",
        size=largest.size,
        fits=fits,
    )

"""Layers without parameters: neurons, and what normalizes, joins, cuts and reshapes blobs."""

import math
from typing import Any, List

from .common import Known, Rules, Shape, canonical_axis, check_four_axes, refused

# each value by itself, so that the top has the shape of the bottom
NEURONS = {
    "AbsVal", "BNLL", "Clip", "Dropout", "ELU", "Exp", "Log", "Power", "ReLU", "Sigmoid", "Swish",
    "TanH", "Threshold",
}  # fmt: skip


def _same(layer: Any, bottoms: List[Known]) -> List[Shape]:
    return [bottoms[0]]


def _lrn(layer: Any, bottoms: List[Known]) -> List[Shape]:
    check_four_axes(layer, bottoms[0])
    if layer.lrn_param.local_size % 2 == 0:
        raise refused(layer, f"has local_size {layer.lrn_param.local_size}, which must be odd")
    return [bottoms[0]]


def _softmax(layer: Any, bottoms: List[Known]) -> List[Shape]:
    canonical_axis(layer, layer.softmax_param.axis, bottoms[0])
    return [bottoms[0]]


def _eltwise(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p = layer.eltwise_param
    if p.coeff and len(p.coeff) != len(bottoms):
        raise refused(layer, f"has {len(bottoms)} bottoms but {len(p.coeff)} coefficients")
    if p.coeff and p.operation == p.PROD:
        raise refused(layer, "is a product, which takes no coefficients")
    for bottom in bottoms[1:]:
        if bottom != bottoms[0]:
            raise refused(layer, f"gets bottoms of unlike shapes: {bottoms[0]} and {bottom}")
    return [bottoms[0]]


def _split(layer: Any, bottoms: List[Known]) -> List[Shape]:
    return [bottoms[0]] * len(layer.top)


def _concat(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p, first = layer.concat_param, bottoms[0]
    axis = canonical_axis(layer, p.concat_dim if p.HasField("concat_dim") else p.axis, first)
    for bottom in bottoms[1:]:
        if (bottom[:axis], bottom[axis + 1 :]) != (first[:axis], first[axis + 1 :]):
            raise refused(layer, f"gets bottoms {first} and {bottom}, unlike outside axis {axis}")
    if any(len(bottom) != len(first) for bottom in bottoms):
        raise refused(layer, f"gets bottoms of unlike numbers of axes: {bottoms}")
    return [(*first[:axis], sum(bottom[axis] for bottom in bottoms), *first[axis + 1 :])]


def _slice(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p, shape, tops = layer.slice_param, bottoms[0], len(layer.top)
    axis = canonical_axis(layer, p.slice_dim if p.HasField("slice_dim") else p.axis, shape)
    size, points = shape[axis], list(p.slice_point)
    if points and len(points) != tops - 1:
        raise refused(
            layer, f"has {tops} tops and so needs {tops - 1} slice points, not {len(points)}"
        )
    if not points and size % tops:
        raise refused(
            layer, f"cannot cut axis {axis} of its bottom {shape} into {tops} equal parts"
        )
    edges = [0, *(points or [size // tops * i for i in range(1, tops)]), size]
    if any(start >= end for start, end in zip(edges, edges[1:])):
        raise refused(
            layer,
            f"has slice points {points}, which must rise and lie within the {size} places "
            f"of axis {axis}",
        )
    return [
        (*shape[:axis], end - start, *shape[axis + 1 :]) for start, end in zip(edges, edges[1:])
    ]


def _flatten(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p, shape = layer.flatten_param, bottoms[0]
    first = canonical_axis(layer, p.axis, shape)
    last = canonical_axis(layer, p.end_axis, shape)
    if last < first:
        raise refused(layer, f"has end_axis {p.end_axis} before axis {p.axis} of {shape}")
    return [(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])]


def _reshape(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p, shape = layer.reshape_param, bottoms[0]
    first = p.axis if p.axis >= 0 else p.axis + len(shape) + 1
    last = len(shape) if p.num_axes == -1 else first + p.num_axes
    if not 0 <= first <= last <= len(shape):
        raise refused(
            layer, f"has axis {p.axis} and num_axes {p.num_axes}, not within its bottom {shape}"
        )
    wanted = list(p.shape.dim)
    if wanted.count(-1) > 1 or any(
        d == 0 and first + i >= len(shape) for i, d in enumerate(wanted)
    ):
        raise refused(
            layer,
            f"cannot make {wanted} of its bottom {shape}: one -1 at most, "
            "and no 0 after the last axis",
        )
    dims = [shape[first + i] if d == 0 else d for i, d in enumerate(wanted)]
    count = math.prod(shape)
    known = math.prod(d for d in (*shape[:first], *dims, *shape[last:]) if d != -1)
    if -1 in dims and known and count % known == 0:
        dims[dims.index(-1)] = count // known
    top = (*shape[:first], *dims, *shape[last:])
    if math.prod(top) != count or min(top, default=0) < 0:
        raise refused(layer, f"cannot make {wanted} of the {count} values of its bottom {shape}")
    return [top]


def _crop(layer: Any, bottoms: List[Known]) -> List[Shape]:
    source, like = bottoms
    axis = canonical_axis(layer, layer.crop_param.axis, source)
    offsets = list(layer.crop_param.offset)
    if len(source) != len(like):
        raise refused(layer, f"gets bottoms {source} and {like} of unlike numbers of axes")
    cropped = len(source) - axis
    if len(offsets) > 1 and len(offsets) != cropped:
        raise refused(
            layer,
            f"crops {cropped} axes but has {len(offsets)} offsets; give one, or one for each",
        )
    if len(offsets) < 2:
        offsets = (offsets or [0]) * cropped
    starts = (*(0,) * axis, *offsets)
    top = (*source[:axis], *like[axis:])
    if any(start + size > whole for start, size, whole in zip(starts, top, source)):
        raise refused(layer, f"wants {top} from {starts} on, beyond its bottom {source}")
    return [top]


def _tile(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p, shape = layer.tile_param, bottoms[0]
    axis = canonical_axis(layer, p.axis, shape)
    if p.tiles < 1:
        raise refused(layer, "needs tiles, at least 1")
    return [(*shape[:axis], shape[axis] * p.tiles, *shape[axis + 1 :])]


def _reduction(layer: Any, bottoms: List[Known]) -> List[Shape]:
    return [bottoms[0][: canonical_axis(layer, layer.reduction_param.axis, bottoms[0])]]


def _argmax(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p, shape = layer.argmax_param, bottoms[0]
    axis = canonical_axis(layer, p.axis, shape) if p.HasField("axis") else None
    size = math.prod(shape[1:]) if axis is None else shape[axis]
    if not 1 <= p.top_k <= size:
        raise refused(layer, f"has top_k {p.top_k}, which must be from 1 to {size}")
    if axis is not None:
        return [(*shape[:axis], p.top_k, *shape[axis + 1 :])]
    return [(shape[0], 1 + p.out_max_val, p.top_k, *(1,) * (len(shape) - 3))]


def _batch_reindex(layer: Any, bottoms: List[Known]) -> List[Shape]:
    items, numbers = bottoms
    if len(numbers) != 1:
        raise refused(layer, f"wants item numbers of one axis as its second bottom, not {numbers}")
    return [(*numbers, *items[1:])]


def _filter(layer: Any, bottoms: List[Known]) -> List[Shape]:
    """How many items are chosen, only the values say."""
    *blobs, selector = bottoms
    if len(layer.top) != len(blobs):
        raise refused(layer, f"has {len(layer.top)} tops for {len(blobs)} bottoms and a selector")
    if math.prod(selector) != selector[0]:
        raise refused(layer, f"wants a selector with one value for each item, not {selector}")
    for blob in blobs:
        if blob[0] != selector[0]:
            raise refused(layer, f"gets {blob[0]} items {blob} and a selector for {selector[0]}")
    return [None] * len(blobs)


def _nothing(layer: Any, bottoms: List[Known]) -> List[Shape]:
    return []


def _unknown(layer: Any, bottoms: List[Known]) -> List[Shape]:
    """The shapes are up to the layer's own code."""
    return [None] * len(layer.top)


TOPS: Rules = {
    **dict.fromkeys(NEURONS, _same),
    "ArgMax": _argmax,
    "BatchReindex": _batch_reindex,
    "Concat": _concat,
    "Crop": _crop,
    "Eltwise": _eltwise,
    "Filter": _filter,
    "Flatten": _flatten,
    "HDF5Output": _nothing,
    "LRN": _lrn,
    "MVN": _same,
    "Python": _unknown,
    "Reduction": _reduction,
    "Reshape": _reshape,
    "Silence": _nothing,
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Tile": _tile,
}

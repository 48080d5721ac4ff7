"""Where a top's pixels lie in another top's coordinates, for layers of a NetSpec.

So that one can be cropped to the other, as fully convolutional nets need it (Long et al., arXiv
1411.4038). A map is (axis, a, b): the coordinate x of one top, from `axis` on, lies at a x + b in
the other; axis None: any.
"""

from typing import Any, Iterator, Tuple

import numpy as np

from .net_spec import Function, Top, layers

# layers that move nothing
PASS_THROUGH_LAYERS = [
    "AbsVal", "BatchNorm", "Bias", "BNLL", "Dropout", "Eltwise", "ELU", "Log", "LRN", "Exp", "MVN",
    "Power", "ReLU", "PReLU", "Scale", "Sigmoid", "Split", "TanH", "Threshold",
]  # fmt: skip
Map = Tuple[Any, Any, Any]
_IDENTITY: Map = (None, 1, 0)


class UndefinedMapException(Exception):
    """A layer whose outputs have no place in its input."""


class AxisMismatchException(Exception):
    """Two maps along different axes."""


def conv_params(fn: Function) -> Tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """(axis, stride, kernel extent, pad) of a convolution, deconvolution or pooling.

    All but the axis are arrays, of one value or one for each axis.
    """
    params = fn.params.get("convolution_param", fn.params.get("pooling_param", fn.params))
    by_axis = {"pad_h", "pad_w", "kernel_h", "kernel_w", "stride_h", "stride_w"} & set(params)
    assert not by_axis, (
        f"cropping does not support legacy _h/_w params ({', '.join(sorted(by_axis))}); "
        "give kernel_size, stride and pad"
    )
    kernel, dilation, stride, pad = (
        np.array(params[name] if default is None else params.get(name, default), ndmin=1)
        for name, default in (("kernel_size", None), ("dilation", 1), ("stride", 1), ("pad", 0))
    )
    return params.get("axis", 1), stride, (kernel - 1) * dilation + 1, pad


def crop_params(fn: Function) -> Tuple[int, np.ndarray]:
    """(axis, offset) of a Crop."""
    params = fn.params.get("crop_param", fn.params)
    return params.get("axis", 2), np.array(params.get("offset", 0), ndmin=1)


def coord_map(fn: Function) -> Map:
    """The map from a layer's bottom to its top. Raises UndefinedMapException if there is none."""
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, kernel, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (kernel - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, kernel, pad = conv_params(fn)
        return axis, stride, (kernel - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return _IDENTITY
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset  # maps count from the last axis that is not a coordinate
    raise UndefinedMapException(f"{fn.type_name} has no map of coordinates")


def compose(base_map: Map, next_map: Map) -> Map:
    """The map that applies next_map, then base_map. Raises AxisMismatchException."""
    (axis1, a1, b1), (axis2, a2, b2) = base_map, next_map
    if axis1 is not None and axis2 is not None and axis1 != axis2:
        raise AxisMismatchException(f"one map is along axis {axis1}, the other along {axis2}")
    return axis2 if axis1 is None else axis1, a1 * a2, a1 * b2 + b1


def inverse(coord_map: Map) -> Map:
    """The map in the other direction."""
    axis, a, b = coord_map
    return axis, 1 / a, -b / a


def _back(top: Top) -> Iterator[Tuple[Top, Map]]:
    """A top and all that it is made of, each with its map; the nearest first."""
    maps, waiting = {top: _IDENTITY}, [top]
    while waiting:
        here = waiting.pop(0)
        yield here, maps[here]
        try:
            step = compose(maps[here], coord_map(here.fn))
        except UndefinedMapException:
            continue
        for bottom in here.fn.inputs[:1] if here.fn.type_name == "Crop" else here.fn.inputs:
            maps[bottom] = step
            waiting.append(bottom)


def coord_map_from_to(top_from: Top, top_to: Top) -> Map:
    """The map of top_from's coordinates to top_to's, through what both are made of.

    Raises RuntimeError where there is no such path.
    """
    from_maps = dict(_back(top_from))
    for top, to_map in _back(top_to):
        if top in from_maps:
            return compose(to_map, inverse(from_maps[top]))
    raise RuntimeError("Could not compute map between tops; are they connected by spatial layers?")


def crop(top_from: Top, top_to: Top) -> Top:
    """A Crop of top_from to top_to's size and place.

    Raises AssertionError where their scales differ, or where it would have to begin outside the
    picture or between pixels.
    """
    axis, a, b = coord_map_from_to(top_from, top_to)
    axis = 1 if axis is None else axis  # nothing between them moves: Crop's own axis
    assert np.all(np.asarray(a) == 1), f"scale mismatch on crop (a = {a})"
    assert np.all(np.asarray(b) <= 0), f"cannot crop negative offset (b = {b})"
    assert np.all(np.round(b) == b), f"cannot crop noninteger offset (b = {b})"
    offset = [int(-v) for v in np.atleast_1d(np.round(b))]
    return layers.Crop(top_from, top_to, crop_param=dict(axis=axis + 1, offset=offset))

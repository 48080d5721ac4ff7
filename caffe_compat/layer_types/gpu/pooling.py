"""Pooling with Caffe's windows; STOCHASTIC runs on the host."""

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import torch

from ..pooling import Pooling
from ..registry import Blobs, twin

_aten = torch.ops.aten
_LOWEST = torch.finfo(torch.float32).min
_MUCH = 16  # times a picture's values: padding beyond that is left to the host


class _Way(NamedTuple):
    """How PyTorch pools with Caffe's windows.

    edges: what is padded first, (left, right, top, bottom), where PyTorch itself has no such
    windows, and may be negative; else None.
    """

    kernel: Tuple[int, int]
    stride: Tuple[int, int]
    pad: Tuple[int, int]
    ceil: bool
    edges: Optional[Tuple[int, ...]]


def _way(layer: Pooling, bottom: Blobs, top: Blobs) -> Optional[_Way]:
    """How to pool; None: on the host."""
    if layer.is_stochastic:
        return None
    size, out, ceil = bottom[0].shape[2:], top[0].shape[2:], not layer.floor
    axes = list(zip(size, out, layer.kernel, layer.stride, layer.pad))
    if all(2 * p <= k and o == _pytorchs(s, k, st, p, ceil) for s, o, k, st, p in axes):
        return _Way(layer.kernel, layer.stride, layer.pad, ceil, None)
    edges: List[int] = []
    padded = 1
    for s, o, k, st, p in reversed(axes):
        edges += [p, (o - 1) * st + k - s - p]
        padded *= (o - 1) * st + k
    if padded > _MUCH * size[0] * size[1] + (1 << 16):
        return None
    return _Way(layer.kernel, layer.stride, (0, 0), False, tuple(edges))


def _pytorchs(size: int, kernel: int, stride: int, pad: int, ceil: bool) -> int:
    """PyTorch's output size; its last window must start in the picture, padding or not."""
    span = size + 2 * pad - kernel
    out = (-(-span // stride) if ceil else span // stride) + 1
    return out - 1 if ceil and (out - 1) * stride >= size + pad else out


def _forward(layer: Pooling, bottom: Blobs, top: Blobs) -> None:
    way = _way(layer, bottom, top)
    if way is None:
        layer.forward_on_host(bottom, top)
    elif layer.is_max:
        _max_forward(layer, bottom, top, way)
    else:
        _average_forward(layer, bottom, top, way)


def _backward(layer: Pooling, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if not propagate_down[0]:
        return
    way = _way(layer, bottom, top)
    if way is None:
        layer.backward_on_host(top, propagate_down, bottom)
    elif layer.is_max:
        _max_backward(layer, bottom, top, way)
    else:
        _average_backward(layer, bottom, top, way)


def _padded(x: Any, way: _Way, value: float) -> Any:
    return x if way.edges is None else torch.nn.functional.pad(x, way.edges, value=value)


def _max_forward(layer: Pooling, bottom: Blobs, top: Blobs, way: _Way) -> None:
    x = _padded(bottom[0].gpu_data, way, _LOWEST)
    y, places = _aten.max_pool2d_with_indices(x, way.kernel, way.stride, way.pad, (1, 1), way.ceil)
    layer.remember(bottom, places)
    top[0].set_gpu_data(y)
    if len(top) > 1:
        top[1].set_gpu_data(_caffes_places(places, x.shape[3], bottom[0].shape, way).float())


def _caffes_places(places: Any, padded_width: int, shape: Sequence[int], way: _Way) -> Any:
    """Where in its plane each maximum lay, without the padding; -1: in it."""
    if way.edges is None:
        return places
    left, _, above, _ = way.edges
    row, column = places // padded_width - above, places % padded_width - left
    inside = (row >= 0) & (row < shape[2]) & (column >= 0) & (column < shape[3])
    return torch.where(inside, row * shape[3] + column, -1)


def _max_backward(layer: Pooling, bottom: Blobs, top: Blobs, way: _Way) -> None:
    places, dy = layer.recall(bottom), top[0].gpu_diff
    if places is None:
        bottom[0].mutable_gpu_diff.zero_()
        return
    # of the values PyTorch looks at the shape alone
    x = bottom[0].gpu_data if way.edges is None else _like_padded(bottom, way)
    dx = _aten.max_pool2d_with_indices_backward(
        dy, x, way.kernel, way.stride, way.pad, (1, 1), way.ceil, places
    )
    bottom[0].set_gpu_diff(_unpadded(dx, way))


def _like_padded(bottom: Blobs, way: _Way) -> Any:
    """A tensor of the padded picture's shape, whose values do not matter."""
    n, channels, height, width = bottom[0].shape
    left, right, above, below = way.edges or (0, 0, 0, 0)
    return bottom[0].gpu_data.new_empty((n, channels, height + above + below, width + left + right))


def _unpadded(dx: Any, way: _Way) -> Any:
    """The gradient of the picture from that of the padded one."""
    if way.edges is None:
        return dx
    return torch.nn.functional.pad(dx, [-edge for edge in way.edges]).contiguous()


def _average_forward(layer: Pooling, bottom: Blobs, top: Blobs, way: _Way) -> None:
    x = _padded(bottom[0].gpu_data, way, 0)
    if way.edges is None:
        y = _aten.avg_pool2d(x, way.kernel, way.stride, way.pad, way.ceil, True)
    else:
        y = _aten.avg_pool2d(x, way.kernel, way.stride, (0, 0), False, True)
        y.mul_(_shares(layer, bottom, top, x))
    top[0].set_gpu_data(y)


def _average_backward(layer: Pooling, bottom: Blobs, top: Blobs, way: _Way) -> None:
    dy = top[0].gpu_diff
    if way.edges is None:
        dx = _aten.avg_pool2d_backward(
            dy, bottom[0].gpu_data, way.kernel, way.stride, way.pad, way.ceil, True, None
        )
    else:
        x = _like_padded(bottom, way)
        dy = dy * _shares(layer, bottom, top, x)
        dx = _aten.avg_pool2d_backward(dy, x, way.kernel, way.stride, (0, 0), False, True, None)
    bottom[0].set_gpu_diff(_unpadded(dx, way))


def _shares(layer: Pooling, bottom: Blobs, top: Blobs, like: Any) -> Any:
    """A window's values over those of each that count, (H', W'): not those beyond the padding."""
    sides = []
    for size, out, k, st, p in zip(
        bottom[0].shape[2:], top[0].shape[2:], layer.kernel, layer.stride, layer.pad
    ):
        start = torch.arange(out, device=like.device, dtype=like.dtype) * st - p
        # a window that begins beyond the picture sums up nothing
        sides.append(k / torch.clamp(torch.clamp(start + k, max=size + p) - start, min=1))
    return sides[0][:, None] * sides[1]


twin(Pooling, _forward, _backward)

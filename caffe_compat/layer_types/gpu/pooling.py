"""Pooling with Caffe's windows: MAX and AVE by PyTorch's, STOCHASTIC place by place.

What PyTorch has no windows for, and would need far too much padding, runs on the host; so does
STOCHASTIC over large windows, each place of which takes some calls of the device.
"""

from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import torch

from ...fillers import rng
from ...proto import caffe_pb2
from ..pooling import Pooling
from ..registry import Blobs, twin
from .host import brought

_aten = torch.ops.aten
_LOWEST = torch.finfo(torch.float32).min
_MUCH = 16  # times a picture's values: padding beyond that is left to the host
_MOST_PLACES = 256  # of a STOCHASTIC window on the device


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
    size, out, ceil = bottom[0].shape[2:], top[0].shape[2:], not layer.floor
    axes = list(zip(size, out, layer.kernel, layer.stride, layer.pad))
    if not layer.is_stochastic and all(
        2 * p <= k and o == _pytorchs(s, k, st, p, ceil) for s, o, k, st, p in axes
    ):
        return _Way(layer.kernel, layer.stride, layer.pad, ceil, None)
    edges: List[int] = []
    padded = 1
    for s, o, k, st, p in reversed(axes):
        edges += [p, (o - 1) * st + k - s - p]
        padded *= (o - 1) * st + k
    if _is_large(layer) or padded > _MUCH * size[0] * size[1] + (1 << 16):
        return None
    return _Way(layer.kernel, layer.stride, (0, 0), False, tuple(edges))


def _is_large(layer: Pooling) -> bool:
    return layer.is_stochastic and layer.kernel[0] * layer.kernel[1] > _MOST_PLACES


def _pytorchs(size: int, kernel: int, stride: int, pad: int, ceil: bool) -> int:
    """PyTorch's output size; its last window must start in the picture, padding or not."""
    span = size + 2 * pad - kernel
    out = (-(-span // stride) if ceil else span // stride) + 1
    return out - 1 if ceil and (out - 1) * stride >= size + pad else out


def _forward(layer: Pooling, bottom: Blobs, top: Blobs) -> None:
    way = _way(layer, bottom, top)
    if way is None:
        large = f"layers with STOCHASTIC windows of more than {_MOST_PLACES} places"
        padded = "layers whose windows reach far beyond the picture"
        layer.forward_on_host(bottom, top, large if _is_large(layer) else padded)
    elif layer.is_max:
        _max_forward(layer, bottom, top, way)
    elif layer.is_stochastic:
        _stochastic_forward(layer, bottom, top, way)
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
    elif layer.is_stochastic:
        _stochastic_backward(layer, bottom, top, way)
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


def _stochastic_forward(layer: Pooling, bottom: Blobs, top: Blobs, way: _Way) -> None:
    x = _padded(bottom[0].gpu_data, way, 0)
    if layer.phase == caffe_pb2.TRAIN:
        chosen = _choose(bottom, top, way, x)
        layer.remember(bottom, chosen)
        top[0].set_gpu_data(bottom[0].gpu_data.flatten(2).gather(2, chosen.flatten(2)))
    else:
        total = _sums(top, way, x)
        top[0].set_gpu_data(torch.where(total > 0, _sums(top, way, x * x) / total, 0.0))


def _choose(bottom: Blobs, top: Blobs, way: _Way, x: Any) -> Any:
    """Where in its plane the running sum of each window first reaches its threshold.

    The window's last place where it never does. The random numbers are the host's, and the sums in
    its order, so that the same values are chosen.
    """
    drawn = brought(rng().uniform(0, 1, top[0].count)).reshape(top[0].shape)
    threshold = _sums(top, way, x).mul_(drawn)
    numbers = _numbered(bottom, way, x)
    running, found = torch.zeros_like(threshold), torch.zeros_like(threshold, dtype=torch.bool)
    # a window that begins beyond the picture has the plane's last value
    last = bottom[0].shape[2] * bottom[0].shape[3] - 1
    chosen = torch.full_like(threshold, last, dtype=torch.int64)
    for place in _places(top, way):
        running.add_(x[place])
        inside = numbers[place] >= 0
        chosen = torch.where(inside & ~found, numbers[place], chosen)
        found |= inside & (running >= threshold)
    return chosen


def _places(top: Blobs, way: _Way) -> Iterator[Any]:
    """For each place of a window, in scan order, where its values lie in a padded picture."""
    for h in range(way.kernel[0]):
        for w in range(way.kernel[1]):
            rows, columns = (
                slice(start, start + (out - 1) * stride + 1, stride)
                for start, out, stride in zip((h, w), top[0].shape[2:], way.stride)
            )
            yield ..., rows, columns


def _sums(top: Blobs, way: _Way, x: Any) -> Any:
    """The sum of each window of a padded picture, added up in the host's order."""
    total = x.new_zeros(top[0].shape)
    for place in _places(top, way):
        total.add_(x[place])
    return total


def _numbered(bottom: Blobs, way: _Way, like: Any) -> Any:
    """The number of each place of a padded picture in its plane, (H, W); -1 beyond the picture."""
    height, width = bottom[0].shape[2:]
    numbers = torch.arange(height * width, device=like.device).view(height, width)
    return _padded(numbers, way, -1)


def _stochastic_backward(layer: Pooling, bottom: Blobs, top: Blobs, way: _Way) -> None:
    dy, dx = top[0].gpu_diff, torch.zeros_like(_like_padded(bottom, way))
    if layer.phase == caffe_pb2.TRAIN:
        chosen, numbers = layer.recall(bottom), _numbered(bottom, way, dy)
        if chosen is not None:
            for place in _places(top, way):
                dx[place] += dy * (numbers[place] == chosen)
            if not layer.floor:  # else no window begins beyond the picture
                height, width = bottom[0].shape[2:]
                beyond = numbers[next(_places(top, way))] < 0
                dx[:, :, height - 1, width - 1] += (dy * beyond).sum((2, 3))
    else:
        x, y = _padded(bottom[0].gpu_data, way, 0), top[0].gpu_data
        total = _sums(top, way, x)
        share = torch.where(total > 0, dy / total, 0.0)
        for place in _places(top, way):
            dx[place] += share * (2 * x[place] - y)
    bottom[0].set_gpu_diff(_unpadded(dx, way))


twin(Pooling, _forward, _backward)

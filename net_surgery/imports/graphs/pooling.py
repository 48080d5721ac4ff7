"""Pooling.

ONNX leaves out, as a rule, a last window that does not fit, and Caffe takes the part of it that
does; Caffe's averages count padding. Where that makes a difference, windows too many are cut off,
or an average is divided by the share of its window that lies in the map.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from netfile.shapes import pooled_size

from .builder import Builder, Value, numbers, pair
from .convolutions import Pads, cropped, padded, pads_of, set_pair
from .model import Node


def onnx_windows(size: int, kernel: int, stride: int, before: int, after: int, ceil: bool) -> int:
    """How many windows ONNX's pooling has along an axis.

    A part of a window counts with `ceil`, unless all of it lies behind the map.
    """
    span = size + before + after - kernel
    out = (-(-span // stride) if ceil else span // stride) + 1
    return out - 1 if ceil and (out - 1) * stride >= size + before else out


class _Axis(NamedTuple):
    """How Caffe's pooling gets the windows along an axis: its pad, and how many are too many."""

    pad: int
    skip: int
    rest: int


def _axis(
    size: int, kernel: int, stride: int, before: int, count: int, floor: bool, further: bool
) -> Optional[_Axis]:
    """The windows of one axis; None if there are too few.

    further: whether Caffe may pad by more, where padding makes no difference to the values.
    """
    for padding in range(before, kernel if further else before + 1, stride):
        skip = (padding - before) // stride
        made = pooled_size(size, kernel, stride, padding, floor)
        rest = made - skip - count
        # the average of a window that is empty is no number
        is_empty = (made - 1) * stride >= size + 2 * padding
        if rest >= 0 and (further or not is_empty):
            return _Axis(padding, skip, rest)
    return None


class _Pool(NamedTuple):
    """A pooling: `axes` for height and width, with round_mode FLOOR or without."""

    is_max: bool
    kernel: Tuple[int, int]
    stride: Tuple[int, int]
    axes: List[_Axis]
    floor: bool


def _pool(b: Builder, node: Node, blob: str, channels: int, pool: _Pool, step: str = "") -> Any:
    """A Pooling layer, and another that takes off what are windows too many."""
    (top, left), (bottom, right) = ([(a.skip, a.rest)[i] for a in pool.axes] for i in (0, 1))
    cut = [top, left, bottom, right]
    layer = b.layer(node, "Pooling", [blob], step=f"{step}windows" if any(cut) else step)
    p = layer.pooling_param
    p.pool = p.MAX if pool.is_max else p.AVE
    set_pair(p, "kernel_size", "kernel", pool.kernel, 0)
    set_pair(p, "stride", "stride", pool.stride, 1)
    set_pair(p, "pad", "pad", [axis.pad for axis in pool.axes], 0)
    if pool.floor:
        p.round_mode = p.FLOOR
    return cropped(b, node, layer.top[0], channels, cut, step) if any(cut) else layer


def pooling(b: Builder, node: Node) -> None:
    """MaxPool and AveragePool."""
    x = b.value(node, axes=4)
    is_max = node.op == "MaxPool"
    if not node.has("kernel_shape"):
        raise node.refused("has no kernel_shape")
    kernel, stride = pair(node, "kernel_shape", 1), pair(node, "strides", 1)
    if pair(node, "dilations", 1) != (1, 1):
        raise node.refused(
            f"has dilations {node.numbers('dilations')}, but windows have no gaps in Caffe"
        )
    size = x.shape[2:]
    pads = pads_of(b, node, size, kernel, stride)
    if any(pads[i] >= kernel[i % 2] for i in range(4)):
        raise node.refused(f"has pads {list(pads)}, which are not less than its kernel {kernel}")
    ceil = node.number("ceil_mode", 0) != 0
    count = [
        onnx_windows(size[i], kernel[i], stride[i], pads[i], pads[i + 2], ceil) for i in (0, 1)
    ]
    if min(count) < 1:
        raise node.refused(f"gets a map of {size}, which is smaller than its kernel {kernel}")
    counts_padding = is_max or node.number("count_include_pad", 0) != 0 or not any(pads)
    blob, uneven = x.blob, pads[:2] != pads[2:]
    added: Pads = (0, 0, 0, 0)
    if uneven and not is_max:  # their windows are part of the map then
        added = pads
        blob = padded(b, node, blob, x.shape[1], pads, "pad").top[0]
        size, pads = (size[0] + pads[0] + pads[2], size[1] + pads[1] + pads[3]), (0, 0, 0, 0)
    plan = _plan(is_max, size, kernel, stride, pads, count)
    if plan is None:
        made = [pooled_size(size[i], kernel[i], stride[i], pads[i], False) for i in (0, 1)]
        raise node.refused(
            f"makes {count[0]}x{count[1]} of {size[0]}x{size[1]}, but Caffe's pooling "
            f"{made[0]}x{made[1]}"
        )
    channels = x.shape[1]
    if counts_padding:
        layer = _pool(b, node, blob, channels, plan)
    else:
        pooled = _pool(b, node, blob, channels, plan, "pool")
        share = _share(b, node, x.blob, channels, added, plan)
        layer = b.layer(node, "Eltwise", [pooled.top[0], share])
        layer.eltwise_param.operation = layer.eltwise_param.PROD
    b.made(node, layer, (*x.shape[:2], count[0], count[1]))


def _plan(
    is_max: bool,
    size: Sequence[int],
    kernel: Tuple[int, int],
    stride: Tuple[int, int],
    pads: Sequence[int],
    count: Sequence[int],
) -> Optional[_Pool]:
    """How Caffe's pooling gets these windows with as few too many as can be."""
    plans = []
    for floor in (False, True):
        axes = [
            _axis(size[i], kernel[i], stride[i], pads[i], count[i], floor, is_max) for i in (0, 1)
        ]
        found = [axis for axis in axes if axis is not None]
        if len(found) == 2:
            plans.append(_Pool(is_max, kernel, stride, found, floor))
    return min(plans, key=lambda p: sum(a.skip + a.rest for a in p.axes), default=None)


def _share(b: Builder, node: Node, blob: str, channels: int, added: Pads, plan: _Pool) -> str:
    """A blob of 1 / the share of each window that lies in the map, whatever the map's size."""
    ones = b.layer(node, "Power", [blob], step="ones")
    ones.power_param.scale, ones.power_param.shift = 0, 1
    source = ones.top[0]
    if any(added):
        source = padded(b, node, source, channels, added, "ones_padded").top[0]
    shares = _pool(b, node, source, channels, plan, "share")
    inverse = b.layer(node, "Power", [shares.top[0]], step="inverse")
    inverse.power_param.power = -1
    return str(inverse.top[0])


def global_pooling(b: Builder, node: Node) -> None:
    """GlobalAveragePool and GlobalMaxPool."""
    x = b.value(node, axes=4)
    _pool_all(b, node, x, node.op == "GlobalMaxPool", "")


def _pool_all(b: Builder, node: Node, x: Value, is_max: bool, step: str) -> Any:
    layer = b.layer(node, "Pooling", [x.blob], step=step)
    p = layer.pooling_param
    p.pool = p.MAX if is_max else p.AVE
    p.global_pooling = True
    if not step:
        b.made(node, layer, (*x.shape[:2], 1, 1))
    return layer


def mean(b: Builder, node: Node) -> None:
    """ReduceMean over height and width, which is a global pooling."""
    x = b.value(node, axes=4)
    axes = numbers(b, node, 1, "axes") or []
    if sorted(n % 4 for n in axes) != [2, 3]:
        raise node.refused(f"is over the axes {axes}; the mean over height and width is converted")
    if node.number("keepdims", 1):
        _pool_all(b, node, x, False, "")
        return
    pooled = _pool_all(b, node, x, False, "pool")
    b.made(node, b.layer(node, "Flatten", [pooled.top[0]]), x.shape[:2])


LAYERS: Dict[str, Callable[[Builder, Node], None]] = {
    "AveragePool": pooling,
    "GlobalAveragePool": global_pooling,
    "GlobalMaxPool": global_pooling,
    "MaxPool": pooling,
    "ReduceMean": mean,
}

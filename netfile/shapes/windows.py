"""Layers that slide a window over the axes after the channels."""

import math
from typing import Any, List, NamedTuple, NoReturn, Optional, Sequence, Tuple

from .common import Known, ParameterRules, Rules, Shape, canonical_axis, check_four_axes, refused

Pair = Tuple[int, int]


def pair(message: Any, name: str, repeated: str, default: int) -> Pair:
    """(vertical, horizontal) of a kernel, stride or pad, given once, twice, or as `_h` and `_w`."""
    if message.HasField(name + "_h") or message.HasField(name + "_w"):
        return getattr(message, name + "_h"), getattr(message, name + "_w")
    values = getattr(message, repeated)
    values = list(values) if hasattr(values, "__len__") else [values]
    values = values or [default]
    return values[0], values[-1]


def window(message: Any) -> Tuple[Pair, Pair, Pair, Pair]:
    """(kernel, stride, pad, dilation) of a Convolution or Pooling parameter.

    Each is (vertical, horizontal).
    """
    dilation = list(getattr(message, "dilation", [])) or [1]
    return (
        pair(message, "kernel", "kernel_size", 1),
        pair(message, "stride", "stride", 1),
        pair(message, "pad", "pad", 0),
        (dilation[0], dilation[-1]),
    )


def _too_small(layer: Any, size: Sequence[int], extent: Sequence[int]) -> NoReturn:
    values, wanted = ("x".join(map(str, sizes)) for sizes in (size, extent))
    raise refused(layer, f"gets {values} values but looks at {wanted}")


class _Windows(NamedTuple):
    """The windows of a Convolution, Deconvolution or Im2col, over any number of spatial axes."""

    axis: int
    channels: int
    kernel: Known
    stride: Known
    pad: Known
    dilation: Known

    @property
    def extent(self) -> Known:
        """The size of a window along each axis, the gaps of a dilated one with it."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel))


def _per_axis(layer: Any, name: str, axes: int, default: Optional[int] = None) -> Known:
    """A setting for each spatial axis.

    It is given once, once for each axis or, for two axes, as `name_h` and `name_w`.
    """
    p = layer.convolution_param
    values = list(getattr(p, "kernel_size" if name == "kernel" else name))
    if name != "dilation" and (p.HasField(name + "_h") or p.HasField(name + "_w")):
        if values or axes != 2 or not (p.HasField(name + "_h") and p.HasField(name + "_w")):
            raise refused(
                layer,
                f"wants either {name}_h and {name}_w (over two spatial axes), or {name} itself",
            )
        return getattr(p, name + "_h"), getattr(p, name + "_w")
    if not values and default is not None:
        values = [default]
    if len(values) not in (1, axes):
        raise refused(
            layer,
            f"has {name} {len(values)} times; give it once, or once for each of {axes} axes",
        )
    return tuple(values * axes if len(values) == 1 else values)


def _windows(layer: Any, bottoms: List[Known]) -> _Windows:
    """The windows that a layer slides over its bottoms, which must have as many channels."""
    axis = canonical_axis(layer, layer.convolution_param.axis, bottoms[0])
    axes = len(bottoms[0]) - axis - 1
    w = _Windows(
        axis,
        bottoms[0][axis],
        _per_axis(layer, "kernel", axes),
        _per_axis(layer, "stride", axes, 1),
        _per_axis(layer, "pad", axes, 0),
        _per_axis(layer, "dilation", axes, 1),
    )
    if min((*w.kernel, *w.stride, *w.dilation), default=1) < 1:
        raise refused(
            layer,
            f"has kernel {w.kernel}, stride {w.stride} and dilation {w.dilation}; "
            "each must be at least 1",
        )
    for bottom in bottoms[1:]:
        if len(bottom) != len(bottoms[0]) or bottom[axis] != w.channels:
            raise refused(
                layer,
                f"has weights for {w.channels} channels at axis {axis} and {axes} spatial axes, "
                f"but gets {bottom}",
            )
    return w


def _places(layer: Any, windows: _Windows, size: Known) -> Known:
    """The number of windows along each axis of a picture of this size."""
    extent = windows.extent
    if any(s + 2 * p < e for s, p, e in zip(size, windows.pad, extent)):
        _too_small(layer, size, extent)
    return tuple(
        (s + 2 * p - e) // step + 1
        for s, p, e, step in zip(size, windows.pad, extent, windows.stride)
    )


def _convolution(layer: Any, bottoms: List[Known]) -> List[Shape]:
    w = _windows(layer, bottoms)
    _check_groups(layer, w.channels)
    outputs = layer.convolution_param.num_output
    return [
        (*bottom[: w.axis], outputs, *_places(layer, w, bottom[w.axis + 1 :])) for bottom in bottoms
    ]


def _deconvolution(layer: Any, bottoms: List[Known]) -> List[Shape]:
    w = _windows(layer, bottoms)
    _check_groups(layer, w.channels)
    tops: List[Shape] = []
    for bottom in bottoms:
        size = bottom[w.axis + 1 :]
        out = [(s - 1) * step + e - 2 * p for s, step, e, p in zip(size, w.stride, w.extent, w.pad)]
        if min(out, default=1) < 1:
            raise refused(layer, f"has pad {w.pad}, which leaves nothing of its bottom {bottom}")
        tops.append((*bottom[: w.axis], layer.convolution_param.num_output, *out))
    return tops


def _im2col(layer: Any, bottoms: List[Known]) -> List[Shape]:
    w = _windows(layer, bottoms)
    rows = w.channels * math.prod(w.kernel)
    return [
        (*bottom[: w.axis], rows, *_places(layer, w, bottom[w.axis + 1 :])) for bottom in bottoms
    ]


def _check_groups(layer: Any, channels: int) -> None:
    outputs, group = layer.convolution_param.num_output, layer.convolution_param.group
    if min(outputs, group) < 1:
        raise refused(
            layer, f"has num_output {outputs} and group {group}, which must be at least 1"
        )
    if channels % group or outputs % group:
        raise refused(
            layer,
            f"gets {channels} channels and has num_output {outputs}; "
            f"both must be multiples of group {group}",
        )


def _weights(layer: Any, bottoms: List[Known]) -> List[Known]:
    w, p = _windows(layer, bottoms), layer.convolution_param
    _check_groups(layer, w.channels)
    outer, inner = p.num_output, w.channels
    if layer.type == "Deconvolution":
        outer, inner = inner, outer
    return [(outer, inner // p.group, *w.kernel)] + ([(p.num_output,)] if p.bias_term else [])


def pooled_size(size: int, kernel: int, stride: int, pad: int, floor: bool = False) -> int:
    """Output size along one axis, as Caffe rounds it.

    It is rounded up (or down, with `floor`); with padding, a last window that starts beyond the
    picture is dropped.
    """
    steps = size + 2 * pad - kernel
    count = (steps // stride if floor else -(-steps // stride)) + 1
    return count - 1 if pad and (count - 1) * stride >= size + pad else count


def _pooling(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p = layer.pooling_param
    check_four_axes(layer, bottoms[0])
    n, c, *size = bottoms[0]
    if len(layer.top) > 1 and p.pool != p.MAX:
        raise refused(layer, "has two tops, but only MAX pooling has a second one, the mask")
    kernel, stride, pad, _ = window(p)
    if p.global_pooling:
        if kernel != (0, 0) or stride != (1, 1) or pad != (0, 0):
            raise refused(layer, "is global and so takes no kernel, stride or pad")
        kernel = (size[0], size[1])
    elif min(*kernel, *stride) < 1:
        raise refused(layer, f"has kernel {kernel} and stride {stride}; each must be at least 1")
    elif any(q >= k for q, k in zip(pad, kernel)):
        raise refused(layer, f"has pad {pad}, which must be smaller than its kernel {kernel}")
    floor = "round_mode" in p.DESCRIPTOR.fields_by_name and p.round_mode == 1
    out = [pooled_size(s, k, st, q, floor) for s, k, st, q in zip(size, kernel, stride, pad)]
    if min(*out, *size) < 1:
        _too_small(layer, size, kernel)
    return [(n, c, *out)] * len(layer.top)


def _spp(layer: Any, bottoms: List[Known]) -> List[Shape]:
    """Spatial pyramid pooling: 1, 2, 4, ... windows each way, side by side."""
    check_four_axes(layer, bottoms[0])
    n, channels, *size = bottoms[0]
    levels = layer.spp_param.pyramid_height
    if not 1 <= levels <= 16:
        raise refused(layer, f"has pyramid_height {levels}, which must be from 1 to 16")
    windows = 0
    for bins in (2**level for level in range(levels)):
        kernel = [-(-side // bins) for side in size]
        pad = [(k * bins - side + 1) // 2 for k, side in zip(kernel, size)]
        if any(q >= k for q, k in zip(pad, kernel)):
            raise refused(
                layer,
                f"gets {size[0]}x{size[1]} values, too few for {bins} windows each way; "
                "lower pyramid_height",
            )
        windows += math.prod(pooled_size(s, k, k, q) for s, k, q in zip(size, kernel, pad))
    return [(n, channels, 1, 1) if levels == 1 else (n, channels * windows)]


TOPS: Rules = {
    "Convolution": _convolution,
    "Deconvolution": _deconvolution,
    "Im2col": _im2col,
    "Pooling": _pooling,
    "SPP": _spp,
}
PARAMETERS: ParameterRules = {"Convolution": _weights, "Deconvolution": _weights}

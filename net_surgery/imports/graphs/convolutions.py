"""Convolutions and padding.

ONNX pads each side by a number of its own, Caffe both sides alike. Where they differ, the same
values are made by a kernel that has zeros on one side.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .builder import Builder, Value, numbers, pair
from .model import Node

Pads = Tuple[int, int, int, int]  # top, left, bottom, right
_MOST_PAD = 1 << 20


# ---- padding


def _same(size: int, extent: int, stride: int, lower: bool) -> Tuple[int, int]:
    """(before, after) of SAME padding; what is odd goes behind, or with `lower` before."""
    total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    less = total // 2
    return (total - less, less) if lower else (less, total - less)


def pads_of(
    b: Builder, node: Node, size: Sequence[int], extent: Sequence[int], stride: Sequence[int]
) -> Pads:
    """The zeros around a map of this size. Raises WeightsError where they are none."""
    auto = node.string("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        sides = [_same(*axis, auto == "SAME_LOWER") for axis in zip(size, extent, stride)]
        if max(stride) > 1:
            b.note(f"SAME padding is that of a picture of {b.told_size}.")
        return sides[0][0], sides[1][0], sides[0][1], sides[1][1]
    if auto == "VALID":
        return 0, 0, 0, 0
    if auto != "NOTSET":
        raise node.refused(f"has auto_pad {auto[:40]}")
    pads = node.numbers("pads") or [0, 0, 0, 0]
    if len(pads) != 4:
        raise node.refused(f"has pads {pads}; what looks at two axes is converted")
    if min(pads) < 0 or max(pads) > _MOST_PAD:
        raise node.refused(f"has pads {pads}, but there is no such padding in Caffe")
    return pads[0], pads[1], pads[2], pads[3]


class _Taps(NamedTuple):
    """A kernel that pads both sides alike, for one that did not."""

    weight: np.ndarray
    dilation: List[int]
    pad: List[int]


def _even(b: Builder, weight: np.ndarray, dilation: Sequence[int], pads: Sequence[int]) -> _Taps:
    """The kernel with zeros on the side that is padded less, so that both can be padded alike.

    weight: (..., height, width). pads: top, left, bottom, right; what a transposed convolution
    adds behind is a negative number there.
    """
    steps, pad = list(dilation), []
    for axis in (0, 1):
        before, after = pads[axis], pads[axis + 2]
        more, place = abs(after - before), weight.ndim - 2 + axis
        if more % steps[axis]:
            weight, steps[axis] = _dense(b, weight, place, steps[axis]), 1
        zeros = more // steps[axis]
        if zeros:
            width = [(0, 0)] * weight.ndim
            width[place] = (zeros, 0) if after > before else (0, zeros)
            taps = weight.shape[place]
            b.budget.take(weight.nbytes // taps * (taps + zeros), "a kernel with zeros")
            weight = np.pad(weight, width, "constant")
        pad.append(max(before, after))
    return _Taps(weight, steps, pad)


def _dense(b: Builder, weight: np.ndarray, place: int, dilation: int) -> np.ndarray:
    """A dilated kernel with zeros for its gaps."""
    shape = list(weight.shape)
    shape[place] = (shape[place] - 1) * dilation + 1
    b.budget.take(weight.nbytes // weight.shape[place] * shape[place], "a kernel with zeros")
    out = np.zeros(shape, np.float32)
    out[tuple([slice(None)] * place + [slice(None, None, dilation)])] = weight
    return out


# ---- convolutions


def set_pair(param: Any, repeated: str, name: str, values: Sequence[int], default: int) -> None:
    """Set a setting of two axes, once where both are alike."""
    if values[0] != values[1]:
        setattr(param, f"{name}_h", values[0])
        setattr(param, f"{name}_w", values[1])
    elif values[0] != default:
        field = getattr(param, repeated)
        if hasattr(field, "append"):
            field.append(values[0])
        else:
            setattr(param, repeated, values[0])


def _convolve(
    b: Builder,
    node: Node,
    blob: str,
    taps: _Taps,
    bias: Optional[np.ndarray],
    stride: Sequence[int],
    group: int,
    step: str = "",
    transposed: bool = False,
) -> Any:
    """A Convolution or Deconvolution layer."""
    blobs = [taps.weight] if bias is None else [taps.weight, bias]
    type = "Deconvolution" if transposed else "Convolution"
    layer = b.layer(node, type, [blob], blobs, step)
    p = layer.convolution_param
    p.num_output = taps.weight.shape[1] * group if transposed else taps.weight.shape[0]
    set_pair(p, "kernel_size", "kernel", taps.weight.shape[2:], 0)
    set_pair(p, "stride", "stride", stride, 1)
    set_pair(p, "pad", "pad", taps.pad, 0)
    if taps.dilation != [1, 1]:
        p.dilation.extend(taps.dilation[: 1 if taps.dilation[0] == taps.dilation[1] else 2])
    if group != 1:
        p.group = group
    if bias is None:
        p.bias_term = False
    return layer


class _Kernel(NamedTuple):
    """What Conv and ConvTranspose have in common."""

    weight: np.ndarray
    bias: Optional[np.ndarray]
    group: int
    stride: Tuple[int, int]
    dilation: Tuple[int, int]
    extent: Tuple[int, int]


def _kernel(b: Builder, node: Node, channels: int, transposed: bool) -> _Kernel:
    """The kernel of a node that reads so many channels. Raises WeightsError where it does not."""
    weight = b.weights(node, 1, "weights")
    group = node.number("group", 1)
    if weight.ndim != 4 or min(weight.shape) < 1:
        raise node.refused(
            f"has weights of the shape {weight.shape}; those over two axes are converted"
        )
    declared = node.numbers("kernel_shape")
    if declared is not None and tuple(declared) != weight.shape[2:]:
        raise node.refused(f"has kernel_shape {declared}, but weights {weight.shape}")
    inputs = weight.shape[0] if transposed else weight.shape[1] * max(group, 1)
    if group < 1 or inputs != channels or weight.shape[0] % group:
        raise node.refused(
            f"has weights {weight.shape} in {group} groups, but gets {channels} channels"
        )
    bias = b.optional(node, 2, "bias")
    outputs = weight.shape[1] * group if transposed else weight.shape[0]
    if bias is not None and (bias.shape != (outputs,) or bias.dtype != np.float32):
        raise node.refused(f"has a bias of {bias.dtype} {bias.shape} for {outputs} channels")
    dilation = pair(node, "dilations", 1)
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:])]
    return _Kernel(weight, bias, group, pair(node, "strides", 1), dilation, (extent[0], extent[1]))


def convolution(b: Builder, node: Node) -> None:
    """Conv."""
    x = b.value(node, axes=4)
    k = _kernel(b, node, x.shape[1], transposed=False)
    own = pads_of(b, node, x.shape[2:], k.extent, k.stride)
    out = [(x.shape[2 + i] + own[i] + own[i + 2] - k.extent[i]) // k.stride[i] + 1 for i in (0, 1)]
    taps = _even(b, k.weight, k.dilation, [n + m for n, m in zip(own, x.pads)])
    layer = _convolve(b, node, x.blob, taps, k.bias, k.stride, k.group)
    b.made(node, layer, (x.shape[0], len(k.weight), out[0], out[1]))


def deconvolution(b: Builder, node: Node) -> None:
    """ConvTranspose."""
    x = b.value(node, axes=4)
    k = _kernel(b, node, x.shape[1], transposed=True)
    more = node.numbers("output_padding") or [0, 0]
    if len(more) != 2 or min(more) < 0 or max(more) > _MOST_PAD:
        raise node.refused(f"has output_padding {more}")
    full = [(x.shape[2 + i] - 1) * k.stride[i] + k.extent[i] + more[i] for i in (0, 1)]
    auto = node.string("auto_pad", "NOTSET")
    wanted = node.numbers("output_shape")
    if wanted is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [x.shape[2 + i] * k.stride[i] for i in (0, 1)]
        if any(wanted[i] > full[i] for i in (0, 1)):
            raise node.refused(
                f"makes {full[0]}x{full[1]}, and {wanted[0]}x{wanted[1]} by its auto_pad {auto}"
            )
    if wanted is None:
        pads = list(pads_of(b, node, x.shape[2:], k.extent, k.stride))
    else:
        if len(wanted) != 2:
            raise node.refused(f"has output_shape {wanted}; its height and width are converted")
        less = [max(full[i] - wanted[i], 0) for i in (0, 1)]
        halves = [n // 2 if auto == "SAME_UPPER" else n - n // 2 for n in less]
        pads = [*halves, less[0] - halves[0], less[1] - halves[1]]
        more = [more[i] + max(wanted[i] - full[i], 0) for i in (0, 1)]
        full = [max(full[i], wanted[i]) for i in (0, 1)]
    out = [full[i] - pads[i] - pads[i + 2] for i in (0, 1)]
    ends = [*pads[:2], pads[2] - more[0], pads[3] - more[1]]
    taps = _even(b, k.weight, k.dilation, ends)
    layer = _convolve(b, node, x.blob, taps, k.bias, k.stride, k.group, transposed=True)
    b.made(node, layer, (x.shape[0], k.weight.shape[1] * k.group, out[0], out[1]))


def _single_tap(b: Builder, channels: int, size: Sequence[int], place: Sequence[int]) -> np.ndarray:
    """A kernel for each channel, of zeros and a one."""
    b.budget.take(4 * channels * size[0] * size[1], "a kernel of zeros and a one")
    weight = np.zeros((channels, 1, *size), np.float32)
    weight[:, :, place[0], place[1]] = 1
    return weight


def padded(
    b: Builder, node: Node, blob: str, channels: int, pads: Sequence[int], step: str = ""
) -> Any:
    """A Convolution that puts zeros around every channel."""
    taps = _even(b, _single_tap(b, channels, (1, 1), (0, 0)), (1, 1), pads)
    return _convolve(b, node, blob, taps, None, (1, 1), channels, step)


def cropped(b: Builder, node: Node, blob: str, channels: int, cut: Sequence[int], step: str) -> Any:
    """A Convolution that takes rows and columns off every channel: top, left, bottom, right."""
    size = [1 + cut[0] + cut[2], 1 + cut[1] + cut[3]]
    taps = _Taps(_single_tap(b, channels, size, cut[:2]), [1, 1], [0, 0])
    return _convolve(b, node, blob, taps, None, (1, 1), channels, step)


def pad(b: Builder, node: Node) -> None:
    """Pad, with zeros around maps."""
    x = b.value(node, axes=4)
    mode = node.string("mode", "constant")
    if mode != "constant":
        raise node.refused(f"has the mode {mode[:40]}; padding with zeros is converted")
    listed = node.numbers("paddings") or numbers(b, node, 1, "pads") or []
    axes = [n % 4 for n in numbers(b, node, 3, "axes") or [0, 1, 2, 3]]
    if len(listed) != 2 * len(axes):
        raise node.refused(f"has {len(listed)} pads for {len(axes)} axes")
    given = b.optional(node, 2, "value")
    value = np.asarray(node.real("value", 0.0) if given is None else given)
    before, after = [0] * 4, [0] * 4
    for i, axis in enumerate(axes):
        before[axis], after[axis] = listed[i], listed[len(axes) + i]
    if before[:2] + after[:2] != [0] * 4:
        raise node.refused(f"pads {before} before and {after} behind; height and width can be")
    pads = (before[2], before[3], after[2], after[3])
    if min(pads) < 0 or max(pads) > _MOST_PAD:
        raise node.refused(f"has pads {list(pads)}, but there is no such padding in Caffe")
    if not any(pads):
        b.same(node, x)
        return
    if value.size != 1 or value.any():
        raise node.refused(f"pads with {value.tolist()!s:.40}; Caffe pads with 0")
    n, c, h, w = x.shape
    shape = (n, c, h + pads[0] + pads[2], w + pads[1] + pads[3])
    name = node.outputs[0]
    readers = b.readers.get(name, [])
    if name not in b.outputs and all(
        r.op == "Conv" and r.is_ours and r.inputs.index(name) == 0 for r in readers
    ):
        b.same(node, Value(x.blob, shape, pads))
        return
    b.made(node, padded(b, node, x.blob, c, pads), shape)


LAYERS: Dict[str, Callable[[Builder, Node], None]] = {
    "Conv": convolution,
    "ConvTranspose": deconvolution,
    "Pad": pad,
}

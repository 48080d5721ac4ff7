"""What works value by value or channel by channel: activations, sums, products, normalisation."""

from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from .builder import Builder, Shape, Value
from .model import Node

_FLOATS_END = float(np.finfo(np.float32).max)


# ---- activations


def _relu(b: Builder, node: Node, x: Value, slope: float = 0.0) -> None:
    # the backward pass tells by the top's sign where the slope is
    over = slope >= 0 and b.may_overwrite(node.inputs[0], x)
    layer = b.layer(node, "ReLU", [x.blob], in_place=over)
    if slope:
        layer.relu_param.negative_slope = slope
    b.made(node, layer, x.shape)


def relu(b: Builder, node: Node) -> None:
    """Relu."""
    _relu(b, node, b.value(node))


def leaky_relu(b: Builder, node: Node) -> None:
    """LeakyRelu."""
    _relu(b, node, b.value(node), node.real("alpha", 0.01))


def prelu(b: Builder, node: Node) -> None:
    """PRelu, with a slope for each channel."""
    x, slope = b.value(node), b.weights(node, 1, "slope")
    if len(x.shape) < 2:
        raise node.refused(f"gets the shape {x.shape}, which has no channels")
    if slope.size > 1 and (slope.ndim != 1 or b.opset >= 7):
        region = _region(node, x.shape, slope)
        if region != (1, 1):
            raise node.refused(f"has slopes {slope.shape} for {x.shape}; Caffe has one a channel")
    if slope.size not in (1, x.shape[1]):
        raise node.refused(f"has {slope.size} slopes for {x.shape[1]} channels")
    slopes = np.broadcast_to(slope.reshape(-1), (x.shape[1],))
    over = b.may_overwrite(node.inputs[0], x)
    b.made(node, b.layer(node, "PReLU", [x.blob], [slopes], in_place=over), x.shape)


def clip(b: Builder, node: Node) -> None:
    """Clip, which is a ReLU where it has no upper end."""
    x = b.value(node)
    low, high = (_bound(b, node, i, name) for i, name in ((1, "min"), (2, "max")))
    if low is None and high is None:
        b.same(node, x)
    elif low == 0 and high is None:
        _relu(b, node, x)
    else:
        # not over its bottom, by which the backward pass tells what was cut off
        layer = b.layer(node, "Clip", [x.blob])
        layer.clip_param.min = -_FLOATS_END if low is None else low
        layer.clip_param.max = _FLOATS_END if high is None else high
        if layer.clip_param.min > layer.clip_param.max:
            raise node.refused(f"has min {low:g} above max {high:g}")
        b.made(node, layer, x.shape)


def _bound(b: Builder, node: Node, index: int, name: str) -> Optional[float]:
    """An end of a Clip; None where it is none."""
    array = b.optional(node, index, name)
    if array is None:
        given = node.raw(name)
        if not isinstance(given, (int, float)):
            return None
        value = float(given)
    elif array.size != 1 or array.dtype != np.float32:
        raise node.refused(f"has a {name} of {array.dtype} {array.shape}, not one float")
    else:
        value = float(array.reshape(-1)[0])
    if np.isnan(value):
        raise node.refused(f"has a {name} that is no number")
    return None if abs(value) >= _FLOATS_END else value


def dropout(b: Builder, node: Node) -> None:
    """Dropout, which passes everything on after training."""
    training = b.optional(node, 2, "training_mode")
    if training is not None and training.any():
        raise node.refused("is in training mode; export the net in inference mode")
    x = b.value(node)
    ratio = b.optional(node, 1, "ratio")
    share = node.real("ratio", 0.5) if ratio is None else float(ratio.reshape(-1)[:1].sum())
    over = b.may_overwrite(node.inputs[0], x, ("ReLU", "PReLU", "Pooling"))
    layer = b.layer(node, "Dropout", [x.blob], in_place=over)
    layer.dropout_param.dropout_ratio = share if 0 < share < 1 else 0.5
    b.made(node, layer, x.shape)


def _plain(type: str) -> Callable[[Builder, Node], None]:
    """A layer without settings."""

    def convert(b: Builder, node: Node) -> None:
        x = b.value(node)
        b.made(node, b.layer(node, type, [x.blob]), x.shape)

    return convert


def elu(b: Builder, node: Node) -> None:
    """Elu."""
    x = b.value(node)
    layer = b.layer(node, "ELU", [x.blob])
    layer.elu_param.alpha = node.real("alpha", 1.0)
    b.made(node, layer, x.shape)


# ---- sums and products


def _region(node: Node, shape: Shape, array: np.ndarray) -> Tuple[int, int]:
    """The first and the last axis of a shape along which a constant has several values."""
    sizes = (1,) * (len(shape) - array.ndim) + array.shape
    axes = [i for i, n in enumerate(sizes) if n != 1]
    if len(sizes) > len(shape) or any(sizes[i] != shape[i] for i in axes):
        raise node.refused(f"has a constant {array.shape} for {shape}, to which it does not fit")
    if not axes:
        return 1, 1
    if axes[0] == 0 and shape[0] > 1:
        raise node.refused(f"has a constant {array.shape} with values for each picture")
    return axes[0], axes[-1]


def _legacy(b: Builder, node: Node, x: Value, array: np.ndarray) -> np.ndarray:
    """A constant as it is broadcast since version 7: before that, from an axis that was named."""
    if b.opset >= 7 or not node.has("axis"):
        return array
    behind = len(x.shape) - node.number("axis", 0) % len(x.shape) - array.ndim
    return array.reshape(array.shape + (1,) * max(behind, 0))


def _affine(
    b: Builder,
    node: Node,
    x: Value,
    scale: Optional[np.ndarray],
    offset: Optional[np.ndarray],
) -> None:
    """x * scale + offset, of constants."""
    parts = [part for part in (scale, offset) if part is not None]
    for part in parts:
        if part.dtype != np.float32:
            raise node.refused(f"has a constant of {part.dtype}, not of floats")
    regions = [_region(node, x.shape, part) for part in parts]
    first, last = min(r[0] for r in regions), max(r[1] for r in regions)
    bias = _bias(b, node, x, scale, offset, (first, last))
    if bias is not None:
        b.add_bias(node, *bias, x.shape)
        return
    if all(part.size == 1 for part in parts):
        layer = b.layer(node, "Power", [x.blob])
        if scale is not None:
            layer.power_param.scale = float(scale.reshape(-1)[0])
        if offset is not None:
            layer.power_param.shift = float(offset.reshape(-1)[0])
        b.made(node, layer, x.shape)
        return
    wanted = x.shape[first : last + 1]
    blobs = []
    for part in parts:
        full = (1,) * (len(x.shape) - part.ndim) + part.shape
        b.budget.take(4 * int(np.prod(wanted)), node.outputs[0])
        blobs.append(np.broadcast_to(part.reshape(full[first : last + 1]), wanted))
    layer = b.layer(node, "Bias" if scale is None else "Scale", [x.blob], blobs)
    p = layer.bias_param if scale is None else layer.scale_param
    if first != 1:
        p.axis = first
    if last != first:
        p.num_axes = last - first + 1
    if scale is not None and offset is not None:
        p.bias_term = True
    b.made(node, layer, x.shape)


def _bias(
    b: Builder,
    node: Node,
    x: Value,
    scale: Optional[np.ndarray],
    offset: Optional[np.ndarray],
    region: Tuple[int, int],
) -> Optional[Tuple[Any, np.ndarray]]:
    """(layer, bias) where the layer before has none and can take this offset as its own."""
    tensor = next(name for name in node.inputs if not b.is_constant(name))
    layer = b.unbiased(tensor, x)
    if scale is not None or offset is None or layer is None:
        return None
    channels = len(x.shape) - 1 if layer.type == "InnerProduct" else 1
    if layer.type == "Scale" and (layer.scale_param.axis, layer.scale_param.num_axes) != (1, 1):
        return None
    if offset.size == 1 or region != (channels, channels):
        return None
    return layer, offset.reshape(-1)


def add_or_multiply(b: Builder, node: Node) -> None:
    """Add, Sub, Mul and Div, of two blobs or of one and a constant."""
    if len(node.inputs) != 2:
        raise node.refused(f"has {len(node.inputs)} inputs, not 2")
    constants = [b.is_constant(name) for name in node.inputs]
    if constants[0] and node.op == "Div":
        raise node.refused("divides by what the net works out")
    if not any(constants):
        _of_blobs(b, node, b.value(node), b.value(node, 1))
        return
    x = b.value(node, 1 if constants[0] else 0)
    array = _legacy(b, node, x, b.weights(node, 0 if constants[0] else 1, "constant"))
    if node.op == "Add":
        _affine(b, node, x, None, array)
    elif node.op == "Sub" and constants[0]:
        _affine(b, node, x, np.full(array.shape, -1, np.float32), array)
    elif node.op == "Sub":
        _affine(b, node, x, None, -array)
    elif node.op == "Mul":
        _affine(b, node, x, array, None)
    else:
        if not array.all():
            raise node.refused("divides by 0")
        _affine(b, node, x, 1 / array, None)


def _of_blobs(b: Builder, node: Node, x: Value, y: Value) -> None:
    if x.shape == y.shape:
        if node.op == "Div":
            raise node.refused("divides by what the net works out")
        layer = b.layer(node, "Eltwise", [x.blob, y.blob])
        p = layer.eltwise_param
        if node.op == "Mul":
            p.operation = p.PROD
        elif node.op == "Sub":
            p.coeff.extend([1, -1])
        b.made(node, layer, x.shape)
        return
    if node.op in ("Add", "Mul") and _begins(y.shape, x.shape):
        x, y = y, x
    if node.op not in ("Add", "Mul") or not _begins(x.shape, y.shape):
        raise node.refused(
            f"combines {x.shape} and {y.shape}; values for each channel can be combined with maps"
        )
    axes = max((i + 1 for i, n in enumerate(y.shape) if n != 1), default=1)
    axes = max(axes, 2 if len(x.shape) > 1 else 1)
    flat = b.layer(node, "Reshape", [y.blob], step="values")
    flat.reshape_param.shape.dim.extend([0] * axes)
    layer = b.layer(node, "Bias" if node.op == "Add" else "Scale", [x.blob, flat.top[0]])
    (layer.bias_param if node.op == "Add" else layer.scale_param).axis = 0
    b.made(node, layer, x.shape)


def _begins(whole: Shape, part: Shape) -> bool:
    """Whether the part has the whole's sizes along the first axes and 1 along all others."""
    if len(whole) != len(part) or len(whole) < 2 or part[:2] != whole[:2]:
        return False
    same = [i for i in range(len(part)) if part[i] == whole[i]]
    behind = next((i for i in range(len(part)) if i not in same), len(part))
    return all(n == 1 for n in part[behind:])


def total(b: Builder, node: Node) -> None:
    """Sum, and Max of two or more."""
    if not node.inputs:
        raise node.refused("has no inputs")
    values = [b.value(node, i) for i in range(len(node.inputs))]
    if len(values) == 1:
        b.same(node, values[0])
        return
    shapes = {value.shape for value in values}
    if len(shapes) > 1:
        raise node.refused(f"combines {' and '.join(map(str, sorted(shapes)))}")
    layer = b.layer(node, "Eltwise", [value.blob for value in values])
    if node.op == "Max":
        layer.eltwise_param.operation = layer.eltwise_param.MAX
    b.made(node, layer, values[0].shape)


# ---- normalisation


def batch_norm(b: Builder, node: Node) -> None:
    """BatchNormalization: a BatchNorm and a Scale."""
    x = b.value(node)
    trains = node.number("training_mode", 0) or (
        b.opset < 7 and not node.number("is_test", 0) and len(node.outputs) > 1
    )
    if trains:
        raise node.refused("is in training mode; export the net in inference mode")
    if not node.number("spatial", 1):
        raise node.refused("normalises each value for itself; Caffe's BatchNorm does each channel")
    if len(x.shape) < 2:
        raise node.refused(f"gets the shape {x.shape}, which has no channels")
    names = ("scale", "offset", "mean", "variance")
    gain, offset, mean, variance = (b.weights(node, i + 1, n) for i, n in enumerate(names))
    for name, array in zip(names, (gain, offset, mean, variance)):
        if array.shape != (x.shape[1],):
            raise node.refused(f"has a {name} {array.shape} for {x.shape[1]} channels")
    one = np.ones(1, np.float32)
    norm = b.layer(node, "BatchNorm", [x.blob], [mean, variance, one], step="norm")
    norm.batch_norm_param.use_global_stats = True
    norm.batch_norm_param.eps = node.real("epsilon", 1e-5)
    scale = b.layer(node, "Scale", [norm.top[0]], [gain, offset])
    scale.scale_param.bias_term = True
    b.made(node, scale, x.shape)


def lrn(b: Builder, node: Node) -> None:
    """LRN, across channels in both."""
    x = b.value(node, axes=4)
    size = node.number("size", 0)
    if size < 1 or size % 2 == 0:
        raise node.refused(f"has the size {size}; Caffe's is odd")
    layer = b.layer(node, "LRN", [x.blob])
    p = layer.lrn_param
    p.local_size = size
    p.alpha, p.beta = node.real("alpha", 1e-4), node.real("beta", 0.75)
    p.k = node.real("bias", 1.0)
    b.made(node, layer, x.shape)


LAYERS: Dict[str, Callable[[Builder, Node], None]] = {
    "Abs": _plain("AbsVal"),
    "Add": add_or_multiply,
    "BatchNormalization": batch_norm,
    "Clip": clip,
    "Div": add_or_multiply,
    "Dropout": dropout,
    "Elu": elu,
    "Exp": _plain("Exp"),
    "LRN": lrn,
    "LeakyRelu": leaky_relu,
    "Max": total,
    "Mul": add_or_multiply,
    "PRelu": prelu,
    "Relu": relu,
    "Sigmoid": _plain("Sigmoid"),
    "Softplus": _plain("BNLL"),
    "Sub": add_or_multiply,
    "Sum": total,
    "Tanh": _plain("TanH"),
}

"""What gives values another shape, puts maps together, or multiplies by a matrix."""

import math
from typing import Any, Callable, Dict, Optional, Sequence

import numpy as np

from .builder import Builder, Shape, Value, numbers
from .model import Node


def axis_of(node: Node, number: int, axes: int) -> int:
    """An axis, counted from the front. Raises WeightsError where there is none."""
    if not -axes <= number < axes:
        raise node.refused(f"has the axis {number}, but its input {axes} axes")
    return number % axes


# ---- shapes


def reshaped(b: Builder, node: Node, x: Value, shape: Shape) -> None:
    """Give a value another shape. Raises WeightsError where that does not hold as many."""
    if math.prod(shape) != math.prod(x.shape):
        raise node.refused(f"cannot make {shape} of {x.shape}")
    if shape == x.shape:
        b.same(node, x)
        return
    keeps = len(x.shape) > 0 and shape[:1] == x.shape[:1]
    if keeps and len(shape) == 2:
        b.made(node, b.layer(node, "Flatten", [x.blob]), shape)
        return
    layer = b.layer(node, "Reshape", [x.blob])
    layer.reshape_param.shape.dim.extend([0, *shape[1:]] if keeps else shape)
    b.made(node, layer, shape)


def target_shape(node: Node, shape: Shape, wanted: Sequence[int]) -> Shape:
    """The shape that a Reshape makes: 0 keeps an axis, -1 is what is left."""
    out = [int(n) for n in wanted]
    if not node.number("allowzero", 0):
        if any(n == 0 and i >= len(shape) for i, n in enumerate(out)):
            raise node.refused(f"cannot make {out} of {shape}")
        out = [shape[i] if n == 0 else n for i, n in enumerate(out)]
    if out.count(-1) == 1:
        known = -math.prod(out)
        if known <= 0 or math.prod(shape) % known:
            raise node.refused(f"cannot make {out} of {shape}")
        out[out.index(-1)] = math.prod(shape) // known
    if any(n < 0 for n in out) or math.prod(out) != math.prod(shape):
        raise node.refused(f"cannot make {list(wanted)} of {shape}")
    return tuple(out)


def reshape(b: Builder, node: Node) -> None:
    """Reshape."""
    x = b.value(node)
    wanted = numbers(b, node, 1, "shape")
    if wanted is None:
        raise node.refused("has no shape")
    reshaped(b, node, x, target_shape(node, x.shape, wanted))


def flatten(b: Builder, node: Node) -> None:
    """Flatten, to two axes."""
    x = b.value(node)
    axis = node.number("axis", 1)
    axis = axis if axis == len(x.shape) else axis_of(node, axis, len(x.shape))
    reshaped(b, node, x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


def squeezed_shape(node: Node, shape: Shape, axes: Optional[Sequence[int]]) -> Shape:
    if axes is None:
        return tuple(n for n in shape if n != 1)
    gone = {axis_of(node, axis, len(shape)) for axis in axes}
    if any(shape[axis] != 1 for axis in gone):
        raise node.refused(f"takes the axes {list(axes)} off {shape}, which are not 1")
    return tuple(n for i, n in enumerate(shape) if i not in gone)


def unsqueezed_shape(node: Node, shape: Shape, axes: Sequence[int]) -> Shape:
    count = len(shape) + len(axes)
    new = {axis_of(node, axis, count) for axis in axes}
    if len(new) < len(axes) or count > 8:
        raise node.refused(f"puts the axes {list(axes)} into {shape}")
    left = iter(shape)
    return tuple(1 if i in new else next(left) for i in range(count))


def squeeze(b: Builder, node: Node) -> None:
    """Squeeze."""
    x = b.value(node)
    reshaped(b, node, x, squeezed_shape(node, x.shape, numbers(b, node, 1, "axes")))


def unsqueeze(b: Builder, node: Node) -> None:
    """Unsqueeze."""
    x = b.value(node)
    reshaped(b, node, x, unsqueezed_shape(node, x.shape, numbers(b, node, 1, "axes") or []))


def identity(b: Builder, node: Node) -> None:
    """Identity."""
    b.same(node, b.value(node))


def cast(b: Builder, node: Node) -> None:
    """Cast, from one kind of float to another."""
    if node.number("to", 0) not in (1, 10, 11, 16):
        raise node.refused("makes whole numbers of the net's values; Caffe has floats alone")
    b.same(node, b.value(node))


def transpose(b: Builder, node: Node) -> None:
    """Transpose, where it moves nothing but axes of 1."""
    x = b.value(node)
    order = node.numbers("perm") or list(range(len(x.shape)))[::-1]
    if sorted(order) != list(range(len(x.shape))):
        raise node.refused(f"has perm {order} for {x.shape}")
    moved = [axis for axis in order if x.shape[axis] != 1]
    if moved != sorted(moved):
        raise node.refused(f"puts the axes of {x.shape} into the order {order}, which Caffe cannot")
    reshaped(b, node, x, tuple(x.shape[axis] for axis in order))


# ---- maps together


def concat(b: Builder, node: Node) -> None:
    """Concat."""
    values = [b.value(node, i) for i in range(len(node.inputs))]
    if not values:
        raise node.refused("has no inputs")
    shape = values[0].shape
    axis = axis_of(node, node.number("axis", 1), len(shape))
    for value in values:
        if value.shape[:axis] + value.shape[axis + 1 :] != shape[:axis] + shape[axis + 1 :] or len(
            value.shape
        ) != len(shape):
            raise node.refused(f"puts {shape} and {value.shape} side by side")
    layer = b.layer(node, "Concat", [value.blob for value in values])
    if axis != 1:
        layer.concat_param.axis = axis
    width = sum(value.shape[axis] for value in values)
    b.made(node, layer, (*shape[:axis], width, *shape[axis + 1 :]))


def softmax(b: Builder, node: Node) -> None:
    """Softmax; before version 13 over all axes from one on."""
    x = b.value(node)
    axis = axis_of(node, node.number("axis", -1 if b.opset >= 13 else 1), len(x.shape))
    behind = math.prod(x.shape[axis + 1 :])
    if b.opset >= 13 or behind == 1:
        layer = b.layer(node, "Softmax", [x.blob])
        if axis != 1:
            layer.softmax_param.axis = axis
        b.made(node, layer, x.shape)
        return
    flat = b.layer(node, "Reshape", [x.blob], step="flat")
    flat.reshape_param.shape.dim.extend([*[0] * axis, -1])
    layer = b.layer(node, "Softmax", [flat.top[0]], step="softmax")
    if axis != 1:
        layer.softmax_param.axis = axis
    back = b.layer(node, "Reshape", [layer.top[0]])
    back.reshape_param.shape.dim.extend([*[0] * axis, *x.shape[axis:]])
    b.made(node, back, x.shape)


# ---- matrices


def _inner_product(
    b: Builder, node: Node, x: Value, weight: np.ndarray, bias: Optional[np.ndarray]
) -> None:
    """An InnerProduct over the last axis. weight: (outputs, inputs)."""
    blobs = [np.ascontiguousarray(weight)] + ([] if bias is None else [bias])
    layer: Any = b.layer(node, "InnerProduct", [x.blob], blobs)
    p = layer.inner_product_param
    p.num_output = len(weight)
    if len(x.shape) != 2:
        p.axis = len(x.shape) - 1
    if bias is None:
        p.bias_term = False
    b.made(node, layer, (*x.shape[:-1], len(weight)))


def _matrix(b: Builder, node: Node, x: Value, turned: bool) -> np.ndarray:
    """A node's weights as (outputs, inputs). turned: whether they are so in the file."""
    weight = b.weights(node, 1, "weights")
    if weight.ndim == 2 and not turned:
        weight = weight.T
    if weight.ndim != 2 or weight.shape[1] != x.shape[-1] or not weight.size:
        raise node.refused(
            f"has weights of the shape {weight.shape[::-1]}, but gets the values {x.shape}"
        )
    return weight


def gemm(b: Builder, node: Node) -> None:
    """Gemm, of values and a matrix of weights."""
    x = b.value(node, axes=2)
    if node.number("transA", 0):
        raise node.refused("turns the net's values round; weights can be")
    weight = _matrix(b, node, x, turned=node.number("transB", 0) != 0)
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    bias = b.optional(node, 2, "bias")
    if bias is not None:
        bias = b.weights(node, 2, "bias")
        if bias.size != 1 and (bias.size != len(weight) or bias.shape[-1] != bias.size):
            raise node.refused(f"has a bias {bias.shape} for {len(weight)} outputs")
        bias = np.broadcast_to(bias.reshape(-1), (len(weight),)) * np.float32(beta)
    _inner_product(b, node, x, weight if alpha == 1 else weight * np.float32(alpha), bias)


def matmul(b: Builder, node: Node) -> None:
    """MatMul, of values and a matrix of weights."""
    x = b.value(node)
    if len(x.shape) < 2:
        raise node.refused(f"gets the shape {x.shape}")
    _inner_product(b, node, x, _matrix(b, node, x, turned=False), None)


LAYERS: Dict[str, Callable[[Builder, Node], None]] = {
    "Cast": cast,
    "Concat": concat,
    "Flatten": flatten,
    "Gemm": gemm,
    "Identity": identity,
    "MatMul": matmul,
    "Reshape": reshape,
    "Softmax": softmax,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}

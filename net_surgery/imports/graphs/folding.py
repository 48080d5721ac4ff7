"""Nodes that work on constants alone: a shape that is taken apart and put together, or weights that
are turned round. They are worked out here, and the net does without them."""

import math
from typing import Any, Callable, Dict, List, Sequence

import numpy as np

from netfile import wire
from netfile.errors import NetError

from .builder import Builder, numbers
from .model import Node
from .shaping import axis_of, squeezed_shape, target_shape, unsqueezed_shape

Arrays = Sequence[np.ndarray]
_TYPES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float32, 11: np.float32,
          16: np.float32}  # fmt: skip


def _room(b: Builder, count: int) -> None:
    """Note that so many values are about to be made. Raises WeightsError for too many."""
    b.budget.take(8 * count, "a constant")


def _constant(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    value = node.raw("value")
    if hasattr(value, "values"):
        return np.asarray(value.values(b.budget))  # type: ignore[union-attr]
    for name, dtype in (("value_float", np.float32), ("value_floats", np.float32),
                        ("value_int", np.int64), ("value_ints", np.int64)):  # fmt: skip
        if node.has(name):
            return np.asarray(node.raw(name), dtype)
    raise node.refused("has no value that is numbers")


def _constant_of_shape(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    shape = [int(n) for n in arrays[0].reshape(-1)]
    if len(shape) > 8 or any(n < 0 for n in shape):
        raise node.refused(f"makes the shape {shape[:8]}")
    _room(b, math.prod(shape))
    value: Any = node.raw("value")
    one = value.values(b.budget) if hasattr(value, "values") else np.zeros(1, np.float32)
    return np.full(shape, one.reshape(-1)[0], one.dtype)


def _gather(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    array, places = arrays
    axis = axis_of(node, node.number("axis", 0), array.ndim)
    _room(b, places.size * math.prod(array.shape[:axis] + array.shape[axis + 1 :]))
    return np.take(array, places, axis=axis)


def _concat(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    _room(b, sum(array.size for array in arrays))
    return np.concatenate(arrays, axis=axis_of(node, node.number("axis", 0), arrays[0].ndim))


def _slice(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    array = arrays[0]
    names = ("starts", "ends", "axes", "steps")
    starts, ends, axes, steps = (numbers(b, node, i + 1, name) for i, name in enumerate(names))
    if starts is None or ends is None:
        raise node.refused("has no starts and ends")
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise node.refused("has another number of starts than of ends, axes or steps")
    parts: List[Any] = [slice(None)] * array.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps):
        size = array.shape[axis_of(node, axis, array.ndim)]
        # before the first value, counted from the end, is no value at all
        stop = None if step < 0 and end < -size else end
        parts[axis_of(node, axis, array.ndim)] = slice(start, stop, step)
    return np.asarray(array[tuple(parts)])


def _cast(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    to = node.number("to", 0)
    if to not in _TYPES:
        raise node.refused(f"makes numbers of the kind {to}")
    _room(b, arrays[0].size)
    with np.errstate(invalid="ignore", over="ignore"):
        return arrays[0].astype(_TYPES[to])


def _reshape(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    wanted = numbers(b, node, 1, "shape")
    if wanted is None:
        raise node.refused("has no shape")
    return arrays[0].reshape(target_shape(node, arrays[0].shape, wanted))


def _squeeze(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    axes = numbers(b, node, 1, "axes")
    return arrays[0].reshape(squeezed_shape(node, arrays[0].shape, axes))


def _unsqueeze(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    axes = numbers(b, node, 1, "axes") or []
    return arrays[0].reshape(unsqueezed_shape(node, arrays[0].shape, axes))


def _transpose(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
    return arrays[0].transpose(node.numbers("perm"))


def _arithmetic(work: Callable[[Any, Any], Any]) -> Callable[[Builder, Node, Arrays], np.ndarray]:
    def fold(b: Builder, node: Node, arrays: Arrays) -> np.ndarray:
        left, right = arrays
        _room(b, np.broadcast(left, right).size)
        with np.errstate(all="ignore"):
            return np.asarray(work(left, right), left.dtype)

    return fold


def _divided(left: np.ndarray, right: np.ndarray) -> Any:
    if left.dtype.kind == "f":
        return left / right
    if not right.all():
        raise ZeroDivisionError
    return np.sign(left) * np.sign(right) * (np.abs(left) // np.abs(right))  # towards zero


FOLDS: Dict[str, Callable[[Builder, Node, Arrays], np.ndarray]] = {
    "Add": _arithmetic(np.add),
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _arithmetic(_divided),
    "Gather": _gather,
    "Identity": lambda b, node, arrays: arrays[0],
    "Mul": _arithmetic(np.multiply),
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Sub": _arithmetic(np.subtract),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}


def folded(b: Builder, node: Node) -> bool:
    """Work a node out, if it is one that can be. Raises WeightsError where it does not fit."""
    names = [name for name in node.inputs if name]
    if node.op == "Shape" and len(names) == 1 and not b.is_constant(names[0]):
        shape = b.value(node).shape
        start, end = node.number("start", 0), node.number("end", len(shape))
        b.keep(node, np.asarray(shape[slice(start, end)], np.int64))
        return True
    if node.op not in FOLDS or not all(b.is_constant(name) for name in names):
        return False
    if not names and node.op != "Constant":
        return False
    arrays = [b.constant(node, i, "input") for i, name in enumerate(node.inputs) if name]
    try:
        array = FOLDS[node.op](b, node, arrays)
    except (NetError, wire.WireError):
        raise
    except (ArithmeticError, IndexError, TypeError, ValueError) as e:
        raise node.refused(f"cannot be worked out ({e or type(e).__name__})") from None
    b.keep(node, array)
    return True

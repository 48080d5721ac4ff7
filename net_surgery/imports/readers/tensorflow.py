"""The constants of a frozen TensorFlow graph (GraphDef, .pb), by the numbers of its fields.

tensorflow/core/framework: graph.proto, node_def.proto, attr_value.proto, tensor.proto.
"""

import math
from typing import Any, Dict, List, Optional

import numpy as np

from netfile import wire
from netfile.errors import WeightsError

from .bounds import Budget, checked_shape
from .messages import axis, floats, inner, text, varint, varints
from .values import decoded, from_bytes, stored_type

_NODE, _NAME, _OP, _ATTR = 1, 1, 2, 5
_KEY, _VALUE, _TENSOR = 1, 2, 8
_DTYPE, _SHAPE, _CONTENT = 1, 2, 4
_KINDS = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "text",
    8: "complex64", 9: "int64", 10: "bool", 11: "quantised int8", 12: "quantised uint8",
    13: "quantised int32", 14: "bfloat16", 15: "quantised int16", 16: "quantised uint16",
    17: "uint16", 18: "complex128", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
# where a tensor lists its values, if not in its content
_FLOATS = {"float32": (5, "<f4"), "float64": (6, "<f8")}
_WHOLE = {"int64": 10, "bool": 11, "float16": 13, "bfloat16": 13, "uint32": 16, "uint64": 17}
_INTS = 7
_UNREAD = ("text", "complex64", "complex128")  # constants that are no weights


def read(path: Any, budget: Budget) -> Dict[str, np.ndarray]:
    """The constants of a GraphDef, by their nodes' names. Raises WeightsError or WireError."""
    with wire.File(path) as data:
        return constants(data, budget)


def constants(data: wire.Data, budget: Budget) -> Dict[str, np.ndarray]:
    """Those in these bytes, likewise."""
    arrays = {}
    for node in wire.fields(data, 0, len(data)):
        if node.number != _NODE:
            continue
        name = operation = ""
        tensor: Optional[wire.Field] = None
        for field in inner(data, node):
            if field.number == _NAME:
                name = text(data, field)
            elif field.number == _OP:
                operation = text(data, field)
            elif field.number == _ATTR:
                tensor = _value(data, field) or tensor
        if operation == "Const" and tensor is not None:
            array = _array(data, tensor, name, budget)
            if array is not None:
                arrays[name] = array
    return arrays


def _value(data: wire.Data, attribute: wire.Field) -> Optional[wire.Field]:
    """The TensorProto of an attribute that is called value, or None."""
    parts = {field.number: field for field in inner(data, attribute)}
    if _KEY not in parts or _VALUE not in parts or text(data, parts[_KEY]) != "value":
        return None
    found = [field for field in inner(data, parts[_VALUE]) if field.number == _TENSOR]
    return found[-1] if found else None


def _array(data: wire.Data, tensor: wire.Field, name: str, budget: Budget) -> Optional[np.ndarray]:
    kind, shape = "nothing", []  # type: str, List[int]
    content: Optional[wire.Field] = None
    lists: Dict[int, List[wire.Field]] = {}
    for field in inner(data, tensor):
        if field.number == _DTYPE:
            number = varint(data, field)
            kind = _KINDS.get(number, f"numbers of the unknown type {number}")
        elif field.number == _SHAPE:
            shape = _shape(data, field, name)
        elif field.number == _CONTENT:
            content = field
        else:
            lists.setdefault(field.number, []).append(field)
    if kind in _UNREAD:
        return None
    dtype = stored_type(kind, name)
    count = math.prod(checked_shape(name, shape))
    if content is not None and content.kind == wire.LENGTH:
        flat = from_bytes(data[content.value : content.end], kind, name)
    else:
        flat = _listed(data, lists, kind, dtype)
    budget.array(name, shape, max(4, dtype.itemsize))
    if 0 < flat.size < count:  # the last value stands for all that follow
        flat = np.concatenate([flat, np.full(count - flat.size, flat[-1], flat.dtype)])
    if flat.size != count:
        raise WeightsError(f"{name} of shape {tuple(shape)} holds {flat.size} values")
    return flat.reshape(shape)


def _listed(
    data: wire.Data, lists: Dict[int, List[wire.Field]], kind: str, dtype: np.dtype
) -> np.ndarray:
    """The values that a tensor lists one by one."""
    if kind in _FLOATS:
        number, stored = _FLOATS[kind]
        parts = [floats(data, field, stored) for field in lists.get(number, [])]
        return decoded(np.concatenate([np.zeros(0, stored), *parts]), kind)
    fields = lists.get(_WHOLE.get(kind, _INTS), [])
    mask = (1 << 8 * dtype.itemsize) - 1
    numbers = (n & mask for field in fields for n in varints(data, field))
    raw = b"".join(n.to_bytes(dtype.itemsize, "little") for n in numbers)
    return decoded(np.frombuffer(raw, dtype), kind)


def _shape(data: wire.Data, field: wire.Field, name: str) -> List[int]:
    """The axes of a TensorShapeProto."""
    sizes = []
    for dim in inner(data, field):
        if dim.number == 2:
            parts = [varint(data, part) for part in inner(data, dim) if part.number == 1]
            sizes.append(axis(parts[-1] if parts else 0, name))
    return sizes

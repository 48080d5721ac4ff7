"""ONNX models, by the numbers of their protobuf fields (onnx.proto3 in github.com/onnx/onnx).

What is read is the graph's initializers: the named tensors, whatever the nodes do with them.
"""

import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from netfile import wire
from netfile.errors import WeightsError

from .bounds import Budget
from .messages import axis, floats, inner, text, varint, varints
from .values import decoded, from_bytes, stored_type

_DEVICE = "gpu_0/"  # before the names of what Caffe2 trained there
# fields of the messages
MODEL_GRAPH = 7
GRAPH_INITIALIZER, GRAPH_SPARSE = 5, 15
(DIMS, DATA_TYPE, SEGMENT, FLOATS, INTS, STRINGS, LONGS, NAME, RAW, DOUBLES, UNSIGNED,
 EXTERNAL, LOCATION) = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14  # fmt: skip
KINDS = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    8: "text", 9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64",
    14: "complex64", 15: "complex128", 16: "bfloat16", 17: "8-bit floats", 18: "8-bit floats",
    19: "8-bit floats", 20: "8-bit floats", 21: "4-bit numbers", 22: "4-bit numbers",
    23: "4-bit floats",
}  # fmt: skip


class Tensor:
    """A TensorProto: its name, kind and shape now, its values on demand."""

    def __init__(self, data: wire.Data, start: int, end: int) -> None:
        """The message from `start` to `end`. Raises WireError or WeightsError where it is none."""
        self._data = data
        self.name, self.kind = "", "nothing"
        self.shape: List[int] = []
        self._fields: Dict[int, List[wire.Field]] = {}
        self._external: Dict[str, str] = {}
        elsewhere = False
        for field in wire.fields(data, start, end):
            if field.number == NAME:
                self.name = text(data, field)
            elif field.number == DATA_TYPE:
                number = varint(data, field)
                self.kind = KINDS.get(number, f"numbers of the unknown type {number}")
            elif field.number == DIMS:
                self.shape += [axis(n, "a tensor") for n in varints(data, field)]
            elif field.number == EXTERNAL:
                key, value = _pair(data, field)
                self._external[key] = value
            elif field.number == LOCATION:
                elsewhere = varint(data, field) == 1
            else:
                self._fields.setdefault(field.number, []).append(field)
        self.external = elsewhere or bool(self._external)

    def values(self, budget: Budget) -> np.ndarray:
        """The tensor as an array. Raises WeightsError where that is not what the file holds."""
        dtype = stored_type(self.kind, self.name)
        count = budget.array(self.name, self.shape, max(4, dtype.itemsize))
        if SEGMENT in self._fields:
            raise WeightsError(f"{self.name} is stored in segments, which are not read")
        if self.external:
            flat = from_bytes(self._beside(budget, count * dtype.itemsize), self.kind, self.name)
        elif RAW in self._fields:
            last = self._fields[RAW][-1]
            flat = from_bytes(self._data[last.value : last.end], self.kind, self.name)
        else:
            flat = self._listed(dtype)
        if flat.size != count:
            raise WeightsError(f"{self.name} of shape {tuple(self.shape)} holds {flat.size} values")
        return flat.reshape(self.shape)

    def _listed(self, dtype: np.dtype) -> np.ndarray:
        """The values of a field that lists them, by their kind."""
        if self.kind in ("float32", "float64"):
            number, stored = (FLOATS, "<f4") if self.kind == "float32" else (DOUBLES, "<f8")
            parts = [floats(self._data, field, stored) for field in self._fields.get(number, [])]
            return decoded(np.concatenate([np.zeros(0, stored), *parts]), self.kind)
        number = LONGS if self.kind == "int64" else INTS
        number = UNSIGNED if self.kind in ("uint32", "uint64") else number
        listed = [n for field in self._fields.get(number, []) for n in varints(self._data, field)]
        mask = (1 << 8 * dtype.itemsize) - 1
        raw = b"".join((n & mask).to_bytes(dtype.itemsize, "little") for n in listed)
        return decoded(np.frombuffer(raw, dtype), self.kind)

    def _beside(self, budget: Budget, size: int) -> bytes:
        """The bytes in a file beside the model's, which must lie in its folder."""
        folder = Path(os.path.abspath(str(budget.path))).parent
        name = self._external.get("location", "")
        if not name or name in (".", "..") or set(name) & set("/\\:\0"):
            raise WeightsError(
                f"{self.name} is stored in {name[:80]!r}, which is no file of its own folder"
            )
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise WeightsError(
                f"{self.name} is stored in another file, {name}, which is not beside this one"
            )
        first, length = (_whole(self._external.get(key, "")) for key in ("offset", "length"))
        first = first or 0
        if length not in (None, size):
            raise WeightsError(f"{self.name} takes {size} bytes, but {name} has {length} for it")
        with wire.File(path) as file:
            if first + size > len(file):
                raise WeightsError(f"{name}: cut off; {self.name} ends beyond it")
            return file[first : first + size]


def _pair(data: wire.Data, field: wire.Field) -> Tuple[str, str]:
    """(key, value) of a StringStringEntryProto."""
    found = {part.number: text(data, part) for part in inner(data, field)}
    return found.get(1, ""), found.get(2, "")


def _whole(digits: str) -> Optional[int]:
    return int(digits) if digits.isdigit() and len(digits) < 16 else None


def initializers(data: wire.Data) -> List[Tensor]:
    """The tensors that a ModelProto's graph is given, values not yet read.

    Raises WireError or WeightsError where the bytes are none.
    """
    found = []
    for field in wire.fields(data, 0, len(data)):
        if field.number != MODEL_GRAPH:
            continue
        for part in inner(data, field):
            if part.number == GRAPH_INITIALIZER and part.kind == wire.LENGTH:
                found.append(Tensor(data, part.value, part.end))
            elif part.number == GRAPH_SPARSE:
                raise WeightsError("has sparse tensors, which are not converted")
    return found


def read(path: Any, budget: Budget) -> Dict[str, np.ndarray]:
    """The initializers of an ONNX model that are numbers.

    Raises WeightsError or WireError where it is damaged, or a file beside it is missing.
    """
    with wire.File(path) as data:
        tensors = [tensor for tensor in initializers(data) if tensor.kind != "text"]
        arrays = {tensor.name: tensor.values(budget) for tensor in tensors}
    bare = {n[len(_DEVICE) :] if n.startswith(_DEVICE) else n: a for n, a in arrays.items()}
    return bare if len(bare) == len(arrays) else arrays

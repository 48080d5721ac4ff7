"""Numbers as files store them, to NumPy's."""

from typing import Dict, Union

import numpy as np

from netfile.errors import WeightsError

# kind of number -> how it is stored; bfloat16 is the upper half of a float32
STORED: Dict[str, str] = {
    "float64": "<f8", "float32": "<f4", "float16": "<f2", "bfloat16": "<u2",
    "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "i1",
    "uint64": "<u8", "uint32": "<u4", "uint16": "<u2", "uint8": "u1", "bool": "u1",
}  # fmt: skip


def stored_type(kind: str, name: str) -> np.dtype:
    """The dtype under which numbers of this kind are stored. Raises WeightsError for another."""
    if kind not in STORED:
        raise WeightsError(f"{name} holds {kind}, which is not converted; save it as float32")
    return np.dtype(STORED[kind])


def decoded(stored: np.ndarray, kind: str) -> np.ndarray:
    """Stored numbers as values: every kind of float as float32, whole numbers as they are."""
    if kind == "bfloat16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if kind.startswith("float"):
        with np.errstate(over="ignore"):  # a float64 may be beyond float32's numbers
            return np.asarray(stored, np.float32)
    return stored.astype(np.bool_) if kind == "bool" else stored


def from_bytes(raw: Union[bytes, bytearray, memoryview], kind: str, name: str) -> np.ndarray:
    """The values in these bytes, flat. Raises WeightsError for another kind, or part of a value."""
    dtype = stored_type(kind, name)
    if len(raw) % dtype.itemsize:
        raise WeightsError(f"{name} is cut off: {len(raw)} bytes of {kind}")
    return decoded(np.frombuffer(raw, dtype), kind)

"""What jobs are given, as the numbers that compiled code reads: see atomic.record."""

import ctypes
import struct
from functools import lru_cache
from typing import Any, Iterable, List, Union, get_type_hints

import numpy as np

Number = Union[float, "np.floating[Any]"]
_NO_BYTES = ctypes.c_char * 0
_INT64, _FLOAT64 = struct.Struct("=q"), struct.Struct("=d")


def address(array: Any) -> int:
    """Where an array's values are."""
    try:
        return ctypes.addressof(_NO_BYTES.from_buffer(array))  # NumPy makes a dict or an object
    except (TypeError, ValueError, BufferError):  # one that cannot be written to
        return int(array.__array_interface__["data"][0])


def _packed(value: Any) -> int:
    """A number, or the address of an array, as one int64."""
    if value is None:
        return 0
    if isinstance(value, np.ndarray):
        return address(value)
    if isinstance(value, (float, np.floating)):
        return _INT64.unpack(_FLOAT64.pack(value))[0]
    return int(value)


@lru_cache(maxsize=None)
def _whole(kind: type) -> bool:
    """Whether a record of this class has whole numbers alone."""
    return all(hint is int for hint in get_type_hints(kind).values())


def pack(values: Iterable[Any], into: List[int]) -> None:
    """Append the values of a record, those of the records within it in their places."""
    for value in values:
        kind: Any = type(value)
        if kind is int:
            into.append(value)
        elif kind is np.ndarray:
            into.append(address(value))
        elif value is None:
            into.append(0)
        elif isinstance(value, tuple):
            if _whole(kind):
                into.extend(value)
            else:
                pack(value, into)
        else:
            into.append(_packed(value))

"""NumPy's .npz archives, without the pickles that they may hold."""

import io
from typing import Any, Dict, Tuple

import numpy as np

from netfile.errors import WeightsError

from . import archive
from .bounds import Budget
from .values import decoded

_LONGEST = 10_000  # bytes of an array's header; of 100000 signs, Python 3.9's parser dies
_HEADERS = {
    1: (np.lib.format.read_array_header_1_0, 10),
    2: (np.lib.format.read_array_header_2_0, 12),
}


def read(path: Any, budget: Budget) -> Dict[str, np.ndarray]:
    """The arrays of an .npz archive, by their names without .npy.

    Raises WeightsError where it is damaged, or an array holds anything but numbers.
    """
    arrays = {}
    with archive.opened(path, budget) as members:
        for name in members.sizes:
            if not name.endswith(".npy"):
                raise WeightsError(f"an archive with {name}, which NumPy does not write")
            key = name[: -len(".npy")]
            arrays[key] = _array(members.read(name), key, budget)
    return arrays


def _array(raw: bytes, name: str, budget: Budget) -> np.ndarray:
    """The array in the bytes of an .npy file."""
    shape, by_columns, dtype, start = _header(raw, name)
    kind = dtype.name
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        told = "Python objects, which are pickled" if dtype.hasobject else kind
        raise WeightsError(f"{name} holds {told}; only numbers are read")
    count = budget.array(name, shape, dtype.itemsize)
    if len(raw) - start != count * dtype.itemsize:
        raise WeightsError(
            f"{name} of shape {shape} takes {count * dtype.itemsize} bytes, but has "
            f"{len(raw) - start}"
        )
    stored = np.frombuffer(raw, dtype, count, start).reshape(
        shape, order="F" if by_columns else "C"
    )
    return np.ascontiguousarray(decoded(stored.astype(dtype.newbyteorder("=")), kind)).reshape(
        shape
    )


def _header(raw: bytes, name: str) -> Tuple[Tuple[int, ...], bool, np.dtype, int]:
    """(shape, whether columns come first, dtype, where the values start)."""
    version = raw[6] if raw[:6] == b"\x93NUMPY" and len(raw) > 12 else 0
    if version not in _HEADERS:
        raise WeightsError(f"{name} is no array of numbers")
    read_header, at = _HEADERS[version]
    end = at + int.from_bytes(raw[8:at], "little")
    if end > min(len(raw), _LONGEST):
        raise WeightsError(f"{name} is cut off, or its header is too long")
    try:
        shape, by_columns, dtype = read_header(io.BytesIO(raw[8:end]))
    except Exception as e:  # NumPy evaluates the header, which fails in every way
        raise WeightsError(f"{name} has a damaged header ({str(e)[:80]})") from None
    return shape, by_columns, dtype, end

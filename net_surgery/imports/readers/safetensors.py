"""safetensors: eight bytes of length, a JSON header, and the numbers behind it.

https://github.com/huggingface/safetensors#format. Read here, since the library has no builds for
the oldest Pythons that this package runs on, and the format is this one page.
"""

import json
from typing import Any, Dict, List, Tuple

import numpy as np

from netfile import wire
from netfile.errors import WeightsError

from .bounds import Budget
from .values import from_bytes, stored_type

_LONGEST = 100_000_000  # bytes of the header, the format's own bound
_KINDS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def read(path: Any, budget: Budget) -> Dict[str, np.ndarray]:
    """The arrays of a safetensors file. Raises WeightsError where it is none, or damaged."""
    arrays = {}
    with wire.File(path) as file:
        start = 8 + int.from_bytes(file[:8], "little")
        if not 8 < start <= min(len(file), _LONGEST + 8):
            raise WeightsError(f"cut off, or damaged: a header of {start - 8} bytes; get it again")
        budget.take(start, "the header")
        header = _header(file[8:start])
        spans: List[Tuple[int, int]] = []
        for name, told in header.items():
            kind, shape, (first, end) = _entry(name, told)
            count = budget.array(name, shape, 4)
            size = count * stored_type(kind, name).itemsize
            if end - first != size or start + end > len(file):
                raise WeightsError(
                    f"{name} of shape {shape} takes {size} bytes, but has those from {first} to "
                    f"{end} of {len(file) - start}"
                )
            spans.append((first, end))
            arrays[name] = from_bytes(file[start + first : start + end], kind, name).reshape(shape)
        at = 0
        for first, end in sorted(spans):
            if first != at:
                raise WeightsError("damaged: its arrays overlap, or leave bytes between them")
            at = end
    return arrays


def _header(raw: bytes) -> Dict[str, Any]:
    try:
        header = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as e:
        raise WeightsError(f"a damaged header ({str(e)[:80]})") from None
    if not isinstance(header, dict):
        raise WeightsError("a damaged header")
    header.pop("__metadata__", None)
    return header


def _entry(name: str, told: Any) -> Tuple[str, List[int], Tuple[int, int]]:
    """(kind of number, shape, (first byte, end)) of an array."""
    if not isinstance(told, dict):
        raise WeightsError(f"{name} has no entry in the header that tells its type")
    dtype, shape, span = (told.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(shape, list) or not isinstance(span, list) or len(span) != 2:
        raise WeightsError(f"{name} has no shape, or no place in the file")
    if not all(type(n) is int and n >= 0 for n in span):
        raise WeightsError(f"{name} has no place in the file")
    return _KINDS.get(str(dtype), str(dtype)[:40]), shape, (span[0], span[1])

"""What ONNX's and TensorFlow's messages have in common: fields of text and of many numbers."""

from typing import Iterator, List

import numpy as np

from netfile import wire
from netfile.errors import WeightsError

from .bounds import LARGEST_AXIS

_FIXED = {"<f4": wire.FOUR_BYTES, "<f8": wire.EIGHT_BYTES}


def text(data: wire.Data, field: wire.Field) -> str:
    """The text in a field. Raises WireError where the field is none."""
    if field.kind != wire.LENGTH:
        raise wire.WireError("a number in place of text")
    return data[field.value : field.end].decode("utf-8", "replace")


def varint(data: wire.Data, field: wire.Field) -> int:
    """The whole number in a field, with its sign. Raises WireError where the field is none."""
    if field.kind != wire.VARINT:
        raise wire.WireError("no whole number")
    return _signed(wire.decode_varint(data[field.value : field.end], 0, field.end - field.value)[0])


def varints(data: wire.Data, field: wire.Field) -> List[int]:
    """The whole numbers in a field that may be packed."""
    if field.kind != wire.LENGTH:
        return [varint(data, field)]
    raw = data[field.value : field.end]
    numbers, at = [], 0
    while at < len(raw):
        value, at = wire.decode_varint(raw, at, len(raw))
        numbers.append(_signed(value))
    return numbers


def floats(data: wire.Data, field: wire.Field, dtype: str) -> np.ndarray:
    """The numbers of a fixed width in a field that may be packed: dtype is "<f4" or "<f8"."""
    width = np.dtype(dtype).itemsize
    if field.kind not in (wire.LENGTH, _FIXED[dtype]) or (field.end - field.value) % width:
        raise wire.WireError("numbers that are cut off")
    return np.frombuffer(data[field.value : field.end], dtype)


def inner(data: wire.Data, field: wire.Field) -> Iterator[wire.Field]:
    """The fields of the message in a field. Raises WireError where it holds none."""
    if field.kind != wire.LENGTH:
        raise wire.WireError("a number in place of a message")
    return wire.fields(data, field.value, field.end)


def axis(value: int, name: str) -> int:
    """A number of values along an axis. Raises WeightsError where it is none."""
    if not 0 <= value <= LARGEST_AXIS:
        raise WeightsError(f"{name} has {value} values along an axis")
    return value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value

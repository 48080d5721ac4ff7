"""Protobuf's wire format: varints, and the fields of a message, without parsing it.

https://protobuf.dev/programming-guides/encoding/
"""

import mmap
from types import TracebackType
from typing import Iterator, NamedTuple, Optional, Type, Union

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # kinds of fields
Data = Union[bytes, mmap.mmap]


class WireError(ValueError):
    """These bytes are not a message."""


class Number(NamedTuple):
    """A number read from the wire, and the position after it."""

    value: int
    end: int


class Field(NamedTuple):
    """One field of a message: its number and kind, and the positions of its tag, value and end."""

    number: int
    kind: int
    tag: int
    value: int
    end: int


def decode_varint(data: Data, at: int, end: int) -> Number:
    """The number that starts at position `at`. Raises WireError if it does not end by `end`."""
    value = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return Number(value, at)
        shift += 7
        if shift > 63:
            break
    raise WireError("a number does not end")


def encode_varint(n: int) -> bytes:
    """A number of at least 0 as it stands on the wire."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def field_header(number: int, length: int) -> bytes:
    """Tag and length of a field of `length` bytes."""
    return encode_varint(number << 3 | LENGTH) + encode_varint(length)


def fields(data: Data, start: int, end: int) -> Iterator[Field]:
    """Every field of the message from `start` to `end`. Raises WireError where it is none."""
    at = start
    while at < end:
        tag_at = at
        tag, at = decode_varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value = at
            at = decode_varint(data, at, end).end
        elif kind == LENGTH:
            length, value = decode_varint(data, at, end)
            at = value + length
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            value = at
            at += 8 if kind == EIGHT_BYTES else 4
        else:
            raise WireError(f"field {number} is of the unknown kind {kind}")
        if at > end or not number:
            raise WireError("a field ends beyond its message")
        yield Field(number, kind, tag_at, value, at)


class mapped:
    """Context manager: a file as bytes that the system reads only where they are looked at.

    Raises:
        WireError: the file is empty.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")
        try:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            self._file.close()
            raise WireError("the file is empty") from None

    def __enter__(self) -> mmap.mmap:
        return self._map

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._file.close()  # the map lives as long as an array that looks into it


def forget(data: Data) -> None:
    """Let the system drop the pages of a mapped file that have been read so far."""
    if isinstance(data, mmap.mmap) and hasattr(data, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)

"""Protobuf's wire format: varints, and the fields of a message, without parsing it.

https://protobuf.dev/programming-guides/encoding/
"""

import os
import stat
from types import TracebackType
from typing import Any, BinaryIO, Iterator, NamedTuple, Optional, Type, Union

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # kinds of fields
_HEADER = 20  # the most bytes of two numbers


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


class File:
    """Context manager: the bytes of a file, read where they are looked at, as slices.

    It is not mapped into memory: a map of a file that someone cuts off ends the process.

    Raises:
        WireError: from a slice, where the file has become shorter than it was.
        OSError: it cannot be opened, or is none (a pipe could be waited for without end).
    """

    def __init__(self, path: Any) -> None:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # open says what a folder is
            raise OSError(0, "it is not a file but a pipe or a device")
        self._file: BinaryIO = open(path, "rb")
        self._size = os.fstat(self._file.fileno()).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, end, _ = part.indices(self._size)
        self._file.seek(start)
        read = self._file.read(max(end - start, 0))
        self._check(len(read), end - start)
        return read

    def read_into(self, start: int, target: memoryview) -> None:
        """Fill a flat memoryview of bytes with those from `start` on."""
        self._file.seek(start)
        self._check(self._file.readinto(target), len(target))  # type: ignore[attr-defined]

    def _check(self, read: int, wanted: int) -> None:
        if read < wanted:
            raise WireError("the file was cut off while it was read")

    def __enter__(self) -> "File":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._file.close()


Data = Union[bytes, File]


def decode_varint(data: bytes, at: int, end: int) -> Number:
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
        head = data[at : min(at + _HEADER, end)]
        tag, value = decode_varint(head, 0, len(head))
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            length = decode_varint(head, value, len(head)).end - value
        elif kind == LENGTH:
            length, value = decode_varint(head, value, len(head))
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            length = 8 if kind == EIGHT_BYTES else 4
        else:
            raise WireError(f"field {number} is of the unknown kind {kind}")
        after = at + value + length
        if after > end or not number:
            raise WireError("a field ends beyond its message")
        yield Field(number, kind, at, at + value, after)
        at = after

"""A caffemodel read piece by piece: each layer's messages by protobuf, each parameter's values straight from the file.

So a file of any size costs the memory of the arrays that it is read into, and old limits on the size of a message do not apply.
Wire format: https://protobuf.dev/programming-guides/encoding/.
"""

import mmap

import numpy as np

from .errors import WeightsError

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_AT_ONCE = 1 << 22  # values
_PACKED = {5: "<f4", 8: "<f8"}  # BlobProto's data and double_data


class WireError(ValueError):
    """These bytes are not a message."""


def varint(data, at, end):
    """(value, place behind it)."""
    value = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            break
    raise WireError("a number does not end")


def fields(data, start, end):
    """Every field of a message: (number, kind, where it begins, where its value begins, where it ends)."""
    at = start
    while at < end:
        begin = at
        tag, at = varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value = at
            _, at = varint(data, at, end)
        elif kind == _BYTES:
            length, at = varint(data, at, end)
            value, at = at, at + length
        elif kind in (_EIGHT, _FOUR):
            value, at = at, at + (8 if kind == _EIGHT else 4)
        else:
            raise WireError(f"field {number} is of the unknown kind {kind}")
        if at > end or not number:
            raise WireError("a field ends beyond its message")
        yield number, kind, begin, value, at


class StoredBlob:
    """One BlobProto of the file: its shape, and its values when they are asked for."""

    def __init__(self, data, start, end, message):
        self._message = message
        rest, self._parts, self.count = bytearray(), [], 0
        for number, kind, begin, value, stop in fields(data, start, end):
            if number in _PACKED and kind == _BYTES:
                dtype = np.dtype(_PACKED[number])
                if (stop - value) % dtype.itemsize:
                    raise WireError("values are cut off")
                self._parts.append((dtype, value, (stop - value) // dtype.itemsize))
            elif number not in (6, 9):  # the gradients that training left behind
                rest += data[begin:stop]
        self._data = data
        self.header = message.FromString(bytes(rest))
        self._single = np.array(
            self.header.double_data or self.header.data, np.float32
        )  # values of a file that was written one by one
        self.count = sum(count for _, _, count in self._parts) + self._single.size

    @property
    def shape(self):
        """Shape, as a tuple; old files give num, channels, height, width."""
        if self.header.HasField("shape"):
            return tuple(self.header.shape.dim)
        if any(self.header.HasField(f) for f in ("num", "channels", "height", "width")):
            return self.header.num, self.header.channels, self.header.height, self.header.width
        return (self.count,)

    def read_into(self, flat):
        """Copy the values into this flat array of `count` values."""
        at = 0
        for dtype, start, count in self._parts:
            for first in range(0, count, _AT_ONCE):
                part = min(_AT_ONCE, count - first)
                flat[at : at + part] = np.frombuffer(
                    self._data, dtype, part, start + first * dtype.itemsize
                )
                at += part
                _forget(self._data)
        flat[at:] = self._single


def split_blobs(data, start, end, number, message):
    """(the message's other bytes, its blobs): `number` is that of the field with the blobs."""
    rest, blobs = bytearray(), []
    for found, kind, begin, value, stop in fields(data, start, end):
        if found == number and kind == _BYTES:
            blobs.append(StoredBlob(data, value, stop, message))
        else:
            rest += data[begin:stop]
    return bytes(rest), blobs


class mapped:
    """Context: a file as bytes that the system reads when they are looked at. Raises WeightsError for an empty file."""

    def __init__(self, path):
        self._file = open(path, "rb")
        try:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            self._file.close()
            raise WeightsError(
                f"{path}: not a caffemodel, the file is empty; download it again"
            ) from None

    def __enter__(self):
        return self._map

    def __exit__(self, *_):
        self._file.close()  # the map goes with the last array that looks into it


def _forget(data):
    """Let the system drop the pages of a mapped file that were read so far."""
    if hasattr(data, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)


def encode_varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def field_header(number, length):
    """Tag and length of a field of bytes."""
    return encode_varint(number << 3 | _BYTES) + encode_varint(length)


def blob_header(array):
    """All of a BlobProto but its values: (its bytes up to them, its whole length)."""
    dims = b"".join(encode_varint(d) for d in array.shape)
    packed = field_header(1, len(dims)) + dims if dims else b""
    shape = field_header(7, len(packed)) + packed
    head = shape + field_header(5, 4 * array.size)
    return head, len(head) + 4 * array.size

"""BlobProto messages, of any caffe_pb2, to shapes and arrays and back."""

import math
import os
from typing import Any, Iterable, Tuple

import numpy as np
from google.protobuf.message import DecodeError

from .errors import WeightsError
from .faults.kinds import misplaced, unreadable
from .wire import File, WireError, encode_varint, field_header

Shape = Tuple[int, ...]

DATA, SHAPE = 5, 7  # BlobProto's fields
MOST_BYTES = 2**31 - 1  # of a message that protobuf reads
_LEGACY = ("num", "channels", "height", "width")


def blob_shape(blob: Any) -> Shape:
    """Shape of a BlobProto; (count,) where it says none. Old files give num, channels, ..."""
    if has_shape(blob):
        return declared_shape(blob)
    return (blob_count(blob),)


def blob_count(blob: Any) -> int:
    """Number of values of a BlobProto."""
    return len(blob.data) or len(blob.double_data)


def has_shape(blob: Any) -> bool:
    """Whether a BlobProto says its shape."""
    return any(blob.HasField(field) for field in ("shape", *_LEGACY))


def declared_shape(blob: Any) -> Shape:
    """The shape that a BlobProto says, in either form."""
    if blob.HasField("shape"):
        return tuple(blob.shape.dim)
    return blob.num, blob.channels, blob.height, blob.width


def four_axes(shape: Iterable[int]) -> Shape:
    """The shape with ones before it, up to four axes: old files say (1, 1, N, M) for (N, M)."""
    shape = tuple(shape)
    return (1,) * (4 - len(shape)) + shape


def blob_values(blob: Any, diff: bool = False) -> np.ndarray:
    """Values of a BlobProto, or with `diff` its gradients: float32, flat."""
    doubles, floats = ("double_diff", "diff") if diff else ("double_data", "data")
    if len(getattr(blob, doubles)):
        return _values(blob, doubles, "<f8").astype(np.float32)
    return _values(blob, floats, "<f4")


def _values(blob: Any, field: str, dtype: str) -> np.ndarray:
    """A packed repeated field as an array, by the wire format: no Python object for each value."""
    repeated = getattr(blob, field)
    carrier = type(blob)()
    getattr(carrier, field).MergeFrom(repeated)
    raw = carrier.SerializeToString()
    count = len(repeated)
    return np.frombuffer(raw, dtype, count, len(raw) - count * np.dtype(dtype).itemsize)


def blob_array(blob: Any, name: str = "the BlobProto") -> np.ndarray:
    """Values of a BlobProto in its shape, float32. Raises WeightsError where they do not fit it."""
    values, shape = blob_values(blob), blob_shape(blob)
    if values.size != math.prod(shape) or min(shape, default=0) < 0:
        raise WeightsError(f"{name} says {shape} but holds {values.size} values")
    return values.reshape(shape)


def read_blob(path: Any, caffe_pb2: Any) -> np.ndarray:
    """The array in a binaryproto file (a BlobProto), float32. Raises WeightsError."""
    wanted = "a binaryproto"
    if not os.path.exists(path):
        raise WeightsError(f"{path}: no such file; it should hold a BlobProto (binaryproto)")
    blob = caffe_pb2.BlobProto()
    try:
        with File(path) as file:
            if len(file) > MOST_BYTES:
                raise WireError("too large a message")
            blob.ParseFromString(file[:])
    except OSError as e:
        raise WeightsError(unreadable(path, wanted, e)) from None
    except (DecodeError, WireError):
        found = misplaced(path, wanted)
        raise WeightsError(found or f"{path}: not a BlobProto (binaryproto) file") from None
    if not blob_count(blob):
        raise WeightsError(misplaced(path, wanted) or f"{path}: holds no values")
    return blob_array(blob, str(path))


def set_shape(blob: Any, shape: Iterable[int]) -> None:
    """Give a BlobProto another shape of as many values."""
    for field in _LEGACY:
        blob.ClearField(field)
    del blob.shape.dim[:]
    blob.shape.dim.extend(int(n) for n in shape)


def set_values(blob: Any, array: Any) -> None:
    """Make a BlobProto hold `array`, as float32."""
    array = np.asarray(array, "<f4")
    head, _ = blob_header(array)
    blob.ParseFromString(head + array.tobytes())


def blob_header(array: np.ndarray) -> Tuple[bytes, int]:
    """The BlobProto of a float32 array but its values: (its bytes up to them, its length)."""
    dims = b"".join(encode_varint(d) for d in array.shape)
    packed = field_header(1, len(dims)) + dims if dims else b""
    head = field_header(SHAPE, len(packed)) + packed + field_header(DATA, 4 * array.size)
    return head, len(head) + 4 * array.size

"""Prototxt and caffemodel files to messages and back; blob values to NumPy arrays and back."""

import math
import os

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from netfile.upgrade import upgrade

from ..errors import PrototxtError, WeightsError
from . import caffe_pb2


def read_prototxt(path):
    """The NetParameter in a prototxt file, upgraded to V2.

    Raises PrototxtError (with line and column) on a syntax error, FileNotFoundError if there is no such file.
    """
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    try:
        return upgrade(text_format.Parse(text, caffe_pb2.NetParameter()))
    except text_format.ParseError as e:
        raise PrototxtError(f"{path}: syntax error at line:column {e}") from None
    except PrototxtError as e:
        raise PrototxtError(f"{path}: {e}") from None


def read_caffemodel(path):
    """The NetParameter in a caffemodel file, upgraded to V2. Raises WeightsError if the file is none."""
    with open(path, "rb") as f:
        raw = f.read()
    message = caffe_pb2.NetParameter()
    try:
        message.ParseFromString(raw)
    except DecodeError:
        message.Clear()
    if not (message.layer or message.layers):
        raise WeightsError(
            f"{path}: not a caffemodel, or one that was cut off ({len(raw)} bytes); download it again"
        )
    try:
        return upgrade(message)
    except PrototxtError as e:
        raise WeightsError(f"{path}: {e}") from None


def blob_shape(proto):
    """Shape of a BlobProto, as a tuple; old files give num, channels, height, width."""
    if proto.HasField("shape"):
        return tuple(proto.shape.dim)
    if any(proto.HasField(f) for f in ("num", "channels", "height", "width")):
        return proto.num, proto.channels, proto.height, proto.width
    return (len(proto.data) or len(proto.double_data),)


def _values(repeated, field, dtype):
    """A packed repeated field as an array, through the wire format: no Python object for each value."""
    carrier = caffe_pb2.BlobProto()
    getattr(carrier, field).MergeFrom(repeated)
    count = len(repeated)
    raw = carrier.SerializeToString()
    return np.frombuffer(raw, dtype, count, len(raw) - count * np.dtype(dtype).itemsize)


def blob_values(proto, diff=False):
    """Values of a BlobProto: float32, flat."""
    doubles, floats = ("double_diff", "diff") if diff else ("double_data", "data")
    if len(getattr(proto, doubles)):
        return _values(getattr(proto, doubles), doubles, "<f8").astype(np.float32)
    return _values(getattr(proto, floats), floats, "<f4")


def _varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def blob_proto(array):
    """A BlobProto that holds `array` as float32."""
    values = np.ascontiguousarray(array, "<f4").tobytes()
    proto = caffe_pb2.BlobProto.FromString(b"\x2a" + _varint(len(values)) + values)
    proto.shape.dim.extend(array.shape)
    return proto


def read_blob(path):
    """The array in a binaryproto file (a BlobProto). Raises WeightsError if the file is none."""
    if not os.path.exists(path):
        raise WeightsError(f"{path}: no such file; it should hold a BlobProto (binaryproto)")
    with open(path, "rb") as f:
        raw = f.read()
    try:
        proto = caffe_pb2.BlobProto.FromString(raw)
    except DecodeError:
        raise WeightsError(f"{path}: not a BlobProto (binaryproto) file") from None
    return blob_array(proto, path)


def blob_array(proto, name="the BlobProto", diff=False):
    """Values of a BlobProto in its shape. Raises WeightsError where they do not fit it."""
    values, shape = blob_values(proto, diff), blob_shape(proto)
    if values.size != math.prod(shape):
        raise WeightsError(f"{name} says {shape} but holds {values.size} values")
    return values.reshape(shape)

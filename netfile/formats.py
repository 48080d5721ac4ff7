"""Prototxt and caffemodel files in Caffe's V0, V1 and V2 forms to messages of V2, and the values of blobs.

Works on the messages of whichever engine is handed in: real Caffe's or caffe_compat's.
"""

import numpy as np
from google.protobuf import text_format

from .errors import FormatError, NetError
from .upgrade import upgrade


def parse_prototxt(text, caffe, name):
    """The NetParameter in a prototxt's text, in V2. Raises FormatError, with line and column, naming `name`."""
    net = caffe.io.caffe_pb2.NetParameter()
    try:
        text_format.Merge(text, net)
        return upgrade(net)
    except text_format.ParseError as e:
        raise FormatError(f"{name}: syntax error at line:column {e}") from None
    except NetError as e:
        raise FormatError(f"{name}: {e}") from None


def read_prototxt(path, caffe):
    """The NetParameter in a prototxt file, in V2. Raises FormatError."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
    except OSError as e:
        raise FormatError(f"{path}: cannot be read: {e.strerror}") from None
    return parse_prototxt(text, caffe, path)


def read_caffemodel(path, caffe):
    """The NetParameter in a caffemodel, in V2. Raises FormatError if there is none, or it is cut off."""
    try:
        with open(path, "rb") as f:
            raw = f.read()
    except OSError as e:
        raise FormatError(f"{path}: cannot be read: {e.strerror}") from None
    weights = caffe.io.caffe_pb2.NetParameter()
    try:
        weights.ParseFromString(raw)
    except Exception as e:  # protobuf's DecodeError, whose home differs between its releases
        if type(e).__name__ != "DecodeError":
            raise
        weights.Clear()
    if not (weights.layer or weights.layers):
        raise FormatError(
            f"{path}: not a caffemodel, or one that was cut off ({len(raw)} bytes); get it again"
        )
    del raw
    try:
        return upgrade(weights)
    except NetError as e:
        raise FormatError(f"{path}: {e}") from None


def blob_shape(blob):
    """Shape of a BlobProto, as a tuple; old files give num, channels, height, width."""
    if blob.HasField("shape"):
        return tuple(blob.shape.dim)
    return blob.num, blob.channels, blob.height, blob.width


def set_shape(blob, shape):
    """Give a BlobProto another shape of as many values."""
    for field in ("num", "channels", "height", "width"):
        blob.ClearField(field)
    del blob.shape.dim[:]
    blob.shape.dim.extend(int(n) for n in shape)


def blob_values(blob):
    """Values of a BlobProto: float32, in its shape."""
    values = blob.double_data if len(blob.double_data) else blob.data
    return np.fromiter(values, np.float32, len(values)).reshape(blob_shape(blob))


def set_values(blob, array):
    """Make a BlobProto hold `array`, as float32."""
    array = np.asarray(array, np.float32)
    for field in ("data", "double_data", "diff", "double_diff"):
        blob.ClearField(field)
    blob.data.extend(array.ravel().tolist())
    set_shape(blob, array.shape)

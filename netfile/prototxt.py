"""Prototxts, in Caffe's V0, V1 or V2 form, to a NetParameter of V2."""

from typing import Any

from google.protobuf import text_format

from .errors import FormatError, NetError, PrototxtError
from .upgrade import upgrade


def parse_prototxt(text: str, caffe_pb2: Any, name: str) -> Any:
    """The NetParameter in a prototxt's text, in V2.

    Args:
        text: the prototxt.
        caffe_pb2: the engine's own messages.
        name: what errors call it: a path, as a rule.

    Raises:
        PrototxtError: a syntax error, with line and column, or a mixture of versions.
    """
    net = caffe_pb2.NetParameter()
    try:
        text_format.Merge(text, net)
        return upgrade(net)
    except text_format.ParseError as e:
        raise PrototxtError(f"{name}: syntax error at line:column {e}") from None
    except NetError as e:
        raise PrototxtError(f"{name}: {e}") from None


def read_prototxt(path: Any, caffe_pb2: Any) -> Any:
    """The NetParameter in a prototxt file, in V2. Raises FormatError."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
    except OSError as e:
        raise FormatError(f"{path}: cannot be read: {e.strerror}") from None
    return parse_prototxt(text, caffe_pb2, path)

"""Caffemodels in Caffe's V0, V1 and V2 forms, read piece by piece, and written layer by layer.

Each layer's settings are parsed by protobuf, each parameter's values go from the file straight into
the array that gets them. So a file of any size costs the memory of those arrays, and protobuf's
limit of 2 GB a message does not apply.
"""

import os
from contextlib import contextmanager
from typing import Any, BinaryIO, Dict, Iterator, List, Sequence, Tuple

import numpy as np
from google.protobuf.message import DecodeError

from . import wire
from .blobs import MOST_BYTES, Shape, blob_header, declared_shape, has_shape
from .errors import PrototxtError, WeightsError
from .faults.kinds import misplaced, unreadable
from .messages import set_field
from .upgrade import upgrade

_AT_ONCE = 1 << 22  # values
_PACKED = {5: "<f4", 8: "<f8"}  # BlobProto's data and double_data
_GRADIENTS = (6, 9)  # what training left in a BlobProto
# NetParameter's fields for layers, and where each kind of layer keeps its blobs
_V2_LAYER, _V1_LAYER, _V0_LAYER = 100, 2, 1
_BLOBS = {_V2_LAYER: 7, _V1_LAYER: 6}
_V0_BLOBS = 50
# a net's name and inputs; a layer's name, type, bottoms and tops are its first four fields in V2,
# and those that are text among the first four in V1 and V0
_NAMES, _LAST_NAME = (1, 3), 4


class StoredBlob:
    """One parameter in a file: its shape and number of values now, its values on demand."""

    def __init__(self, data: wire.File, start: int, end: int, message: Any) -> None:
        """The BlobProto from `start` to `end`; `message` is the caffe_pb2's BlobProto."""
        self._data, self._span = data, (start, end)
        self._parts: List[Tuple[np.dtype, int, int]] = []  # (dtype, position, values)
        rest = bytearray()
        for field in wire.fields(data, start, end):
            if field.number in _PACKED and field.kind == wire.LENGTH:
                dtype = np.dtype(_PACKED[field.number])
                if (field.end - field.value) % dtype.itemsize:
                    raise wire.WireError("values are cut off")
                count = (field.end - field.value) // dtype.itemsize
                self._parts.append((dtype, field.value, count))
            elif field.number not in _GRADIENTS:
                rest += data[field.tag : field.end]
        header = message.FromString(bytes(rest))
        # the values of a file that was written one by one
        self._single = np.array(header.double_data or header.data, np.float32)
        self.count = sum(count for _, _, count in self._parts) + self._single.size
        self.shape: Shape = declared_shape(header) if has_shape(header) else (self.count,)

    def read_into(self, flat: np.ndarray) -> None:
        """Copy the values into a flat, contiguous float32 array of `count` values."""
        at = 0
        for dtype, start, count in self._parts:
            for first in range(0, count, _AT_ONCE):
                part = flat[at : at + min(_AT_ONCE, count - first)]
                raw: Any = part if dtype == part.dtype else np.empty(part.shape, dtype)
                self._data.read_into(start + first * dtype.itemsize, memoryview(raw).cast("B"))
                if raw is not part:
                    part[...] = raw
                at += part.size
        flat[at:] = self._single

    def message_into(self, blob: Any) -> None:
        """Make `blob`, a BlobProto, what the file has, gradients and all.

        Raises WeightsError for more than a message of protobuf's can be.
        """
        start, end = self._span
        if end - start > MOST_BYTES:
            raise WeightsError(
                f"a parameter of shape {self.shape} takes {(end - start) / 1e9:.1f} GB; "
                "protobuf's messages end at 2 GB"
            )
        blob.ParseFromString(self._data[start:end])


class StoredLayer:
    """One layer in a file: its name and type, in V2's spelling, and its parameters."""

    def __init__(self, name: str, type: str, blobs: List[StoredBlob]) -> None:
        self.name, self.type, self.blobs = name, type, blobs


@contextmanager
def opened(path: Any, caffe_pb2: Any) -> Iterator[List[StoredLayer]]:
    """Context manager: the layers of a caffemodel; values are read only where they are asked for.

    Args:
        path: the file; V0, V1 or V2, of any size.
        caffe_pb2: the engine's own messages.

    Raises:
        WeightsError: the file cannot be read, is empty or cut off, is not a caffemodel, or mixes
            versions.
    """
    with _reading(path) as file:
        net, blobs = _described(file, caffe_pb2)
        for field in ("input", "input_dim", "input_shape"):
            net.ClearField(field)  # no layer that the file has
        layers = upgrade(net).layer
        yield [StoredLayer(p.name, p.type, [blobs[b.num] for b in p.blobs]) for p in layers]


def stored_shapes(path: Any, caffe_pb2: Any) -> Dict[str, List[Shape]]:
    """{layer: the shapes of its parameters} of a caffemodel, without reading values.

    Raises WeightsError, as `opened` does. Of layers of one name, the last counts.
    """
    with opened(path, caffe_pb2) as layers:
        return {layer.name: [blob.shape for blob in layer.blobs] for layer in layers}


def read_net(path: Any, caffe_pb2: Any) -> Any:
    """The whole NetParameter in a caffemodel, in V2, with its values, to be changed and written.

    Raises WeightsError, as `opened` does.
    """
    with _reading(path) as file:
        net, blobs = _described(file, caffe_pb2)
        for layer in upgrade(net).layer:
            for blob in layer.blobs:
                blobs[blob.num].message_into(blob)
        return net


@contextmanager
def _reading(path: Any) -> Iterator[wire.File]:
    """The file, open; raises WeightsError, naming it, where it is no caffemodel or mixes versions.

    That it was cut off while it is read counts too.
    """
    try:
        with wire.File(path) as file:
            yield file
    except OSError as e:
        raise WeightsError(unreadable(path, "a caffemodel", e)) from None
    except (PrototxtError, WeightsError) as e:
        raise WeightsError(str(e) if str(path) in str(e) else f"{path}: {e}") from None
    except (wire.WireError, DecodeError, UnicodeDecodeError):
        raise WeightsError(_damage(path)) from None


def _damage(path: Any) -> str:
    found = misplaced(path, "a caffemodel")
    size = os.path.getsize(path)
    return found or (
        f"{path}: not a caffemodel, or one that was cut off ({size} bytes); download it again"
    )


def _described(data: wire.File, caffe_pb2: Any) -> Tuple[Any, List[StoredBlob]]:
    """(the file's NetParameter without values, its blobs).

    Each blob stands in the NetParameter as a BlobProto that has the blob's place in the list as its
    `num`, so that an upgrade to V2 moves it where it belongs. Raises WireError or DecodeError.
    """
    net = caffe_pb2.NetParameter()
    blobs: List[StoredBlob] = []

    def without_values(start: int, end: int, number: int) -> bytes:
        """The message, with placeholders for the blobs in its field `number`."""
        rest = bytearray()
        for field in wire.fields(data, start, end):
            if field.number == number and field.kind == wire.LENGTH:
                rest += _field(number, caffe_pb2.BlobProto(num=len(blobs)).SerializeToString())
                blobs.append(StoredBlob(data, field.value, field.end, caffe_pb2.BlobProto))
            elif (number, *field[:2]) == (_BLOBS[_V1_LAYER], _V0_LAYER, wire.LENGTH):
                inner = without_values(field.value, field.end, _V0_BLOBS)
                rest += _field(_V0_LAYER, inner)
            elif field.number <= _LAST_NAME and field.kind == wire.LENGTH:
                rest += _name(data, field)
            else:
                rest += data[field.tag : field.end]
        return bytes(rest)

    described = bytearray()
    for field in wire.fields(data, 0, len(data)):
        if field.number in _BLOBS and field.kind == wire.LENGTH:
            layer = without_values(field.value, field.end, _BLOBS[field.number])
            described += _field(field.number, layer)
        elif field.number in _NAMES and field.kind == wire.LENGTH:
            described += _name(data, field)
        else:
            described += data[field.tag : field.end]
    net.ParseFromString(bytes(described))
    if not (net.layer or net.layers):
        raise wire.WireError("no layers")
    return net, blobs


def _name(data: wire.File, field: wire.Field) -> bytes:
    """A field of text. What is not UTF-8 is replaced, as in prototxts, so that names match."""
    text = data[field.value : field.end].decode("utf-8", "replace")
    return _field(field.number, text.encode("utf-8"))


def _field(number: int, value: bytes) -> bytes:
    return wire.field_header(number, len(value)) + value


def write_net(file: BinaryIO, net: Any) -> None:
    """Write a NetParameter in V2 as a caffemodel, byte for byte as protobuf would."""
    head = type(net)()
    for descriptor, value in net.ListFields():
        if descriptor.number != _V2_LAYER:
            set_field(head, descriptor.name, value)
    file.write(head.SerializeToString())
    for layer in net.layer:
        write_layer(file, layer)


def write_layer(
    file: BinaryIO, layer: Any, arrays: Sequence[Any] = (), gradients: Sequence[Any] = ()
) -> None:
    """Write a LayerParameter into a caffemodel, with `arrays` (float32) as further blobs.

    gradients: an array for each of them, which its blob has as its diff; or none.
    """
    described = layer.SerializeToString()
    headers = [blob_header(array) for array in arrays]
    tails = [wire.field_header(_GRADIENTS[0], 4 * diff.size) for diff in gradients]
    sizes = [size for _, size in headers]
    for i, tail in enumerate(tails):
        sizes[i] += len(tail) + 4 * gradients[i].size
    blobs = _BLOBS[_V2_LAYER]
    length = len(described) + sum(len(wire.field_header(blobs, n)) + n for n in sizes)
    file.write(wire.field_header(_V2_LAYER, length) + described)
    for i, (array, (head, _)) in enumerate(zip(arrays, headers)):
        file.write(wire.field_header(blobs, sizes[i]) + head)
        _write_values(file, array)
        if tails:
            file.write(tails[i])
            _write_values(file, gradients[i])


def _write_values(file: BinaryIO, array: Any) -> None:
    file.write(np.ascontiguousarray(array, "<f4").reshape(-1).data)

"""Files of weights as other programs write them, without those programs: their bytes by hand.

Each writer takes {name: array} and returns the bytes of a file.
"""

import io
import json
import pickle
import re
import struct
import zipfile
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import numpy as np

from net_surgery.imports import Table
from netfile.shapes import weight_shapes
from netfile.wire import encode_varint, field_header

Arrays = Dict[str, np.ndarray]
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_STORAGES = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage",
             "i4": "IntStorage", "u1": "ByteStorage", "bf": "BFloat16Storage",
             "c8": "ComplexFloatStorage"}  # fmt: skip


# ---- PyTorch


class Op:
    """The instructions of a pickle (protocol 2), put together by hand."""

    START, STOP, MARK = b"\x80\x02", b".", b"("

    @staticmethod
    def text(value: str) -> bytes:
        raw = value.encode("utf-8")
        return b"X" + struct.pack("<I", len(raw)) + raw

    @staticmethod
    def number(value: int) -> bytes:
        if -(2**31) <= value < 2**31:
            return b"J" + struct.pack("<i", value)
        raw = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
        return b"\x8a" + bytes([len(raw)]) + raw

    @staticmethod
    def name(module: str, name: str) -> bytes:
        return f"c{module}\n{name}\n".encode()

    @staticmethod
    def tuple(*items: bytes) -> bytes:
        return Op.MARK + b"".join(items) + b"t"

    @staticmethod
    def call(function: bytes, *arguments: bytes) -> bytes:
        return function + Op.tuple(*arguments) + b"R"

    @staticmethod
    def filled(empty: bytes, items: Iterable[Tuple[bytes, bytes]]) -> bytes:
        return empty + Op.MARK + b"".join(key + value for key, value in items) + b"u"

    @staticmethod
    def ordered(items: Iterable[Tuple[str, bytes]]) -> bytes:
        empty = Op.name("collections", "OrderedDict") + b")R"
        return Op.filled(empty, ((Op.text(key), value) for key, value in items))


def tensor_op(key: str, kind: str, count: int, offset: int, shape: Iterable[int],
              stride: Iterable[int], legacy: bool = False) -> bytes:  # fmt: skip
    """The instructions that rebuild a tensor: a view of a storage."""
    storage = [Op.text("storage"), Op.name("torch", _STORAGES[kind]), Op.text(key), Op.text("cpu"),
               Op.number(count)]  # fmt: skip
    storage += [b"N"] if legacy else []
    return Op.call(
        Op.name("torch._utils", "_rebuild_tensor_v2"),
        Op.tuple(*storage) + b"Q",
        Op.number(offset),
        Op.tuple(*map(Op.number, shape)),
        Op.tuple(*map(Op.number, stride)),
        b"\x89",
        Op.name("collections", "OrderedDict") + b")R",
    )


def strides(shape: Iterable[int]) -> List[int]:
    """Of a contiguous array, in values."""
    steps = [1]
    for n in reversed(list(shape)[1:]):
        steps.insert(0, steps[0] * n)
    return steps[-len(list(shape)) :] if list(shape) else []


def _tensors(arrays: Arrays, legacy: bool) -> List[Tuple[str, bytes]]:
    return [
        (name, tensor_op(str(i), a.dtype.str[1:], a.size, 0, a.shape, strides(a.shape), legacy))
        for i, (name, a) in enumerate(arrays.items())
    ]


def torch_zip(arrays: Arrays, pickled: Optional[bytes] = None, wrapper: str = "",
              compression: int = zipfile.ZIP_STORED) -> bytes:  # fmt: skip
    """A file of torch.save, or one with another pickle in it."""
    op = Op.ordered(_tensors(arrays, legacy=False))
    op = Op.filled(b"}", [(Op.text(wrapper), op)]) if wrapper else op
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as z:
        z.writestr("archive/data.pkl", pickled or Op.START + op + Op.STOP)
        z.writestr("archive/byteorder", "little")
        for i, array in enumerate(arrays.values()):
            z.writestr(f"archive/data/{i}", array.tobytes())
        z.writestr("archive/version", "3\n")
    return file.getvalue()


def torch_legacy(arrays: Arrays, pickled: Optional[bytes] = None) -> bytes:
    """A file of torch.save before 1.6, likewise."""
    op = pickled or Op.START + Op.ordered(_tensors(arrays, legacy=True)) + Op.STOP
    heads = [MAGIC, PROTOCOL, {"little_endian": True}]
    out = b"".join(pickle.dumps(head, 2) for head in heads) + op
    out += pickle.dumps([str(i) for i in range(len(arrays))], 2)
    for array in arrays.values():
        out += struct.pack("<q", array.size) + array.tobytes()
    return out


# ---- safetensors, NumPy

_SAFE = {"f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "u1": "U8"}


def safetensors(arrays: Arrays) -> bytes:
    header: Dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, a in arrays.items():
        span = [at, at + a.nbytes]
        header[name] = {"dtype": _SAFE[a.dtype.str[1:]], "shape": a.shape, "data_offsets": span}
        at += a.nbytes
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw + b"".join(a.tobytes() for a in arrays.values())


def npz(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


# ---- protobuf


def field(number: int, value: Any) -> bytes:
    """A field of bytes, text or a whole number."""
    if isinstance(value, int):
        return encode_varint(number << 3) + encode_varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return field_header(number, len(raw)) + raw


_ONNX = {"f4": 1, "u1": 2, "i4": 6, "i8": 7, "f2": 10, "f8": 11}


def onnx_tensor(name: str, a: np.ndarray, values: Optional[bytes] = None) -> bytes:
    """A TensorProto, with its values as raw_data or as the fields given."""
    dims = b"".join(field(1, int(n)) for n in a.shape)
    kind = field(2, _ONNX[a.dtype.str[1:]])
    return dims + kind + field(8, name) + (field(9, a.tobytes()) if values is None else values)


def onnx(arrays: Arrays, tensors: Iterable[bytes] = ()) -> bytes:
    graph = b"".join(field(5, onnx_tensor(name, a)) for name, a in arrays.items())
    graph += b"".join(field(5, tensor) for tensor in tensors)
    return field(1, 8) + field(7, field(2, "graph") + graph) + field(8, field(2, 9))


_TENSORFLOW = {"f4": 1, "f8": 2, "i4": 3, "i8": 9, "f2": 19}


def tensorflow_node(name: str, a: np.ndarray, values: Optional[bytes] = None) -> bytes:
    """A NodeDef of a constant, with its values as tensor_content or as the fields given."""
    shape = b"".join(field(2, field(1, int(n))) for n in a.shape)
    tensor = field(1, _TENSORFLOW[a.dtype.str[1:]]) + field(2, shape)
    tensor += field(4, a.tobytes()) if values is None else values
    attribute = field(1, "value") + field(2, field(8, tensor))
    return field(1, name) + field(2, "Const") + field(5, attribute)


def tensorflow(arrays: Arrays, nodes: Iterable[bytes] = ()) -> bytes:
    placeholder = field(1, field(1, "input") + field(2, "Placeholder"))
    constants = [tensorflow_node(name, a) for name, a in arrays.items()]
    return placeholder + b"".join(field(1, node) for node in [*constants, *nodes])


# ---- Keras


def keras(path: Any, arrays: Arrays) -> None:
    """A .weights.h5 of these paths. Needs h5py."""
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


WRITERS: Dict[str, Callable[[Arrays], bytes]] = {
    "torch_zip": torch_zip, "torch_legacy": torch_legacy, "safetensors": safetensors, "npz": npz,
    "onnx": onnx, "tensorflow": tensorflow,
}  # fmt: skip


# ---- what a table's source would hold


def source_arrays(table: Table, net: Any, seed: int = 3) -> Arrays:
    """Random arrays with the names and shapes of a table's source, for a deploy net."""
    rng = np.random.RandomState(seed)
    names, arrays = table.names, {}  # type: Any, Arrays

    def random(shape: Iterable[int]) -> np.ndarray:
        shape = tuple(shape)
        if np.prod(shape) > _LARGE:  # one number of its own, which is quicker
            return np.full(shape, np.float32(rng.normal(0, 0.1)))
        return np.asarray(rng.normal(0, 0.1, shape), np.float32)

    of_layers = weight_shapes(net)
    for layer in net.layer:
        shapes = of_layers.get(layer.name) if layer.type in _LEARN else None
        if not shapes:
            continue
        name = table.source_name(layer.name)
        weight = list(shapes[0])
        if layer.type == "Convolution" and _matches(table.grown, layer.name):
            weight[2:] = [n - 1 for n in weight[2:]]
        axes = names.dense if layer.type == "InnerProduct" else names.convolution
        caffes = "OI" if layer.type == "InnerProduct" else "OIHW"
        arrays[names.weight.format(name)] = random(weight[caffes.index(axis)] for axis in axes)
        norm = table.norm(layer.name)
        if norm:
            for part in table.norm_names:
                arrays[part.format(norm)] = np.abs(random(shapes[0][:1])) + np.float32(0.5)
        else:
            arrays[names.bias.format(name)] = random(shapes[1])
    return arrays


_LEARN = ("Convolution", "InnerProduct")
_LARGE = 300_000


def _matches(pattern: str, name: str) -> bool:
    return bool(pattern and re.fullmatch(pattern, name))

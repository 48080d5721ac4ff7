"""ONNX graphs for tests, written by protobuf field, so that the suite needs no ONNX package."""

import struct
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from tests.support.foreign_weights import field, onnx_tensor

Dims = Sequence[Union[int, str, None]]


class Node:
    """What a NodeProto says."""

    def __init__(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], name: str, settings: Any
    ) -> None:
        self.op, self.inputs, self.outputs, self.name = op, list(inputs), list(outputs), name
        self.settings: Dict[str, Any] = settings

    def message(self) -> bytes:
        out = b"".join(field(1, i) for i in self.inputs)
        out += b"".join(field(2, o) for o in self.outputs)
        out += field(3, self.name) + field(4, self.op)
        return out + b"".join(field(5, attribute(k, v)) for k, v in self.settings.items())


def attribute(name: str, value: Any) -> bytes:
    """An AttributeProto."""
    head = field(1, name)
    if isinstance(value, np.ndarray):
        return head + field(5, onnx_tensor("", value)) + field(20, 4)
    if isinstance(value, float):
        return head + b"\x15" + struct.pack("<f", value) + field(20, 1)
    if isinstance(value, int):
        return head + field(3, value & (1 << 64) - 1) + field(20, 2)
    if isinstance(value, str):
        return head + field(4, value) + field(20, 3)
    if value and isinstance(value[0], float):
        return head + b"".join(b"\x3d" + struct.pack("<f", v) for v in value) + field(20, 6)
    return head + b"".join(field(8, v & (1 << 64) - 1) for v in value) + field(20, 7)


def declared(name: str, shape: Optional[Dims], kind: int = 1) -> bytes:
    """A ValueInfoProto: numbers of a kind, each axis a size or a symbol."""
    tensor = field(1, kind)
    if shape is not None:
        dims = b"".join(
            field(1, b"" if d is None else field(2 if isinstance(d, str) else 1, d)) for d in shape
        )
        tensor += field(2, dims)
    return field(1, name) + field(2, field(1, tensor))


class Graph:
    """A graph that grows node by node."""

    def __init__(self, *shape: Any, opset: int = 13, seed: int = 0, name: str = "x") -> None:
        self.opset, self.rng = opset, np.random.RandomState(seed)
        self.nodes: List[Node] = []
        self.arrays: Dict[str, np.ndarray] = {}
        self.inputs: List[Tuple[str, Dims]] = [(name, shape)]
        self.outputs: List[str] = []
        self.last = name

    def constant(self, array: Any, dtype: Any = np.float32) -> str:
        """An initializer; returns its name."""
        name = f"c{len(self.arrays)}"
        self.arrays[name] = np.asarray(array, dtype)
        return name

    def random(self, *shape: int, low: float = -1.0, high: float = 1.0) -> str:
        return self.constant(self.rng.uniform(low, high, shape))

    def add(self, op: str, *inputs: str, outputs: Sequence[str] = (), **settings: Any) -> str:
        """A node on the last tensor, or on these; returns its output."""
        outputs = outputs or [f"{op.lower()}_{len(self.nodes)}"]
        read = inputs or (self.last,)
        self.nodes.append(Node(op, read, outputs, f"n{len(self.nodes)}", settings))
        self.last = outputs[0]
        return self.last

    def conv(self, channels: int, count: int, kernel: Any = 3, bias: bool = True,
             source: str = "", **settings: Any) -> str:  # fmt: skip
        """A Conv with random weights of about unit gain."""
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        group = settings.get("group", 1)
        fan = channels // (group if isinstance(group, int) else 1)
        gain = (fan * sides[0] * sides[1]) ** -0.5
        weight = self.constant(self.rng.normal(0, gain * 1.4, (count, fan, *sides)))
        inputs = [source or self.last, weight] + ([self.random(count)] if bias else [])
        return self.add("Conv", *inputs, **settings)

    def norm(self, channels: int, **settings: Any) -> str:
        """A BatchNormalization with random statistics."""
        parts = [self.random(channels, low=0.5), self.random(channels), self.random(channels),
                 self.random(channels, low=0.3, high=2)]  # fmt: skip
        return self.add("BatchNormalization", self.last, *parts, **settings)

    def message(self, lists_weights: bool = False) -> bytes:
        """The ModelProto. lists_weights: among the inputs too, as before IR version 4."""
        graph = b"".join(field(1, node.message()) for node in self.nodes) + field(2, "net")
        graph += b"".join(field(5, onnx_tensor(n, a)) for n, a in self.arrays.items())
        graph += b"".join(field(11, declared(*i)) for i in self.inputs)
        if lists_weights:
            graph += b"".join(field(11, declared(n, a.shape)) for n, a in self.arrays.items())
        graph += b"".join(field(12, declared(o, None)) for o in self.outputs or [self.last])
        opset = field(8, field(1, "") + field(2, self.opset))
        return field(1, 8) + opset + field(7, graph)

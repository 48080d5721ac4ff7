"""A whole ONNX model: its nodes, inputs and outputs, by the numbers of their protobuf fields
(onnx.proto3 in github.com/onnx/onnx)."""

from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from netfile import wire
from netfile.errors import WeightsError

from ..readers.bounds import MOST_ARRAYS, Budget
from ..readers.messages import axis, floats, inner, text, varint, varints
from ..readers.onnx import GRAPH_INITIALIZER, GRAPH_SPARSE, KINDS, MODEL_GRAPH, Tensor

NEWEST_OPSET = 28  # of the package onnx 1.23
MOST_NODES = MOST_ARRAYS
_MODEL_OPSET = 8
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 2, 11, 12
_OURS = ("", "ai.onnx")
Attribute = Union[int, float, str, List[int], List[float], Tensor, None]


class Node:
    """A NodeProto: what it does, the names of what it reads and makes, and its attributes."""

    def __init__(self, data: bytes) -> None:
        """Raises WireError where the bytes are none."""
        self.name, self.op, self.domain = "", "", ""
        self.inputs: List[str] = []
        self.outputs: List[str] = []
        self._attributes: Dict[str, Attribute] = {}
        for field in wire.fields(data, 0, len(data)):
            if field.number == 1:
                self.inputs.append(text(data, field))
            elif field.number == 2:
                self.outputs.append(text(data, field))
            elif field.number == 3:
                self.name = text(data, field)
            elif field.number == 4:
                self.op = text(data, field)
            elif field.number == 5:
                name, value = _attribute(data, field)
                self._attributes[name] = value
            elif field.number == 7:
                self.domain = text(data, field)

    def __str__(self) -> str:
        op = self.op if self.domain in _OURS else f"{self.domain}.{self.op}"
        name = self.name or (self.outputs[0] if self.outputs else "")
        return f'{op[:80]} "{name[:80]}"'

    @property
    def is_ours(self) -> bool:
        """Whether it is of ONNX's own operators."""
        return self.domain in _OURS

    def refused(self, why: str) -> WeightsError:
        """The error to raise where this node cannot be converted."""
        return WeightsError(f"{self} {why}")

    def has(self, name: str) -> bool:
        return name in self._attributes

    def number(self, name: str, default: int) -> int:
        """A whole number. Raises WeightsError where it is something else."""
        value = self._attributes.get(name, default)
        return value if isinstance(value, int) else self._wrong(name)

    def real(self, name: str, default: float) -> float:
        value = self._attributes.get(name, default)
        if not isinstance(value, (int, float)) or not np.isfinite(value):
            self._wrong(name)
        return float(value)  # type: ignore[arg-type]

    def numbers(self, name: str, default: Optional[List[int]] = None) -> Optional[List[int]]:
        value = self._attributes.get(name, default)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(n, int) for n in value):
            self._wrong(name)
        return value  # type: ignore[return-value]

    def string(self, name: str, default: str) -> str:
        value = self._attributes.get(name, default)
        return value if isinstance(value, str) else self._wrong(name)

    def raw(self, name: str) -> Attribute:
        return self._attributes.get(name)

    def _wrong(self, name: str) -> Any:
        raise self.refused(f"has an attribute {name} of another kind than it should be")


def _attribute(data: bytes, field: wire.Field) -> Tuple[str, Attribute]:
    """(name, value) of an AttributeProto."""
    name, kind = "", 0
    found: Dict[int, Any] = {7: [], 8: []}
    for part in inner(data, field):
        number = part.number
        if number == 1:
            name = text(data, part)
        elif number == 2:
            found[number] = float(floats(data, part, "<f4")[-1])
        elif number == 3:
            found[number] = varint(data, part)
        elif number == 4:
            found[number] = text(data, part)
        elif number == 5:
            if part.kind != wire.LENGTH:
                raise wire.WireError("a number in place of a message")
            found[number] = Tensor(data, part.value, part.end)
        elif number == 7:
            found[number] += [float(value) for value in floats(data, part, "<f4")]
        elif number == 8:
            found[number] += varints(data, part)
        elif number == 20:
            kind = varint(data, part)
    fields = {1: 2, 2: 3, 3: 4, 4: 5, 6: 7, 7: 8}  # by AttributeType
    defaults: Dict[int, Attribute] = {2: 0.0, 3: 0, 4: ""}  # proto3 leaves these out
    if kind in fields:
        return name, found.get(fields[kind], defaults.get(fields[kind]))
    if kind:
        return name, None
    given = [number for number, value in found.items() if value != []]
    return name, found[given[0]] if given else None


class Declared:
    """A ValueInfoProto: a tensor's name, kind and shape; an axis of no known size is its symbol."""

    def __init__(self, data: bytes) -> None:
        self.name, self.kind = "", ""
        self.shape: Optional[List[Union[int, str]]] = None
        for field in wire.fields(data, 0, len(data)):
            if field.number == 1:
                self.name = text(data, field)
            elif field.number == 2:
                for part in inner(data, field):
                    if part.number == 1:
                        self._read_type(data, part)

    def _read_type(self, data: bytes, tensor: wire.Field) -> None:
        for field in inner(data, tensor):
            if field.number == 1:
                number = varint(data, field)
                self.kind = KINDS.get(number, f"numbers of the unknown type {number}")
            elif field.number == 2:
                self.shape = [_dimension(data, part) for part in inner(data, field)]


def _dimension(data: bytes, field: wire.Field) -> Union[int, str]:
    size: Union[int, str] = ""
    for part in inner(data, field):
        size = axis(varint(data, part), "the input") if part.number == 1 else text(data, part)
    return size


class Model:
    """A ModelProto: `nodes` in order, `inputs` and `outputs`, and `tensors`, the initializers by
    their names, values not yet read."""

    def __init__(self, data: wire.File) -> None:
        """Read all but the values, which stay in the open file `data`.

        Raises WireError or WeightsError where the file is damaged, or of unknown operators.
        """
        self.opset = 0
        self.name = ""
        self.nodes: List[Node] = []
        self.inputs: List[Declared] = []
        self.outputs: List[str] = []
        self.tensors: Dict[str, Tensor] = {}
        for field in wire.fields(data, 0, len(data)):
            if field.number == MODEL_GRAPH:
                for part in inner(data, field):
                    self._read(data, part)
            elif field.number == _MODEL_OPSET:
                domain, version = "", 0
                for part in inner(data, field):
                    if part.number == 1:
                        domain = text(data, part)
                    elif part.number == 2:
                        version = varint(data, part)
                if domain in _OURS:
                    self.opset = version
        self._check()

    def _read(self, data: wire.File, part: wire.Field) -> None:
        """Read one field of the GraphProto."""
        if part.number == GRAPH_SPARSE:
            raise WeightsError("has sparse tensors, which are not converted")
        if part.number not in (
            _GRAPH_NODE, _GRAPH_NAME, GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT
        ):  # fmt: skip
            return
        if part.kind != wire.LENGTH:
            raise wire.WireError("a number in place of a message")
        if part.number == GRAPH_INITIALIZER:
            tensor = Tensor(data, part.value, part.end)
            self.tensors[tensor.name] = tensor
            return
        raw = data[part.value : part.end]
        if part.number == _GRAPH_NODE:
            self.nodes.append(Node(raw))
            if len(self.nodes) > MOST_NODES:
                raise WeightsError(f"has more than {MOST_NODES} nodes")
        elif part.number == _GRAPH_NAME:
            self.name = raw.decode("utf-8", "replace")
        elif part.number == _GRAPH_INPUT:
            self.inputs.append(Declared(raw))
        else:
            self.outputs.append(Declared(raw).name)

    def _check(self) -> None:
        if not self.nodes:
            raise WeightsError("has no nodes; an ONNX graph of a convolutional net is needed")
        if not 1 <= self.opset <= NEWEST_OPSET:
            raise WeightsError(
                f"is of version {self.opset} of ONNX's operators; 1 to {NEWEST_OPSET} are known"
                if self.opset
                else "does not say which version of ONNX's operators it is of"
            )
        if not self.outputs:
            raise WeightsError("has no outputs")

    def pictures(self) -> List[Declared]:
        """The inputs that are no weights: old files list both."""
        return [declared for declared in self.inputs if declared.name not in self.tensors]


def needed(model: Model) -> List[Node]:
    """The nodes that the outputs are made of, in order; the rest has no effect.

    Raises WeightsError where two nodes make one tensor, or a node reads what none before it makes.
    """
    makers: Dict[str, int] = {}
    for index, node in enumerate(model.nodes):
        for name in node.outputs:
            if name and name in makers:
                raise node.refused(f'makes "{name[:80]}", which another node makes already')
            makers[name] = index
    wanted, left = set(), list(model.outputs)
    while left:
        index = makers.get(left.pop(), -1)
        if index >= 0 and index not in wanted:
            wanted.add(index)
            left += [name for name in model.nodes[index].inputs if name]
    nodes = [model.nodes[index] for index in sorted(wanted)]
    there = {"", *model.tensors, *(declared.name for declared in model.inputs)}
    for node in nodes:
        for name in node.inputs:
            if name not in there:
                raise node.refused(
                    f'reads "{name[:80]}", which is no input and which no node before it makes'
                )
        there.update(node.outputs)
    return nodes


__all__ = ["Budget", "Declared", "Model", "Node", "needed"]

"""The Caffe net under construction: its layers, and what each tensor of the graph has become."""

import math
import re
from typing import Any, Container, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from ..readers.bounds import Budget
from ..readers.onnx import Tensor
from .model import Node

Shape = Tuple[int, ...]
LARGEST_BLOB = 2**31 - 1  # values, Caffe's own limit
_SMALL = 1 << 20  # values of an array that is worked out of constants
# what ReLU and PReLU may write over, as Caffe's own nets do: the backward pass of these does not
# look at their tops
_OVERWRITTEN = {"BatchNorm", "Bias", "Convolution", "Deconvolution", "InnerProduct", "Scale"}
_WITH_BIAS = {
    "Convolution": "convolution_param",
    "Deconvolution": "convolution_param",
    "InnerProduct": "inner_product_param",
    "Scale": "scale_param",
}


class Value(NamedTuple):
    """A tensor that a blob holds. pads: zeros around it, (top, left, bottom, right), that the
    convolutions which read it take over; its shape counts them."""

    blob: str
    shape: Shape
    pads: Tuple[int, int, int, int] = (0, 0, 0, 0)


class Builder:
    """Layers in order, their parameters, and where each tensor is.

    net: a NetParameter. parameters: each layer's arrays, float32. tensors: {blob: the tensor that
    it holds after a pass}. notes: what a person should know of the result.
    """

    def __init__(self, net: Any, opset: int, given: Dict[str, Tensor], budget: Budget) -> None:
        self.net, self.opset, self.budget = net, opset, budget
        self.parameters: Dict[str, List[np.ndarray]] = {}
        self.tensors: Dict[str, str] = {}
        self.notes: List[str] = []
        self.readers: Dict[str, List[Node]] = {}
        self.outputs: Set[str] = set()
        self._given = given
        self._constants: Dict[str, np.ndarray] = {}
        self._values: Dict[str, Value] = {}
        self._makers: Dict[str, Any] = {}  # blob -> the layer that wrote it last
        self._shared: Set[str] = set()  # blobs that several tensors are in
        self._names: Set[str] = set()
        self._next: Dict[str, int] = {}

    @property
    def told_size(self) -> str:
        """The size of the first input, for people."""
        height, width = self.net.layer[0].input_param.shape[0].dim[2:4]
        return f"{width}x{height}"

    def note(self, text: str) -> None:
        """Add to `notes`, once."""
        if text not in self.notes:
            self.notes.append(text)

    # ---- what a node reads

    def is_constant(self, tensor: str) -> bool:
        return tensor in self._constants or tensor in self._given

    def constant(self, node: Node, index: int, what: str) -> np.ndarray:
        """The constant that is a node's input. Raises WeightsError where it is none."""
        found = self.optional(node, index, what)
        if found is None:
            raise node.refused(f"has no {what}")
        return found

    def optional(self, node: Node, index: int, what: str) -> Optional[np.ndarray]:
        """The same, or None where the node has no such input."""
        name = node.inputs[index] if index < len(node.inputs) else ""
        if not name:
            return None
        if name in self._constants:
            return self._constants[name]
        if name not in self._given:
            raise node.refused(f"works out its {what}, which must be constants")
        # kept, since tied weights are read twice
        array = self._constants[name] = self._given[name].values(self.budget)
        return array

    def weights(self, node: Node, index: int, what: str) -> np.ndarray:
        """The same, as float32."""
        array = self.constant(node, index, what)
        if array.dtype != np.float32:
            raise node.refused(f"has {what} of {array.dtype}, not floats")
        return array

    def value(self, node: Node, index: int = 0, axes: int = 0) -> Value:
        """The blob that is a node's input, with this many axes. Raises WeightsError."""
        name = node.inputs[index] if index < len(node.inputs) else ""
        if not name:
            raise node.refused(f"has {len(node.inputs)} inputs, which are too few")
        if name not in self._values:
            raise node.refused(f'reads "{name[:80]}", a constant, where the net\'s values go')
        found = self._values[name]
        if axes and len(found.shape) != axes:
            raise node.refused(f"gets the shape {found.shape}; what has {axes} axes is converted")
        return found

    # ---- what it makes

    def add_input(self, tensor: str, shape: Shape, name: str) -> None:
        """An Input layer."""
        blob = self.unique(name)
        layer = self.net.layer.add(name=blob, type="Input", top=[blob])
        layer.input_param.shape.add(dim=shape)
        self._values[tensor] = Value(blob, shape)
        self.tensors[blob] = tensor

    def layer(
        self,
        node: Node,
        type: str,
        bottoms: Sequence[str],
        blobs: Sequence[np.ndarray] = (),
        step: str = "",
        in_place: bool = False,
    ) -> Any:
        """A new layer, named after the node's first output, its top too.

        step: what it does, where a node becomes several layers and this is not the last. in_place:
        its top is its first bottom.
        """
        name = self.unique(_wished(node) + (f"/{step}" if step else ""))
        top = bottoms[0] if in_place else name
        layer = self.net.layer.add(name=name, type=type, bottom=bottoms, top=[top])
        if blobs:
            self.parameters[name] = [np.asarray(blob, np.float32) for blob in blobs]
        self._makers[top] = layer
        return layer

    def is_made(self, tensor: str) -> bool:
        """Whether a blob holds this tensor."""
        return tensor in self._values

    def shape(self, blob: str) -> Shape:
        """The shape of a blob that holds a tensor; () of one between."""
        tensor = self.tensors.get(blob)
        return self._values[tensor].shape if tensor in self._values else ()

    def made(self, node: Node, layer: Any, shape: Shape) -> None:
        """Note that a node's first output is a layer's top, of this shape."""
        self.place(node, Value(layer.top[0], shape))
        self.tensors[layer.top[0]] = node.outputs[0]

    def place(self, node: Node, value: Value) -> None:
        """Note where a node's first output is. Raises WeightsError for a shape that is none."""
        shape = value.shape
        if any(n < 1 for n in shape) or math.prod(shape) > LARGEST_BLOB:
            raise node.refused(f"makes the shape {shape}, which no blob has")
        self._values[node.outputs[0]] = value

    def same(self, node: Node, value: Value) -> None:
        """Note that a node's first output is a value that is there already."""
        self._shared.add(value.blob)
        self.place(node, value)

    def keep(self, node: Node, array: np.ndarray) -> None:
        """Note that a node's first output is a constant. Raises WeightsError for a large one."""
        if array.size > _SMALL:
            self.budget.take(array.nbytes, node.outputs[0])
        self._constants[node.outputs[0]] = array

    def may_overwrite(self, tensor: str, value: Value, more: Container[str] = ()) -> bool:
        """Whether nothing else needs what is in this tensor's blob.

        more: types of layers that may be written over too.
        """
        maker = self._makers.get(value.blob)
        if maker is None or not self._is_alone(tensor, value):
            return False
        is_sum = (
            maker.type == "Eltwise" and maker.eltwise_param.operation == maker.eltwise_param.SUM
        )
        return is_sum or maker.type in _OVERWRITTEN or maker.type in more

    def unbiased(self, tensor: str, value: Value) -> Any:
        """The layer that made a tensor alone and has no bias yet; None if there is none."""
        maker = self._makers.get(value.blob)
        kind = _WITH_BIAS.get(maker.type) if maker is not None else None
        if maker is None or not kind or not self._is_alone(tensor, value):
            return None
        if len(maker.bottom) != 1:
            return None
        return None if getattr(maker, kind).bias_term else maker

    def add_bias(self, node: Node, layer: Any, bias: np.ndarray, shape: Shape) -> None:
        """Give a layer that has none a bias, so that its top is the node's first output."""
        getattr(layer, _WITH_BIAS[layer.type]).bias_term = True
        self.parameters[layer.name].append(np.asarray(bias, np.float32))
        self.made(node, layer, shape)

    def _is_alone(self, tensor: str, value: Value) -> bool:
        return (
            len(self.readers.get(tensor, ())) == 1
            and tensor not in self.outputs
            and value.blob not in self._shared
        )

    def unique(self, wished: str) -> str:
        """A name that no layer has, as near to the wished one as Caffe's tools allow."""
        name = re.sub(r"[^\w./+-]", "_", wished, flags=re.ASCII)[:200].strip("/") or "layer"
        found = name
        while found in self._names:
            self._next[name] = self._next.get(name, 1) + 1
            found = f"{name}_{self._next[name]}"
        self._names.add(found)
        return found


def _wished(node: Node) -> str:
    """What a person would call the layer: the tensor's name, or the node's where that says more."""
    tensor = node.outputs[0]
    bare = re.sub(r"(_output_\d+|:0)$", "", tensor)
    if re.search("[A-Za-z]", bare):
        return bare
    return node.name or f"{node.op}_{tensor}"


def pair(node: Node, name: str, default: int) -> Tuple[int, int]:
    """(vertical, horizontal) of an attribute of a node that looks at two axes."""
    found = node.numbers(name) or [default, default]
    if len(found) != 2:
        raise node.refused(f"has {name} {found}; what looks at two axes is converted")
    if min(found) < 1 or max(found) > LARGEST_BLOB:
        raise node.refused(f"has {name} {found}")
    return found[0], found[1]


def numbers(b: Builder, node: Node, index: int, name: str) -> Optional[List[int]]:
    """A list of whole numbers: an attribute in old versions, an input in new ones."""
    if node.has(name):
        return node.numbers(name)
    array = b.optional(node, index, name)
    if array is None:
        return None
    if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 64:
        raise node.refused(f"has {name} of {array.dtype} {array.shape}")
    return [int(n) for n in array.reshape(-1)]


__all__ = ["Builder", "Shape", "Value", "numbers", "pair"]

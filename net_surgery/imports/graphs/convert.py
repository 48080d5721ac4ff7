"""An ONNX graph, node by node, as a Caffe net; and the folder of that model."""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from google.protobuf import text_format

from netfile import wire
from netfile.errors import WeightsError, printable
from netfile.faults.kinds import kind_of, unreadable

from ...errors import OpenSizeError
from ...front_matter import text_value
from ...operation import load_engine
from .. import folder
from ..readers.bounds import Budget
from . import convolutions, elementwise, folding, pooling, shaping
from .builder import LARGEST_BLOB, Builder, Shape
from .model import Declared, Model, Node, needed

Size = Tuple[int, int]  # height, width
_LAYERS = {
    **convolutions.LAYERS,
    **elementwise.LAYERS,
    **pooling.LAYERS,
    **shaping.LAYERS,
}
_FLOATS = ("float32", "float16", "bfloat16", "float64")
_TOLD = 6
_HEAD = "# made of the ONNX graph "  # of a deploy net


@dataclass(frozen=True)
class Input:
    """What the net takes, (pixel - mean) * scale, as far as it is known; a graph does not say.

    mean: one value for all channels, or one for each, in the net's channel order. channel_order:
    "bgr" or "rgb". scale: a number.
    """

    mean: Optional[Sequence[float]] = None
    channel_order: Optional[str] = None
    scale: Optional[float] = None

    def check(self, channels: int) -> None:
        """Raise WeightsError where it is not what a net with so many channels can take."""
        mean = [0.0] if self.mean is None else list(self.mean)
        if len(mean) not in (1, channels) or not all(map(math.isfinite, mean)):
            raise WeightsError(f"the mean is {mean}, but the net takes {channels} channels")
        if self.channel_order not in (None, "bgr", "rgb"):
            raise WeightsError(f"the channel order is {self.channel_order!r}, not bgr or rgb")
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise WeightsError(f"the input scale is {self.scale}, not a number above 0")


@dataclass(frozen=True)
class Graph(folder.Folder):
    """A Caffe net made of an ONNX graph, and its weights.

    model: its name. tensors: {blob: the tensor of the graph that it holds after a pass}, for all
    but the blobs between. notes: what differs for other sizes of pictures. opset: the version of
    the graph's operators. taken: what the net takes.
    """

    model: str = ""
    tensors: Dict[str, str] = field(default_factory=dict)
    notes: List[str] = field(default_factory=list)
    opset: int = 0
    taken: Input = Input()

    @property
    def format(self) -> str:
        return f"ONNX graph of opset {self.opset}"

    def file_names(self) -> List[str]:
        return file_names(self.model)

    def _write_all(self, places: Dict[str, Path]) -> None:
        deploy, weights, readme = (places[name] for name in self.file_names())
        deploy.write_text(self.deploy_text(), encoding="utf-8")
        with open(weights, "wb") as file:
            self.write(file)
        readme.write_text(self._readme(weights), encoding="utf-8")

    def deploy_text(self) -> str:
        """The deploy net as a prototxt."""
        head = f"{_HEAD}{printable(self.source)}\n"
        return head + text_format.MessageToString(self.net)

    def _readme(self, weights: Path) -> str:
        taken, told = self.taken, [f"{self.model}, made of the ONNX graph {self.source}."]
        facts = [f"name: {text_value(self.model)}"]
        if taken.mean is not None:
            facts.append(f"mean: {[float(value) for value in taken.mean]}")
        else:
            told.append(
                "Its mean colour is not known: a graph does not say it. Put it between the --- "
                'lines as "mean: [BLUE, GREEN, RED]", in the channel order of the net.'
            )
        if taken.channel_order is not None:
            facts.append(f"channel_order: {taken.channel_order}")
        else:
            told.append('Its channel order is taken as bgr; if not, add "channel_order: rgb".')
        if taken.scale is not None:
            facts.append(f"scale: {float(taken.scale)}")
        else:
            told.append('Its input scale is taken as 1; if not, add "scale: NUMBER".')
        told.append("Its classes have numbers and no names.")
        size = self.net.layer[0].input_param.shape[0].dim[2:4]
        facts += [f"input_size: {size[0]}"] if size[0] == size[1] else []
        facts += self.facts_of_file(weights)
        lines = ["---", *facts, "---", "", *[printable(t) for t in [*told, *self.notes]], ""]
        return "\n".join(lines)


def file_names(model: str) -> List[str]:
    """The names of the files in the folder of a model made of a graph."""
    return [folder.DEPLOY, f"{model}.caffemodel", folder.README]


def is_made_of_a_graph(deploy: Any) -> bool:
    """Whether a prototxt is one that was made of a graph."""
    try:
        with open(deploy, encoding="utf-8", errors="replace") as file:
            return file.read(len(_HEAD)) == _HEAD
    except OSError:
        return False


def operators() -> List[str]:
    """The operators that become layers."""
    return sorted(_LAYERS)


def convert_graph(
    path: Any,
    model: str,
    caffe: Any = None,
    size: Optional[Size] = None,
    taken: Input = Input(),
) -> Graph:
    """The net and the weights in an ONNX file, as Caffe's.

    Args:
        path: the file.
        model: the new model's name.
        caffe: the engine module whose messages to use; by default a real Caffe, else caffe_compat.
        size: (height, width) of the pictures, where the graph leaves them open.
        taken: what the net takes.

    Raises:
        WeightsError: the file cannot be read, is damaged or is no ONNX graph, or has something that
            Caffe's layers cannot do, which is named.
        SurgeryError: there is no engine.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.+-]{0,99}", model, re.ASCII):
        raise WeightsError(
            f'"{model}" is no name for a model; write up to 100 letters, digits and . _ + -'
        )
    messages = (caffe or load_engine()).io.caffe_pb2
    try:
        kind = kind_of(path)
        with wire.File(path) as data:
            if kind is None or kind.what != "an ONNX model":
                raise WeightsError(f"{kind.what if kind else 'a file of no known kind'}, "
                                   "and no ONNX graph")  # fmt: skip
            budget = Budget(path)
            graph = Model(data)
            b = _built(graph, messages.NetParameter(name=model), budget, size)
        taken.check(b.net.layer[0].input_param.shape[0].dim[1])
    except OSError as e:
        raise WeightsError(unreadable(path, "an ONNX graph", e)) from None
    except wire.WireError as e:
        raise WeightsError(f"{path}: damaged, or cut off ({e}); get it again") from None
    except WeightsError as e:
        raise type(e)(f"{path}: {e}") from None
    return Graph(
        net=b.net, parameters=b.parameters, left_over=[], source=folder.base_name(path),
        sha256=folder.file_sha256(path), model=model, tensors=b.tensors, notes=b.notes,
        opset=graph.opset, taken=taken,
    )  # fmt: skip


def _built(graph: Model, net: Any, budget: Budget, size: Optional[Size]) -> Builder:
    """The net of a graph. Raises WeightsError."""
    nodes = needed(graph)
    _check_operators(nodes)
    b = Builder(net, graph.opset, graph.tensors, budget)
    b.outputs.update(graph.outputs)
    for node in nodes:
        for name in node.inputs:
            b.readers.setdefault(name, []).append(node)
    read = [d for d in graph.pictures() if d.name in b.readers]
    if not read:
        raise WeightsError("has no input that its outputs are made of")
    for declared in read:
        name = "data" if len(read) == 1 else declared.name
        b.add_input(declared.name, _input_shape(declared, size), name)
    for node in nodes:
        if not node.outputs or not node.outputs[0]:
            raise node.refused("makes nothing that has a name")
        if not folding.folded(b, node):
            if node.op not in _LAYERS:
                raise node.refused("has inputs that are no constants, which is not converted")
            _LAYERS[node.op](b, node)
        more = [name for name in node.outputs[1:] if name in b.readers or name in b.outputs]
        if more:
            raise node.refused(f'makes "{more[0][:80]}" beside its first output, which is read')
    for name in graph.outputs:
        if b.is_constant(name) or not b.is_made(name):
            raise WeightsError(f'has the output "{name[:80]}", which no node makes of its input')
    return b


def _check_operators(nodes: Sequence[Node]) -> None:
    """Raise WeightsError where operators cannot be converted, with all of them by name."""
    counts: Dict[str, int] = {}
    for node in nodes:
        is_known = node.op in _LAYERS or node.op in folding.FOLDS or node.op == "Shape"
        if not (node.is_ours and is_known):
            name = node.op if node.is_ours else f"{node.domain}.{node.op}"
            counts[name[:80]] = counts.get(name[:80], 0) + 1
    if counts:
        told = [f"{name} ({n})" if n > 1 else name for name, n in sorted(counts.items())]
        more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        raise WeightsError(
            f"has nodes that are not converted: {', '.join(told[:_TOLD])}{more}; those that are: "
            f"{', '.join(operators())}"
        )


def _input_shape(declared: Declared, size: Optional[Size]) -> Shape:
    """The shape of an input, one picture where the number is open. Raises WeightsError."""
    name, shape = declared.name[:80], declared.shape
    if declared.kind not in _FLOATS:
        raise WeightsError(f'has the input "{name}" of {declared.kind or "no kind"}, not of floats')
    if shape is None or len(shape) != 4:
        told = "no shape" if shape is None else f"the shape {_told(shape)}"
        raise WeightsError(
            f'has the input "{name}" of {told}, not of pictures: number, channels, height, width'
        )
    batch, channels, *sides = shape
    if not isinstance(channels, int):
        raise WeightsError(f'leaves open how many channels its input "{name}" has, {_told(shape)}')
    is_open = not all(isinstance(side, int) and side for side in sides)
    if size is None and is_open:
        raise OpenSizeError(f'leaves the size of its input "{name}" open, {_told(shape)}')
    if size is not None:
        for wanted, side in zip(size, sides):
            if isinstance(side, int) and side and side != wanted:
                raise WeightsError(
                    f"takes pictures {_told(sides)} high and wide, not {_told(size)}"
                )
        sides = list(size)
    made = (batch if isinstance(batch, int) and batch else 1, channels, *sides)
    found = tuple(int(n) for n in made)
    if min(found) < 1 or found[0] * found[1] * found[2] * found[3] > LARGEST_BLOB:
        raise WeightsError(f'has the input "{name}" of the shape {_told(shape)}')
    return found


def _told(shape: Sequence[Any]) -> str:
    return "x".join(str(n)[:20] or "?" for n in shape[:8])

"""Where a net's classes are, found by structure: names say nothing."""

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Set

import numpy as np

from netfile.errors import ShapeError
from netfile.shapes import infer

from ..errors import TargetError

_SOFTMAX = {"Softmax", "SoftmaxWithLoss"}
_SIGMOID = {"Sigmoid", "SigmoidCrossEntropyLoss"}
_SCORES = {"InnerProduct", "Convolution"}
# what may come after the scores and leave one value for each class
_PASSES = {
    "BatchNorm", "Bias", "Dropout", "Flatten", "Pooling", "ReLU", "Reshape", "Scale", "Split",
}  # fmt: skip
# what reads a result and makes no other one of it
_MEASURES = {"Accuracy", "ArgMax", "Silence", "HDF5Output"}


@dataclass(frozen=True)
class ClassOutput:
    """Where a net's classes are.

    scores: the blob of their values before the softmax; `layer` made it. probabilities: the blob of
    their probabilities, which the layer `end` made; the scores' own where the net has no softmax,
    which is then taken here (`computed`).
    """

    scores: str
    layer: str
    probabilities: str
    end: str
    computed: bool = False

    def shares(self, values: np.ndarray) -> np.ndarray:
        """The probabilities, (N, classes, ...), where `values` are those of their blob."""
        return _softmax(values) if self.computed else values

    def predict(self, net: Any) -> np.ndarray:
        """(N, classes): the probabilities for what the net's input holds.

        Raises:
            TargetError: the output has several places.
        """
        net.forward(end=self.end)
        values = net.blobs[self.probabilities].data
        _check_one_place(self.probabilities, values.shape)
        shares: np.ndarray = self.shares(values.reshape(len(values), -1)).copy()
        return shares


def class_output(description: Any, count: int = 0) -> ClassOutput:
    """The class output of a net: that of its last head, by its Softmax if it has one.

    A head is a Softmax, or else a Sigmoid, or else an InnerProduct or a Convolution, of which
    nothing else is made.

    Args:
        description: a NetParameter in V2.
        count: number of the classes, where it is known: of several heads, the last that has as many
            is taken.

    Raises:
        TargetError: there is no head.
    """
    layers = list(description.layer)
    for kinds in (_SOFTMAX, _SIGMOID):
        found = [_normalised(layers, i) for i in _heads(layers, kinds)]
        heads = [head for head in found if head is not None]
        if heads:
            return _of_width(description, heads, count)
    heads = [_plain(layers, i) for i in _heads(layers, _SCORES)]
    if not heads:
        raise TargetError(
            "the net has no Softmax, and does not end in an InnerProduct or a Convolution, so it "
            'is not known which layer holds the classes; channel("layer", number) takes any'
        )
    return _of_width(description, heads, count)


def check_classes(description: Any, output: ClassOutput, highest: int = 0) -> int:
    """Ask whether a net has one value for each class, and class number `highest`.

    Returns:
        The number of classes, or 0 where the output's shape cannot be worked out.

    Raises:
        TargetError: it does not.
    """
    shape = _shape(description, output.scores)
    if shape is None:
        return 0
    _check_one_place(output.scores, shape)
    check_class(description, output, highest)
    return int(shape[1])


def check_class(description: Any, output: ClassOutput, number: int) -> None:
    """Ask whether a net has the class of this number, as far as that is known.

    Raises:
        TargetError: it has not.
    """
    shape = _shape(description, output.scores)
    if shape is not None and len(shape) > 1 and number >= shape[1]:
        raise TargetError(
            f'the net has {shape[1]} classes in "{output.scores}", from 0 to {shape[1] - 1}, no '
            f"{number}"
        )


def _check_one_place(blob: str, shape: Any) -> None:
    if len(shape) < 2 or math.prod(shape[2:]) != 1:
        raise TargetError(
            f'"{blob}", where the classes should be, has the shape {tuple(shape)}, not one value '
            "for each class; this is no net that classifies whole pictures"
        )


def _heads(layers: List[Any], kinds: Set[str]) -> List[int]:
    """Numbers of the layers of these types of which nothing else is made."""
    readers: List[List[int]] = [[] for _ in layers]
    writers: Dict[str, int] = {}
    for i, layer in enumerate(layers):
        for bottom in layer.bottom:
            if bottom in writers:
                readers[writers[bottom]].append(i)
        writers.update(dict.fromkeys(layer.top, i))
    is_final = [True] * len(layers)
    for i in range(len(layers) - 1, -1, -1):
        is_final[i] = all(
            _measures(layers[reader]) or layers[reader].type in _PASSES and is_final[reader]
            for reader in readers[i]
        )
    made = [bool(layer.top) or layer.type.endswith("Loss") for layer in layers]
    return [i for i, layer in enumerate(layers) if layer.type in kinds and is_final[i] and made[i]]


def _measures(layer: Any) -> bool:
    return layer.type in _MEASURES or layer.type.endswith("Loss")


def _normalised(layers: List[Any], number: int) -> Optional[ClassOutput]:
    """The output of a Softmax, a Sigmoid, or such a loss; None for one of the net's own input."""
    layer = layers[number]
    scores = layer.bottom[0] if layer.bottom else ""
    writers = [before.name for before in layers[:number] if scores in before.top]
    if not writers or not _learned(layers[:number], scores):
        return None
    if layer.type.endswith("Loss"):
        return ClassOutput(scores, writers[-1], scores, writers[-1], computed=True)
    return ClassOutput(scores, writers[-1], layer.top[0], layer.name)


def _learned(layers: List[Any], blob: str) -> bool:
    return any(blob in layer.top and layer.bottom for layer in layers)


def _plain(layers: List[Any], number: int) -> ClassOutput:
    """The output of an InnerProduct or a Convolution: its blob, or what passes it on."""
    layer = layers[number]
    for following in layers[number + 1 :]:
        if layer.top[0] in following.bottom and following.type in _PASSES and following.top:
            layer = following
    return ClassOutput(layer.top[0], layer.name, layer.top[0], layer.name, computed=True)


def _of_width(description: Any, heads: List[ClassOutput], count: int) -> ClassOutput:
    """The last head that has `count` classes, or else the last."""
    if len(heads) > 1 and count:
        for head in heads[::-1]:
            shape = _shape(description, head.scores)
            if shape is not None and len(shape) > 1 and shape[1] == count:
                return head
    return heads[-1]


def _shape(description: Any, blob: str) -> Any:
    """A blob's shape at the declared input, or None."""
    try:
        return infer(description).get(blob)
    except ShapeError:
        return None


def _softmax(values: np.ndarray) -> np.ndarray:
    """Over axis 1."""
    shares = np.exp(values - values.max(1, keepdims=True))
    share: np.ndarray = shares / shares.sum(1, keepdims=True)
    return share

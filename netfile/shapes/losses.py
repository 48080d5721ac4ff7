"""Losses and Accuracy: one value, and what their second top holds.

A loss whose top is not named has one all the same, which no other layer can read.
"""

import math
from typing import Any, List

from .common import Known, Rules, Shape, canonical_axis, refused


def _check_items(layer: Any, bottoms: List[Known]) -> None:
    if bottoms[0][:1] != bottoms[1][:1]:
        raise refused(
            layer, f"gets bottoms {bottoms[0]} and {bottoms[1]} of unlike numbers of items"
        )


def _loss(layer: Any, bottoms: List[Known]) -> List[Shape]:
    _check_items(layer, bottoms)
    return [()]


def _euclidean(layer: Any, bottoms: List[Known]) -> List[Shape]:
    _check_items(layer, bottoms)
    _check_counts(layer, bottoms)
    return [()]


def _check_counts(layer: Any, bottoms: List[Known]) -> None:
    if math.prod(bottoms[0]) != math.prod(bottoms[1]):
        raise refused(
            layer, f"gets bottoms {bottoms[0]} and {bottoms[1]}, which must have as many values"
        )


def _contrastive(layer: Any, bottoms: List[Known]) -> List[Shape]:
    _check_items(layer, bottoms)
    a, b, together = bottoms
    values = math.prod(a[2:]) * math.prod(b[2:]) * math.prod(together[1:])
    if len(a) < 2 or a[:2] != b[:2] or values != 1 or together[:1] != a[:1]:
        raise refused(
            layer,
            "wants two bottoms (N, C) and one value for each of the N pairs, "
            f"not {a}, {b}, {together}",
        )
    return [()]


def _cross_entropy(layer: Any, bottoms: List[Known]) -> List[Shape]:
    _check_items(layer, bottoms)
    _check_counts(layer, bottoms)
    return [(), bottoms[0]]


def _check_labels(layer: Any, bottoms: List[Known], axis: int) -> int:
    """The number of classes. Raises ShapeError unless each place has a label."""
    scores, labels = bottoms[:2]
    axis = canonical_axis(layer, axis, scores)
    places = math.prod(scores) // max(scores[axis], 1)
    if math.prod(labels) != places:
        raise refused(
            layer,
            f"gets {math.prod(labels)} labels {labels} for {places} places of its bottom {scores}, "
            f"with the classes at axis {axis}",
        )
    return scores[axis]


def _softmax_loss(layer: Any, bottoms: List[Known]) -> List[Shape]:
    _check_items(layer, bottoms)
    _check_labels(layer, bottoms, layer.softmax_param.axis)
    return [(), bottoms[0]]


def _infogain_loss(layer: Any, bottoms: List[Known]) -> List[Shape]:
    _check_items(layer, bottoms)
    classes = _check_labels(layer, bottoms, layer.infogain_loss_param.axis)
    if len(bottoms) > 2 and math.prod(bottoms[2]) != classes**2:
        raise refused(layer, f"gets a matrix {bottoms[2]} for {classes} classes")
    return [(), bottoms[0]]


def _accuracy(layer: Any, bottoms: List[Known]) -> List[Shape]:
    p = layer.accuracy_param
    classes = _check_labels(layer, bottoms, p.axis)
    if p.top_k > classes:
        raise refused(layer, f"has top_k {p.top_k}, but there are {classes} classes")
    return [(), (classes,)]


TOPS: Rules = {
    "Accuracy": _accuracy,
    "ContrastiveLoss": _contrastive,
    "EuclideanLoss": _euclidean,
    "HingeLoss": _loss,
    "InfogainLoss": _infogain_loss,
    "MultinomialLogisticLoss": _loss,
    "SigmoidCrossEntropyLoss": _cross_entropy,
    "SoftmaxWithLoss": _softmax_loss,
}

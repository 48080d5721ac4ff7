"""Losses: one value from predictions and what they should have been.

Every loss's gradient is multiplied by its top's diff, which the net sets to the layer's
loss_weight.
"""

import math
from typing import Any, Sequence, Tuple

import numpy as np

from netfile.blobs import read_blob

from ..errors import PrototxtError, ShapeError
from ..kernels.softmax import sigmoid, softmax
from ..proto import caffe_pb2
from .registry import Blobs, Layer, counted, register, whole_numbers

LEAST = np.float32(1e-20)  # Caffe's kLOG_THRESHOLD
SMALLEST = np.finfo(np.float32).tiny


class Loss(Layer):
    bottoms = (2, 2)
    auto_top = True
    no_gradient: Tuple[int, ...] = (1,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].shape[:1] != bottom[1].shape[:1]:
            raise ShapeError(f"{self.both(bottom)} differ in their number of items")
        top[0].reshape()

    def both(self, bottom: Blobs) -> str:
        """The beginning of an error: the layer, and its first two bottoms' shapes."""
        return f'layer "{self.name}": its bottoms {bottom[0].shape} and {bottom[1].shape}'

    def weight(self, top: Blobs) -> np.float32:
        """What the gradient is multiplied by."""
        return top[0].diff.reshape(-1)[0]


class PredictionLoss(Loss):
    """A loss that has a gradient for its first bottom alone, given by `gradient`."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        state, dx = self.recall(bottom), bottom[0].diff
        if state is None:
            dx[...] = 0
        else:
            dx[...] = self.gradient(state, self.weight(top), bottom).reshape(dx.shape)

    def gradient(self, state: Any, weight: np.float32, bottom: Blobs) -> np.ndarray:
        """The first bottom's gradient, from what the forward pass remembered."""
        raise NotImplementedError


@register
class EuclideanLoss(Loss):
    """Sum of (a - b)² over twice the number of items."""

    type = "EuclideanLoss"
    no_gradient = ()

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if math.prod(bottom[0].shape[1:]) != math.prod(bottom[1].shape[1:]):
            raise ShapeError(f"{self.both(bottom)} differ in size")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        difference = bottom[0].data.reshape(-1) - bottom[1].data.reshape(-1)
        self.remember(bottom, difference)
        top[0].data[...] = np.dot(difference, difference) / bottom[0].shape[0] / 2

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        difference = self.recall(bottom)
        for b, sign, wanted in zip(bottom, (1, -1), propagate_down):
            if not wanted:
                continue
            if difference is None:
                b.diff[...] = 0
            else:
                factor = np.float32(sign * self.weight(top) / b.shape[0])
                b.diff[...] = factor * difference.reshape(b.shape)


@register
class ContrastiveLoss(Loss):
    """Half the mean of d² for pairs that belong together, of max(margin - d, 0)² for others.

    Hadsell et al., 2006. The legacy form has max(margin - d², 0) for others.
    """

    type = "ContrastiveLoss"
    bottoms = (3, 3)
    no_gradient = (2,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.contrastive_loss_param
        self.margin, self.legacy = np.float32(p.margin), p.legacy_version

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        a, b, together = (blob.shape for blob in bottom)
        if (
            len(a) < 2
            or a[:2] != b[:2]
            or math.prod(a[2:]) * math.prod(b[2:]) * math.prod(together[1:]) != 1
            or together[:1] != a[:1]
        ):
            raise ShapeError(
                f'layer "{self.name}": needs two bottoms (N, C) and one value for each '
                f"of the N pairs, not {a}, {b}, {together}"
            )

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        difference = (bottom[0].data - bottom[1].data).reshape(bottom[0].shape[:2])
        square = np.square(difference).sum(1)
        together = bottom[2].data.reshape(-1) != 0
        self.remember(bottom, (difference, square, together))
        apart = self.margin - square if self.legacy else self.margin - np.sqrt(square)
        apart = np.maximum(apart, 0)
        loss = np.where(together, square, apart if self.legacy else np.square(apart)).sum()
        top[0].data[...] = loss / len(square) / 2

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        state = self.recall(bottom)
        for b, sign, wanted in zip(bottom[:2], (1, -1), propagate_down):
            if not wanted:
                continue
            if state is None:
                b.diff[...] = 0
                continue
            difference, square, together = state
            if self.legacy:
                apart = np.where(self.margin - square > 0, np.float32(-1), np.float32(0))
            else:
                distance = np.sqrt(square)
                apart = -np.maximum(self.margin - distance, 0) / (distance + np.float32(1e-4))
            factor = (
                np.float32(sign)
                * self.weight(top)
                / np.float32(b.shape[0])
                * np.where(together, np.float32(1), apart)
            )
            b.diff[...] = (factor[:, None] * difference).reshape(b.shape)


class Labelled(PredictionLoss):
    """A loss whose second bottom holds one label for each item."""

    def labels(self, bottom: Blobs, classes: int) -> np.ndarray:
        """The labels (N,). Raises ShapeError for others than there are items and classes."""
        if bottom[1].count != bottom[0].shape[0]:
            raise ShapeError(
                f'layer "{self.name}": {bottom[1].count} labels for {bottom[0].shape[0]} items'
            )
        return whole_numbers(self, bottom[1].data.reshape(-1), classes, "label")


@register
class HingeLoss(Labelled):
    """Mean over items of the sum (L1) or sum of squares (L2) of max(0, 1 - t x).

    t = 1 for the label's class and -1 for others.
    """

    type = "HingeLoss"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.squared = self.layer_param.hinge_loss_param.norm == caffe_pb2.HingeLossParameter.L2

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data.reshape(bottom[0].shape[0], -1)
        sign = np.ones_like(x)
        sign[np.arange(len(x)), self.labels(bottom, x.shape[1])] = -1
        margin = np.maximum(0, 1 + sign * x)
        self.remember(bottom, (sign, margin))
        top[0].data[...] = (np.square(margin) if self.squared else margin).sum() / len(x)

    def gradient(self, state: Any, weight: np.float32, bottom: Blobs) -> np.ndarray:
        sign, margin = state
        slope = 2 * margin if self.squared else np.sign(margin)
        return np.float32(weight / len(sign)) * sign * slope


@register
class MultinomialLogisticLoss(Labelled):
    """Mean of -log of the probability that the bottom gives the label."""

    type = "MultinomialLogisticLoss"

    def _chosen(self, bottom: Blobs) -> Tuple[np.ndarray, np.ndarray]:
        """(labels, the probability of each)."""
        p = bottom[0].data.reshape(bottom[0].shape[0], -1)
        labels = self.labels(bottom, p.shape[1])
        return labels, np.maximum(p[np.arange(len(p)), labels], LEAST)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        _, chosen = self._chosen(bottom)
        top[0].data[...] = -np.log(chosen).sum() / len(chosen)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            labels, chosen = self._chosen(bottom)
            dx = bottom[0].diff.reshape(len(chosen), -1)
            dx[...] = 0
            dx[np.arange(len(chosen)), labels] = (
                np.float32(-self.weight(top) / len(chosen)) / chosen
            )


class Normalized(PredictionLoss):
    """A loss that is divided as loss_param's normalization says.

    That is by the number of values, of those that count, of items, or by nothing.
    """

    default = caffe_pb2.LossParameter.VALID

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.loss_param
        self.ignored = p.ignore_label if p.HasField("ignore_label") else None
        self.normalization = self.default
        if p.HasField("normalization"):
            self.normalization = p.normalization
        elif p.HasField("normalize"):
            self.normalization = p.VALID if p.normalize else p.BATCH_SIZE

    def divisor(self, outer: int, total: int, valid: int) -> np.float32:
        """The divisor of a loss over `outer` items and `total` values, of which `valid` count."""
        p = self.layer_param.loss_param
        by = {p.FULL: total, p.VALID: valid, p.BATCH_SIZE: outer, p.NONE: 1}
        return np.float32(max(1, by[self.normalization]))  # an empty batch is not divided by zero


@register
class SigmoidCrossEntropyLoss(Normalized):
    """Minus the log likelihood of targets in 0..1 under sigmoid(x)."""

    type = "SigmoidCrossEntropyLoss"
    default = caffe_pb2.LossParameter.BATCH_SIZE
    tops = (1, 2)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].count != bottom[1].count:
            raise ShapeError(f"{self.both(bottom)} must have as many values")
        for t in top[1:]:
            t.reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, target = bottom[0].data.reshape(-1), bottom[1].data.reshape(-1)
        counts = counted(target.astype(np.int64), self.ignored)
        positive = x >= 0
        loss = -(x * (target - positive) - np.log(1 + np.exp(x - 2 * x * positive)))
        divisor = self.divisor(bottom[0].shape[0], x.size, int(counts.sum()))
        self.remember(bottom, (counts, divisor))
        top[0].data[...] = (loss * counts).sum() / divisor
        for t in top[1:]:
            t.data[...] = loss.reshape(t.shape)

    def gradient(self, state: Any, weight: np.float32, bottom: Blobs) -> np.ndarray:
        counts, divisor = state
        x, target = bottom[0].data.reshape(-1), bottom[1].data.reshape(-1)
        return (sigmoid(x) - target) * counts * (weight / divisor)


class SoftmaxLoss(Normalized):
    """A loss of the softmax along `axis`, with a label for each place off that axis."""

    tops = (1, 2)
    axis_of = "softmax_param"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.axis = self.canonical_axis(getattr(self.layer_param, self.axis_of).axis, bottom[0])
        self.outer = math.prod(bottom[0].shape[: self.axis])
        self.classes = bottom[0].shape[self.axis]
        places = bottom[0].count // max(self.classes, 1)
        if bottom[1].count != places:
            raise ShapeError(
                f'layer "{self.name}": {bottom[1].count} labels {bottom[1].shape} '
                f"for {places} places of the bottom {bottom[0].shape}, softmax axis {self.axis}"
            )
        for t in top[1:]:
            t.reshape_like(bottom[0])

    def rows(self, array: np.ndarray) -> np.ndarray:
        """The array as (outer, classes, inner)."""
        return array.reshape(self.outer, self.classes, -1)

    def prepare(
        self, bottom: Blobs, top: Blobs
    ) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.float32]:
        """(probabilities, labels, which places count, divisor), which it remembers.

        Labels that do not count are 0.
        """
        probability = softmax(self.rows(bottom[0].data), 1)
        for t in top[1:]:
            t.data[...] = probability.reshape(t.shape)
        state = (probability, *self.labelled(bottom))
        self.remember(bottom, state)
        return state

    def labelled(self, bottom: Blobs) -> Tuple[np.ndarray, np.ndarray, np.float32]:
        """(labels, which places count, both (outer, inner), divisor).

        Raises ShapeError for a label that is no class's.
        """
        labels = bottom[1].data.astype(np.int64).reshape(self.outer, -1)
        counts = counted(labels, self.ignored)
        labels = whole_numbers(self, np.where(counts, labels, 0), self.classes, "label")
        return labels, counts, self.divisor(self.outer, labels.size, int(counts.sum()))

    def gradient(self, state: Any, weight: np.float32, bottom: Blobs) -> np.ndarray:
        probability, labels, counts, divisor = state
        return self.slopes(probability, labels, bottom) * counts[:, None] * (weight / divisor)

    def slopes(self, probability: np.ndarray, labels: np.ndarray, bottom: Blobs) -> np.ndarray:
        """The derivative of each place's loss, (outer, classes, inner)."""
        raise NotImplementedError


@register
class SoftmaxWithLoss(SoftmaxLoss):
    """Mean of -log softmax(x)[label]."""

    type = "SoftmaxWithLoss"

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        probability, labels, counts, divisor = self.prepare(bottom, top)
        chosen = np.take_along_axis(probability, labels[:, None], 1)[:, 0]
        top[0].data[...] = -(np.log(np.maximum(chosen, SMALLEST)) * counts).sum() / divisor

    def slopes(self, probability: np.ndarray, labels: np.ndarray, bottom: Blobs) -> np.ndarray:
        slopes, chosen = probability.copy(), labels[:, None]
        np.put_along_axis(slopes, chosen, np.take_along_axis(slopes, chosen, 1) - 1, 1)
        return slopes


@register
class InfogainLoss(SoftmaxLoss):
    """Mean of -sum over classes k of H[label, k] log softmax(x)[k].

    H is the third bottom, or in the file `source`.
    """

    type = "InfogainLoss"
    bottoms = (2, 3)
    axis_of = "infogain_loss_param"
    no_gradient = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.stored = None
        if len(bottom) < 3:
            source = self.layer_param.infogain_loss_param.source
            if not source:
                raise PrototxtError(
                    f'layer "{self.name}": give the infogain matrix as a third bottom, or as '
                    'infogain_loss_param { source: "H.binaryproto" }'
                )
            self.stored = read_blob(source, caffe_pb2)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        shape = bottom[2].shape if self.stored is None else self.stored.shape
        if math.prod(shape) != self.classes**2:
            raise ShapeError(
                f'layer "{self.name}": the infogain matrix is {shape} '
                f"but there are {self.classes} classes"
            )

    def _weights(self, bottom: Blobs, labels: np.ndarray) -> np.ndarray:
        """H[label] of each place, (outer, classes, inner)."""
        matrix = bottom[2].data if self.stored is None else self.stored
        return np.moveaxis(matrix.reshape(self.classes, self.classes)[labels], -1, 1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        probability, labels, counts, divisor = self.prepare(bottom, top)
        losses = self._weights(bottom, labels) * np.log(np.maximum(probability, LEAST))
        top[0].data[...] = -(losses.sum(1) * counts).sum() / divisor

    def slopes(self, probability: np.ndarray, labels: np.ndarray, bottom: Blobs) -> np.ndarray:
        weights = self._weights(bottom, labels)
        return probability * weights.sum(1, keepdims=True) - weights

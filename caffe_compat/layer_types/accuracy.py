"""Accuracy: how often the label is among the largest values."""

import math
from typing import Sequence, Tuple

import numpy as np

from ..errors import PrototxtError, ShapeError
from .registry import Blobs, Layer, counted, register, whole_numbers


@register
class Accuracy(Layer):
    """The share of places whose label is among the top_k values along `axis`.

    A second top has that of each class. The gradient is zero. Values equal to the label's count as
    larger, as in Caffe.
    """

    type = "Accuracy"
    bottoms, tops = (2, 2), (1, 2)
    no_gradient = (0, 1)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.accuracy_param
        self.top_k, self.ignored = p.top_k, p.ignore_label if p.HasField("ignore_label") else None
        axis = self.canonical_axis(p.axis, bottom[0])
        self.outer, self.classes = math.prod(bottom[0].shape[:axis]), bottom[0].shape[axis]
        if self.top_k > self.classes:
            raise PrototxtError(
                f'layer "{self.name}": top_k is {self.top_k} but there are {self.classes} classes'
            )
        if bottom[1].count != bottom[0].count // max(self.classes, 1):
            raise ShapeError(
                f'layer "{self.name}": {bottom[1].count} labels {bottom[1].shape} for the bottom '
                f"{bottom[0].shape} with axis {axis}"
            )
        top[0].reshape()
        for t in top[1:]:
            t.reshape(self.classes)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data.reshape(self.outer, self.classes, -1)
        labels, counts = self.labels(bottom)
        right = ((x >= np.take_along_axis(x, labels[:, None], 1)).sum(1) <= self.top_k) & counts
        top[0].data[...] = right.sum() / max(counts.sum(), 1)
        for t in top[1:]:
            seen = np.bincount(labels[counts], minlength=self.classes)
            t.data[...] = np.bincount(labels[right], minlength=self.classes) / np.maximum(seen, 1)

    def labels(self, bottom: Blobs) -> Tuple[np.ndarray, np.ndarray]:
        """(labels, which places count), both (outer, inner); labels that do not count are 0.

        Raises ShapeError for a label that is no class's.
        """
        labels = bottom[1].data.astype(np.int64).reshape(self.outer, -1)
        counts = counted(labels, self.ignored)
        return whole_numbers(self, np.where(counts, labels, 0), self.classes, "label"), counts

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        pass

"""ReLU and Dropout, which nearly every net has."""

from typing import Sequence

import numpy as np

from ..fillers import rng
from ..kernels import elementwise
from ..proto import caffe_pb2
from .registry import Blobs, SameShape, register


@register
class ReLU(SameShape):
    """y = max(x, 0) + negative_slope * min(x, 0)."""

    type = "ReLU"
    lean_reads = "x"
    repeatable = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.slope = np.float32(self.layer_param.relu_param.negative_slope)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        elementwise.relu_forward(bottom[0].data, top[0].data, self.slope)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self.fits(bottom, top):
            # in place, bottom.data is y, which has x's sign
            elementwise.relu_backward(bottom[0].data, top[0].diff, bottom[0].diff, self.slope)
        else:
            elementwise.clear(bottom[0].diff)


@register
class Dropout(SameShape):
    """TRAIN: y = x * mask / (1 - ratio); TEST: y = x."""

    type = "Dropout"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.ratio = self.layer_param.dropout_param.dropout_ratio
        self.repeatable = self.phase == caffe_pb2.TEST  # else it draws numbers
        self.lean_reads = "" if self.repeatable else None

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        if self.phase == caffe_pb2.TRAIN:
            kept = rng().bernoulli(1 - self.ratio, x.size).reshape(x.shape)
            mask = kept * np.float32(1 / (1 - self.ratio))
            self.remember(bottom, mask)
            np.multiply(x, mask, out=y)
        elif y is not x:
            elementwise.copy(y, x)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = top[0].diff, bottom[0].diff
        if not self.fits(bottom, top):
            elementwise.clear(dx)
        elif self.phase == caffe_pb2.TRAIN:
            mask = self.recall(bottom)
            np.multiply(dy, 0 if mask is None else mask, out=dx)
        elif dx is not dy:
            elementwise.copy(dx, dy)

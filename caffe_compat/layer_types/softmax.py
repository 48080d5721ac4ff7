"""Softmax along one axis."""

from typing import Sequence

from ..kernels.softmax import softmax, softmax_backward
from .registry import Blobs, SameShape, register


@register
class Softmax(SameShape):
    """y = exp(x - max x) / sum of exp(x - max x)."""

    type = "Softmax"
    lean_reads = "y"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.axis = self.canonical_axis(self.layer_param.softmax_param.axis, bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        softmax(bottom[0].data, self.axis, top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            softmax_backward(top[0].data, top[0].diff, self.axis, bottom[0].diff)

"""Softmax along one axis."""

from ..kernels.softmax import softmax, softmax_backward
from .registry import Layer, register


@register
class Softmax(Layer):
    """y = exp(x - max x) / sum of exp(x - max x)."""

    type = "Softmax"
    in_place = True

    def setup(self, bottom, top):
        self.axis = self.canonical_axis(self.layer_param.softmax_param.axis, bottom[0])

    def reshape(self, bottom, top):
        top[0].reshape_like(bottom[0])

    def forward(self, bottom, top):
        softmax(bottom[0].data, self.axis, top[0].data)

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            softmax_backward(top[0].data, top[0].diff, self.axis, bottom[0].diff)

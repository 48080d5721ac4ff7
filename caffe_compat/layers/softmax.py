"""Softmax along one axis."""

import numpy as np

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
        x, y = bottom[0].data, top[0].data
        np.subtract(x, x.max(self.axis, keepdims=True), out=y)
        np.exp(y, out=y)
        y /= y.sum(self.axis, keepdims=True)

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            y, dy = top[0].data, top[0].diff
            np.multiply(dy - (dy * y).sum(self.axis, keepdims=True), y, out=bottom[0].diff)

"""InnerProduct: a matrix product with everything behind `axis`."""

import math

import numpy as np

from ..errors import ShapeError
from .registry import Layer, register


@register
class InnerProduct(Layer):
    """y (M, N) = x (M, K) · W^T + b, with W (N, K), or (K, N) if `transpose`."""

    type = "InnerProduct"

    def setup(self, bottom, top):
        p = self.layer_param.inner_product_param
        self.outputs, self.transpose = p.num_output, p.transpose
        self.axis = self.canonical_axis(p.axis, bottom[0])
        self.inputs = math.prod(bottom[0].shape[self.axis :])
        shape = (self.inputs, self.outputs) if self.transpose else (self.outputs, self.inputs)
        self.add_param(shape, p.weight_filler)
        if p.bias_term:
            self.add_param((self.outputs,), p.bias_filler)

    def reshape(self, bottom, top):
        inputs = math.prod(bottom[0].shape[self.axis :])
        if inputs != self.inputs:
            raise ShapeError(
                f'layer "{self.name}": Input size incompatible with inner product parameters: '
                f"K_ is {self.inputs} but the bottom {bottom[0].shape} gives {inputs}; "
                "python -m net_surgery convolutionize DEPLOY WEIGHTS -o FOLDER makes a net that takes any size"
            )
        top[0].reshape(*bottom[0].shape[: self.axis], self.outputs)

    def _matrices(self, bottom):
        weight = self.blobs[0].data
        return bottom.data.reshape(-1, self.inputs), weight.T if self.transpose else weight

    def forward(self, bottom, top):
        x, weight = self._matrices(bottom[0])
        y = top[0].data.reshape(-1, self.outputs)
        np.matmul(x, weight.T, out=y)
        if len(self.blobs) > 1:
            y += self.blobs[1].data

    def backward(self, top, propagate_down, bottom):
        self.add_gradients(lambda: self._weight_gradient(top, bottom), lambda: self._bias_gradient(top, bottom))
        if propagate_down[0]:
            _, weight = self._matrices(bottom[0])
            dy = top[0].diff.reshape(-1, self.outputs)
            np.matmul(dy, weight, out=bottom[0].diff.reshape(-1, self.inputs))

    def _weight_gradient(self, top, bottom):
        x, _ = self._matrices(bottom[0])
        dw = top[0].diff.reshape(-1, self.outputs).T @ x
        self.blobs[0].diff[...] += dw.T if self.transpose else dw

    def _bias_gradient(self, top, bottom):
        self.blobs[1].diff[...] += top[0].diff.reshape(-1, self.outputs).sum(0)

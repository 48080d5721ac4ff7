"""InnerProduct: a matrix product with everything from `axis` on."""

import math
from typing import Sequence

import numpy as np

from ..errors import ShapeError
from ..kernels import convolution, weights
from ..kernels.threads import by_other_means
from .registry import Blobs, Layer, register


@register
class InnerProduct(Layer):
    """y (M, N) = x (M, K) · W^T + b, with W (N, K), or (K, N) if `transpose`."""

    type = "InnerProduct"
    lean_reads = ""
    repeatable = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.inner_product_param
        self.outputs, self.transpose = p.num_output, p.transpose
        self.axis = self.canonical_axis(p.axis, bottom[0])
        self.need_positive(num_output=self.outputs)
        self.inputs = math.prod(bottom[0].shape[self.axis :])
        shape = (self.inputs, self.outputs) if self.transpose else (self.outputs, self.inputs)
        self.add_param(shape, p.weight_filler)
        if p.bias_term:
            self.add_param((self.outputs,), p.bias_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        inputs = math.prod(bottom[0].shape[self.axis :])
        if inputs != self.inputs:
            raise ShapeError(
                f'layer "{self.name}": Input size incompatible with inner product parameters: '
                f"K_ is {self.inputs} but the bottom {bottom[0].shape} gives {inputs}; "
                "python -m net_surgery convolutionize DEPLOY WEIGHTS -o FOLDER "
                "makes a net that takes any size"
            )
        top[0].reshape(*bottom[0].shape[: self.axis], self.outputs)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        bias = np.empty(0, np.float32)
        if len(self.blobs) > 1:
            bias = self.as_made(1, self.blobs[1].data)
        self._product(bottom[0].data, top[0].data, self.inputs, self.outputs, bias, self.transpose)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.add_gradients(
            lambda: self._weight_gradient(top, bottom), lambda: self._bias_gradient(top, bottom)
        )
        if propagate_down[0]:
            self._product(
                top[0].diff,
                bottom[0].diff,
                self.outputs,
                self.inputs,
                np.empty(0, np.float32),
                not self.transpose,
            )

    def _product(self, source, target, inputs, outputs, bias, turned):
        """The rows of source (M, inputs) times the weights into target (M, outputs).

        As a 1x1 convolution of one picture of M positions.
        """
        x = np.ascontiguousarray(source.reshape(-1, inputs).T)
        y = target.reshape(-1, outputs)
        alone = len(y) == 1
        if not alone:
            by_other_means()
        out = y.T if alone else np.empty((outputs, len(y)), np.float32)
        size = 1, len(y)
        geometry = convolution.geometry(inputs, size, size, (1, 1), (1, 1), (0, 0), (1, 1))
        convolution.forward(
            x.reshape(1, inputs, *size),
            self.as_made(0, self.blobs[0].data),
            bias,
            out.reshape(1, outputs, *size),
            geometry,
            1,
            turned=turned,
        )
        if not alone:
            y[...] = out.T

    def _weight_gradient(self, top, bottom):
        x = bottom[0].data.reshape(-1, self.inputs)
        dy = top[0].diff.reshape(-1, self.outputs)
        dw = self.as_made(0, self.blobs[0].diff)
        weights.outer(*((x, dy) if self.transpose else (dy, x)), dw)

    def _bias_gradient(self, top, bottom):
        self.blobs[1].diff[...] += top[0].diff.reshape(-1, self.outputs).sum(0)

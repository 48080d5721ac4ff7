"""Pooling with Caffe's ceil rule."""

import math

import numpy as np

from ..errors import PrototxtError, ShapeError
from ..fillers import rng
from ..kernels import pooling as kernel
from ..kernels import stochastic_pooling as stochastic
from ..proto import caffe_pb2
from .registry import Layer, register


def pooled_size(size, kernel_size, stride, pad, floor=False):
    """Output size along one axis: rounded up (or down); with padding, a last window that starts beyond it is dropped."""
    span = size + 2 * pad - kernel_size
    out = (span // stride if floor else -(-span // stride)) + 1
    if pad and (out - 1) * stride >= size + pad:
        out -= 1
    return out


@register
class Pooling(Layer):
    """MAX (ties: the first in scan order takes the gradient), AVE (padding counts, what lies beyond it does not) or STOCHASTIC.

    STOCHASTIC chooses by the values' shares when training and takes the expectation when testing; Caffe has it on GPUs only.
    """

    type = "Pooling"
    tops = (1, 2)

    def setup(self, bottom, top):
        p = self.layer_param.pooling_param
        self.method, self.is_global, self.floor = p.pool, p.global_pooling, p.round_mode == p.FLOOR
        self.is_max, self.is_stochastic = self.method == p.MAX, self.method == p.STOCHASTIC
        self.can_add = not self.is_stochastic
        if len(top) > 1 and not self.is_max:
            raise PrototxtError(
                f'layer "{self.name}": only MAX pooling has a second top (the mask)'
            )

        def pair(name, plain):
            if p.HasField(name + "_h") or p.HasField(name + "_w"):
                return getattr(p, name + "_h"), getattr(p, name + "_w")
            return getattr(p, plain), getattr(p, plain)

        self.kernel, self.stride, self.pad = (
            pair("kernel", "kernel_size"),
            pair("stride", "stride"),
            pair("pad", "pad"),
        )
        if self.is_global:
            if self.kernel != (0, 0) or self.stride != (1, 1) or self.pad != (0, 0):
                raise PrototxtError(
                    f'layer "{self.name}": global pooling takes no kernel, and stride 1 and pad 0 alone'
                )
        elif min(*self.kernel, *self.stride) < 1:
            raise PrototxtError(
                f'layer "{self.name}": kernel {self.kernel} and stride {self.stride} must be at least 1'
            )
        elif any(p >= k for p, k in zip(self.pad, self.kernel)):
            raise PrototxtError(
                f'layer "{self.name}": pad {self.pad} must be smaller than the kernel {self.kernel}'
            )
        if math.prod(self.kernel) >= 2**31:
            raise PrototxtError(
                f'layer "{self.name}": a window of {self.kernel[0]}x{self.kernel[1]} values is too large'
            )
        if self.is_stochastic and self.pad != (0, 0):
            raise PrototxtError(
                f'layer "{self.name}": stochastic pooling takes no padding, but pad is {self.pad}'
            )

    def reshape(self, bottom, top):
        if len(bottom[0].shape) != 4:
            raise ShapeError(
                f'layer "{self.name}": its bottom must have 4 axes (num, channels, height, width), not {bottom[0].shape}'
            )
        n, channels, *size = bottom[0].shape
        if self.is_global:
            self.kernel = tuple(size)
        out = [
            pooled_size(s, k, st, p, self.floor)
            for s, k, st, p in zip(size, self.kernel, self.stride, self.pad)
        ]
        if min(*out, *size) < 1:
            raise ShapeError(
                f'layer "{self.name}": a {size[0]}x{size[1]} bottom is smaller than its {self.kernel[0]}x{self.kernel[1]} window'
            )
        for t in top:
            t.reshape(n, channels, *out)

    def _planes(self, array):
        return array.reshape(-1, *array.shape[2:])

    def _window(self):
        return kernel.Window(*self.kernel, *self.stride, *self.pad)

    def _positions(self, mask, width):
        """Where in its plane each maximum lay, as an index: what Caffe writes to the second top."""
        rows, columns = np.indices(mask.shape[1:])
        mask = mask.astype(np.int32)
        y = rows * self.stride[0] - self.pad[0] + mask // self.kernel[1]
        x = columns * self.stride[1] - self.pad[1] + mask % self.kernel[1]
        return np.where(mask < 0, -1, y * width + x)

    def forward(self, bottom, top):
        x, y = self._planes(bottom[0].data), self._planes(top[0].data)
        if self.is_max:
            mask = self.recall(bottom)
            if mask is None:
                mask = kernel.mask_like(y, self._window())
                self.remember(bottom, mask)
            kernel.max_forward(x, y, mask, self._window())
            if len(top) > 1:
                self._planes(top[1].data)[...] = self._positions(mask, x.shape[2])
        elif self.is_stochastic:
            self._forward_stochastic(bottom, x, y)
        else:
            kernel.average_forward(x, y, self._window())

    def backward(self, top, propagate_down, bottom, add=False):
        if not propagate_down[0]:
            return
        dy, dx = self._planes(top[0].diff), self._planes(bottom[0].diff)
        if self.is_max:
            mask = self.recall(bottom)
            if mask is None:
                dx[...] = dx if add else 0
            else:
                kernel.max_backward(dy, mask, dx, self._window(), add)
        elif self.is_stochastic:
            self._backward_stochastic(bottom, top, dy, dx)
        else:
            kernel.average_backward(dy, dx, self._window(), add)

    def _forward_stochastic(self, bottom, x, y):
        window = (*self.kernel, *self.stride)
        if self.phase == caffe_pb2.TRAIN:
            chosen = np.empty(y.shape, np.int64)
            self.remember(bottom, chosen)
            thresholds = rng().random(y.shape, np.float32)
            stochastic.choose(x, thresholds, y, chosen, *window, 0, len(x))
        else:
            stochastic.expect(x, y, *window, 0, len(x))

    def _backward_stochastic(self, bottom, top, dy, dx):
        if self.phase == caffe_pb2.TEST:
            x, y, window = (
                self._planes(bottom[0].data),
                self._planes(top[0].data),
                (*self.kernel, *self.stride),
            )
            stochastic.expect_backward(x, y, dy, dx, *window, 0, len(dy))
            return
        chosen = self.recall(bottom)
        if chosen is None:
            dx[...] = 0
        else:
            stochastic.choose_backward(dy, chosen, dx, 0, len(dy))

"""Pooling with Caffe's ceil rule."""

import math
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from .. import limits
from ..errors import PrototxtError, ShapeError
from ..fillers import rng
from ..kernels import elementwise
from ..kernels import pooling as kernel
from ..kernels.pooling import stochastic
from ..kernels.threads import by_other_means
from ..proto import caffe_pb2
from .registry import Blobs, Layer, Slopes, register


def pooled_size(size: int, kernel_size: int, stride: int, pad: int, floor: bool = False) -> int:
    """Output size along one axis, rounded up, or down with `floor`.

    With padding, a last window that starts in the padding after the picture's edge is dropped.
    """
    span = size + 2 * pad - kernel_size
    out = (span // stride if floor else -(-span // stride)) + 1
    if pad and (out - 1) * stride >= size + pad:
        out -= 1
    return out


def _pair(param: Any, name: str, plain: str) -> Tuple[int, int]:
    """A setting for height and width."""
    if param.HasField(name + "_h") or param.HasField(name + "_w"):
        return getattr(param, name + "_h"), getattr(param, name + "_w")
    return getattr(param, plain), getattr(param, plain)


@register
class Pooling(Layer):
    """MAX, AVE or STOCHASTIC pooling.

    MAX: of equal values the first in scan order takes the gradient. AVE: padding counts, what lies
    beyond it does not. STOCHASTIC chooses by the values' shares when training and takes the
    expectation when testing; Caffe has it on GPUs only.
    """

    type = "Pooling"
    tops = (1, 2)
    _fitted: Any = None  # the blobs' shapes after the last reshape

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.pooling_param
        self.method, self.is_global, self.floor = p.pool, p.global_pooling, p.round_mode == p.FLOOR
        self.is_max, self.is_stochastic = self.method == p.MAX, self.method == p.STOCHASTIC
        self.can_add, self.can_rectify = not self.is_stochastic, self.is_max
        self.lean_reads = None if self.is_stochastic else ""
        self.repeatable = not self.is_stochastic and len(top) == 1
        if len(top) > 1 and not self.is_max:
            raise PrototxtError(
                f'layer "{self.name}": only MAX pooling has a second top (the mask)'
            )
        self.kernel = _pair(p, "kernel", "kernel_size")
        self.stride, self.pad = _pair(p, "stride", "stride"), _pair(p, "pad", "pad")
        if self.is_global:
            if self.kernel != (0, 0) or self.stride != (1, 1) or self.pad != (0, 0):
                raise PrototxtError(
                    f'layer "{self.name}": global pooling takes no kernel, '
                    "and only stride 1 and pad 0"
                )
        else:
            self.need_positive(kernel=self.kernel, stride=self.stride)
            if any(p >= k for p, k in zip(self.pad, self.kernel)):
                raise PrototxtError(
                    f'layer "{self.name}": pad {self.pad} must be smaller than '
                    f"the kernel {self.kernel}"
                )
        if math.prod(self.kernel) > limits.MOST_VALUES:
            raise PrototxtError(
                f'layer "{self.name}": a window of {self.kernel[0]}x{self.kernel[1]} values '
                "is too large"
            )
        if self.is_stochastic and self.pad != (0, 0):
            raise PrototxtError(
                f'layer "{self.name}": stochastic pooling takes no padding, but pad is {self.pad}'
            )

    def fits(self, bottom: Blobs, top: Blobs) -> bool:
        return bool(self._fitted == [b.shape for b in (*bottom, *top)])

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if self.fits(bottom, top):
            return
        self.need_four_axes(bottom[0])
        n, channels, *size = bottom[0].shape
        if self.is_global:
            self.kernel = size[0], size[1]
        out = [
            pooled_size(s, k, st, p, self.floor)
            for s, k, st, p in zip(size, self.kernel, self.stride, self.pad)
        ]
        if min(*out, *size) < 1:
            raise ShapeError(
                f'layer "{self.name}": a {size[0]}x{size[1]} bottom is smaller than its '
                f"{self.kernel[0]}x{self.kernel[1]} window"
            )
        for t in top:
            t.reshape(n, channels, *out)
        self.window = kernel.Window(*self.kernel, *self.stride, *self.pad)
        self._fitted = [b.shape for b in (*bottom, *top)]

    def _planes(self, array):
        return array.reshape(-1, *array.shape[2:])

    def _positions(self, mask, width):
        """Where in its plane each maximum lay, as an index: what Caffe writes to the second top."""
        rows, columns = np.indices(mask.shape[1:])
        mask = mask.astype(np.int32)
        y = rows * self.stride[0] - self.pad[0] + mask // self.kernel[1]
        x = columns * self.stride[1] - self.pad[1] + mask % self.kernel[1]
        return np.where(mask < 0, -1, y * width + x)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = self._planes(bottom[0].data), self._planes(top[0].data)
        if self.is_max:
            mask = self.recall(bottom)
            if mask is None:
                mask = kernel.mask_like(y, self.window)
                self.remember(bottom, mask)
            kernel.max_forward(x, y, mask, self.window)
            if len(top) > 1:
                self._planes(top[1].data)[...] = self._positions(mask, x.shape[2])
        elif self.is_stochastic:
            self._forward_stochastic(bottom, x, y)
        else:
            kernel.average_forward(x, y, self.window)

    def backward(
        self,
        top: Blobs,
        propagate_down: Sequence[bool],
        bottom: Blobs,
        add: bool = False,
        rectify: Optional[Slopes] = None,
    ) -> None:
        if not propagate_down[0]:
            return
        dy, dx = self._planes(top[0].diff), self._planes(bottom[0].diff)
        (slope,) = rectify or (None,)
        fits = self.fits(bottom, top)
        mask = self.recall(bottom)
        if not fits or (self.is_max and mask is None):
            by_other_means()
            dx[...] = dx if add else 0
            if slope is not None:
                elementwise.relu_backward(bottom[0].data, dx, dx, slope)
        elif self.is_max:
            if slope is None:
                kernel.max_backward(dy, mask, dx, self.window, add)
            else:
                x = self._planes(bottom[0].data)
                kernel.max_backward(dy, mask, dx, self.window, add, x, slope)
        elif self.is_stochastic:
            self._backward_stochastic(bottom, top, dy, dx)
        else:
            kernel.average_backward(dy, dx, self.window, add)

    def _forward_stochastic(self, bottom, x, y):
        if self.phase == caffe_pb2.TRAIN:
            chosen = np.empty(y.shape, np.int64)
            self.remember(bottom, chosen)
            thresholds = rng().uniform(0, 1, y.size).reshape(y.shape)
            stochastic.choose(x, thresholds, y, chosen, self.window)
        else:
            stochastic.expect(x, y, self.window)

    def _backward_stochastic(self, bottom, top, dy, dx):
        if self.phase == caffe_pb2.TEST:
            x, y = self._planes(bottom[0].data), self._planes(top[0].data)
            stochastic.expect_backward(x, y, dy, dx, self.window)
            return
        chosen = self.recall(bottom)
        if chosen is None:
            dx[...] = 0
        else:
            stochastic.choose_backward(dy, chosen, dx)

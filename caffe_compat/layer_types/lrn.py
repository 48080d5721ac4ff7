"""Local response normalisation across channels or within each (Krizhevsky et al., 2012, 3.3)."""

from typing import Optional, Sequence

import numpy as np

from ..errors import PrototxtError
from ..kernels import lrn as kernel
from ..kernels import pooling
from ..kernels.threads import by_other_means
from .registry import Blobs, Layer, Slopes, register


@register
class LRN(Layer):
    """ACROSS_CHANNELS: y = x * (k + alpha/n * sum of x² over n channels) ** -beta.

    WITHIN_CHANNEL: y = x * (1 + alpha * average of x² over an n×n window) ** -beta; the average
    counts padding, and k is not used, since Caffe builds it of Split, Power, Pooling and Eltwise
    layers.
    """

    type = "LRN"
    lean_reads = "x"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.lrn_param
        self.size, self.alpha, self.beta = p.local_size, p.alpha, p.beta
        self.region = kernel.Region(self.size, self.alpha, self.beta, p.k)
        self.across = self.can_rectify = self.repeatable = p.norm_region == p.ACROSS_CHANNELS
        if self.size % 2 == 0:
            raise PrototxtError(f'layer "{self.name}": local_size is {self.size} but must be odd')

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.need_four_axes(bottom[0])
        top[0].reshape_like(bottom[0])

    def fits(self, bottom: Blobs, top: Blobs) -> bool:
        return top[0].shape == bottom[0].shape

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        if self.across:
            self.remember(bottom, True)
            for arrays in zip(self._rows(x), self._rows(y)):
                kernel.lrn_forward(*arrays, self.region)
            return
        scale = self.recall(bottom)
        if scale is None:
            scale = np.empty(x.shape, np.float32)
            self.remember(bottom, scale)
        self._within_scale(x, scale)
        np.multiply(x, scale ** np.float32(-self.beta), out=y)

    def backward(
        self,
        top: Blobs,
        propagate_down: Sequence[bool],
        bottom: Blobs,
        rectify: Optional[Slopes] = None,
    ) -> None:
        if not propagate_down[0]:
            return
        x, dy, dx = bottom[0].data, top[0].diff, bottom[0].diff
        state = self.recall(bottom)
        (slope,) = rectify or (None,)
        if state is None or not self.fits(bottom, top):
            by_other_means()
            dx[...] = 0  # which passes any ReLU
        elif self.across:
            for arrays in zip(self._rows(x), self._rows(dy), self._rows(dx)):
                kernel.lrn_backward(*arrays, self.region, slope)
        else:
            self._within_backward(x, dy, dx, state)

    @staticmethod
    def _rows(array):
        return array.reshape(*array.shape[:2], -1)

    def _window(self):
        pad = (self.size - 1) // 2
        return pooling.Window(self.size, self.size, 1, 1, pad, pad)

    def _within_scale(self, x, scale):
        planes = (x * x).reshape(-1, *x.shape[2:])
        average = scale.reshape(planes.shape)
        pooling.average_forward(planes, average, self._window())
        scale *= np.float32(self.alpha)
        scale += np.float32(1)

    def _within_backward(self, x, dy, dx, scale):
        slope = np.float32(-self.beta * self.alpha) * scale ** np.float32(-self.beta - 1)
        share = (dy * x * slope).reshape(-1, *x.shape[2:])
        spread = np.empty_like(share)
        pooling.average_backward(share, spread, self._window())
        dx[...] = dy * scale ** np.float32(-self.beta) + 2 * x * spread.reshape(x.shape)

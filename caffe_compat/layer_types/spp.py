"""SPP: spatial pyramid pooling (He et al., arXiv 1406.4729)."""

from typing import List, Sequence

import numpy as np

from ..errors import PrototxtError, ShapeError
from ..proto import caffe_pb2
from .registry import Blobs, Layer, create, register


@register
class SPP(Layer):
    """At each level the picture is pooled into 2^level by 2^level windows.

    The top has all of them side by side, (N, values).
    """

    type = "SPP"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.spp_param
        self.levels = p.pyramid_height
        if not 1 <= self.levels <= 16:
            raise PrototxtError(
                f'layer "{self.name}": pyramid_height must be from 1 to 16, not {self.levels}'
            )
        self.size: List[int] = []  # for which the pools are

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.need_four_axes(bottom[0])
        n, channels, *size = bottom[0].shape
        if size != self.size:
            self.size, self.pools = size, [self._pool(level, *size) for level in range(self.levels)]
        for pool, out in self.pools:
            pool.reshape(bottom, [out])
        if self.levels == 1:
            top[0].reshape(n, channels, 1, 1)
        else:
            top[0].reshape(n, sum(out.count for _, out in self.pools) // max(n, 1))

    def _pool(self, level, height, width):
        """(a Pooling layer of 2^level windows each way, its top)."""
        bins = 2**level
        kernel = [-(-side // bins) for side in (height, width)]
        pad = [(k * bins - side + 1) // 2 for k, side in zip(kernel, (height, width))]
        param = caffe_pb2.LayerParameter(name=f"{self.name} level {level}", type="Pooling")
        p = param.pooling_param
        p.pool = self.layer_param.spp_param.pool
        p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_h, p.pad_w = *kernel, *kernel, *pad
        pool = create(param, self.phase)
        if any(q >= k for q, k in zip(pad, kernel)):
            raise ShapeError(
                f'layer "{self.name}": a {height}x{width} bottom is too small for {bins} windows '
                "each way; lower pyramid_height"
            )
        pool.setup([], [])
        return pool, self.new_blob()

    def _flat(self, array):
        """Views into a top's array, one for each level, (N, values)."""
        start = 0
        for _, out in self.pools:
            width = out.count // max(out.shape[0], 1)
            yield array.reshape(len(array), -1)[:, start : start + width]
            start += width

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for (pool, out), part in zip(self.pools, self._flat(top[0].data)):
            pool.ran_on_gpu = self.ran_on_gpu
            pool.forward(bottom, [out])
            part[...] = out.data.reshape(part.shape)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        total = np.zeros_like(bottom[0].diff)
        for (pool, out), part in zip(self.pools, self._flat(top[0].diff)):
            out.diff[...] = part.reshape(out.shape)
            pool.backward([out], [True], bottom)
            total += bottom[0].diff
        bottom[0].diff[...] = total

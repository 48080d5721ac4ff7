"""BatchNorm: every channel to mean 0 and variance 1 (Ioffe and Szegedy, arXiv 1502.03167)."""

from typing import Sequence

import numpy as np

from ..errors import PrototxtError
from ..proto import caffe_pb2
from .registry import Blobs, SameShape, register


@register
class BatchNorm(SameShape):
    """y = (x - mean) / sqrt(variance + eps), per channel (axis 1).

    Mean and variance are those of the batch when training, the stored ones when testing. The three
    blobs hold the running sums of mean and variance and their weight, by which both are divided.
    """

    type = "BatchNorm"
    lean_reads = ""

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.batch_norm_param
        self.stored = (
            p.use_global_stats if p.HasField("use_global_stats") else self.phase == caffe_pb2.TEST
        )
        self.fraction, self.eps = np.float32(p.moving_average_fraction), np.float32(p.eps)
        channels = bottom[0].shape[1] if len(bottom[0].shape) > 1 else 1
        for shape in ((channels,), (channels,), (1,)):
            self.add_param(shape, None)
        self._keep_from_solvers()

    def _keep_from_solvers(self) -> None:
        """Give the statistics an lr_mult of 0, as Caffe does: they are no solver's to change."""
        given, self.layer_param = self.layer_param, type(self.layer_param)()
        self.layer_param.CopyFrom(given)
        for i in range(len(self.blobs)):
            if i == len(self.layer_param.param):
                self.layer_param.param.add()
            elif self.layer_param.param[i].lr_mult and self.phase == caffe_pb2.TRAIN:
                raise PrototxtError(
                    f'layer "{self.name}": its statistics have lr_mult '
                    f"{self.layer_param.param[i].lr_mult:g}; no solver may change them, so give "
                    "them param { lr_mult: 0 }, or no param"
                )
            self.layer_param.param[i].lr_mult = 0

    def _by_channel(self, array):
        """The array as (N, C, positions)."""
        channels = self.blobs[0].count
        return array.reshape(array.shape[0] if channels > 1 or array.ndim > 1 else 1, channels, -1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = self._by_channel(bottom[0].data), self._by_channel(top[0].data)
        if self.stored:
            weight = self.blobs[2].data[0]
            share = np.float32(0 if weight == 0 else 1 / weight)
            mean, variance = self.blobs[0].data * share, self.blobs[1].data * share
        else:
            mean = x.mean((0, 2))
            variance = np.square(x - mean[:, None]).mean((0, 2))
            self._keep(mean, variance, x.size // x.shape[1])
        deviation = np.sqrt(variance + self.eps)
        # untrained statistics give what they give in Caffe
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            np.subtract(x, mean[:, None], out=y)
            y /= deviation[:, None]
        # in place the values are overwritten by later layers, so training keeps a copy
        self.remember(bottom, (deviation, None if self.stored else y.copy()))

    def _keep(self, mean, variance, count):
        """Add a batch's statistics to the stored sums, the variance as an unbiased estimate."""
        correction = count / (count - 1) if count > 1 else 1
        for blob, value in zip(self.blobs, (mean, correction * variance, 1)):
            blob.data[...] = value + self.fraction * blob.data

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = self._by_channel(top[0].diff), self._by_channel(bottom[0].diff)
        state = self.recall(bottom)
        if state is None:
            dx[...] = 0
            return
        deviation, y = state
        if not self.stored:
            dy = dy - dy.mean((0, 2))[:, None] - y * (dy * y).mean((0, 2))[:, None]
        np.divide(dy, deviation[:, None], out=dx)

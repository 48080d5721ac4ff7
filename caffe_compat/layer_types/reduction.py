"""Reduction, and MVN: what sums over axes."""

import math
from typing import Sequence

import numpy as np

from .registry import Blobs, Layer, register


@register
class Reduction(Layer):
    """coeff times the SUM, ASUM (of |x|), SUMSQ (of x²) or MEAN of everything from `axis` on."""

    type = "Reduction"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.reduction_param
        self.operation, self.names = p.operation, p
        self.axis = self.canonical_axis(p.axis, bottom[0])
        self.size = math.prod(bottom[0].shape[self.axis :])
        self.coeff = np.float32(
            p.coeff / self.size if self.operation == p.MEAN and self.size else p.coeff
        )
        top[0].reshape(*bottom[0].shape[: self.axis])

    def _rows(self, array):
        return array.reshape(-1, self.size)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, p = self._rows(bottom[0].data), self.names
        if self.operation == p.ASUM:
            x = np.abs(x)
        total = np.einsum("ij,ij->i", x, x) if self.operation == p.SUMSQ else x.sum(1)
        top[0].data[...] = (self.coeff * total).reshape(top[0].shape)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        x, p = self._rows(bottom[0].data), self.names
        dy = self.coeff * top[0].diff.reshape(-1, 1)
        slope = np.ones_like(x)
        if self.operation == p.ASUM:
            slope = np.sign(x)
        elif self.operation == p.SUMSQ:
            slope = 2 * x
        np.multiply(dy, slope, out=self._rows(bottom[0].diff))


@register
class MVN(Layer):
    """Mean to zero and, with normalize_variance, deviation to one.

    Of each channel, or of each item with across_channels.
    """

    type = "MVN"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.mvn_param
        self.divide, self.eps = p.normalize_variance, np.float32(p.eps)
        self.rows = math.prod(bottom[0].shape[: 1 if p.across_channels else 2])
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data.reshape(self.rows, -1), top[0].data.reshape(self.rows, -1)
        np.subtract(x, x.mean(1, keepdims=True), out=y)
        if self.divide:
            deviation = np.sqrt(np.square(y).mean(1, keepdims=True)) + self.eps
            self.remember(bottom, deviation)
            y /= deviation

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        y, dy, dx = (a.reshape(self.rows, -1) for a in (top[0].data, top[0].diff, bottom[0].diff))
        np.subtract(dy, dy.mean(1, keepdims=True), out=dx)
        if self.divide:
            deviation = self.recall(bottom)
            dx -= y * (y * dy).mean(1, keepdims=True)
            dx /= np.float32(np.inf) if deviation is None else deviation

"""Eltwise: several blobs of one shape, combined value by value."""

from typing import Sequence

import numpy as np

from ..errors import PrototxtError, ShapeError
from .registry import Blobs, Layer, register


@register
class Eltwise(Layer):
    """SUM (with coefficients), PROD or MAX.

    Where maxima are equal, Caffe gives the gradient to the second bottom if it is among them, else
    to the first.
    """

    type = "Eltwise"
    bottoms = (2, None)
    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.eltwise_param
        self.operation, self.stable = p.operation, p.stable_prod_grad
        self.is_sum, self.is_product = self.operation == p.SUM, self.operation == p.PROD
        if p.coeff and len(p.coeff) != len(bottom):
            raise PrototxtError(
                f'layer "{self.name}" has {len(bottom)} bottoms but {len(p.coeff)} coefficients'
            )
        if p.coeff and self.is_product:
            raise PrototxtError(f'layer "{self.name}": a product takes no coefficients')
        self.lean_reads = "xy" if self.is_product else ""
        self.coeff = [np.float32(c) for c in p.coeff] or [np.float32(1)] * len(bottom)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for b in bottom[1:]:
            if b.shape != bottom[0].shape:
                raise ShapeError(
                    f'layer "{self.name}": its bottoms differ in shape: '
                    f"{bottom[0].shape} and {b.shape}"
                )
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        first, second, *more = (b.data for b in bottom)
        y = top[0].data
        if self.is_product:
            np.multiply(first, second, out=y)
            for x in more:
                y *= x
        elif self.is_sum:
            # a new array, since the top may be one of the bottoms
            total = self.coeff[0] * first + self.coeff[1] * second
            for coeff, x in zip(self.coeff[2:], more):
                total += coeff * x
            y[...] = total
        else:
            winner = (~(first > second)).astype(np.int32)
            largest = np.where(winner, second, first)
            for i, x in enumerate(more, 2):
                larger = x > largest
                winner[larger] = i
                largest = np.where(larger, x, largest)
            self.remember(bottom, winner)
            y[...] = largest

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff
        shared = any(b is top[0] for b in bottom)
        dy = dy.copy() if shared else dy
        for i, blob in enumerate(bottom):
            if not propagate_down[i]:
                continue
            if self.is_sum:
                np.multiply(dy, self.coeff[i], out=blob.diff)
            elif not self.is_product:
                winner = self.recall(bottom)
                np.multiply(dy, 0 if winner is None else winner == i, out=blob.diff)
            elif self.stable:
                others = [b.data for j, b in enumerate(bottom) if j != i]
                np.multiply(
                    dy, np.prod(others, axis=0) if len(others) > 1 else others[0], out=blob.diff
                )
            else:
                np.multiply(dy, top[0].data / blob.data, out=blob.diff)

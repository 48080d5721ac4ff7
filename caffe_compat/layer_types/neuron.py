"""Neuron layers that work value by value, with Caffe's formulas.

ReLU and Dropout have a file of their own. Where Caffe computes the gradient from the bottom's
values, so do these: in place it then sees the top's, as in Caffe.
"""

import math
from typing import Any, Sequence

import numpy as np

from ..errors import PrototxtError, ShapeError
from ..kernels.softmax import sigmoid
from ..proto import caffe_pb2
from .registry import Blobs, Layer, SameShape, register


class Neuron(SameShape):
    """Subclasses give `value(x)`, and `slope(x, y)`, the derivative."""

    lean_reads = "xy"

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        # infinities and NaN come out as in Caffe
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            top[0].data[...] = self.value(bottom[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                slope = self.slope(bottom[0].data, top[0].data)
                np.multiply(top[0].diff, slope, out=bottom[0].diff)

    def value(self, x: np.ndarray) -> Any:
        """What becomes of the bottom's values."""
        raise NotImplementedError

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        """The derivative, by which the top's gradient is multiplied."""
        raise NotImplementedError


@register
class AbsVal(Neuron):
    """y = |x|."""

    type = "AbsVal"
    in_place = False

    def value(self, x: np.ndarray) -> Any:
        return np.abs(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        return np.sign(x)


@register
class BNLL(Neuron):
    """y = log(1 + exp(x)), the binomial normal log likelihood."""

    type = "BNLL"

    def value(self, x: np.ndarray) -> Any:
        return np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        e = np.exp(np.minimum(x, np.float32(50)))
        return e / (e + 1)


@register
class Clip(Neuron):
    """y = min(max(x, min), max)."""

    type = "Clip"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.clip_param
        if not (p.HasField("min") and p.HasField("max")) or p.min > p.max:
            raise PrototxtError(
                f'layer "{self.name}": clip_param needs min and max, min not above max; '
                f"got min {p.min}, max {p.max}"
            )
        self.low, self.high = np.float32(p.min), np.float32(p.max)

    def value(self, x: np.ndarray) -> Any:
        return np.maximum(self.low, np.minimum(x, self.high))

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        return ((x >= self.low) & (x <= self.high)).astype(np.float32)


@register
class ELU(Neuron):
    """y = x for x > 0, else alpha (exp(x) - 1) (Clevert et al., arXiv 1511.07289)."""

    type = "ELU"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.alpha = np.float32(self.layer_param.elu_param.alpha)

    def value(self, x: np.ndarray) -> Any:
        return np.maximum(x, 0) + self.alpha * (np.exp(np.minimum(x, 0)) - 1)

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        return np.where(x > 0, np.float32(1), self.alpha + y)


def _log_of_base(layer: Layer, base: float) -> float:
    """Natural logarithm of a base; -1 stands for e."""
    if base == -1:
        return 1.0
    if base <= 0:
        raise PrototxtError(
            f'layer "{layer.name}": base must be positive, or -1 for e, not {base:g}'
        )
    return math.log(base)


@register
class Exp(Neuron):
    """y = base ^ (shift + scale x)."""

    type = "Exp"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.exp_param
        log_base = _log_of_base(self, p.base)
        self.inner = np.float32(log_base * p.scale)
        self.outer = np.float32(math.exp(log_base * p.shift))

    def value(self, x: np.ndarray) -> Any:
        return self.outer * np.exp(self.inner * x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        return self.inner * y


@register
class Log(Neuron):
    """y = log_base(shift + scale x)."""

    type = "Log"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.log_param
        log_base = _log_of_base(self, p.base)
        if log_base == 0:
            raise PrototxtError(f'layer "{self.name}": there is no logarithm to the base 1')
        self.scale, self.shift = np.float32(p.scale), np.float32(p.shift)
        self.factor = np.float32(1 / log_base)

    def value(self, x: np.ndarray) -> Any:
        return np.log(self.scale * x + self.shift) * self.factor

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        return self.scale * self.factor / (self.scale * x + self.shift)


@register
class Power(Neuron):
    """y = (shift + scale x) ^ power."""

    type = "Power"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.power_param
        self.scale, self.shift = np.float32(p.scale), np.float32(p.shift)
        self.power = np.float32(p.power)
        self.factor = self.power * self.scale

    def value(self, x: np.ndarray) -> Any:
        if self.factor == 0:
            return np.float32(1) if self.power == 0 else self.shift**self.power
        return (self.scale * x + self.shift) ** self.power

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        if self.factor == 0 or self.power == 1:
            return self.factor
        if self.power == 2:
            return self.factor * (self.scale * x + self.shift)
        return self.factor * y / (self.scale * x + self.shift)


@register
class Sigmoid(Neuron):
    """y = 1 / (1 + exp(-x))."""

    type = "Sigmoid"

    def value(self, x: np.ndarray) -> Any:
        return sigmoid(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        return y * (1 - y)


@register
class Swish(Neuron):
    """y = x sigmoid(beta x) (Ramachandran et al., arXiv 1710.05941)."""

    type = "Swish"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.beta = np.float32(self.layer_param.swish_param.beta)
        self._sigmoid = np.zeros(0, np.float32)

    def value(self, x: np.ndarray) -> Any:
        self._sigmoid = sigmoid(self.beta * x)  # in place, x is gone when the gradient comes
        return x * self._sigmoid

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        gate = self._sigmoid if self._sigmoid.shape == y.shape else sigmoid(self.beta * x)
        return self.beta * y + gate * (1 - self.beta * y)


@register
class TanH(Neuron):
    """y = tanh(x)."""

    type = "TanH"

    def value(self, x: np.ndarray) -> Any:
        return np.tanh(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        return 1 - y * y


@register
class Threshold(Neuron):
    """y = 1 where x is above the threshold, else 0. Its gradient is zero."""

    type = "Threshold"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.threshold = np.float32(self.layer_param.threshold_param.threshold)

    def value(self, x: np.ndarray) -> Any:
        return x > self.threshold

    def slope(self, x: np.ndarray, y: np.ndarray) -> Any:
        return np.float32(0)


@register
class PReLU(Neuron):
    """y = max(x, 0) + slope * min(x, 0), a slope for each channel or one for all.

    He et al., arXiv 1502.01852.
    """

    type = "PReLU"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.prelu_param
        if len(bottom[0].shape) < 2:
            raise ShapeError(
                f'layer "{self.name}": its bottom needs two axes or more, not {bottom[0].shape}'
            )
        quarter = caffe_pb2.FillerParameter(type="constant", value=0.25)
        self.add_param(
            () if p.channel_shared else bottom[0].shape[1:2],
            p.filler if p.HasField("filler") else quarter,
        )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if self.blobs[0].shape and bottom[0].shape[1:2] != self.blobs[0].shape:
            raise ShapeError(
                f'layer "{self.name}": its bottom has the shape {bottom[0].shape} '
                f"but there are {self.blobs[0].count} slopes"
            )
        super().reshape(bottom, top)

    def _slopes(self, x):
        return self.blobs[0].data.reshape((1, -1) + (1,) * (x.ndim - 2))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data
        self.remember(bottom, x.copy() if bottom[0] is top[0] else None)
        top[0].data[...] = np.maximum(x, 0) + self._slopes(x) * np.minimum(x, 0)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        kept = self.recall(bottom) if bottom[0] is top[0] else None
        x = bottom[0].data if kept is None else kept
        dy = top[0].diff.copy() if bottom[0] is top[0] else top[0].diff
        self.add_gradients(lambda: self._slope_gradient(x, dy))
        if propagate_down[0]:
            np.multiply(dy, np.where(x > 0, np.float32(1), self._slopes(x)), out=bottom[0].diff)

    def _slope_gradient(self, x, dy):
        share = dy * np.minimum(x, 0)
        axes = tuple(i for i in range(x.ndim) if i != 1 or not self.blobs[0].shape)
        self.blobs[0].diff[...] += share.sum(axes)

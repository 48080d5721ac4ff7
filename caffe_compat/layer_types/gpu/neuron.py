"""Neuron layers: for each type its values, and the bottom's gradient."""

from typing import Any, Callable, Sequence, Type

import numpy as np
import torch

from .. import neuron
from ..neuron import Neuron, PReLU
from ..registry import Blobs, twin
from .host import kept_values

_aten = torch.ops.aten
Value = Callable[[Any, Any], Any]
Gradient = Callable[[Any, Any, Any, Any], Any]


def _twin(cls: Type[Neuron], value: Value, gradient: Gradient) -> None:
    """Bind value(layer, x), which is y, and gradient(layer, dy, x, y); both give new tensors."""

    def forward(layer: Neuron, bottom: Blobs, top: Blobs) -> None:
        top[0].set_gpu_data(value(layer, bottom[0].gpu_data))

    def backward(layer: Neuron, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            x, y = bottom[0].gpu_data, top[0].gpu_data
            bottom[0].set_gpu_diff(gradient(layer, top[0].gpu_diff, x, y))

    twin(cls, forward, backward)


_twin(neuron.AbsVal, lambda layer, x: x.abs(), lambda layer, dy, x, y: dy * x.sign())


def _bnll(layer: neuron.BNLL, x: Any) -> Any:
    return x.clamp(min=0).add_(x.abs().neg_().exp_().add_(1).log_())


def _bnll_gradient(layer: neuron.BNLL, dy: Any, x: Any, y: Any) -> Any:
    e = x.clamp(max=50).exp_()
    return (e / (e + 1)).mul_(dy)


_twin(neuron.BNLL, _bnll, _bnll_gradient)


def _clip(layer: neuron.Clip, x: Any) -> Any:
    return x.clamp(float(layer.low), float(layer.high))


def _clip_gradient(layer: neuron.Clip, dy: Any, x: Any, y: Any) -> Any:
    return dy * ((x >= float(layer.low)) & (x <= float(layer.high)))


_twin(neuron.Clip, _clip, _clip_gradient)


def _elu(layer: neuron.ELU, x: Any) -> Any:
    return torch.nn.functional.elu(x, float(layer.alpha))


def _elu_gradient(layer: neuron.ELU, dy: Any, x: Any, y: Any) -> Any:
    return torch.where(x > 0, dy, (y + float(layer.alpha)).mul_(dy))


_twin(neuron.ELU, _elu, _elu_gradient)


def _exp(layer: neuron.Exp, x: Any) -> Any:
    return (x * float(layer.inner)).exp_().mul_(float(layer.outer))


def _exp_gradient(layer: neuron.Exp, dy: Any, x: Any, y: Any) -> Any:
    return (y * float(layer.inner)).mul_(dy)


_twin(neuron.Exp, _exp, _exp_gradient)


def _log(layer: neuron.Log, x: Any) -> Any:
    return (x * float(layer.scale)).add_(float(layer.shift)).log_().mul_(float(layer.factor))


def _log_gradient(layer: neuron.Log, dy: Any, x: Any, y: Any) -> Any:
    inner = (x * float(layer.scale)).add_(float(layer.shift))
    return (dy * float(layer.scale * layer.factor)).div_(inner)


_twin(neuron.Log, _log, _log_gradient)


def _power(layer: neuron.Power, x: Any) -> Any:
    if layer.factor == 0:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return torch.full_like(x, float(layer.value(np.zeros(0, np.float32))))
    return _inner(layer, x).pow_(float(layer.power))


def _power_gradient(layer: neuron.Power, dy: Any, x: Any, y: Any) -> Any:
    factor = float(layer.factor)
    if factor == 0 or layer.power == 1:
        return dy * factor
    if layer.power == 2:
        return _inner(layer, x).mul_(factor).mul_(dy)
    return (y * factor).div_(_inner(layer, x)).mul_(dy)


def _inner(layer: neuron.Power, x: Any) -> Any:
    return (x * float(layer.scale)).add_(float(layer.shift))


_twin(neuron.Power, _power, _power_gradient)

_twin(
    neuron.Sigmoid,
    lambda layer, x: torch.sigmoid(x),
    lambda layer, dy, x, y: _aten.sigmoid_backward(dy, y),
)
_twin(
    neuron.TanH,
    lambda layer, x: torch.tanh(x),
    lambda layer, dy, x, y: _aten.tanh_backward(dy, y),
)
_twin(
    neuron.Threshold,
    lambda layer, x: (x > float(layer.threshold)).float(),
    lambda layer, dy, x, y: torch.zeros_like(dy),
)


def _swish_forward(layer: neuron.Swish, bottom: Blobs, top: Blobs) -> None:
    x = bottom[0].gpu_data
    gate = torch.sigmoid(x * float(layer.beta))
    layer.remember(bottom, gate)  # in place, x is gone when the gradient comes
    top[0].set_gpu_data(x * gate)


def _swish_backward(
    layer: neuron.Swish, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    if propagate_down[0]:
        gate, beta = layer.recall(bottom), float(layer.beta)
        if gate is None:
            gate = torch.sigmoid(bottom[0].gpu_data * beta)
        by = top[0].gpu_data * beta
        bottom[0].set_gpu_diff((by + gate * (1 - by)).mul_(top[0].gpu_diff))


twin(neuron.Swish, _swish_forward, _swish_backward)


def _slopes(layer: PReLU, x: Any) -> Any:
    return layer.blobs[0].gpu_data.reshape((1, -1) + (1,) * (x.ndim - 2))


def _prelu_forward(layer: PReLU, bottom: Blobs, top: Blobs) -> None:
    in_place = bottom[0] is top[0]
    x = kept_values(bottom[0]) if in_place else bottom[0].gpu_data
    layer.remember(bottom, x if in_place else None)
    top[0].set_gpu_data(torch.prelu(x, layer.blobs[0].gpu_data.reshape(-1)))


def _prelu_backward(
    layer: PReLU, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    kept = layer.recall(bottom) if bottom[0] is top[0] else None
    x = bottom[0].gpu_data if kept is None else kept
    dy = top[0].gpu_diff
    layer.add_gpu_gradients(lambda: _slope_gradient(layer, x, dy))
    if propagate_down[0]:
        bottom[0].set_gpu_diff(torch.where(x > 0, dy, dy * _slopes(layer, x)))


def _slope_gradient(layer: PReLU, x: Any, dy: Any) -> None:
    axes = [i for i in range(x.ndim) if i != 1 or not layer.blobs[0].shape]
    layer.blobs[0].add_gpu_diff((dy * x.clamp(max=0)).sum(axes))


twin(PReLU, _prelu_forward, _prelu_backward)

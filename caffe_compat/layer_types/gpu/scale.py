"""Scale and Bias."""

from typing import Any, Callable, List, Sequence

import torch

from ..registry import Blobs, twin
from ..scale import Bias, Broadcast, Scale
from .host import kept_values


def _over(layer: Broadcast, values: Any, x: Any) -> Any:
    """The second operand in a shape that is repeated over x."""
    after = x.ndim - layer.first - layer.axes
    return values.reshape((1,) * layer.first + tuple(values.shape) + (1,) * after)


def _summed(layer: Broadcast, gradient: Any) -> Any:
    """A gradient of x's shape, summed over the axes that the second operand lacks."""
    inside = range(layer.first, layer.first + layer.axes)
    axes = [i for i in range(gradient.ndim) if i not in inside]
    return gradient.sum(axes) if axes else gradient


def _scale_forward(layer: Scale, bottom: Blobs, top: Blobs) -> None:
    in_place = bottom[0] is top[0]
    x = kept_values(bottom[0]) if in_place else bottom[0].gpu_data
    layer.remember(bottom, x if in_place else None)
    scale = _over(layer, layer.values(bottom).gpu_data, x)
    if layer.bias is None:
        top[0].set_gpu_data(x * scale)
    else:
        bias = _over(layer, layer.blobs[layer.bias].gpu_data, x)
        top[0].set_gpu_data(torch.addcmul(bias, x, scale))


def _scale_backward(
    layer: Scale, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    dy = top[0].gpu_diff
    x = layer.recall(bottom) if bottom[0] is top[0] else bottom[0].gpu_data
    scale = _over(layer, layer.values(bottom).gpu_data, dy)
    gradients: List[Callable[[], object]] = []
    if len(bottom) == 1:
        gradients = [
            lambda: None if x is None else layer.blobs[0].add_gpu_diff(_summed(layer, dy * x))
        ]
    elif propagate_down[1]:
        given = torch.zeros_like(dy) if x is None else dy * x
        bottom[1].set_gpu_diff(_summed(layer, given))
    if layer.bias is not None:
        gradients.append(lambda: layer.blobs[-1].add_gpu_diff(_summed(layer, dy)))
    layer.add_gpu_gradients(*gradients)
    if propagate_down[0]:
        bottom[0].set_gpu_diff(dy * scale)


twin(Scale, _scale_forward, _scale_backward)


def _bias_forward(layer: Bias, bottom: Blobs, top: Blobs) -> None:
    x = bottom[0].gpu_data
    top[0].set_gpu_data(x + _over(layer, layer.values(bottom).gpu_data, x))


def _bias_backward(layer: Bias, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    dy = top[0].gpu_diff
    if len(bottom) > 1 and propagate_down[1]:
        bottom[1].set_gpu_diff(_summed(layer, dy).clone())
    elif len(bottom) == 1:
        # in place, lower layers overwrite it before anybody asks for the gradient
        kept = dy.clone() if bottom[0] is top[0] and not layer.blobs[0].wanted else dy
        layer.add_gpu_gradients(lambda: layer.blobs[0].add_gpu_diff(_summed(layer, kept)))
    if propagate_down[0] and bottom[0] is not top[0]:
        bottom[0].set_gpu_diff(dy.clone())


twin(Bias, _bias_forward, _bias_backward)

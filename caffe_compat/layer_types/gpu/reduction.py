"""Reduction and MVN."""

import math
from typing import Any, Sequence

import torch

from ..reduction import MVN, Reduction
from ..registry import Blobs, twin


def _rows(layer: Reduction, x: Any) -> Any:
    return x.reshape(math.prod(x.shape[: layer.axis]), layer.size)


def _reduction_forward(layer: Reduction, bottom: Blobs, top: Blobs) -> None:
    x, p = _rows(layer, bottom[0].gpu_data), layer.names
    if layer.operation == p.ASUM:
        x = x.abs()
    elif layer.operation == p.SUMSQ:
        x = x.square()
    top[0].set_gpu_data(x.sum(1).mul_(float(layer.coeff)))


def _reduction_backward(
    layer: Reduction, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    if not propagate_down[0]:
        return
    x, p = _rows(layer, bottom[0].gpu_data), layer.names
    dy = top[0].gpu_diff.reshape(-1, 1) * float(layer.coeff)
    if layer.operation == p.ASUM:
        bottom[0].set_gpu_diff(x.sign().mul_(dy))
    elif layer.operation == p.SUMSQ:
        bottom[0].set_gpu_diff((2 * x).mul_(dy))
    else:
        bottom[0].set_gpu_diff(dy.repeat(1, layer.size))


twin(Reduction, _reduction_forward, _reduction_backward)


def _mvn_forward(layer: MVN, bottom: Blobs, top: Blobs) -> None:
    x = bottom[0].gpu_data.reshape(layer.rows, -1)
    y = x - x.mean(1, keepdim=True)
    if layer.divide:
        deviation = y.square().mean(1, keepdim=True).sqrt_().add_(float(layer.eps))
        layer.remember(bottom, deviation)
        y.div_(deviation)
    top[0].set_gpu_data(y)


def _mvn_backward(layer: MVN, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if not propagate_down[0]:
        return
    y, dy = (t.reshape(layer.rows, -1) for t in (top[0].gpu_data, top[0].gpu_diff))
    dx = dy - dy.mean(1, keepdim=True)
    if layer.divide:
        deviation = layer.recall(bottom)
        if deviation is None:
            dx = torch.zeros_like(dy)
        else:
            dx.sub_(y * (y * dy).mean(1, keepdim=True)).div_(deviation)
    bottom[0].set_gpu_diff(dx)


twin(MVN, _mvn_forward, _mvn_backward)

"""Eltwise."""

from typing import Any, Sequence

import torch

from ..eltwise import Eltwise
from ..registry import Blobs, twin


def _forward(layer: Eltwise, bottom: Blobs, top: Blobs) -> None:
    first, second, *more = (b.gpu_data for b in bottom)
    if layer.is_product:
        y = first * second
        for x in more:
            y *= x
    elif layer.is_sum:
        coeff = [float(c) for c in layer.coeff]
        y = coeff[0] * first if coeff[0] != 1 else first
        y = torch.add(y, second, alpha=coeff[1])
        for c, x in zip(coeff[2:], more):
            y.add_(x, alpha=c)
    else:
        winner = (~(first > second)).to(torch.int32)
        y = torch.where(winner.bool(), second, first)
        for i, x in enumerate(more, 2):
            larger = x > y
            winner.masked_fill_(larger, i)
            y = torch.where(larger, x, y)
        layer.remember(bottom, winner)
    top[0].set_gpu_data(y)


def _backward(layer: Eltwise, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    dy = top[0].gpu_diff
    # in place, the first gradient would replace the one that the next ones need
    gradients = [
        _gradient(layer, i, dy, top, bottom) if wanted else None
        for i, wanted in enumerate(propagate_down)
    ]
    for blob, gradient in zip(bottom, gradients):
        if gradient is not None:
            blob.set_gpu_diff(gradient)


def _gradient(layer: Eltwise, i: int, dy: Any, top: Blobs, bottom: Blobs) -> Any:
    """The gradient of a bottom."""
    if layer.is_sum:
        return dy * float(layer.coeff[i])
    if not layer.is_product:
        winner = layer.recall(bottom)
        return torch.zeros_like(dy) if winner is None else dy * (winner == i)
    if not layer.stable:
        return dy * (top[0].gpu_data / bottom[i].gpu_data)
    others = [b.gpu_data for j, b in enumerate(bottom) if j != i]
    product = others[0]
    for x in others[1:]:
        product = product * x
    return dy * product


twin(Eltwise, _forward, _backward)

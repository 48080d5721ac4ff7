"""Local response normalisation, in both regions."""

from typing import Any, Sequence

import torch

from ..lrn import LRN
from ..registry import Blobs, twin


def _forward(layer: LRN, bottom: Blobs, top: Blobs) -> None:
    x = bottom[0].gpu_data
    average = (_over_channels if layer.across else _over_places)(layer, x * x)
    scale = average.mul_(layer.alpha).add_(layer.region.k if layer.across else 1)
    layer.remember(bottom, scale)
    top[0].set_gpu_data(x * scale**-layer.beta)


def _backward(layer: LRN, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if not propagate_down[0]:
        return
    x, dy, scale = bottom[0].gpu_data, top[0].gpu_diff, layer.recall(bottom)
    if scale is None:
        bottom[0].set_gpu_diff(torch.zeros_like(x))
        return
    power = scale**-layer.beta
    share = (dy * x).mul_(power).div_(scale)
    spread = (_over_channels if layer.across else _over_places)(layer, share)
    spread.mul_(x).mul_(-2 * layer.alpha * layer.beta)
    bottom[0].set_gpu_diff(power.mul_(dy).add_(spread))


def _over_channels(layer: LRN, x: Any) -> Any:
    """For each value the average of the `size` channels around it; beyond the last they are 0."""
    n, channels, height, width = x.shape
    if not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last):
        rows = x.permute(0, 2, 3, 1).reshape(n, 1, height * width, channels)
        averaged = _average(rows, (1, layer.size))
        return averaged.view(n, height, width, channels).permute(0, 3, 1, 2)
    rows = x.reshape(n, 1, channels, height * width)
    return _average(rows, (layer.size, 1)).view(n, channels, height, width)


def _over_places(layer: LRN, x: Any) -> Any:
    """For each value the average of the window around it, whose padding counts."""
    return _average(x, (layer.size, layer.size))


def _average(x: Any, kernel: Sequence[int]) -> Any:
    pad = [(k - 1) // 2 for k in kernel]
    return torch.nn.functional.avg_pool2d(x, kernel, 1, pad)


twin(LRN, _forward, _backward)

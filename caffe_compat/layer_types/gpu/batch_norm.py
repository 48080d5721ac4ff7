"""BatchNorm."""

from typing import Any, Sequence

import torch

from ..batch_norm import BatchNorm
from ..registry import Blobs, twin
from .host import kept_values

_aten = torch.ops.aten


def _by_channel(x: Any) -> Any:
    """(N, C, ...), as PyTorch's functions take it; a vector is one channel."""
    return x if x.ndim > 1 else x.reshape(1, 1, -1)


def _forward(layer: BatchNorm, bottom: Blobs, top: Blobs) -> None:
    if layer.stored:
        _forward_by_stored(layer, bottom, top)
        return
    in_place = bottom[0] is top[0]
    x = _by_channel(kept_values(bottom[0]) if in_place else bottom[0].gpu_data)
    channels = x.shape[1]
    count = x.numel() // channels
    # with a momentum of 1 it hands out the batch's own statistics, the variance unbiased
    mean, variance = x.new_zeros(channels), x.new_zeros(channels)
    y, batch_mean, inverse = torch.native_batch_norm(
        x, None, None, mean, variance, True, 1.0, float(layer.eps)
    )
    _keep(layer, mean, variance if count > 1 else torch.zeros_like(variance))
    # in place the values are overwritten by later layers
    layer.remember(bottom, (x if in_place else None, batch_mean, inverse))
    top[0].set_gpu_data(y)


def _forward_by_stored(layer: BatchNorm, bottom: Blobs, top: Blobs) -> None:
    weight, eps = layer.blobs[2].gpu_data, float(layer.eps)
    share = torch.where(weight == 0, 0.0, 1 / weight)
    mean, variance = layer.blobs[0].gpu_data * share, layer.blobs[1].gpu_data * share
    layer.remember(bottom, (variance + eps).sqrt_())
    x = _by_channel(bottom[0].gpu_data)
    y, _, _ = torch.native_batch_norm(x, None, None, mean, variance, False, 0.0, eps)
    top[0].set_gpu_data(y)


def _keep(layer: BatchNorm, mean: Any, variance: Any) -> None:
    """Add a batch's statistics to the stored sums."""
    fraction = float(layer.fraction)
    for blob, value in zip(layer.blobs, (mean, variance, 1)):
        blob.mutable_gpu_data.mul_(fraction).add_(value)


def _backward(layer: BatchNorm, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if not propagate_down[0]:
        return
    dy, state = _by_channel(top[0].gpu_diff), layer.recall(bottom)
    if state is None:
        bottom[0].set_gpu_diff(torch.zeros_like(dy))
    elif layer.stored:
        bottom[0].set_gpu_diff(dy / state.view(1, -1, *(1,) * (dy.ndim - 2)))
    else:
        x, mean, inverse = state
        x = _by_channel(bottom[0].gpu_data) if x is None else x
        bottom[0].set_gpu_diff(
            _aten.native_batch_norm_backward(
                dy, x, None, None, None, mean, inverse, True, float(layer.eps),
                [True, False, False],
            )[0]
        )  # fmt: skip


twin(BatchNorm, _forward, _backward)

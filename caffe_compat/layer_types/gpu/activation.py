"""ReLU and Dropout."""

from typing import Any, Sequence

import numpy as np
import torch

from ...fillers import rng
from ...proto import caffe_pb2
from ..activation import Dropout, ReLU
from ..registry import Blobs, twin

_aten = torch.ops.aten


def _relu_forward(layer: ReLU, bottom: Blobs, top: Blobs) -> None:
    slope = float(layer.slope)
    if bottom[0] is top[0]:
        x = bottom[0].mutable_gpu_data
        torch.relu_(x) if slope == 0 else torch.nn.functional.leaky_relu_(x, slope)
        return
    x = bottom[0].gpu_data
    top[0].set_gpu_data(torch.relu(x) if slope == 0 else torch.nn.functional.leaky_relu(x, slope))


def _relu_backward(layer: ReLU, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if not propagate_down[0]:
        return
    # in place, the bottom's values are the top's, which have the same sign
    slope, x, dy = float(layer.slope), bottom[0].gpu_data, top[0].gpu_diff
    if slope == 0:
        if bottom[0] is top[0]:
            dx = top[0].mutable_gpu_diff
            _aten.threshold_backward(dx, x, 0, grad_input=dx)
            return
        dx = _aten.threshold_backward(dy, x, 0)
    else:
        dx = torch.where(x > 0, dy, dy * slope)
    bottom[0].set_gpu_diff(dx)


twin(ReLU, _relu_forward, _relu_backward)


def _dropout_forward(layer: Dropout, bottom: Blobs, top: Blobs) -> None:
    if layer.phase == caffe_pb2.TRAIN:
        x = bottom[0].gpu_data
        mask = _mask(layer, x)
        layer.remember(bottom, mask)
        top[0].set_gpu_data(x * mask)
    elif bottom[0] is not top[0]:
        top[0].set_gpu_data(bottom[0].gpu_data.clone())


def _mask(layer: Dropout, x: Any) -> Any:
    """The host's own random numbers, so that a seed means the same in both modes."""
    kept = rng().bernoulli(1 - layer.ratio, x.numel()).reshape(tuple(x.shape))
    return torch.from_numpy(kept * np.float32(1 / (1 - layer.ratio))).to(x.device)


def _dropout_backward(
    layer: Dropout, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    if not propagate_down[0]:
        return
    if layer.phase == caffe_pb2.TRAIN:
        mask, dy = layer.recall(bottom), top[0].gpu_diff
        bottom[0].set_gpu_diff(torch.zeros_like(dy) if mask is None else dy * mask)
    elif bottom[0] is not top[0]:
        bottom[0].set_gpu_diff(top[0].gpu_diff.clone())


twin(Dropout, _dropout_forward, _dropout_backward)

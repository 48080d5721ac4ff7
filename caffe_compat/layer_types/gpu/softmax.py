"""Softmax along one axis."""

from typing import Sequence

import torch

from ..registry import Blobs, twin
from ..softmax import Softmax


def _forward(layer: Softmax, bottom: Blobs, top: Blobs) -> None:
    top[0].set_gpu_data(torch.softmax(bottom[0].gpu_data, layer.axis))


def _backward(layer: Softmax, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if propagate_down[0]:
        y, dy = top[0].gpu_data, top[0].gpu_diff
        bottom[0].set_gpu_diff((dy - (dy * y).sum(layer.axis, keepdim=True)) * y)


twin(Softmax, _forward, _backward)

"""Split, Concat, Flatten and Reshape."""

from typing import Sequence

import torch

from ... import devices
from ..registry import Blobs, twin
from ..structure import Concat, Flatten, Reshape, Split


def _split_backward(
    layer: Split, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    if propagate_down[0]:
        total = top[0].gpu_diff.clone()
        for t in top[1:]:
            total.add_(t.gpu_diff)
        bottom[0].set_gpu_diff(total)


twin(Split, Split.forward, _split_backward)


def _concat_forward(layer: Concat, bottom: Blobs, top: Blobs) -> None:
    if not any(layer.inside):
        parts = [b.gpu_data for b in bottom]
        if devices.is_fast() and parts[0].ndim == 4:
            parts = [part.contiguous(memory_format=torch.channels_last) for part in parts]
        top[0].set_gpu_data(torch.cat(parts, layer.axis))
        return
    y, start = top[0].mutable_gpu_data, 0
    for b, inside in zip(bottom, layer.inside):
        size = b.shape[layer.axis]
        if not inside:
            y.narrow(layer.axis, start, size).copy_(b.gpu_data)
        start += size


def _concat_backward(
    layer: Concat, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    dy, start = top[0].gpu_diff, 0
    for b, wanted in zip(bottom, propagate_down):
        size = b.shape[layer.axis]
        if wanted:
            b.set_gpu_diff(dy.narrow(layer.axis, start, size).clone())
        start += size


twin(Concat, _concat_forward, _concat_backward)

# they give away memory, on whichever side it is
twin(Flatten, Flatten.forward, Flatten.backward)
twin(Reshape, Reshape.forward, Reshape.backward)

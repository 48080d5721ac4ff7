"""SPP: the Poolings that it is made of, on the device."""

from typing import Any, Iterator, Sequence

import torch

from ..registry import Blobs, twin
from ..spp import SPP


def _forward(layer: SPP, bottom: Blobs, top: Blobs) -> None:
    parts = []
    for pool, out in layer.pools:
        pool.ran_on_gpu = layer.ran_on_gpu
        pool.forward_gpu(bottom, [out])
        parts.append(out.gpu_data.reshape(out.shape[0], -1))
    top[0].set_gpu_data(torch.cat(parts, 1))


def _flat(layer: SPP, x: Any) -> Iterator[Any]:
    """Views into a top's values, one for each level, (N, values)."""
    start = 0
    for _, out in layer.pools:
        width = out.count // max(out.shape[0], 1)
        yield x.reshape(x.shape[0], -1)[:, start : start + width]
        start += width


def _backward(layer: SPP, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
    if not propagate_down[0]:
        return
    total = top[0].gpu_diff.new_zeros(bottom[0].shape)
    for (pool, out), part in zip(layer.pools, _flat(layer, top[0].gpu_diff)):
        out.set_gpu_diff(part.clone())
        pool.backward_gpu([out], [True], bottom)
        total.add_(bottom[0].gpu_diff)
    bottom[0].set_gpu_diff(total)


twin(SPP, _forward, _backward)

"""Accuracy."""

import numpy as np

from ..accuracy import Accuracy
from ..registry import Blobs, twin
from .host import brought, looking_at


def _forward(layer: Accuracy, bottom: Blobs, top: Blobs) -> None:
    with looking_at(bottom[1]):
        labels, counts = layer.labels(bottom)
    x = bottom[0].gpu_data.reshape(layer.outer, layer.classes, -1)
    numbers = brought(labels)
    larger = x >= x.gather(1, numbers[:, None])
    right = ((larger.sum(1) <= layer.top_k) & brought(counts)).float()
    top[0].set_gpu_data(right.sum() / max(int(counts.sum()), 1))
    for t in top[1:]:
        seen = np.bincount(labels[counts], minlength=layer.classes).astype(np.float32)
        # sums of ones are exact in any order
        found = right.new_zeros(layer.classes)
        found.scatter_add_(0, numbers.reshape(-1), right.reshape(-1))
        t.set_gpu_data(found.div_(brought(np.maximum(seen, 1))))


twin(Accuracy, _forward, Accuracy.backward)

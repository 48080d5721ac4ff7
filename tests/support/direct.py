"""Direct formulas that more than one test file compares with."""

from typing import Sequence

import numpy as np


def direct_pooling(
    x: np.ndarray,
    method: str,
    kernel: Sequence[int],
    stride: Sequence[int],
    pad: Sequence[int],
    out: Sequence[int],
) -> np.ndarray:
    """MAX or AVE as Caffe defines them, window by window."""
    y = np.zeros((*x.shape[:2], *out))
    size = x.shape[2:]
    for i in range(out[0]):
        for j in range(out[1]):
            start = [a * s - p for a, s, p in zip((i, j), stride, pad)]
            end = [min(a + k, n + p) for a, k, n, p in zip(start, kernel, size, pad)]
            area = np.prod([e - a for a, e in zip(start, end)])
            rows, columns = (slice(max(s, 0), min(e, n)) for s, e, n in zip(start, end, size))
            window = x[:, :, rows, columns]
            y[:, :, i, j] = window.max((2, 3)) if method == "MAX" else window.sum((2, 3)) / area
    return y

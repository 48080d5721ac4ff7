"""Direct formulas that more than one test file compares with."""

import numpy as np


def direct_pooling(x, method, kernel, stride, pad, out):
    """MAX or AVE as Caffe defines them, window by window."""
    y = np.zeros((*x.shape[:2], *out))
    size = x.shape[2:]
    for i in range(out[0]):
        for j in range(out[1]):
            start = [a * s - p for a, s, p in zip((i, j), stride, pad)]
            end = [min(a + k, n + p) for a, k, n, p in zip(start, kernel, size, pad)]
            area = np.prod([e - a for a, e in zip(start, end)])
            window = x[
                :,
                :,
                max(start[0], 0) : min(end[0], size[0]),
                max(start[1], 0) : min(end[1], size[1]),
            ]
            y[:, :, i, j] = window.max((2, 3)) if method == "MAX" else window.sum((2, 3)) / area
    return y

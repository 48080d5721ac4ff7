"""im2col and col2im over any number of axes, by NumPy.

For the Im2col layer, and convolutions that are not two-dimensional. Kernel, output size, stride,
pad and dilation have a number for each axis.
"""

import itertools
import math
from typing import Iterator, Sequence, Tuple

import numpy as np

Numbers = Sequence[int]


def _offsets(kernel: Numbers, dilation: Numbers) -> Iterator[Tuple[int, ...]]:
    for place in itertools.product(*(range(k) for k in kernel)):
        yield tuple(p * d for p, d in zip(place, dilation))


def _window(offset: Numbers, out: Numbers, stride: Numbers) -> Tuple[slice, ...]:
    return tuple(slice(o, o + (n - 1) * s + 1, s) for o, n, s in zip(offset, out, stride))


def im2col(
    x: np.ndarray, kernel: Numbers, out: Numbers, stride: Numbers, pad: Numbers, dilation: Numbers
) -> np.ndarray:
    """x (C, ...) to (C * kernel values, output positions)."""
    padded = np.pad(x, [(0, 0), *((p, p) for p in pad)])
    cols = np.empty((len(x), math.prod(kernel), *out), np.float32)
    for i, offset in enumerate(_offsets(kernel, dilation)):
        cols[:, i] = padded[(slice(None), *_window(offset, out, stride))]
    return cols.reshape(len(x) * math.prod(kernel), -1)


def col2im(
    cols: np.ndarray,
    shape: Numbers,
    kernel: Numbers,
    out: Numbers,
    stride: Numbers,
    pad: Numbers,
    dilation: Numbers,
) -> np.ndarray:
    """The adjoint of im2col: columns summed into an array of this shape (C, ...)."""
    padded = np.zeros((shape[0], *(s + 2 * p for s, p in zip(shape[1:], pad))), np.float32)
    cols = cols.reshape(shape[0], math.prod(kernel), *out)
    for i, offset in enumerate(_offsets(kernel, dilation)):
        padded[(slice(None), *_window(offset, out, stride))] += cols[:, i]
    return padded[(slice(None), *(slice(p, p + s) for p, s in zip(pad, shape[1:])))]

"""Stochastic pooling (Zeiler and Fergus, arXiv 1301.3557) over planes, as Caffe's GPU code has it: x (planes, H, W), y (planes, H', W')."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def choose(x, thresholds, y, chosen, kh, kw, sh, sw, first, last):
    """Training: a value of each window, with a probability that is its share of the window's sum; `chosen` gets its place in the plane."""
    _, height, width = x.shape
    for p in range(first, last):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                bottom, right = min(height, i * sh + kh), min(width, j * sw + kw)
                total = np.float32(0)
                for h in range(i * sh, bottom):
                    for w in range(j * sw, right):
                        total += x[p, h, w]
                left = thresholds[p, i, j] * total
                place, found = -1, False
                total = np.float32(0)
                for h in range(i * sh, bottom):
                    for w in range(j * sw, right):
                        total += x[p, h, w]
                        if not found:
                            place = h * width + w
                            found = total >= left
                chosen[p, i, j] = place
                y[p, i, j] = x[p, place // width, place % width]


@numba.njit(cache=True, nogil=True)
def choose_backward(dy, chosen, dx, first, last):
    """Each gradient goes to the value that was chosen."""
    for p in range(first, last):
        target = dx[p].reshape(-1)
        target[:] = 0
        for i in range(dy.shape[1]):
            for j in range(dy.shape[2]):
                target[chosen[p, i, j]] += dy[p, i, j]


@numba.njit(cache=True, nogil=True)
def expect(x, y, kh, kw, sh, sw, first, last):
    """Testing: the sum of squares over the sum of each window; 0 where the sum is not positive."""
    _, height, width = x.shape
    for p in range(first, last):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                total, squares = np.float32(0), np.float32(0)
                for h in range(i * sh, min(height, i * sh + kh)):
                    for w in range(j * sw, min(width, j * sw + kw)):
                        total += x[p, h, w]
                        squares += x[p, h, w] * x[p, h, w]
                y[p, i, j] = squares / total if total > 0 else np.float32(0)


@numba.njit(cache=True, nogil=True)
def expect_backward(x, y, dy, dx, kh, kw, sh, sw, first, last):
    """The derivative of the expectation, (2 x - y) / sum; Caffe has none for testing."""
    _, height, width = x.shape
    for p in range(first, last):
        dx[p] = 0
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                bottom, right = min(height, i * sh + kh), min(width, j * sw + kw)
                total = np.float32(0)
                for h in range(i * sh, bottom):
                    for w in range(j * sw, right):
                        total += x[p, h, w]
                if total <= 0:
                    continue
                for h in range(i * sh, bottom):
                    for w in range(j * sw, right):
                        dx[p, h, w] += dy[p, i, j] * (2 * x[p, h, w] - y[p, i, j]) / total

"""Stochastic pooling (Zeiler and Fergus, arXiv 1301.3557), as Caffe's GPU code has it.

Over planes: x (planes, H, W), y (planes, H', W'); windows are pooling.Window, without padding.
"""

import numba
import numpy as np

from .kept import kept


@numba.njit(nogil=True)
def _bounds(i, j, window, height, width):
    """(top, bottom, left, right) of window i, j."""
    top, left = i * window.stride_h, j * window.stride_w
    return top, min(height, top + window.kernel_h), left, min(width, left + window.kernel_w)


@numba.njit(nogil=True)
def _total(plane, bounds):
    """The sum of a window's values."""
    top, bottom, left, right = bounds
    total = np.float32(0)
    for h in range(top, bottom):
        for w in range(left, right):
            total += plane[h, w]
    return total


@numba.njit(nogil=True)
def _choice(plane, bounds, threshold):
    """The place in the plane where the running sum of a window first reaches the threshold.

    The window's last place where it never does.
    """
    top, bottom, left, right = bounds
    total, place = np.float32(0), -1
    for h in range(top, bottom):
        for w in range(left, right):
            total += plane[h, w]
            place = h * plane.shape[1] + w
            if total >= threshold:
                return place
    return place


@kept()
def choose(x, thresholds, y, chosen, window):
    """Training: a value of each window, with a probability that is its share of the window's sum.

    thresholds: random numbers in 0..1, one a window; `chosen` gets the value's place in the plane.
    """
    _, height, width = x.shape
    for p in range(len(x)):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                bounds = _bounds(i, j, window, height, width)
                place = _choice(x[p], bounds, thresholds[p, i, j] * _total(x[p], bounds))
                chosen[p, i, j] = place
                y[p, i, j] = x[p, place // width, place % width]


@kept()
def choose_backward(dy, chosen, dx):
    """Each gradient goes to the value that was chosen."""
    for p in range(len(dy)):
        target = dx[p].reshape(-1)
        target[:] = 0
        for i in range(dy.shape[1]):
            for j in range(dy.shape[2]):
                target[chosen[p, i, j]] += dy[p, i, j]


@kept()
def expect(x, y, window):
    """Testing: each window's sum of squares over its sum; 0 where the sum is not positive."""
    _, height, width = x.shape
    for p in range(len(x)):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                bounds = top, bottom, left, right = _bounds(i, j, window, height, width)
                total, squares = _total(x[p], bounds), np.float32(0)
                for h in range(top, bottom):
                    for w in range(left, right):
                        squares += x[p, h, w] * x[p, h, w]
                y[p, i, j] = squares / total if total > 0 else np.float32(0)


@kept()
def expect_backward(x, y, dy, dx, window):
    """The derivative of the expectation, (2 x - y) / sum; Caffe has none for testing."""
    _, height, width = x.shape
    for p in range(len(x)):
        dx[p] = 0
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                bounds = top, bottom, left, right = _bounds(i, j, window, height, width)
                total = _total(x[p], bounds)
                if total <= 0:
                    continue
                for h in range(top, bottom):
                    for w in range(left, right):
                        dx[p, h, w] += dy[p, i, j] * (2 * x[p, h, w] - y[p, i, j]) / total

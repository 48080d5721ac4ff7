"""Stochastic pooling (Zeiler and Fergus, arXiv 1301.3557), as Caffe's GPU code has it.

Over planes: x (planes, H, W), y (planes, H', W'); windows are pooling.Window, without padding.
"""

from typing import NamedTuple, Optional

import numpy as np

from .. import threads
from ..atomic import float32s, int64s, record
from ..compiled.later import numba
from .window import Window


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


class _Arguments(NamedTuple):
    """What every task here is given: planes of the picture, of the pooled one, their gradients."""

    x: Optional[np.ndarray]
    y: Optional[np.ndarray]
    dx: Optional[np.ndarray]
    dy: Optional[np.ndarray]
    thresholds: Optional[np.ndarray]
    chosen: Optional[np.ndarray]  # int64
    height: int
    width: int
    out_h: int
    out_w: int
    window: Window


@numba.njit(nogil=True, inline="always")
def _large(values, p, plane):
    """A plane of the picture."""
    size = p.height * p.width
    return values[plane * size : (plane + 1) * size].reshape(p.height, p.width)


@numba.njit(nogil=True, inline="always")
def _small(values, p, plane):
    """A pooled plane."""
    size = p.out_h * p.out_w
    return values[plane * size : (plane + 1) * size].reshape(p.out_h, p.out_w)


@threads.rarely
def _choose(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    plane = threads.take(arguments)
    while plane >= 0:
        x, y = _large(float32s(p.x), p, plane), _small(float32s(p.y), p, plane)
        thresholds = _small(float32s(p.thresholds), p, plane)
        chosen = _small(int64s(p.chosen), p, plane)
        for i in range(p.out_h):
            for j in range(p.out_w):
                bounds = _bounds(i, j, p.window, p.height, p.width)
                place = _choice(x, bounds, thresholds[i, j] * _total(x, bounds))
                chosen[i, j] = place
                y[i, j] = x[place // p.width, place % p.width]
        plane = threads.take(arguments)


@threads.rarely
def _choose_backward(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    plane = threads.take(arguments)
    while plane >= 0:
        dy, chosen = _small(float32s(p.dy), p, plane), _small(int64s(p.chosen), p, plane)
        dx = _large(float32s(p.dx), p, plane)
        dx[:] = 0
        for i in range(p.out_h):
            for j in range(p.out_w):
                dx[chosen[i, j] // p.width, chosen[i, j] % p.width] += dy[i, j]
        plane = threads.take(arguments)


@threads.rarely
def _expect(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    plane = threads.take(arguments)
    while plane >= 0:
        x, y = _large(float32s(p.x), p, plane), _small(float32s(p.y), p, plane)
        for i in range(p.out_h):
            for j in range(p.out_w):
                bounds = top, bottom, left, right = _bounds(i, j, p.window, p.height, p.width)
                total, squares = _total(x, bounds), np.float32(0)
                for h in range(top, bottom):
                    for w in range(left, right):
                        squares += x[h, w] * x[h, w]
                y[i, j] = squares / total if total > 0 else np.float32(0)
        plane = threads.take(arguments)


@threads.rarely
def _expect_backward(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    plane = threads.take(arguments)
    while plane >= 0:
        x, y = _large(float32s(p.x), p, plane), _small(float32s(p.y), p, plane)
        dx, dy = _large(float32s(p.dx), p, plane), _small(float32s(p.dy), p, plane)
        dx[:] = 0
        for i in range(p.out_h):
            for j in range(p.out_w):
                bounds = top, bottom, left, right = _bounds(i, j, p.window, p.height, p.width)
                total = _total(x, bounds)
                if total <= 0:
                    continue
                for h in range(top, bottom):
                    for w in range(left, right):
                        dx[h, w] += dy[i, j] * (2 * x[h, w] - y[i, j]) / total
        plane = threads.take(arguments)


def _run(
    task: threads.Task,
    large: np.ndarray,
    small: np.ndarray,
    window: Optional[Window] = None,
    **arrays: np.ndarray,
) -> None:
    """Run a task over planes; large, small: one array of either side, for its shape."""
    planes, height, width = large.shape
    _, out_h, out_w = small.shape
    of = arrays.get
    given = _Arguments(
        of("x"), of("y"), of("dx"), of("dy"), of("thresholds"), of("chosen"),
        height, width, out_h, out_w, window or Window(0, 0, 0, 0, 0, 0),
    )  # fmt: skip
    threads.run(task, planes, given)


def choose(
    x: np.ndarray, thresholds: np.ndarray, y: np.ndarray, chosen: np.ndarray, window: Window
) -> None:
    """Training: a value of each window, with a probability that is its share of the window's sum.

    thresholds: float32 random numbers in 0..1, one a window; `chosen`, int64, gets the value's
    place in the plane.
    """
    _run(_choose, x, y, window, x=x, y=y, thresholds=thresholds, chosen=chosen)


def choose_backward(dy: np.ndarray, chosen: np.ndarray, dx: np.ndarray) -> None:
    """Each gradient goes to the value that was chosen."""
    _run(_choose_backward, dx, dy, dx=dx, dy=dy, chosen=chosen)


def expect(x: np.ndarray, y: np.ndarray, window: Window) -> None:
    """Testing: each window's sum of squares over its sum; 0 where the sum is not positive."""
    _run(_expect, x, y, window, x=x, y=y)


def expect_backward(
    x: np.ndarray, y: np.ndarray, dy: np.ndarray, dx: np.ndarray, window: Window
) -> None:
    """The derivative of the expectation, (2 x - y) / sum; Caffe has none for testing."""
    _run(_expect_backward, x, y, window, x=x, y=y, dx=dx, dy=dy)

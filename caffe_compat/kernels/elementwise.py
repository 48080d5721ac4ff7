"""ReLU, sums and copies over flat float32 arrays; in and out may be the same array."""

import numpy as np

from . import threads
from .atomic import count_up, floats, ints, real
from .threads import FIRST, ITEMS

_PIECE = 1 << 13  # values in one piece of work


def _run(job, size, *arguments):
    threads.run(job, -(-size // _PIECE), size, *arguments)


@threads.Job
def _relu_forward(arguments, scratch):
    p = ints(arguments)
    size, x, y, slope = (
        p[FIRST],
        floats(p[FIRST + 1]),
        floats(p[FIRST + 2]),
        np.float32(real(arguments, FIRST + 3)),
    )
    zero = np.float32(0)
    piece = count_up(arguments)
    while piece < p[ITEMS]:
        for i in range(np.uint64(piece * _PIECE), np.uint64(min(size, piece * _PIECE + _PIECE))):
            v = x[i]
            y[i] = (zero if v < zero else v) + slope * (v if v < zero else zero)
        piece = count_up(arguments)


@threads.Job
def _relu_backward(arguments, scratch):
    p = ints(arguments)
    size, x, dy, dx = p[FIRST], floats(p[FIRST + 1]), floats(p[FIRST + 2]), floats(p[FIRST + 3])
    slope = np.float32(real(arguments, FIRST + 4))
    piece = count_up(arguments)
    while piece < p[ITEMS]:
        for i in range(np.uint64(piece * _PIECE), np.uint64(min(size, piece * _PIECE + _PIECE))):
            dx[i] = dy[i] * (np.float32(1) if x[i] > 0 else slope)
        piece = count_up(arguments)


@threads.Job
def _add(arguments, scratch):
    p = ints(arguments)
    size, total, x = p[FIRST], floats(p[FIRST + 1]), floats(p[FIRST + 2])
    piece = count_up(arguments)
    while piece < p[ITEMS]:
        for i in range(np.uint64(piece * _PIECE), np.uint64(min(size, piece * _PIECE + _PIECE))):
            total[i] += x[i]
        piece = count_up(arguments)


@threads.Job
def _copy(arguments, scratch):
    p = ints(arguments)
    size, y, x = p[FIRST], floats(p[FIRST + 1]), floats(p[FIRST + 2])
    piece = count_up(arguments)
    while piece < p[ITEMS]:
        for i in range(np.uint64(piece * _PIECE), np.uint64(min(size, piece * _PIECE + _PIECE))):
            y[i] = x[i]
        piece = count_up(arguments)


def relu_forward(x, y, slope):
    """y = max(x, 0) + slope * min(x, 0), in Caffe's own arithmetic."""
    _run(_relu_forward, x.size, x, y, slope)


def relu_backward(x, dy, dx, slope):
    """dx = dy where x is positive, slope * dy elsewhere."""
    _run(_relu_backward, x.size, x, dy, dx, slope)


def add(total, x):
    """total += x."""
    _run(_add, x.size, total, x)


def copy(y, x):
    """y = x."""
    _run(_copy, x.size, y, x)

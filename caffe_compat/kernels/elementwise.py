"""ReLU, sums and copies over flat float32 arrays; in and out may be the same array."""

from typing import NamedTuple, Optional

import numpy as np

from . import threads
from .atomic import float32s, record
from .compiled.later import numba

_PIECE = 1 << 13  # values in one piece of work


class _Arrays(NamedTuple):
    """What every task here is given; `slope` is of ReLUs alone, `more` of the gradient's."""

    size: int  # of each array
    target: np.ndarray
    source: np.ndarray
    more: Optional[np.ndarray]
    slope: float


@numba.njit(nogil=True)
def _piece(arguments, size):
    """The places (first, last) of the next piece, unsigned; first == last when there is none."""
    piece = threads.take(arguments)
    if piece < 0:
        return np.uint64(0), np.uint64(0)
    return np.uint64(piece * _PIECE), np.uint64(min(size, piece * _PIECE + _PIECE))


@threads.Task
def _relu_forward(arguments, scratch):
    p = record(_Arrays, threads.given(arguments))
    x, y, slope, zero = float32s(p.source), float32s(p.target), np.float32(p.slope), np.float32(0)
    first, last = _piece(arguments, p.size)
    while first < last:
        for i in range(first, last):
            v = x[i]
            y[i] = (zero if v < zero else v) + slope * (v if v < zero else zero)
        first, last = _piece(arguments, p.size)


@numba.njit(nogil=True)
def rectify_back(dx, x, slope, first, last):
    """dx = dx where x is positive, slope * dx elsewhere, at the places first..last."""
    for i in range(first, last):
        dx[i] = dx[i] * (np.float32(1) if x[i] > 0 else slope)


@threads.Task
def _relu_backward(arguments, scratch):
    p = record(_Arrays, threads.given(arguments))
    x, dy, dx = float32s(p.more), float32s(p.source), float32s(p.target)
    slope = np.float32(p.slope)
    first, last = _piece(arguments, p.size)
    while first < last:
        for i in range(first, last):
            dx[i] = dy[i] * (np.float32(1) if x[i] > 0 else slope)
        first, last = _piece(arguments, p.size)


@threads.Task
def _add(arguments, scratch):
    p = record(_Arrays, threads.given(arguments))
    total, x = float32s(p.target), float32s(p.source)
    first, last = _piece(arguments, p.size)
    while first < last:
        for i in range(first, last):
            total[i] += x[i]
        first, last = _piece(arguments, p.size)


@threads.Task
def _copy(arguments, scratch):
    p = record(_Arrays, threads.given(arguments))
    y, x = float32s(p.target), float32s(p.source)
    first, last = _piece(arguments, p.size)
    while first < last:
        for i in range(first, last):
            y[i] = x[i]
        first, last = _piece(arguments, p.size)


@threads.Task
def _clear(arguments, scratch):
    p = record(_Arrays, threads.given(arguments))
    y = float32s(p.target)
    first, last = _piece(arguments, p.size)
    while first < last:
        for i in range(first, last):
            y[i] = 0
        first, last = _piece(arguments, p.size)


def _run(
    task: threads.Task,
    target: np.ndarray,
    source: np.ndarray,
    more: Optional[np.ndarray] = None,
    slope: threads.Number = 1.0,
) -> None:
    size = source.size
    if target.size != size or (more is not None and more.size != size):
        raise ValueError(f"{size} values do not go into {target.size}")
    threads.run(task, -(-size // _PIECE), _Arrays(size, target, source, more, float(slope)))


def relu_forward(x: np.ndarray, y: np.ndarray, slope: threads.Number) -> None:
    """y = max(x, 0) + slope * min(x, 0), in Caffe's own arithmetic."""
    _run(_relu_forward, y, x, slope=slope)


def relu_backward(x: np.ndarray, dy: np.ndarray, dx: np.ndarray, slope: threads.Number) -> None:
    """dx = dy where x is positive, slope * dy elsewhere."""
    _run(_relu_backward, dx, dy, x, slope)


def add(total: np.ndarray, x: np.ndarray) -> None:
    """total += x."""
    _run(_add, total, x)


def clear(y: np.ndarray) -> None:
    """y = 0."""
    _run(_clear, y, y)


def copy(y: np.ndarray, x: np.ndarray) -> None:
    """y = x."""
    _run(_copy, y, x)

"""Local response normalisation across channels: x (C, positions), a chunk of them at a time."""

from typing import NamedTuple, Optional, Tuple

import numpy as np

from .. import threads
from ..atomic import float32s, record
from ..compiled.later import numba
from ..elementwise import rectify_back
from . import five, general

__all__ = ["Region", "lrn_backward", "lrn_forward"]


class Region(NamedTuple):
    """LRN's constants: channels in a region, and alpha, beta and k of its formula."""

    size: int
    alpha: float
    beta: float
    k: float


class _Arguments(NamedTuple):
    """What both tasks are given; dx is of the gradient's alone, where y is dy.

    slope: that of a ReLU which dx passes; 1 without one.
    """

    x: np.ndarray
    y: np.ndarray
    dx: Optional[np.ndarray]
    channels: int
    positions: int
    region: Region
    slope: float


@numba.njit(nogil=True, inline="always")
def _matrix(address, p):
    return float32s(address)[: p.channels * p.positions].reshape(p.channels, p.positions)


@threads.Task
def _forward(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    share, offset = np.float32(p.region.alpha / five.SIZE), np.float32(p.region.k)
    chunk = threads.take(arguments)
    while chunk >= 0:
        start = chunk * five.CHUNK
        count, at = min(five.CHUNK, p.positions - start), 4 * start
        five.forward(p.x + at, p.y + at, 4 * p.positions, p.channels, count, share, offset, scratch)
        chunk = threads.take(arguments)


@threads.Task
def _backward(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    share, offset = np.float32(p.region.alpha / five.SIZE), np.float32(p.region.k)
    factor = np.float32(2 * p.region.alpha * p.region.beta / five.SIZE)
    chunk = threads.take(arguments)
    while chunk >= 0:
        start = chunk * five.CHUNK
        count, at = min(five.CHUNK, p.positions - start), 4 * start
        five.backward(
            p.x + at, p.y + at, p.dx + at, 4 * p.positions, p.channels, count, share, offset,
            factor, np.float32(p.slope), scratch,
        )  # fmt: skip
        chunk = threads.take(arguments)


@threads.rarely
def _forward_any(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    x, y = _matrix(p.x, p), _matrix(p.y, p)
    chunk = threads.take(arguments)
    while chunk >= 0:
        start = chunk * general.CHUNK
        general.forward(x, y, p.region, start, min(general.CHUNK, p.positions - start))
        chunk = threads.take(arguments)


@threads.rarely
def _backward_any(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    x, dy, dx = _matrix(p.x, p), _matrix(p.y, p), _matrix(p.dx, p)
    chunk = threads.take(arguments)
    while chunk >= 0:
        start = chunk * general.CHUNK
        count = min(general.CHUNK, p.positions - start)
        general.backward(x, dy, dx, p.region, start, count)
        for c in range(p.channels):
            first = np.uint64(c * p.positions + start)
            last = first + np.uint64(count)
            rectify_back(float32s(p.dx), float32s(p.x), np.float32(p.slope), first, last)
        chunk = threads.take(arguments)


def _run(
    tasks: Tuple[threads.Task, threads.Task],
    x: np.ndarray,
    y: np.ndarray,
    dx: Optional[np.ndarray],
    region: Region,
    slope: threads.Number,
) -> None:
    """Run the first task if its loops are made for the region, else the second."""
    channels, positions = x.shape
    arguments = _Arguments(x, y, dx, channels, positions, region, float(slope))
    if (region.size, region.beta) == (five.SIZE, five.BETA):
        threads.run(tasks[0], -(-positions // five.CHUNK), arguments, scratch=five.SCRATCH)
    else:
        threads.run(tasks[1], -(-positions // general.CHUNK), arguments)


def lrn_forward(x: np.ndarray, y: np.ndarray, region: Region) -> None:
    """y = x * scale ** -beta, scale = k + alpha/size * the sum of x² over `size` channels.

    Arrays are (channels, positions).
    """
    _run((_forward, _forward_any), x, y, None, region, 1.0)


def lrn_backward(
    x: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray,
    region: Region,
    slope: Optional[threads.Number] = None,
) -> None:
    """dx = the gradient of the input from that of the output.

    slope: of a ReLU whose values x are; dx then passes it backward, and is multiplied by the slope
    where x is not above 0.
    """
    _run((_backward, _backward_any), x, dy, dx, region, 1.0 if slope is None else slope)

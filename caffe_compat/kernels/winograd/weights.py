"""The weights of a convolution with 3x3 windows, transformed for Winograd's algorithm."""

from typing import NamedTuple

import numpy as np

from .. import threads
from ..atomic import record
from ..compiled.later import numba
from ..gemm import FULL
from ..vectors import LANES
from .transforms import VALUES, weights_inwards


class Weights(NamedTuple):
    """Weights, and how they are read: `rows` by `depth` matrices of windows, one for each group."""

    address: np.ndarray  # (groups, ...)
    rows: int
    depth: int
    row_step: int  # values to the next
    depth_step: int
    group_step: int
    turned: bool  # windows are rotated


def weights(weight: np.ndarray, channels: int, groups: int, turned: bool) -> Weights:
    """The weights (groups * O, C * 9) for a convolution from C channels to O or, turned, back."""
    outputs = len(weight) // groups
    rows, depth = (channels, outputs) if turned else (outputs, channels)
    steps = (9, 9 * channels) if turned else (9 * channels, 9)
    return Weights(weight, rows, depth, *steps, outputs * channels * 9, turned)


@numba.njit(nogil=True)
def place(group, row, rows, depth):
    """Where the transformed weights of a block of FULL rows begin.

    They are (36, depth, the block's rows), with a vector's room after each of the 36.
    """
    blocks = group * ((rows + FULL - 1) // FULL) + row // FULL
    return VALUES * ((group * rows + row) * depth + blocks * LANES)


def size(groups: int, rows: int, depth: int) -> int:
    """Values that all transformed weights take."""
    return VALUES * (groups * rows * depth + groups * -(-rows // FULL) * LANES)


@numba.njit(nogil=True)
def transform_block(p, group, row, high, target):
    """G g G^T of a block of `high` rows, to the address `target`."""
    size = high * p.depth + LANES
    source = p.address + 4 * (group * p.group_step + row * p.row_step)
    for k in range(p.depth):
        for r in range(0, high, LANES):
            # what fills the vector after the last row is written over by what comes next
            weights_inwards(
                source + 4 * (k * p.depth_step + r * p.row_step),
                p.row_step,
                p.turned,
                min(LANES, high - r),
                target + 4 * (k * high + r),
                size,
            )


class _Transform(NamedTuple):
    """What `transformed` gives its task."""

    weights: Weights
    target: np.ndarray


@threads.Task
def _transform(arguments, scratch):
    """Blocks of FULL rows; see `place`."""
    p = record(_Transform, threads.given(arguments))
    rows, depth = p.weights.rows, p.weights.depth
    blocks = (rows + FULL - 1) // FULL
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        group, row = item // blocks, item % blocks * FULL
        target = p.target + 4 * place(group, row, rows, depth)
        transform_block(p.weights, group, row, min(FULL, rows - row), target)


def transformed(given: Weights, groups: int) -> np.ndarray:
    """All of them, block by block; see `place`. In borrowed memory."""
    found = threads.borrow(size(groups, given.rows, given.depth))
    threads.run(_transform, groups * -(-given.rows // FULL), _Transform(given, found))
    return found

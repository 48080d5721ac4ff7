"""Matrices in the order in which gemm's tiles read them.

A: blocks of rows, each tile by tile, of each its rows' values column by column. B: in panels
(columns / WIDTH, depth + 1, WIDTH).
"""

from typing import NamedTuple

import numba
import numpy as np

from .. import threads
from ..atomic import float32s, record
from ..gemm import DEPTH, OVERHANG, WIDTH, Finish, Size, multiply, tallest


class Weights(NamedTuple):
    """Matrices A, one for each group, in an array: value [row, (outer, inner)] of the first lies at
    first + row * row_step + outer * outer_step + inner * inner_step.
    """

    array: np.ndarray
    first: int
    rows: int
    depth: int
    inner: int  # of the depth
    row_step: int
    outer_step: int
    inner_step: int
    group_step: int


def straight(weight: np.ndarray, groups: int) -> Weights:
    """The weights (groups * O, depth) of a convolution, as they are."""
    outputs, depth = len(weight) // groups, weight.shape[1]
    return Weights(weight, 0, outputs, depth, depth, depth, 0, 1, outputs * depth)


def transposed(weight: np.ndarray, groups: int) -> Weights:
    """The same as (groups * depth, O)."""
    outputs, depth = len(weight) // groups, weight.shape[1]
    return Weights(weight, 0, depth, outputs, outputs, 1, 0, depth, outputs * depth)


def turned(weight: np.ndarray, groups: int, channels: int) -> Weights:
    """The weights of a convolution back: (groups * channels, O * window), windows rotated."""
    outputs, size = len(weight) // groups, weight.shape[1] // channels
    return Weights(
        weight, size - 1, channels, outputs * size, size, size, channels * size, -1,
        outputs * channels * size,
    )  # fmt: skip


@numba.njit(nogil=True)
def _pack_tile(source, at, row_step, k_step, depth, high, target):
    """target[(depth, high)] = the matrix at source[at], both of them flat arrays."""
    if row_step == 1:
        for k in range(depth):
            place, to = np.uint64(at + k * k_step), np.uint64(k * high)
            for r in range(np.uint64(high)):
                target[to + r] = source[place + r]
        return
    for r in range(high):
        for k in range(depth):
            target[np.uint64(k * high + r)] = source[np.uint64(at + r * row_step + k * k_step)]


class _Pack(NamedTuple):
    """What `packed` gives its task."""

    weights: Weights
    block: int  # rows
    blocks: int
    shares: int  # of a block's tiles
    target: np.ndarray


@threads.Task
def _pack(arguments, scratch):
    """Every so many tiles of each block."""
    p = record(_Pack, threads.given(arguments))
    w = p.weights
    source = float32s(w.array)
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        share, number = item % p.shares, item // p.shares
        group, block = number // p.blocks, number % p.blocks
        row, end, tile = block * p.block, min(w.rows, block * p.block + p.block), 0
        while row < end:
            high = tallest(end - row)
            if tile % p.shares == share:
                at = w.first + group * w.group_step + row * w.row_step
                target = p.target + 4 * (group * w.rows + row) * w.depth
                for k in range(0, w.depth, w.inner):
                    part = float32s(target + 4 * k * high)
                    _pack_tile(source, at, w.row_step, w.inner_step, w.inner, high, part)
                    at += w.outer_step
            row += high
            tile += 1


def packed(weights: Weights, groups: int, block: int) -> np.ndarray:
    """All of them, in blocks of so many rows: (groups, rows * depth)."""
    target = np.empty(groups * weights.rows * weights.depth, np.float32)
    blocks = -(-weights.rows // block)
    shares = 1 if target.size < _ALONE else -(-4 * threads.count() // (groups * blocks))
    arguments = _Pack(weights, block, blocks, shares, target)
    threads.run(_pack, groups * blocks * shares, arguments)
    return target


_ALONE = 1 << 14  # values that one thread packs as fast as several


class Left(NamedTuple):
    """A matrix A in place: its address, and values from row to row and from column to column."""

    address: int
    row_step: int
    k_step: int


def room(rows: int, columns: int, depth: int) -> int:
    """float32 values of memory that `multiply_in_place` needs."""
    wide = -(-columns // WIDTH) * WIDTH
    return OVERHANG + min(DEPTH, depth) * rows + (min(DEPTH, depth) + 1) * wide


@numba.njit(nogil=True)
def multiply_in_place(a, b, c, size, finish, memory):
    """C = act(C + A · B + bias) of a Left and a Rows. memory: the address of `room` values."""
    most = min(DEPTH, size.depth)
    overhang, left, right = (
        memory,
        memory + 4 * OVERHANG,
        memory + 4 * (OVERHANG + most * size.rows),
    )
    panels, columns, source = float32s(right), float32s(b.address), float32s(a.address)
    for k in range(0, size.depth, DEPTH):
        depth = min(DEPTH, size.depth - k)
        row = 0
        while row < size.rows:
            high = tallest(size.rows - row)
            target = float32s(left + 4 * row * depth)
            at = row * a.row_step + k * a.k_step
            _pack_tile(source, at, a.row_step, a.k_step, depth, high, target)
            row += high
        for q in range(depth):
            for j in range(0, size.columns, WIDTH):
                place, at = np.uint64(j * (depth + 1) + q * WIDTH), np.uint64((k + q) * b.step + j)
                for v in range(np.uint64(min(WIDTH, size.columns - j))):
                    panels[place + v] = columns[at + v]
        last = k + depth == size.depth
        end = Finish(
            finish.bias if last else 0,
            finish.slope if last else np.float32(1),
            finish.add if k == 0 else 1,
            finish.mask if last else 0,
        )
        part = Size(size.rows, size.columns, depth)
        multiply(left, right, c, part, 0, end, float32s(overhang))

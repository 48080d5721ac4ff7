"""Matrices in the order in which gemm's tiles read them.

A: blocks of rows, each tile by tile, of each its rows' values column by column. B: in panels
(columns / WIDTH, depth + 1, WIDTH).
"""

from typing import NamedTuple

import numpy as np

from .. import threads
from ..atomic import float32s, record
from ..compiled.later import intrinsic, numba, types
from ..gemm import DEPTH, FULL, LANES, OVERHANG, WIDTH, Finish, Size, multiply, tallest
from ..vectors import columns_of, load, number, store


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


_PARTS = range((FULL - 1) // LANES * LANES, -1, -LANES)  # of a column of a full tile


@intrinsic
def _copy_column(typingctx, source, target):
    """A column of a full tile, and what fills its last vector, from one address to another."""

    def generate(context, builder, signature, args):
        for part in _PARTS:
            source, target = (builder.add(each, number(4 * part)) for each in args)
            store(builder, target, load(builder, source))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def _copy_rows(typingctx, source, row_step, high, target):
    """LANES columns of a tile from rows to columns, and what fills each one's last vector.

    That is written over by the next column: so the last rows come first.
    """

    def generate(context, builder, signature, args):
        source, row_step, high, target = args
        for part in _PARTS:
            rows = []
            for r in range(part, part + LANES):  # those too many are the first again
                there = builder.icmp_signed("<", number(r), high)
                place = builder.mul(builder.select(there, number(4 * r), number(0)), row_step)
                rows.append(load(builder, builder.add(source, place)))
            for k, column in enumerate(columns_of(builder, rows)):
                place = builder.add(builder.mul(high, number(4 * k)), number(4 * part))
                store(builder, builder.add(target, place), column)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), generate


@numba.njit(nogil=True)
def _pack_tile(source, row_step, k_step, depth, high, target):
    """The matrix at an address, (high, depth), to another, (depth, high)."""
    done = 0
    # no vector may reach over the end of either: the last columns one by one
    if row_step == 1 and high > FULL // 2:
        for k in range(depth - FULL):
            _copy_column(source + 4 * k * k_step, target + 4 * k * high)
        done = max(0, depth - FULL)
    elif k_step == 1:
        for k in range(0, depth - 3 * LANES, LANES):
            _copy_rows(source + 4 * k, row_step, high, target + 4 * k * high)
            done = k + LANES
    for k in range(done, depth):
        column, to = float32s(source + 4 * k * k_step), float32s(target + 4 * k * high)
        for r in range(np.uint64(high)):
            to[r] = column[r * np.uint64(row_step)]


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
                at = w.array + 4 * (w.first + group * w.group_step + row * w.row_step)
                target = p.target + 4 * (group * w.rows + row) * w.depth
                for k in range(0, w.depth, w.inner):
                    part = target + 4 * k * high
                    _pack_tile(at, w.row_step, w.inner_step, w.inner, high, part)
                    at += 4 * w.outer_step
            row += high
            tile += 1


def packed(weights: Weights, groups: int, block: int) -> np.ndarray:
    """All of them, in blocks of so many rows: (groups, rows * depth), in borrowed memory."""
    size = groups * weights.rows * weights.depth
    target, blocks = threads.borrow(size), -(-weights.rows // block)
    shares = 1 if size < _ALONE else -(-4 * threads.count() // (groups * blocks))
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
    panels, columns = float32s(right), float32s(b.address)
    for k in range(0, size.depth, DEPTH):
        depth = min(DEPTH, size.depth - k)
        row = 0
        while row < size.rows:
            high = tallest(size.rows - row)
            source = a.address + 4 * (row * a.row_step + k * a.k_step)
            _pack_tile(source, a.row_step, a.k_step, depth, high, left + 4 * row * depth)
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

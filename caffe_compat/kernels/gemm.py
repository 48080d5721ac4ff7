"""Matrix products of float32, by tiles that stay in the processor's vector registers.

A tile is a few rows of the result by one or two vectors; its sums are kept in registers over a few
hundred products. Each value of the result is summed in one order, whatever the size of the arrays,
the number of threads, the width of the vectors, or the BLAS that is installed: so results are the
same to the bit on all processors that round a product and its sum once (FUSED). Goto and van de
Geijn, Anatomy of high-performance matrix multiplication (2008).
"""

from typing import NamedTuple

import numpy as np

from .atomic import address_of, float32s
from .compiled.later import intrinsic, numba, types
from .vectors import (
    FLOAT,
    FUSED,
    I64,
    LANES,
    VECTOR,
    ZERO,
    load,
    multiply_add,
    number,
    splat,
    store,
    unpacked,
)

__all__ = [
    "FULL", "FUSED", "LANES", "OVERHANG", "WIDTH", "Finish", "Left", "Rows", "Size", "accumulate",
    "multiply",
]  # fmt: skip

WIDTH = 2 * LANES  # columns of a full tile
# rows of a full tile: as many sums as there are registers, less two of columns and one of weights
FULL = 12 if LANES == 16 else 6
# the shapes of tiles, (rows, vectors): full and two thirds of a tile's rows, a third, and one
_ROWS = (FULL, FULL * 2 // 3, FULL // 3, 1)
_TILES = tuple((rows, vectors) for vectors in (2, 1) for rows in _ROWS)
_DEPTH = 384
OVERHANG = 12 * WIDTH  # values of memory that `multiply` needs for the edge


class Left(NamedTuple):
    """The left matrix A: its address, and the values from row to row and from column to column."""

    address: int
    row_step: int
    k_step: int


class Rows(NamedTuple):
    """A matrix by rows, B or the result C: its address, and the values from row to row."""

    address: int
    step: int


class Size(NamedTuple):
    """C is (rows, columns), A (rows, depth), B (depth, columns)."""

    rows: int
    columns: int
    depth: int


class Finish(NamedTuple):
    """What becomes of a sum: act(sum + C's value if `add` is not 0 + the row's bias).

    bias: the address of a value a row. act(v) = max(v, 0) + slope * min(v, 0): a ReLU, or with
    slope 1 nothing.
    """

    bias: int
    slope: np.float32
    add: int


def _sums(builder, shape, a, row_bytes, k_bytes, b, b_bytes, depth):
    """The loop over the depth; returns the tile's sums, vectors by rows."""
    rows, vectors = shape
    before, loop, after = (
        builder.block,
        builder.append_basic_block("depth"),
        builder.append_basic_block("summed"),
    )
    builder.branch(loop)
    builder.position_at_end(loop)
    k, at_a, at_b = (builder.phi(I64) for _ in range(3))
    sums = [[builder.phi(VECTOR) for _ in range(vectors)] for _ in range(rows)]
    columns = [
        load(builder, builder.add(at_b, number(4 * LANES * v)), VECTOR) for v in range(vectors)
    ]
    new = []
    for r in range(rows):
        weight = splat(builder, load(builder, builder.add(at_a, row_bytes[r]), FLOAT))
        new.append(
            [
                multiply_add(builder, weight, column, total)
                for column, total in zip(columns, sums[r])
            ]
        )
    steps = ((k, number(0), number(1)), (at_a, a, k_bytes), (at_b, b, b_bytes))
    for place, start, step in steps:
        place.add_incoming(start, before)
        place.add_incoming(builder.add(place, step), loop)
    for row, row_new in zip(sums, new):
        for total, total_new in zip(row, row_new):
            total.add_incoming(ZERO, before)
            total.add_incoming(total_new, loop)
    builder.cbranch(builder.icmp_signed("<", builder.add(k, number(1)), depth), loop, after)
    builder.position_at_end(after)
    return new


def _before(builder, places, add):
    """What the tile of C holds where the sums are added to it, else zeros; vectors by places."""
    start, look, after = (
        builder.block,
        builder.append_basic_block("look"),
        builder.append_basic_block("add"),
    )
    builder.cbranch(builder.icmp_signed("!=", add, number(0)), look, after)
    builder.position_at_end(look)
    held = {at: load(builder, address, VECTOR) for at, address in places.items()}
    builder.branch(after)
    builder.position_at_end(after)
    for at in held:
        value = builder.phi(VECTOR)
        value.add_incoming(held[at], look)
        value.add_incoming(ZERO, start)
        held[at] = value
    return held


def _summed(builder, shape, left, right, result, depth):
    """A tile's sums, vectors by rows, and the addresses where they belong, {(row, vector): it}."""
    rows, vectors = shape
    (a, row_step, k_step), (b, b_step), (c, c_step) = left, right, result
    row_bytes = [builder.mul(row_step, number(4 * r)) for r in range(rows)]
    k_bytes, b_bytes = builder.mul(k_step, number(4)), builder.mul(b_step, number(4))
    places = {}
    for r in range(rows):
        row = builder.add(c, builder.mul(c_step, number(4 * r)))
        for v in range(vectors):
            places[r, v] = builder.add(row, number(4 * LANES * v))
    return _sums(builder, shape, a, row_bytes, k_bytes, b, b_bytes, depth), places


def _tile(builder, shape, left, right, result, depth, finish):
    """The code of a tile of one shape; its matrices and its finish are tuples of LLVM values."""
    rows, vectors = shape
    bias, slope, add = finish
    sums, places = _summed(builder, shape, left, right, result, depth)
    before = _before(builder, places, add)
    slopes = splat(builder, slope)
    for r in range(rows):
        offset = splat(builder, load(builder, builder.add(bias, number(4 * r)), FLOAT))
        for v in range(vectors):
            value = builder.fadd(builder.fadd(sums[r][v], before[r, v]), offset)
            negative = builder.fcmp_ordered("<", value, ZERO)
            below = builder.fmul(slopes, builder.select(negative, value, ZERO))
            above = builder.select(negative, ZERO, value)
            store(builder, places[r, v], builder.fadd(above, below))


def _key(rows, vectors):
    return 2 * rows + vectors


@intrinsic
def _one_tile(typingctx, key, a, b, c, depth, finish):
    """Compute the tile of C at its address, whose shape has this _key; it must be in _TILES."""

    def generate(context, builder, signature, args):
        key, a, b, c, depth, finish = (
            unpacked(context, builder, *each) for each in zip(args, signature.args)
        )
        unknown, done = builder.append_basic_block("unknown"), builder.append_basic_block("done")
        switch = builder.switch(key, unknown)
        for shape in _TILES:
            block = builder.append_basic_block("tile")
            switch.add_case(number(_key(*shape)), block)
            builder.position_at_end(block)
            _tile(builder, shape, a, b, c, depth, finish)
            builder.branch(done)
        builder.position_at_end(unknown)
        builder.unreachable()
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(types.intp, a, b, c, types.intp, finish), generate


@intrinsic
def _plain_tile(typingctx, key, a, b, c, depth, add):
    """Compute a full tile of C, or one of fewer rows, or with `add` add to what it holds."""

    def generate(context, builder, signature, args):
        key, a, b, c, depth, add = (
            unpacked(context, builder, *each) for each in zip(args, signature.args)
        )
        unknown, done = builder.append_basic_block("unknown"), builder.append_basic_block("done")
        switch = builder.switch(key, unknown)
        for shape in _TILES:
            block = builder.append_basic_block("tile")
            switch.add_case(number(_key(*shape)), block)
            builder.position_at_end(block)
            sums, places = _summed(builder, shape, a, b, c, depth)
            before = _before(builder, places, add)
            for (r, v), address in places.items():
                store(builder, address, builder.fadd(sums[r][v], before[r, v]))
            builder.branch(done)
        builder.position_at_end(unknown)
        builder.unreachable()
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(types.intp, a, b, c, types.intp, types.intp), generate


_tile_key = numba.njit(nogil=True, inline="always")(_key)
_nothing = np.zeros(FULL, np.float32)


@numba.njit(nogil=True)
def _whole_depth(key, a, b, c, depth, finish):
    """One tile, _DEPTH products at a time.

    Partial sums lose less to rounding, and B's part stays in the nearest cache.
    """
    for k in range(0, depth, _DEPTH):
        last = k + _DEPTH >= depth
        _one_tile(
            key,
            Left(a.address + 4 * k * a.k_step, a.row_step, a.k_step),
            Rows(b.address + 4 * k * b.step, b.step),
            c,
            min(_DEPTH, depth - k),
            Finish(
                finish.bias if last else address_of(_nothing),
                finish.slope if last else np.float32(1),
                finish.add if k == 0 else 1,
            ),
        )


@numba.njit(nogil=True)
def _tallest(rows):
    """Rows of the tallest tile that is not taller than this."""
    for tall in _ROWS:
        if rows >= tall:
            return tall
    return 1


@numba.njit(nogil=True)
def multiply(a, b, c, size, finish, overhang):
    """C = act(A · B + bias), or act(C + A · B + bias).

    B must be readable, and may hold anything, up to the next whole vector after its last column.

    Args:
        a, b, c: the matrices, a Left and two Rows.
        size, finish: a Size and a Finish.
        overhang: a flat array of OVERHANG values of the caller's, where tiles that reach over C's
            right edge are computed first.
    """
    done = 0
    while done < size.rows:
        high = _tallest(size.rows - done)
        left = Left(a.address + 4 * done * a.row_step, a.row_step, a.k_step)
        end = Finish(finish.bias + 4 * done, finish.slope, finish.add)
        for j in range(0, size.columns, WIDTH):
            across = min(WIDTH, size.columns - j)
            key = _tile_key(high, 2 if across > LANES else 1)
            right = Rows(b.address + 4 * j, b.step)
            place = Rows(c.address + 4 * (done * c.step + j), c.step)
            if across in (WIDTH, LANES):
                _whole_depth(key, left, right, place, size.depth, end)
                continue
            target = float32s(place.address)
            for r in range(high if finish.add else 0):
                for q in range(across):
                    overhang[r * WIDTH + q] = target[r * c.step + q]
            edge = Rows(address_of(overhang), WIDTH)
            _whole_depth(key, left, right, edge, size.depth, end)
            for r in range(high):
                for q in range(across):
                    target[r * c.step + q] = overhang[r * WIDTH + q]
        done += high


@numba.njit(nogil=True)
def accumulate(a, b, c, size, part):
    """C = A · B, of whole vectors of columns, summed in parts of so many products."""
    done = 0
    while done < size.rows:
        high = _tallest(size.rows - done)
        for j in range(0, size.columns, WIDTH):
            key = _tile_key(high, 2 if size.columns - j > LANES else 1)
            place = Rows(c.address + 4 * (done * c.step + j), c.step)
            for k in range(0, size.depth, part):
                _plain_tile(
                    key,
                    Left(a.address + 4 * (done * a.row_step + k * a.k_step), a.row_step, a.k_step),
                    Rows(b.address + 4 * (k * b.step + j), b.step),
                    place,
                    min(part, size.depth - k),
                    k,
                )
        done += high

"""Matrix products of float32, by tiles that stay in the processor's vector registers.

A tile is a few rows of the result by one or two vectors; its sums are kept in registers over a few
hundred products. Each value of the result is summed in one order, whatever the size of the arrays,
the number of threads, the width of the vectors, or the BLAS that is installed: so results are the
same to the bit on all processors that round a product and its sum once (FUSED). Goto and van de
Geijn, Anatomy of high-performance matrix multiplication (2008).
"""

from functools import partial
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
    rectified,
    rectified_back,
    splat,
    store,
    unpacked,
)

__all__ = [
    "DEPTH", "FULL", "FUSED", "LANES", "OVERHANG", "WIDTH", "Finish", "Rows", "Size", "accumulate",
    "multiply", "tallest",
]  # fmt: skip

WIDTH = 2 * LANES  # columns of a full tile, and of a panel
# rows of a full tile: as many sums as there are registers, less two of columns and one of weights
FULL = 12 if LANES == 16 else 6
# the shapes of tiles, (rows, vectors): full and two thirds of a tile's rows, a third, and one
_ROWS = (FULL, FULL * 2 // 3, FULL // 3, 1)
_TILES = tuple((rows, vectors) for vectors in (2, 1) for rows in _ROWS)
DEPTH = 384  # products that are summed in registers; B's part stays in the nearest cache
_CHUNK = 8 * FULL  # rows of A at a time, which stay in level 2
_EDGE = FULL * WIDTH  # values of a tile over the edge
OVERHANG = 2 * _EDGE  # of memory that `multiply` needs for one and its mask


class Rows(NamedTuple):
    """The result C by rows: its address, and the values from row to row."""

    address: int
    step: int


class Size(NamedTuple):
    """C is (rows, columns), A (rows, depth), B (depth, columns)."""

    rows: int
    columns: int
    depth: int


class Finish(NamedTuple):
    """What becomes of a sum: act(sum + C's value if `add` is not 0 + the row's bias).

    bias: the address of a value a row, or 0. act(v) = max(v, 0) + slope * min(v, 0): a ReLU, or
    with slope 1 nothing. Where mask is not 0, there is no bias, and act is a ReLU's backward pass:
    v where the ReLU's data are positive, which lie so many bytes behind C's values, and slope * v
    elsewhere.
    """

    bias: int
    slope: np.float32
    add: int
    mask: int


_SUM, _ACT, _BACK = 0, 1, 2


class _End(NamedTuple):
    """A Finish for a tile: _SUM has neither bias nor act, _ACT both, _BACK a mask."""

    kind: int
    bias: int
    slope: np.float32
    add: int
    mask: int


def _sums(builder, shape, a, step, b, depth):
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
        weight = splat(builder, load(builder, builder.add(at_a, number(4 * r)), FLOAT))
        new.append(
            [
                multiply_add(builder, weight, column, total)
                for column, total in zip(columns, sums[r])
            ]
        )
    steps = ((k, number(0), number(1)), (at_a, a, step), (at_b, b, number(4 * WIDTH)))
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


def _tile(builder, shape, left, b, result, depth, end):
    """The code of a tile of one shape; A, C and the _End are tuples of LLVM values."""
    rows, vectors = shape
    (a, a_step), (c, c_step), (kind, bias, slope, add, mask) = left, result, end
    sums = _sums(builder, shape, a, builder.mul(a_step, number(4)), b, depth)
    places = {}
    for r in range(rows):
        row = builder.add(c, builder.mul(c_step, number(4 * r)))
        for v in range(vectors):
            places[r, v] = builder.add(row, number(4 * LANES * v))
    before = _before(builder, places, add)
    values = {(r, v): builder.fadd(sums[r][v], before[r, v]) for r, v in places}
    slopes = splat(builder, slope)

    def summed():
        for at, value in values.items():
            store(builder, places[at], value)

    def acted():
        for r in range(rows):
            offset = splat(builder, load(builder, builder.add(bias, number(4 * r)), FLOAT))
            for v in range(vectors):
                value = builder.fadd(values[r, v], offset)
                store(builder, places[r, v], rectified(builder, value, slopes))

    def masked():
        for at, value in values.items():
            data = load(builder, builder.add(places[at], mask))
            store(builder, places[at], rectified_back(builder, value, data, slopes))

    _cases(builder, kind, {_SUM: summed, _ACT: acted, _BACK: masked})


def _cases(builder, chosen, cases):
    """The code of what stands beside the number that is chosen; it must be one of them."""
    unknown, done = builder.append_basic_block("unknown"), builder.append_basic_block("done")
    switch = builder.switch(chosen, unknown)
    for value, code in cases.items():
        block = builder.append_basic_block("case")
        switch.add_case(number(value), block)
        builder.position_at_end(block)
        code()
        builder.branch(done)
    builder.position_at_end(unknown)
    builder.unreachable()
    builder.position_at_end(done)


def _key(rows, vectors):
    return 2 * rows + vectors


@intrinsic
def _one_tile(typingctx, key, left, b, c, depth, end):
    """Compute a tile of C, whose shape has this _key; it must be in _TILES.

    left: a Rows of A's part for these rows, by columns. b: the address of a panel.
    """

    def generate(context, builder, signature, args):
        key, *given = (unpacked(context, builder, *each) for each in zip(args, signature.args))
        _cases(
            builder,
            key,
            {_key(*shape): partial(_tile, builder, shape, *given) for shape in _TILES},
        )
        return context.get_dummy_value()

    return types.void(types.intp, left, types.intp, c, types.intp, end), generate


_tile_key = numba.njit(nogil=True, inline="always")(_key)
_nothing = np.zeros(FULL, np.float32)


@numba.njit(nogil=True)
def tallest(rows):
    """Rows of the tile that comes next where so many are left."""
    if rows == FULL + _ROWS[2]:
        return _ROWS[1]  # twice, since small tiles cannot fill the processor's pipelines
    for tall in _ROWS:
        if rows >= tall:
            return tall
    return 1


@numba.njit(nogil=True)
def _copy(source, source_step, target, target_step, rows, columns):
    for r in range(rows):
        for q in range(columns):
            target[r * target_step + q] = source[r * source_step + q]


@numba.njit(nogil=True)
def _to_edge(c, end, rows, columns, overhang):
    """What a tile over C's edge needs of C to `overhang`; returns its _End there."""
    mask = 0
    if end.add:
        _copy(float32s(c.address), c.step, overhang, WIDTH, rows, columns)
    if end.mask:
        mask = 4 * _EDGE
        data, place = float32s(c.address + end.mask), float32s(address_of(overhang) + mask)
        _copy(data, c.step, place, WIDTH, rows, columns)
    return _End(end.kind, end.bias, end.slope, end.add, mask)


@numba.njit(nogil=True)
def _end_of(finish, row, first, last):
    """The _End of a tile's part of the depth, at this row of C."""
    add = finish.add if first else 1
    if not last or not (finish.bias or finish.mask or finish.slope != 1):
        return _End(_SUM, 0, finish.slope, add, 0)
    if finish.mask:
        return _End(_BACK, 0, finish.slope, add, finish.mask)
    bias = finish.bias + 4 * row if finish.bias else address_of(_nothing)
    return _End(_ACT, bias, finish.slope, add, 0)


@numba.njit(nogil=True)
def _by_rows(a, b, c, first, last, size, depth, end_at, finish, overhang):
    """Tiles of C's rows first..last, over `depth` products from the place end_at[0] on."""
    k, ends = end_at
    for j in range(0, size.columns, WIDTH):
        across = min(WIDTH, size.columns - j)
        panel = b + 4 * j * (depth + 1)
        row = first
        while row < last:
            high = tallest(size.rows - row)
            key = _tile_key(high, 2 if across > LANES else 1)
            left = Rows(a + 4 * (row * size.depth + k * high), high)
            place = Rows(c.address + 4 * (row * c.step + j), c.step)
            end = _end_of(finish, row, k == 0, ends)
            whole = across in (WIDTH, LANES)
            target = place if whole else Rows(address_of(overhang), WIDTH)
            if not whole:
                end = _to_edge(place, end, high, across, overhang)
            _one_tile(key, left, panel, target, depth, end)  # in one place: it is much code
            if not whole:
                _copy(overhang, WIDTH, float32s(place.address), place.step, high, across)
            row += high


@numba.njit(nogil=True)
def multiply(a, b, c, size, k, finish, overhang):
    """Add the products of one part of the depth to C; the last part also finishes it.

    Args:
        a: the address of A, packed; see packing.py. b: of the part of B, of up to DEPTH rows, in
            panels (columns / WIDTH, rows of the part + 1, WIDTH). The last row of a panel, and
            what stands behind the last column, may be anything.
        c, size: a Rows and the whole Size.
        k: the part's first place, a multiple of DEPTH.
        finish: a Finish, of the whole.
        overhang: a flat array of OVERHANG values of the caller's.
    """
    depth = min(DEPTH, size.depth - k)
    row = 0
    while row < size.rows:
        first = row
        while row < size.rows and row - first < _CHUNK:
            row += tallest(size.rows - row)
        part = k, k + depth == size.depth
        _by_rows(a, b, c, first, row, size, depth, part, finish, overhang)


@numba.njit(nogil=True)
def accumulate(a, b, c, size, part):
    """C = A · B, for a tile's rows and whole vectors of columns, summed in parts of the depth.

    a: the address of A, by columns. b: of B's panels.
    """
    row = 0
    while row < size.rows:
        high = tallest(size.rows - row)
        for j in range(0, size.columns, WIDTH):
            key = _tile_key(high, 2 if size.columns - j > LANES else 1)
            place = Rows(c.address + 4 * (row * c.step + j), c.step)
            for k in range(0, size.depth, part):
                _one_tile(
                    key,
                    Rows(a + 4 * (k * size.rows + row), size.rows),
                    b + 4 * (j * size.depth + k * WIDTH),
                    place,
                    min(part, size.depth - k),
                    _End(_SUM, 0, np.float32(1), k, 0),
                )
        row += high

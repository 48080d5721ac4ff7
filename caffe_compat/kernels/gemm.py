"""Matrix products of float32, by tiles that stay in the processor's vector registers.

A tile is a few rows of the result by one or two vectors; its sums are kept in registers over a few
hundred products. Each value of the result is summed in one order, whatever the size of the arrays,
the number of threads, the width of the vectors, or the BLAS that is installed: so results are the
same to the bit on all processors that round a product and its sum once (FUSED). The tile's code is
written in LLVM's language, since numba has no vectors: LLVM fits it to any processor. Goto and van
de Geijn, Anatomy of high-performance matrix multiplication (2008).
"""

from typing import NamedTuple, get_type_hints

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .atomic import X86, address_of, float32s

_features = llvmlite.binding.get_host_cpu_features()
# values in a vector register; x86 before AVX, and ARM, have four
LANES = 16 if _features.get("avx512f") else 8 if _features.get("avx") else 4
WIDTH = 2 * LANES  # columns of a full tile
# rows of a full tile: as many sums as there are registers, less two of columns and one of weights
_FULL = 12 if LANES == 16 else 6
# one rounding for product and sum, where the processor has it
FUSED = bool(_features.get("fma")) or not X86
# the shapes of tiles, (rows, vectors): full and two thirds of a tile's rows, a third, and one
_ROWS = (_FULL, _FULL * 2 // 3, _FULL // 3, 1)
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


_I64, _FLOAT = ir.IntType(64), ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_ZERO = ir.Constant(_VECTOR, [0.0] * LANES)


def _number(value):
    return ir.Constant(_I64, value)


def _load(builder, address, kind):
    value = builder.load(builder.inttoptr(address, ir.PointerType(kind)))
    value.align = 4
    return value


def _store(builder, address, value):
    builder.store(value, builder.inttoptr(address, ir.PointerType(_VECTOR))).align = 4


def _splat(builder, value):
    """A vector with the value in every lane."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


def _multiply_add(builder, a, b, c):
    if not FUSED:
        return builder.fadd(builder.fmul(a, b), c)
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return builder.call(
        cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32"), [a, b, c]
    )


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
    k, at_a, at_b = (builder.phi(_I64) for _ in range(3))
    sums = [[builder.phi(_VECTOR) for _ in range(vectors)] for _ in range(rows)]
    columns = [
        _load(builder, builder.add(at_b, _number(4 * LANES * v)), _VECTOR) for v in range(vectors)
    ]
    new = []
    for r in range(rows):
        weight = _splat(builder, _load(builder, builder.add(at_a, row_bytes[r]), _FLOAT))
        new.append(
            [
                _multiply_add(builder, weight, column, total)
                for column, total in zip(columns, sums[r])
            ]
        )
    steps = ((k, _number(0), _number(1)), (at_a, a, k_bytes), (at_b, b, b_bytes))
    for place, start, step in steps:
        place.add_incoming(start, before)
        place.add_incoming(builder.add(place, step), loop)
    for row, row_new in zip(sums, new):
        for total, total_new in zip(row, row_new):
            total.add_incoming(_ZERO, before)
            total.add_incoming(total_new, loop)
    builder.cbranch(builder.icmp_signed("<", builder.add(k, _number(1)), depth), loop, after)
    builder.position_at_end(after)
    return new


def _before(builder, places, add):
    """What the tile of C holds where the sums are added to it, else zeros; vectors by places."""
    start, look, after = (
        builder.block,
        builder.append_basic_block("look"),
        builder.append_basic_block("add"),
    )
    builder.cbranch(builder.icmp_signed("!=", add, _number(0)), look, after)
    builder.position_at_end(look)
    held = {at: _load(builder, address, _VECTOR) for at, address in places.items()}
    builder.branch(after)
    builder.position_at_end(after)
    for at in held:
        value = builder.phi(_VECTOR)
        value.add_incoming(held[at], look)
        value.add_incoming(_ZERO, start)
        held[at] = value
    return held


def _tile(builder, shape, left, right, result, depth, finish):
    """The code of a tile of one shape; its matrices and its finish are tuples of LLVM values."""
    rows, vectors = shape
    (a, row_step, k_step), (b, b_step), (c, c_step) = left, right, result
    bias, slope, add = finish
    row_bytes = [builder.mul(row_step, _number(4 * r)) for r in range(rows)]
    k_bytes, b_bytes = builder.mul(k_step, _number(4)), builder.mul(b_step, _number(4))
    sums = _sums(builder, shape, a, row_bytes, k_bytes, b, b_bytes, depth)
    places = {}
    for r in range(rows):
        row = builder.add(c, builder.mul(c_step, _number(4 * r)))
        for v in range(vectors):
            places[r, v] = builder.add(row, _number(4 * LANES * v))
    before = _before(builder, places, add)
    slopes = _splat(builder, slope)
    for r in range(rows):
        offset = _splat(builder, _load(builder, builder.add(bias, _number(4 * r)), _FLOAT))
        for v in range(vectors):
            value = builder.fadd(builder.fadd(sums[r][v], before[r, v]), offset)
            negative = builder.fcmp_ordered("<", value, _ZERO)
            below = builder.fmul(slopes, builder.select(negative, value, _ZERO))
            above = builder.select(negative, _ZERO, value)
            _store(builder, places[r, v], builder.fadd(above, below))


def _key(rows, vectors):
    return 2 * rows + vectors


def _unpacked(context, builder, value, kind):
    """A number as it is, a NamedTuple as its numbers, of the types that its fields are given."""
    if not isinstance(kind, types.BaseTuple):
        return value
    numbers = []
    for number, had, hint in zip(
        cgutils.unpack_tuple(builder, value), kind, get_type_hints(kind.instance_class).values()
    ):
        wanted = types.float32 if hint is np.float32 else types.int64
        if isinstance(had, types.Float) != isinstance(wanted, types.Float):
            raise TypeError(f"{kind}: a {had} where a {wanted} belongs")
        numbers.append(context.cast(builder, number, had, wanted))
    return numbers


@intrinsic
def _one_tile(typingctx, key, a, b, c, depth, finish):
    """Compute the tile of C at its address, whose shape has this _key; it must be in _TILES."""

    def generate(context, builder, signature, args):
        key, a, b, c, depth, finish = (
            _unpacked(context, builder, *each) for each in zip(args, signature.args)
        )
        unknown, done = builder.append_basic_block("unknown"), builder.append_basic_block("done")
        switch = builder.switch(key, unknown)
        for shape in _TILES:
            block = builder.append_basic_block("tile")
            switch.add_case(_number(_key(*shape)), block)
            builder.position_at_end(block)
            _tile(builder, shape, a, b, c, depth, finish)
            builder.branch(done)
        builder.position_at_end(unknown)
        builder.unreachable()
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(types.intp, a, b, c, types.intp, finish), generate


_tile_key = numba.njit(nogil=True, inline="always")(_key)
_nothing = np.zeros(_FULL, np.float32)


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

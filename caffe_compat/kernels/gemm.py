"""Matrix products of float32, by tiles that stay in the processor's vector registers.

A tile is a few rows of the result by one or two vectors; its sums are kept in registers over a few hundred products. Each value of the
result is summed in one order, whatever the size of the arrays, the number of threads, the width of the vectors, or the BLAS that is
installed: so results are the same to the bit on all processors that round a product and its sum once (FUSED). The tile's code is
written in LLVM's language, since numba has no vectors: LLVM fits it to any processor. Goto and van de Geijn, Anatomy of
high-performance matrix multiplication (2008).
"""

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .atomic import X86, floats

_features = llvmlite.binding.get_host_cpu_features()
# values in a vector register; x86 before AVX, and ARM, have four
LANES = 16 if _features.get("avx512f") else 8 if _features.get("avx") else 4
WIDTH = 2 * LANES  # columns of a full tile
# rows of a full tile: as many sums as there are registers, but for two of columns and one of weights
_FULL = 12 if LANES == 16 else 6
FUSED = (
    bool(_features.get("fma")) or not X86
)  # one rounding for product and sum, where the processor has it

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


def _sums(builder, rows, vectors, a, row_bytes, k_bytes, b, b_bytes, depth):
    """The loop over the depth; returns the tile's sums, vectors by rows."""
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
    """What the tile of C holds, if something is to be added to it, else zeros; vectors by places."""
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


def _tile(rows, vectors):
    """An intrinsic that computes one tile: C[r, j] = act(sum over k of A[r, k] * B[k, j] + C[r, j] if `add` + bias[r]).

    Its arguments: address of A, steps of a row and of k; of B, step of k; of C, step of a row; depth; address of the bias; slope; add. Steps count
    values. act(v) = max(v, 0) + slope * min(v, 0): a ReLU, or with slope 1 nothing. add: not 0 to add to C.
    """

    @intrinsic
    def tile(typingctx, a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add):
        def generate(context, builder, signature, args):
            a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add = args
            row_bytes = [builder.mul(row_step, _number(4 * r)) for r in range(rows)]
            k_bytes, b_bytes = builder.mul(k_step, _number(4)), builder.mul(b_step, _number(4))
            sums = _sums(builder, rows, vectors, a, row_bytes, k_bytes, b, b_bytes, depth)
            places = {
                (r, v): builder.add(c, builder.add(builder.mul(c_step, _number(4 * r)), _number(4 * LANES * v)))
                for r in range(rows) for v in range(vectors)
            }  # fmt: skip
            before = _before(builder, places, add)
            slopes = _splat(builder, slope)
            for r in range(rows):
                offset = _splat(builder, _load(builder, builder.add(bias, _number(4 * r)), _FLOAT))
                for v in range(vectors):
                    value = builder.fadd(builder.fadd(sums[r][v], before[r, v]), offset)
                    negative = builder.fcmp_ordered("<", value, _ZERO)
                    below = builder.fmul(slopes, builder.select(negative, value, _ZERO))
                    _store(
                        builder,
                        places[r, v],
                        builder.fadd(builder.select(negative, _ZERO, value), below),
                    )
            return context.get_dummy_value()

        return types.void(*[types.intp] * 9, types.float32, types.intp), generate

    return tile


# full and two thirds of a tile's rows, a third, and one; each for two vectors and for one
_ROWS = (_FULL, _FULL * 2 // 3, _FULL // 3, 1)
_wide0, _wide1, _wide2, _wide3 = (_tile(rows, 2) for rows in _ROWS)
_slim0, _slim1, _slim2, _slim3 = (_tile(rows, 1) for rows in _ROWS)
_ROWS0, _ROWS1, _ROWS2 = _ROWS[:3]
_DEPTH = 384
_nothing = np.zeros(_FULL, np.float32)


@numba.njit(cache=True, nogil=True)
def _one_tile(rows, wide, a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add):
    if wide:
        if rows == _ROWS0:
            _wide0(a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add)
        elif rows == _ROWS1:
            _wide1(a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add)
        elif rows == _ROWS2:
            _wide2(a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add)
        else:
            _wide3(a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add)
    else:
        if rows == _ROWS0:
            _slim0(a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add)
        elif rows == _ROWS1:
            _slim1(a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add)
        elif rows == _ROWS2:
            _slim2(a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add)
        else:
            _slim3(a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add)


@numba.njit(cache=True, nogil=True)
def _whole_depth(rows, wide, a, row_step, k_step, b, b_step, c, c_step, depth, bias, slope, add):
    """One tile, _DEPTH products at a time: partial sums lose less to rounding, and B's part stays in the nearest cache."""
    for k in range(0, depth, _DEPTH):
        last = k + _DEPTH >= depth
        _one_tile(rows, wide, a + 4 * k * k_step, row_step, k_step, b + 4 * k * b_step, b_step, c, c_step, min(_DEPTH, depth - k),
                  bias if last else _nothing.ctypes.data, slope if last else np.float32(1), add if k == 0 else 1)  # fmt: skip


@numba.njit(cache=True, nogil=True)
def multiply(
    a, row_step, k_step, b, b_step, c, c_step, rows, columns, depth, bias, slope, add, overhang
):
    """C (rows, columns) = act(A (rows, depth) · B (depth, columns) + bias), added to what C holds before act if `add` is 1.

    a, b, c and bias are addresses (intp), steps count values. B must be readable, and may hold anything, up to the next whole vector
    behind `columns`. overhang: a flat array of at least 12 * WIDTH values of the caller's, where tiles that reach over C's right edge
    are computed first.
    """
    edge = overhang.ctypes.data
    done = 0
    while done < rows:
        left = rows - done
        high = (
            _ROWS0
            if left >= _ROWS0
            else _ROWS1
            if left >= _ROWS1
            else _ROWS2
            if left >= _ROWS2
            else 1
        )
        at_a, at_bias = a + 4 * done * row_step, bias + 4 * done
        for j in range(0, columns, WIDTH):
            across = min(WIDTH, columns - j)
            wide = across > LANES
            at_b, at_c = b + 4 * j, c + 4 * (done * c_step + j)
            if across in (WIDTH, LANES):
                _whole_depth(
                    high,
                    wide,
                    at_a,
                    row_step,
                    k_step,
                    at_b,
                    b_step,
                    at_c,
                    c_step,
                    depth,
                    at_bias,
                    slope,
                    add,
                )
                continue
            target = floats(at_c)
            for r in range(high if add else 0):
                for q in range(across):
                    overhang[r * WIDTH + q] = target[r * c_step + q]
            _whole_depth(
                high,
                wide,
                at_a,
                row_step,
                k_step,
                at_b,
                b_step,
                edge,
                WIDTH,
                depth,
                at_bias,
                slope,
                add,
            )
            for r in range(high):
                for q in range(across):
                    target[r * c_step + q] = overhang[r * WIDTH + q]
        done += high

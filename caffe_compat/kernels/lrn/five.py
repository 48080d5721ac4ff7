"""Local response normalisation over five channels with beta 0.75, the usual one, by vectors.

The arithmetic is that of `general`, to the bit.
"""

import numpy as np
from llvmlite import ir

from ..atomic import float32s
from ..compiled.later import cgutils, intrinsic, numba, types
from ..lanes import by_vectors
from ..vectors import (
    LANES,
    VECTOR,
    constant,
    fetch_to_read,
    fetch_to_write,
    load,
    number,
    rectified_back,
    splat,
    store,
)

SIZE, BETA = 5, 0.75
CHUNK = 512  # positions
_HALF = SIZE // 2
_VALUES = CHUNK + 16  # of a row of ours; rows a page apart would push each other out of the cache
_ROW = 4 * _VALUES
SCRATCH = _VALUES * (3 * SIZE + 1)  # float32 values of memory


def _at(builder, address, at):
    return builder.add(address, builder.mul(at, number(4)))


def _root(builder, value):
    kind = ir.FunctionType(VECTOR, [VECTOR])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f32")
    return builder.call(function, [value])


def _summed(builder, rows, at):
    """The sum of five rows' values, from the first row on."""
    total = None
    for row in rows:
        value = load(builder, _at(builder, row, at))
        total = builder.fadd(total, value) if total is not None else value
    return total


def _scale_and_power(builder, total, share, offset):
    """offset + share * total, and its power of -0.75."""
    scale = builder.fadd(offset, builder.fmul(share, total))
    root = builder.fdiv(constant(1), _root(builder, scale))
    return scale, builder.fmul(root, _root(builder, root))


@intrinsic
def _normalize(typingctx, new, a, b, c, d, e, x, y, share, offset, count):
    """y = x * (offset + share * the sum of five rows of squares) ** -0.75.

    a, b, c, d: rows of squares; e: where those of `new` go, a row of values.
    """

    def generate(context, builder, signature, args):
        new, *squares, x, y, share, offset, count = args
        share, offset = splat(builder, share), splat(builder, offset)

        def work(memory, at):
            value = memory.load(_at(builder, new, at), 0)
            store(builder, _at(builder, squares[-1], at), builder.fmul(value, value))
            total = _summed(builder, squares, at)
            power = _scale_and_power(builder, total, share, offset)[1]
            values = memory.load(_at(builder, x, at), 0)
            memory.store(_at(builder, y, at), 0, builder.fmul(values, power))

        by_vectors(builder, count, work)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 8, types.float32, types.float32, types.intp), generate


@intrinsic
def _compare(typingctx, new, a, b, c, d, e, x, dy, ratio, power, share, offset, count):
    """ratio = dy * (x * power) / scale, where scale is as in `_normalize`, and power its power."""

    def generate(context, builder, signature, args):
        new, *squares, x, dy, ratio, power_row, share, offset, count = args
        share, offset = splat(builder, share), splat(builder, offset)

        def work(memory, at):
            value = memory.load(_at(builder, new, at), 0)
            store(builder, _at(builder, squares[-1], at), builder.fmul(value, value))
            total = _summed(builder, squares, at)
            scale, power = _scale_and_power(builder, total, share, offset)
            store(builder, _at(builder, power_row, at), power)
            y = builder.fmul(memory.load(_at(builder, x, at), 0), power)
            product = builder.fmul(memory.load(_at(builder, dy, at), 0), y)
            store(builder, _at(builder, ratio, at), builder.fdiv(product, scale))

        by_vectors(builder, count, work)
        return context.get_dummy_value()

    kinds = [types.intp] * 10 + [types.float32] * 2 + [types.intp]
    return types.void(*kinds), generate


@intrinsic
def _differentiate(typingctx, a, b, c, d, e, x, dy, power, dx, factor, slope, count):
    """dx = dy * power - factor * x * the sum of five rows of ratios, which then passes a ReLU."""

    def generate(context, builder, signature, args):
        *ratios, x, dy, power, dx, factor, slope, count = args
        factor, slope = splat(builder, factor), splat(builder, slope)

        def work(memory, at):
            total = _summed(builder, ratios, at)
            values = memory.load(_at(builder, x, at), 0)
            direct = builder.fmul(
                memory.load(_at(builder, dy, at), 0), load(builder, _at(builder, power, at))
            )
            through = builder.fmul(builder.fmul(factor, values), total)
            gradient = rectified_back(builder, builder.fsub(direct, through), values, slope)
            memory.store(_at(builder, dx, at), 0, gradient)

        by_vectors(builder, count, work)
        return context.get_dummy_value()

    kinds = [types.intp] * 9 + [types.float32] * 2 + [types.intp]
    return types.void(*kinds), generate


@numba.njit(nogil=True, inline="always")
def _five(ring, c):
    """The addresses of the rows of a ring around channel c."""
    return (
        ring + _ROW * ((c + SIZE - 2) % SIZE),
        ring + _ROW * ((c + SIZE - 1) % SIZE),
        ring + _ROW * (c % SIZE),
        ring + _ROW * ((c + 1) % SIZE),
        ring + _ROW * ((c + 2) % SIZE),
    )


@numba.njit(nogil=True)
def _clear(address, count):
    values = float32s(address)
    for j in range(np.uint64(count)):
        values[j] = 0


@numba.njit(nogil=True)
def forward(x, y, step, channels, count, share, offset, scratch):
    """y at `count` positions.

    Args:
        x, y: addresses of the first channel's values there.
        step: bytes from a channel to the next.
        share, offset: alpha / 5 and k.
        scratch: the address of SCRATCH values.
    """
    zeros, squares = scratch, scratch + _ROW
    _clear(scratch, _VALUES * (SIZE + 1))
    for c in range(-_HALF, channels):
        a, b, m, d, e = _five(squares, c + SIZE)
        new = x + step * (c + _HALF) if c + _HALF < channels else zeros
        if c + _HALF + 1 < channels:
            fetch_to_read(new + step, count)
        if c < 0:
            _square(new, e, count)
        else:
            at = step * c
            _normalize(new, a, b, m, d, e, x + at, y + at, share, offset, count)


@numba.njit(nogil=True)
def _square(source, target, count):
    source, target = float32s(source), float32s(target)
    for j in range(np.uint64(count)):
        target[j] = source[j] * source[j]


@numba.njit(nogil=True)
def backward(x, dy, dx, step, channels, count, share, offset, factor, slope, scratch):
    """dx at `count` positions; ratios run two channels ahead of the sums over them.

    Args:
        x, dy, dx, step, channels, count, share, offset, scratch: as those of `forward`.
        factor: 2 alpha beta / 5.
        slope: of a ReLU that dx passes backward, of which x are the values; 1 without one.
    """
    zeros, squares = scratch, scratch + _ROW
    ratios, powers = squares + _ROW * SIZE, squares + _ROW * 2 * SIZE
    _clear(scratch, _VALUES * (2 * SIZE + 1))
    for c in range(min(_HALF, channels)):
        _square(x + step * c, squares + _ROW * c, count)
    for ahead in range(channels + _HALF):
        ratio, power = ratios + _ROW * (ahead % SIZE), powers + _ROW * (ahead % SIZE)
        if ahead < channels:
            p, q, r, s, t = _five(squares, ahead + SIZE)
            last, at = ahead + _HALF, step * ahead
            new = x + step * last if last < channels else zeros
            if ahead + 1 < channels:
                fetch_to_read(dy + at + step, count)
            if last + 1 < channels:
                fetch_to_read(new + step, count)
            _compare(new, p, q, r, s, t, x + at, dy + at, ratio, power, share, offset, count)
        else:
            _clear(ratio, CHUNK)
        c = ahead - _HALF
        if c >= 0:
            p, q, r, s, t = _five(ratios, c + SIZE)
            if c + 1 < channels:
                fetch_to_write(dx + step * (c + 1), count)
            at, power = step * c, powers + _ROW * (c % SIZE)
            _differentiate(p, q, r, s, t, x + at, dy + at, power, dx + at, factor, slope, count)

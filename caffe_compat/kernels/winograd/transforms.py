"""The transforms of Winograd's algorithm F(4x4, 3x3), on vectors of tiles.

A tile is 6x6 values of a picture, which give 4x4 of its convolution with a 3x3 window; tiles lie 4
apart. Y = A^T ((G g G^T) * (B^T d B)) A: Lavin and Gray, Fast algorithms for convolutional neural
networks (2015). The matrices are Toom and Cook's for the points 0, ±5/8, ±3/2 and infinity: with
those the error of float32 is half of that with 0, ±1, ±2 and infinity.
"""

from typing import Any, List

from llvmlite import ir

from ..compiled.later import cgutils, intrinsic, types
from ..vectors import (
    FLOAT,
    LANES,
    VECTOR,
    ZERO,
    columns_of,
    constant,
    load,
    multiply_add,
    number,
    rectified,
    rectified_back,
    shuffled,
    splat,
    store,
)

SIDE, STEP = 6, 4  # of a tile: its values, and those to the next
VALUES = SIDE * SIDE
_P, _Q = 5 / 8, 3 / 2
_BITS = ir.VectorType(ir.IntType(32), LANES)


def _inwards(builder, d):
    """B^T d, of six values."""

    def fused(factor, a, b):
        return multiply_add(builder, constant(factor), a, b)

    found = [fused(_P**2 * _Q**2, d[0], fused(-(_P**2 + _Q**2), d[2], d[4]))]
    for point, other in ((_P, _Q), (_Q, _P)):
        even, odd = fused(-(other**2), d[2], d[4]), fused(-(other**2), d[1], d[3])
        found += [fused(point, odd, even), fused(-point, odd, even)]
    return [*found, fused(_P**2 * _Q**2, d[1], fused(-(_P**2 + _Q**2), d[3], d[5]))]


def _outwards(builder, m):
    """A^T m, four values of six."""
    sums = [builder.fadd(m[i], m[i + 1]) for i in (1, 3)]
    differences = [builder.fsub(m[i], m[i + 1]) for i in (1, 3)]

    def of(parts, power):
        second = builder.fmul(constant(_Q**power), parts[1])
        return multiply_add(builder, constant(_P**power), parts[0], second)

    return [
        builder.fadd(builder.fadd(m[0], sums[0]), sums[1]),
        of(differences, 1),
        of(sums, 2),
        builder.fadd(of(differences, 3), m[5]),
    ]


def _of_weights(builder, g):
    """G g, six values of three.

    A row of G has a point's powers, over the product of its distances from the other points.
    """
    found = [builder.fmul(constant(1 / (_P**2 * _Q**2)), g[0])]
    for point, other in ((_P, _Q), (_Q, _P)):
        scale = 1 / (2 * point**2 * (point**2 - other**2))
        first = builder.fmul(constant(scale), g[0])
        even = multiply_add(builder, constant(scale * point**2), g[2], first)
        for factor in (scale * point, -scale * point):
            found.append(multiply_add(builder, constant(factor), g[1], even))
    return [*found, g[2]]


def _at(builder, address, *places):
    """The address some float32 values on; a place is a number or (number, size of each)."""
    for place in places:
        values = builder.mul(*place) if isinstance(place, tuple) else place
        address = builder.add(address, builder.mul(values, number(4)))
    return address


def _masked(builder, address, lanes):
    """A vector with zeros where a lane is not wanted, whose memory is not touched."""
    kind = ir.FunctionType(
        VECTOR,
        [ir.PointerType(VECTOR), ir.IntType(32), lanes.type, VECTOR],
    )
    function = cgutils.get_or_insert_function(
        builder.module, kind, f"llvm.masked.load.v{LANES}f32.p0"
    )
    pointer = builder.inttoptr(address, ir.PointerType(VECTOR))
    return builder.call(function, [pointer, ir.Constant(ir.IntType(32), 4), lanes, ZERO])


def _spread(builder, value):
    """An int32 in every lane."""
    nothing = ir.Constant(_BITS, ir.Undefined)
    one = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    return shuffled(builder, one, nothing, [0] * LANES)


@intrinsic
def rows_inwards(typingctx, x, width, top, bottom, left, right, columns, rows, step):
    """B^T of six rows of a picture, column by column, into six rows that lie `step` apart.

    x: the address of the first value. Rows outside top..bottom and columns outside left..right are
    zeros, and their memory is not touched. What fills a vector after the last column is written
    too.
    """

    def generate(context, builder, signature, args):
        x, width, top, bottom, left, right, columns, rows, step = args
        short = ir.IntType(32)
        lane = ir.Constant(_BITS, list(range(LANES)))
        vectors = builder.sdiv(builder.add(columns, number(LANES - 1)), number(LANES))
        whole_rows = builder.and_(
            builder.icmp_signed("<=", top, number(0)),
            builder.icmp_signed(">=", bottom, number(SIDE)),
        )
        with cgutils.for_range(builder, vectors) as loop:
            first = builder.mul(loop.index, number(LANES))
            whole = builder.and_(
                builder.icmp_signed("<=", left, first),
                builder.icmp_signed(">=", right, builder.add(first, number(LANES))),
            )
            at = _at(builder, x, first)
            target = _at(builder, rows, first)
            with builder.if_else(builder.and_(whole, whole_rows)) as (inside, edge):
                with inside:
                    d = [load(builder, _at(builder, at, (width, number(r)))) for r in range(SIDE)]
                    for i, value in enumerate(_inwards(builder, d)):
                        store(builder, _at(builder, target, (step, number(i))), value)
                with edge:
                    place = builder.add(lane, _spread(builder, builder.trunc(first, short)))
                    lanes = builder.and_(
                        builder.icmp_signed(
                            ">=", place, _spread(builder, builder.trunc(left, short))
                        ),
                        builder.icmp_signed(
                            "<", place, _spread(builder, builder.trunc(right, short))
                        ),
                    )
                    none = ir.Constant(lanes.type, [0] * LANES)
                    d = []
                    for r in range(SIDE):
                        here = builder.and_(
                            builder.icmp_signed("<=", top, number(r)),
                            builder.icmp_signed(">", bottom, number(r)),
                        )
                        d.append(
                            _masked(
                                builder,
                                _at(builder, at, (width, number(r))),
                                builder.select(here, lanes, none),
                            )
                        )
                    for i, value in enumerate(_inwards(builder, d)):
                        store(builder, _at(builder, target, (step, number(i))), value)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 9), generate


def _apart(builder, v):
    """Four vectors of values in a row as those at places 0, 1, 2 and 3 modulo 4."""
    evens, odds = list(range(0, 2 * LANES, 2)), list(range(1, 2 * LANES, 2))
    halves = {
        first: [shuffled(builder, v[i], v[i + 1], places) for i in (0, 2)]
        for first, places in ((0, evens), (1, odds))
    }
    found = []
    for place in range(4):
        first, second = halves[place % 2]
        found.append(shuffled(builder, first, second, evens if place < 2 else odds))
    return found


def _together(builder, v):
    """The inverse of _apart."""

    def zipped(a, b):
        pairs = [place for i in range(LANES) for place in (i, LANES + i)]
        return [shuffled(builder, a, b, half) for half in (pairs[:LANES], pairs[LANES:])]

    even, odd = zipped(v[0], v[2]), zipped(v[1], v[3])
    return [*zipped(even[0], odd[0]), *zipped(even[1], odd[1])]


@intrinsic
def tiles_inwards(typingctx, rows, step, ends, last, tiles, size):
    """The other half of B^T d B, of a vector of tiles: 36 vectors `size` values apart at `tiles`.

    rows: the address of the first tile's values in the first of six rows, `step` apart, in which
    tiles stand side by side, without what they share with the next. A tile takes that from the next
    one, or where `last` is not 0 (an int32 a tile) from `ends`: two rows of a value a tile, for
    each of the six, all `step` apart too.
    """

    def generate(context, builder, signature, args):
        rows, step, ends, last, tiles, size = args
        own = builder.icmp_signed("!=", load(builder, last, _BITS), ir.Constant(_BITS, [0] * LANES))
        for i in range(SIDE):
            row = _at(builder, rows, (step, number(i)))
            four = [load(builder, _at(builder, row, number(LANES * q))) for q in range(STEP)]
            d = _apart(builder, four)
            for place in (0, 1):
                end = load(builder, _at(builder, ends, (step, number(2 * i + place))))
                following = shuffled(builder, d[place], d[place], [*range(1, LANES), 0])
                d.append(builder.select(own, end, following))
            for j, value in enumerate(_inwards(builder, d)):
                store(builder, _at(builder, tiles, (size, number(SIDE * i + j))), value)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), generate


@intrinsic
def tiles_outwards(typingctx, tiles, size, bias, slope, mask, rows, step):
    """act(A^T m A + bias) of a vector of tiles, into four rows `step` apart.

    tiles: the address of 36 vectors `size` values apart. act and mask are gemm.Finish's.
    """

    def generate(context, builder, signature, args):
        tiles, size, bias, slope, mask, rows, step = args
        columns = []
        for j in range(SIDE):
            m = [
                load(builder, _at(builder, tiles, (size, number(SIDE * i + j))))
                for i in range(SIDE)
            ]
            columns.append(_outwards(builder, m))
        offset, slopes = splat(builder, bias), splat(builder, slope)
        values = {}
        for r in range(STEP):
            found = _outwards(builder, [column[r] for column in columns])
            found = _together(builder, [builder.fadd(value, offset) for value in found])
            row = _at(builder, rows, (step, number(r)))
            for q, value in enumerate(found):
                values[r, q] = _at(builder, row, number(LANES * q)), value
        with builder.if_else(builder.icmp_signed("==", mask, number(0))) as (plain, masked):
            with plain:
                for place, value in values.values():
                    store(builder, place, rectified(builder, value, slopes))
            with masked:
                for place, value in values.values():
                    data = load(builder, builder.add(place, mask))
                    store(builder, place, rectified_back(builder, value, data, slopes))
        return context.get_dummy_value()

    signature = types.void(
        types.intp, types.intp, types.float32, types.float32, types.intp, types.intp, types.intp
    )
    return signature, generate


def _windows(builder, windows):
    """Nine vectors, one for each place of the 3x3 values from each of these addresses on."""
    side = min(8, LANES)
    kind, parts = ir.VectorType(FLOAT, side), 8 // side
    places: List[Any] = []
    for part in range(parts):
        groups = []
        for first in range(0, LANES, side):
            rows = [
                load(builder, _at(builder, window, number(side * part)), kind)
                for window in windows[first : first + side]
            ]
            groups.append(columns_of(builder, rows))
        for k in range(side):
            vector = groups[0][k]
            for group in groups[1:]:
                vector = shuffled(builder, vector, group[k], range(LANES))
            places.append(vector)
    last = ir.Constant(VECTOR, ir.Undefined)
    for lane, window in enumerate(windows):
        value = load(builder, _at(builder, window, number(8)), FLOAT)
        last = builder.insert_element(last, value, ir.Constant(ir.IntType(32), lane))
    return [*places, last]


@intrinsic
def weights_inwards(typingctx, weight, step, turned, count, values, size):
    """G g G^T of a vector of windows: 36 vectors `size` values apart at `values`.

    weight: the address of the first of `count` windows, which lie `step` apart. turned: they are
    rotated by half a turn.
    """

    def generate(context, builder, signature, args):
        weight, step, turned, count, values, size = args
        windows = []
        for lane in range(LANES):  # those too many are the first again
            here = builder.icmp_signed("<", number(lane), count)
            place = builder.select(here, number(lane), number(0))
            windows.append(_at(builder, weight, (step, place)))
        found = _windows(builder, windows)
        rotated = builder.icmp_signed("!=", turned, number(0))
        g = [builder.select(rotated, found[8 - k], found[k]) for k in range(9)]
        columns = [_of_weights(builder, [g[3 * i + j] for i in range(3)]) for j in range(3)]
        for i in range(SIDE):
            for j, value in enumerate(_of_weights(builder, [column[i] for column in columns])):
                store(builder, _at(builder, values, (size, number(SIDE * i + j))), value)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), generate

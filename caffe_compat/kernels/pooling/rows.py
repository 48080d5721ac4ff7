"""MAX pooling over 3x3 windows: rows of values, by vectors.

Rows are at addresses. A row's values are read, and but for the gradient's written, by whole
vectors, beyond its end too.
"""

import numpy as np
from llvmlite import ir

from ..compiled.later import cgutils, intrinsic, types
from ..lanes import by_vectors
from ..vectors import (
    LANES,
    constant,
    load,
    number,
    rectified_back,
    shuffled,
    splat,
    store,
)

LOWEST = np.float32(-3.4028234663852886e38)
_CODES, _BYTES = (ir.VectorType(ir.IntType(bits), LANES) for bits in (32, 8))
_EVENS, _ODDS = ([2 * lane + odd for lane in range(LANES)] for odd in (0, 1))
_WOVEN = [lane // 2 + lane % 2 * LANES for lane in range(2 * LANES)]


def _codes(value):
    return ir.Constant(_CODES, [value] * LANES)


def _on(builder, address, values, size=4):
    """The address some values on."""
    return builder.add(address, builder.mul(values, number(size)))


def _bytes(builder, address):
    return builder.inttoptr(address, ir.PointerType(_BYTES))


def _vectors(builder, count, size):
    """A loop over the vectors that so many values begin; its number is of the first value."""
    count = builder.sdiv(builder.add(count, number(LANES - 1)), number(LANES))
    return cgutils.for_range_slice(builder, number(0), builder.mul(count, number(LANES)), size)


def _larger(builder, first, second):
    """(value, code) of the second where its value is larger, else of the first."""
    larger = builder.fcmp_ordered(">", second[0], first[0])
    return tuple(builder.select(larger, b, a) for a, b in zip(first, second))


def _row_maxima(step):
    """A compiled function: the maximum of each three values of a row, and which it was first.

    Places of a row are 0, 1 and 2; -1 where no value is above LOWEST.
    """

    def three(builder, source, at):
        """The three values of the windows from number `at` on, lane by lane."""
        if step == 1:
            places = (builder.add(source, number(4 * n)) for n in range(3))
            return [load(builder, _on(builder, place, at)) for place in places]
        place = _on(builder, source, at, 8)
        near, far, near_2, far_2 = (
            load(builder, builder.add(place, number(4 * n))) for n in (0, LANES, 2, LANES + 2)
        )
        return [shuffled(builder, near, far, _EVENS), shuffled(builder, near, far, _ODDS),
                shuffled(builder, near_2, far_2, _EVENS)]  # fmt: skip

    @intrinsic
    def maxima(typingctx, source, best, code, count):
        def generate(context, builder, signature, args):
            source, best, code, count = args
            with _vectors(builder, count, number(LANES)) as (at, _):
                found = constant(float(LOWEST)), _codes(-1)
                for place, value in enumerate(three(builder, source, at)):
                    found = _larger(builder, found, (value, _codes(place)))
                store(builder, _on(builder, best, at), found[0])
                store(builder, _on(builder, code, at), found[1])
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, types.intp, types.intp), generate

    return maxima


row_maxima_by_one, row_maxima_by_two = _row_maxima(1), _row_maxima(2)


@intrinsic
def window_maxima(typingctx, a, b, c, codes, y, mask, count):
    """y, mask = the maxima of three rows' maxima, and which of nine values they were first.

    a, b, c: addresses of the rows' maxima; `codes` bytes on are their codes.
    """

    def generate(context, builder, signature, args):
        *rows, codes, y, mask, count = args
        with _vectors(builder, count, number(LANES)) as (at, _):
            maxima = []
            for row, address in enumerate(rows):
                place = _on(builder, address, at)
                code = load(builder, builder.add(place, codes), _CODES)
                maxima.append((load(builder, place), builder.add(code, _codes(3 * row))))
            # the first row's codes are as they are: -1 if no value is above LOWEST
            best, code = _larger(builder, _larger(builder, maxima[0], maxima[1]), maxima[2])
            store(builder, _on(builder, y, at), best)
            place = _bytes(builder, builder.add(mask, at))
            builder.store(builder.trunc(code, _BYTES), place, align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 7), generate


def _gather(step, rows, odd=0):
    """A compiled function: a row of the picture's gradient, from rows of windows that reach it.

    Args:
        step, odd: places of the picture that windows lie apart, and whether its row begins with the
            second of a window.
        rows: how many rows of windows reach it, of three if one value apart, else one or two.
    """
    places = ((2, 1, 0),) if step == 1 else ((2, 0), (1,))  # of a window, from the first on
    places_of_rows = {3: (2, 1, 0), 2: (2, 0), 1: (1,)}[rows]

    def summed(builder, total, own, at, codes, place, late):
        """The total, and the gradients that belong to this place of their windows, in order."""
        for address, row in zip(own, places_of_rows):
            for column in place:
                before = column // step - late
                source = builder.sub(_on(builder, address, at), number(4 * before))
                code = load(builder, builder.add(source, codes), _CODES)
                here = builder.icmp_signed("==", code, _codes(3 * row + column))
                # -0 changes no sum
                new = builder.select(here, load(builder, source), constant(-0.0))
                total = builder.fadd(total, new)
        return total

    def gather_vectors(builder, memory, at, target, start, x, slope, codes, own):
        target, start, x = (_on(builder, row, at, 4 * step) for row in (target, start, x))
        firsts = [LANES * n for n in range(step)]
        totals = [memory.load(start, first) for first in firsts]
        if step == 1:
            totals = [summed(builder, totals[0], own, at, codes, places[0], 0)]
        else:
            near, far = totals
            parts = [shuffled(builder, near, far, lanes) for lanes in (_EVENS, _ODDS)]
            order = places if not odd else places[::-1]
            even, others = (
                summed(builder, part, own, at, codes, place, odd and place == places[0])
                for part, place in zip(parts, order)
            )
            totals = [shuffled(builder, even, others, _WOVEN[n : n + LANES]) for n in firsts]
        for first, total in zip(firsts, totals):
            data = memory.load(x, first)
            memory.store(target, first, rectified_back(builder, total, data, slope))

    @intrinsic
    def gather(typingctx, target, start, x, slope, codes, a, b, c, count):
        def generate(context, builder, signature, args):
            target, start, x, slope, codes, *own, count = args
            slope = splat(builder, slope)
            given = target, start, x, slope, codes, own[:rows]

            def work(memory, at):
                gather_vectors(builder, memory, at, *given)

            by_vectors(builder, count, work, step)
            return context.get_dummy_value()

        places_ = [types.intp] * 3
        return types.void(*places_, types.float32, *[types.intp] * 5), generate

    return gather


gather_by_one = _gather(1, 3)
gather_two_rows, gather_one_row = _gather(2, 2), _gather(2, 1)
gather_two_rows_odd, gather_one_row_odd = _gather(2, 2, 1), _gather(2, 1, 1)


def _copied(bits):
    """A compiled function that copies numbers of so many bits, LANES or more, as ones of 32."""

    @intrinsic
    def copy(typingctx, source, target, count):
        def generate(context, builder, signature, args):
            source, target, count = args

            def copy_vector(at):
                if bits == 8:
                    value = builder.load(_bytes(builder, builder.add(source, at)), align=1)
                    value = builder.sext(value, _CODES)
                else:
                    value = load(builder, _on(builder, source, at))
                store(builder, _on(builder, target, at), value)

            with cgutils.for_range(builder, builder.sdiv(count, number(LANES))) as loop:
                copy_vector(builder.mul(loop.index, number(LANES)))
            copy_vector(builder.sub(count, number(LANES)))  # once more, where it ends with a vector
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, types.intp), generate

    return copy


copy_vectors, copy_codes = _copied(32), _copied(8)

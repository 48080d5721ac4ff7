"""The processor's vectors of float32, in LLVM's language, since numba has none.

LLVM fits the code to any processor: this one, or the one that NUMBA_CPU_NAME and
NUMBA_CPU_FEATURES name. What multiplies and adds does so by one fused operation where
the processor has it (FUSED), and then gives the same bits for any width of vectors.
"""

from typing import Sequence, get_type_hints

import numpy as np
from llvmlite import ir

from .compiled.later import cgutils, intrinsic, types
from .compiled.processor import PROCESSOR

LANES = PROCESSOR.lanes  # values in a vector register
FUSED = PROCESSOR.fused  # one rounding for product and sum

I64, FLOAT = ir.IntType(64), ir.FloatType()
_I32 = ir.IntType(32)
_LINE = 16  # float32 values in a cache line
VECTOR = ir.VectorType(FLOAT, LANES)
ZERO = ir.Constant(VECTOR, [0.0] * LANES)


def number(value: int) -> ir.Constant:
    """A whole number."""
    return ir.Constant(I64, value)


def constant(value: float) -> ir.Constant:
    """A vector with the value in every lane."""
    return ir.Constant(VECTOR, [float(np.float32(value))] * LANES)


def load(builder, address, kind=VECTOR):
    value = builder.load(builder.inttoptr(address, ir.PointerType(kind)))
    value.align = 4
    return value


def store(builder, address, value):
    builder.store(value, builder.inttoptr(address, ir.PointerType(value.type))).align = 4


def shuffled(builder, first, second, places: Sequence[int]):
    """The lanes at these places of two vectors, the second's after the first's."""
    kind = ir.VectorType(_I32, len(places))
    return builder.shuffle_vector(first, second, ir.Constant(kind, list(places)))


def splat(builder, value):
    """A vector with the value in every lane."""
    nothing = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_I32, 0))
    return shuffled(builder, first, nothing, [0] * LANES)


def columns_of(builder, rows):
    """The columns of a matrix of as many vectors as each has lanes."""
    lanes = len(rows)
    pairs = [place for i in range(lanes) for place in (i, lanes + i)]
    for _ in range(lanes.bit_length() - 1):
        halves = zip(rows[: lanes // 2], rows[lanes // 2 :])
        rows = [
            shuffled(builder, first, second, part)
            for first, second in halves
            for part in (pairs[:lanes], pairs[lanes:])
        ]
    return rows


def multiply_add(builder, a, b, c):
    """a * b + c, of three vectors."""
    if not FUSED:
        return builder.fadd(builder.fmul(a, b), c)
    kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
    return builder.call(function, [a, b, c])


def rectified(builder, value, slopes):
    """max(value, 0) + slopes * min(value, 0), in Caffe's own arithmetic."""
    negative = builder.fcmp_ordered("<", value, ZERO)
    below = builder.fmul(slopes, builder.select(negative, value, ZERO))
    return builder.fadd(builder.select(negative, ZERO, value), below)


def rectified_back(builder, value, data, slopes):
    """The value where data are positive, slopes * value elsewhere."""
    positive = builder.fcmp_ordered(">", data, ZERO)
    return builder.select(positive, value, builder.fmul(slopes, value))


def unpacked(context, builder, value, kind):
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


def _fetch(write):
    """A compiled function that asks for the cache lines of `count` values from an address on."""

    @intrinsic
    def fetch(typingctx, address, count):
        def generate(context, builder, signature, args):
            address, count = args
            pointer = ir.PointerType(ir.IntType(8))
            kind = ir.FunctionType(ir.VoidType(), [pointer, _I32, _I32, _I32])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            lines = builder.sdiv(builder.add(count, number(_LINE - 1)), number(_LINE))
            with cgutils.for_range(builder, lines) as loop:
                place = builder.inttoptr(
                    builder.add(address, builder.mul(loop.index, number(4 * _LINE))), pointer
                )
                # the last two: to keep it in level 2, and that it is data
                hints = [ir.Constant(_I32, hint) for hint in (write, 2, 1)]
                builder.call(function, [place, *hints])
            return context.get_dummy_value()

        return types.void(types.intp, types.intp), generate

    return fetch


fetch_to_read, fetch_to_write = _fetch(0), _fetch(1)

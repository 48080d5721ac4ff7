"""Vectors of which some lanes are in memory: the last ones of a row."""

from llvmlite import ir

from .compiled.later import cgutils
from .vectors import LANES, VECTOR, ZERO, load, number, shuffled, store

_PLACES = ir.VectorType(ir.IntType(32), LANES)


def by_vectors(builder, count, work, step=1):
    """Code that does work(memory, at) for all of `count` values, `step` vectors at a time.

    at: the number of the first one over `step`; memory: a Memory that ends with the last one.
    """
    whole = builder.sdiv(count, number(step * LANES))
    with cgutils.for_range(builder, whole) as loop:
        work(Memory(builder), builder.mul(loop.index, number(LANES)))
    at = builder.mul(whole, number(LANES))
    rest = builder.sub(count, builder.mul(at, number(step)))
    with builder.if_then(builder.icmp_signed(">", rest, number(0))):
        work(Memory(builder, rest), at)


def _masked(builder, name, kind, arguments):
    """A call of LLVM's masked load or store of a vector, whose other lanes' memory stays alone."""
    pointer, short = ir.PointerType(VECTOR), ir.IntType(32)
    lanes = ir.VectorType(ir.IntType(1), LANES)
    types_of = {"load": [pointer, short, lanes, VECTOR], "store": [VECTOR, pointer, short, lanes]}
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(kind, types_of[name]),
        f"llvm.masked.{name}.v{LANES}f32.p0",
    )
    return builder.call(function, arguments)


class Memory:
    """Vectors in memory: whole ones, or of the lanes before `count` alone."""

    def __init__(self, builder, count=None):
        self.builder, self.count = builder, count

    def _lanes(self, first):
        lane = ir.Constant(_PLACES, [first + n for n in range(LANES)])
        count = _spread(self.builder, self.builder.trunc(self.count, ir.IntType(32)))
        return self.builder.icmp_signed("<", lane, count)

    def load(self, address, first):
        address = self.builder.add(address, number(4 * first))
        if self.count is None:
            return load(self.builder, address)
        pointer = self.builder.inttoptr(address, ir.PointerType(VECTOR))
        given = [pointer, ir.Constant(ir.IntType(32), 4), self._lanes(first), ZERO]
        return _masked(self.builder, "load", VECTOR, given)

    def store(self, address, first, value):
        address = self.builder.add(address, number(4 * first))
        if self.count is None:
            store(self.builder, address, value)
            return
        pointer = self.builder.inttoptr(address, ir.PointerType(VECTOR))
        given = [value, pointer, ir.Constant(ir.IntType(32), 4), self._lanes(first)]
        _masked(self.builder, "store", ir.VoidType(), given)


def _spread(builder, value):
    """An int32 in every lane."""
    nothing = ir.Constant(_PLACES, ir.Undefined)
    return shuffled(
        builder, builder.insert_element(nothing, value, number(0)), nothing, [0] * LANES
    )

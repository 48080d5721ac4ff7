"""What numba lacks for threads that share work.

That is: arrays and records at an address, atomic counters, calls by address, and waiting without
the system's help.
"""

import typing
from itertools import count

from llvmlite import ir

from .compiled.later import cgutils, intrinsic, numba, types
from .compiled.processor import PROCESSOR

_FAR = 1 << 40  # the length of an array of which only the address is known


def _pointer(builder, address):
    return builder.inttoptr(address, ir.PointerType(ir.IntType(64)))


def _view_of(kind):
    """A compiled function that sees the numbers of this kind from an address on as an array."""

    @intrinsic
    def pointer(typingctx, address):
        def generate(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(getattr(types, kind))(types.intp), generate

    @numba.njit(nogil=True, inline="always")
    def view(address):
        return numba.carray(pointer(address), _FAR)

    return view


# the int8, uint32 and other values from an address on
int8s, int32s, uint32s, int64s, float32s, float64s = (
    _view_of(kind) for kind in ("int8", "int32", "uint32", "int64", "float32", "float64")
)


@numba.njit(nogil=True, inline="always")
def address_of(array):
    """The address of an array, signed: numba's sum of signed and unsigned numbers is a float."""
    return types.intp(array.ctypes.data)


@intrinsic
def record(typingctx, kind, address):
    """The NamedTuple of this class at an address, eight bytes a number.

    A field annotated `float` is read as a float64, a NamedTuple as its own fields, anything else
    as an int64: of an array its address.
    """

    def typed(cls):
        fields = [_field(hint) for hint in typing.get_type_hints(cls).values()]
        return types.BaseTuple.from_types(
            [field if isinstance(field, types.Type) else typed(field) for field in fields], cls
        )

    def load(context, builder, kind, places):
        if isinstance(kind, types.BaseTuple):
            parts = [load(context, builder, part, places) for part in kind.types]
            return context.make_tuple(builder, kind, parts)
        number = context.get_value_type(kind)
        return builder.load(builder.inttoptr(next(places), ir.PointerType(number)))

    def generate(context, builder, signature, args):
        places = (builder.add(args[1], ir.Constant(ir.IntType(64), 8 * i)) for i in count())
        return load(context, builder, signature.return_type, places)

    return typed(kind.instance_class)(kind, types.intp), generate


def _field(hint):
    """The number or the class of NamedTuple that a field holds in compiled code."""
    if hint is float:
        return types.float64
    return hint if isinstance(hint, type) and hasattr(hint, "_fields") else types.intp


@intrinsic
def peek(typingctx, address):
    """The int64 at an address, as another thread last wrote it."""

    def generate(context, builder, signature, args):
        return builder.load_atomic(_pointer(builder, args[0]), "seq_cst", 8)

    return types.int64(types.intp), generate


@intrinsic
def add(typingctx, address, value):
    """Add to the int64 at an address; returns what it was: each number to one thread only."""

    def generate(context, builder, signature, args):
        return builder.atomic_rmw("add", _pointer(builder, args[0]), args[1], "seq_cst")

    return types.int64(types.intp, types.int64), generate


@intrinsic
def change(typingctx, address, old, new):
    """Write `new` where the int64 at an address is `old`; returns whether it was."""

    def generate(context, builder, signature, args):
        pair = builder.cmpxchg(_pointer(builder, args[0]), *args[1:], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 1)

    return types.boolean(types.intp, types.int64, types.int64), generate


@intrinsic
def pause(typingctx):
    """Tell the processor that this is a waiting loop."""

    def generate(context, builder, signature, args):
        if PROCESSOR.x86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(
                cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), []
            )
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def call(typingctx, function, first, second):
    """Call the compiled void function(int64, int64) at an address."""

    def generate(context, builder, signature, args):
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 2)
        builder.call(builder.inttoptr(args[0], ir.PointerType(kind)), args[1:])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), generate

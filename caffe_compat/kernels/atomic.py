"""What numba lacks for threads that share work: addresses as arrays, atomic counters, calls by address, and waiting without the system's help."""

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

X86 = llvmlite.binding.get_process_triple().startswith(("x86_64", "i386", "i686"))
_FAR = 1 << 40  # stands for the length of an array that only its address is known of


def _pointer(builder, address):
    return builder.inttoptr(address, ir.PointerType(ir.IntType(64)))


def _pointer_to(kind):
    """An intrinsic that makes a pointer to numbers of this kind from an address."""

    @intrinsic
    def pointer(typingctx, address):
        def generate(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(types.CPointer(kind)))

        return types.CPointer(kind)(types.intp), generate

    return pointer


_to_float32, _to_float64, _to_int64 = (
    _pointer_to(kind) for kind in (types.float32, types.float64, types.int64)
)
_to_int8, _to_int32 = _pointer_to(types.int8), _pointer_to(types.int32)


@numba.njit(cache=True, nogil=True, inline="always")
def floats(address):
    """The float32 values from an address on."""
    return numba.carray(_to_float32(address), _FAR, np.float32)


@numba.njit(cache=True, nogil=True, inline="always")
def ints(address):
    """The int64 values from an address on."""
    return numba.carray(_to_int64(address), _FAR, np.int64)


@numba.njit(cache=True, nogil=True, inline="always")
def real(address, place):
    """The float64 in place of an int64."""
    return numba.carray(_to_float64(address), _FAR, np.float64)[place]


@numba.njit(cache=True, nogil=True, inline="always")
def bytes_at(address):
    """The int8 values from an address on."""
    return numba.carray(_to_int8(address), _FAR, np.int8)


@numba.njit(cache=True, nogil=True, inline="always")
def words_at(address):
    """The int32 values from an address on."""
    return numba.carray(_to_int32(address), _FAR, np.int32)


@intrinsic
def peek(typingctx, address):
    """The int64 at an address, as another thread last wrote it."""

    def generate(context, builder, signature, args):
        return builder.load_atomic(_pointer(builder, args[0]), "acquire", 8)

    return types.int64(types.intp), generate


@intrinsic
def _add(typingctx, address, value):
    """Add to the int64 at an address; returns what it was."""

    def generate(context, builder, signature, args):
        return builder.atomic_rmw("add", _pointer(builder, args[0]), args[1], "seq_cst")

    return types.int64(types.intp, types.int64), generate


@intrinsic
def pause(typingctx):
    """Tell the processor that this is a waiting loop."""

    def generate(context, builder, signature, args):
        if X86:
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


@numba.njit(cache=True, nogil=True)
def count_up(address):
    """Add one to the int64 at an address; returns what it was. Each number goes to one thread only."""
    return _add(address, 1)

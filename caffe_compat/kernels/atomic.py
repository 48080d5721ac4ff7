"""What numba lacks for threads that share work: atomic counters, and waiting without the system's help."""

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_X86 = llvmlite.binding.get_process_triple().startswith(("x86_64", "i386", "i686"))


def _pointer(builder, address):
    return builder.inttoptr(address, ir.PointerType(ir.IntType(64)))


@intrinsic
def _peek(typingctx, address):
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
def _pause(typingctx):
    """Tell the processor that this is a waiting loop."""

    def generate(context, builder, signature, args):
        if _X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), generate


@numba.njit(cache=True, nogil=True)
def take(counter):
    """The next number of a counter (int64, one value), each given to one thread only."""
    return _add(counter.ctypes.data, 1)


@numba.njit(cache=True, nogil=True)
def wait_for_change(flags, place, value, turns):
    """Look at flags[place] (int64) until it is not `value`, or for so many turns; whether it changed."""
    address = flags.ctypes.data + 8 * place
    for _ in range(turns):
        if _peek(address) != value:
            return True
        _pause()
    return False


@numba.njit(cache=True, nogil=True)
def count_up(flags, place):
    _add(flags.ctypes.data + 8 * place, 1)

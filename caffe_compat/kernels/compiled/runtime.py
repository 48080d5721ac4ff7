"""What numba's arrays need in compiled code, in LLVM's language, in place of numba's C library.

An array that a loop makes is a block of the C library's: a count of its owners, where it began,
and where its values do.
"""

from typing import Any, Sequence

from llvmlite import ir

FAILED = -(1 << 63)  # what becomes of a task's counter where it fails
_I64, _I32 = ir.IntType(64), ir.IntType(32)
_POINTER, _NUMBERS = ir.PointerType(ir.IntType(8)), ir.PointerType(_I64)
_HEAD = 64  # bytes before an array's values, at least


def _number(value: int) -> ir.Constant:
    return ir.Constant(_I64, value)


def _function(module: Any, name: str, result: Any, arguments: Sequence[Any]) -> Any:
    return ir.Function(module, ir.FunctionType(result, arguments), name)


def _builder(function: Any) -> Any:
    return ir.IRBuilder(function.append_basic_block())


def _word(builder: Any, block: Any, place: int) -> Any:
    """The address of one of the first words of a block."""
    return builder.gep(builder.bitcast(block, _NUMBERS), [_number(place)])


def module(context: Any) -> Any:
    """The module of these functions; numba knows their names."""
    made = context.create_module("runtime")
    malloc = _function(made, "malloc", _POINTER, [_I64])
    free = _function(made, "free", ir.VoidType(), [_POINTER])
    _allocate(made, malloc)
    _values(made)
    _own(made)
    _disown(made, free)
    _reshape(made)
    return made


def _allocate(made: Any, malloc: Any) -> None:
    function = _function(made, "NRT_MemInfo_alloc_aligned", _POINTER, [_I64, _I32])
    size, align = function.args
    builder = _builder(function)
    align = builder.zext(align, _I64)
    room = builder.add(align, _number(_HEAD))
    whole = builder.add(size, room)
    raw = builder.call(malloc, [whole])
    nothing = ir.Constant(_POINTER, None)
    failed = builder.or_(
        builder.icmp_unsigned("<", whole, size), builder.icmp_unsigned("==", raw, nothing)
    )
    with builder.if_then(failed, likely=False):
        builder.ret(nothing)
    start = builder.add(builder.ptrtoint(raw, _I64), room)
    values = builder.sub(start, builder.urem(start, align))
    for place, value in enumerate((_number(1), values)):
        builder.store(value, _word(builder, raw, place))
    builder.ret(raw)


def _values(made: Any) -> None:
    function = _function(made, "NRT_MemInfo_data_fast", _POINTER, [_POINTER])
    builder = _builder(function)
    values = builder.load(_word(builder, function.args[0], 1))
    builder.ret(builder.inttoptr(values, _POINTER))


def _counted(made: Any, name: str, change: int) -> Any:
    """(builder, block, owners before) of a function that changes their number."""
    function = _function(made, name, ir.VoidType(), [_POINTER])
    function.attributes.add("noinline")  # LLVM's pass that prunes pairs of them knows their names
    (block,) = function.args
    builder = _builder(function)
    with builder.if_then(builder.icmp_unsigned("==", block, ir.Constant(_POINTER, None))):
        builder.ret_void()
    # arrays of a loop stay with its thread
    place = _word(builder, block, 0)
    owners = builder.load(place)
    builder.store(builder.add(owners, _number(change)), place)
    return builder, block, owners


def _own(made: Any) -> None:
    builder, _, _ = _counted(made, "NRT_incref", 1)
    builder.ret_void()


def _disown(made: Any, free: Any) -> None:
    builder, block, owners = _counted(made, "NRT_decref", -1)
    with builder.if_then(builder.icmp_signed("==", owners, _number(1))):
        builder.call(free, [block])
    builder.ret_void()


def _in_order(builder: Any, axes: Any, lengths: Any, size: Any, each: Any) -> None:
    """Call each(address offset, stride) of a C-contiguous array's axes from the last on."""
    before = builder.block
    head, body, after = (builder.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    left, stride = builder.phi(_I64), builder.phi(_I64)
    builder.cbranch(builder.icmp_signed(">", left, _number(0)), body, after)
    builder.position_at_end(body)
    axis = builder.sub(left, _number(1))
    each(axis, stride)
    wider = builder.mul(stride, builder.load(builder.gep(lengths, [axis])))
    builder.branch(head)
    for phi, first, then in ((left, axes, axis), (stride, size, wider)):
        phi.add_incoming(first, before)
        phi.add_incoming(then, builder.block)
    builder.position_at_end(after)


def _reshape(made: Any) -> None:
    """The strides of an array in another shape; only of a C-contiguous one."""
    kinds = [_I64, _NUMBERS, _NUMBERS, _I64, _NUMBERS, _NUMBERS, _I64, _I32]
    function = _function(made, "numba_attempt_nocopy_reshape", _I32, kinds)
    axes, lengths, strides, new_axes, new_lengths, new_strides, size, _ = function.args
    builder = _builder(function)

    def compare(axis: Any, stride: Any) -> None:
        other = builder.icmp_signed("!=", builder.load(builder.gep(strides, [axis])), stride)
        long = builder.icmp_signed(">", builder.load(builder.gep(lengths, [axis])), _number(1))
        with builder.if_then(builder.and_(other, long), likely=False):
            builder.ret(ir.Constant(_I32, 0))

    def write(axis: Any, stride: Any) -> None:
        builder.store(stride, builder.gep(new_strides, [axis]))

    _in_order(builder, axes, lengths, size, compare)
    _in_order(builder, new_axes, new_lengths, size, write)
    builder.ret(ir.Constant(_I32, 1))

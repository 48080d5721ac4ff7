"""Pickles of plain data, read by a machine of our own that cannot call anything.

Python's pickle module runs what a file asks for. This one knows the instructions that build
numbers, text, lists, tuples and dictionaries; what a pickle names is a `Named`, and what it would
call with it is a `Call`, left to the caller to look at. A name that the caller does not list is
refused at once. pickletools takes the instructions apart; it runs none.
"""

import pickletools
from typing import (
    Any,
    BinaryIO,
    Callable,
    Dict,
    FrozenSet,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Tuple,
)

from netfile.errors import WeightsError

_MOST = 5_000_000  # instructions of one pickle
_MARK = object()


class Named(NamedTuple):
    """A function or class that a pickle names."""

    name: str


class Call(NamedTuple):
    """A call that a pickle asks for, which nobody makes."""

    function: str
    arguments: Tuple[Any, ...]


def _refuse(key: Tuple[Any, ...]) -> Any:
    raise WeightsError("a pickle that refers to what is stored elsewhere")


def read(
    file: BinaryIO,
    names: FrozenSet[str] = frozenset(),
    empty: Optional[Mapping[str, Any]] = None,
    elsewhere: Callable[[Tuple[Any, ...]], Any] = _refuse,
) -> Any:
    """The value of the pickle that starts here; the file is then at its end.

    Args:
        file: what holds it.
        names: the names that it may hold, such as "collections.OrderedDict".
        empty: of these, those whose call without arguments gives an empty value of this type.
        elsewhere: gives the value of what the pickle says is stored elsewhere, by its key.

    Raises:
        WeightsError: it is damaged, or holds anything else; a name that is not listed is told.
    """
    machine = _Machine(names, empty or {}, elsewhere)
    try:
        for number, (instruction, argument, _) in enumerate(pickletools.genops(file)):
            if number > _MOST:
                raise WeightsError("a pickle of more instructions than weights take")
            machine.run(instruction.name, argument)
        return machine.result()
    except WeightsError:
        raise
    except Exception as e:  # pickletools fails in every way at bytes that are no pickle
        raise WeightsError(f"a damaged pickle ({str(e)[:80] or type(e).__name__})") from None


class _Machine:
    def __init__(
        self,
        names: FrozenSet[str],
        empty: Mapping[str, Any],
        elsewhere: Callable[[Tuple[Any, ...]], Any],
    ) -> None:
        self._names, self._empty, self._elsewhere = names, empty, elsewhere
        self._stack: List[Any] = []
        self._memo: Dict[int, Any] = {}

    def run(self, name: str, argument: Any) -> None:
        if name in _PUSHED:
            self._stack.append(argument)
        elif name in _MADE:
            self._stack.append(_MADE[name]())
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise WeightsError(f"a pickle that does more than plain data needs ({name})")

    def result(self) -> Any:
        value = self._pop()
        if self._stack:
            raise WeightsError("a damaged pickle (values are left over)")
        return value

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise WeightsError("a damaged pickle (a mark in place of a value)")
        return value

    def _top(self, kind: type) -> Any:
        value = self._stack[-1]
        if not isinstance(value, kind):
            raise WeightsError(f"a damaged pickle (no {kind.__name__} to add to)")
        return value

    def _to_mark(self) -> List[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1  # without a mark, an IndexError ends this
        values = self._stack[at + 1 :]
        del self._stack[at:]
        return values

    # ---- instructions

    def mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def pop(self, _: Any) -> None:
        self._stack.pop()

    def pop_mark(self, _: Any) -> None:
        self._to_mark()

    def duplicate(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def put(self, key: int) -> None:
        self._memo[key] = self._stack[-1]

    def memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, key: int) -> None:
        self._stack.append(self._memo[key])

    def tuple_of_marked(self, _: Any) -> None:
        self._stack.append(tuple(self._to_mark()))

    def list_of_marked(self, _: Any) -> None:
        self._stack.append(self._to_mark())

    def dict_of_marked(self, _: Any) -> None:
        values = self._to_mark()
        self._stack.append({})
        self._set(values)

    def append(self, _: Any) -> None:
        value = self._pop()
        self._top(list).append(value)

    def appends(self, _: Any) -> None:
        values = self._to_mark()
        self._top(list).extend(values)

    def set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def set_items(self, _: Any) -> None:
        self._set(self._to_mark())

    def _set(self, values: List[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(values[::2], values[1::2]):
            if not isinstance(key, (str, int)):
                kind = type(key).__name__
                raise WeightsError(f"a dictionary whose keys are neither text nor numbers ({kind})")
            target[key] = value

    def name(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._push_name(module, name)

    def name_from_stack(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self._push_name(str(module), str(name))

    def _push_name(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if full not in self._names:
            raise WeightsError(
                f"asks for {full[:120]}, which is no part of plain weights; nothing of it was run"
            )
        self._stack.append(Named(full))

    def call(self, _: Any) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Named) or not isinstance(arguments, tuple):
            raise WeightsError("a damaged pickle (a call of what is no function)")
        made = self._empty.get(function.name)
        if made is not None and not arguments:
            self._stack.append(made())
        else:
            self._stack.append(Call(function.name, arguments))

    def build(self, _: Any) -> None:
        """Attributes, such as a state dict's versions of its layers: passed over."""
        self._pop()
        self._top(dict)

    def persistent(self, _: Any) -> None:
        key = self._pop()
        if not isinstance(key, tuple):
            raise WeightsError("a damaged pickle (a reference to nothing)")
        self._stack.append(self._elsewhere(key))


_PUSHED = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_MADE: Dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}


def _tuple_of(count: int) -> Callable[[_Machine, Any], None]:
    def run(machine: _Machine, _: Any) -> None:
        values = [machine._pop() for _ in range(count)]
        machine._stack.append(tuple(reversed(values)))

    return run


_STEPS: Dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark, "POP": _Machine.pop, "POP_MARK": _Machine.pop_mark,
    "DUP": _Machine.duplicate, "PUT": _Machine.put, "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put, "MEMOIZE": _Machine.memoize, "GET": _Machine.get,
    "BINGET": _Machine.get, "LONG_BINGET": _Machine.get, "TUPLE": _Machine.tuple_of_marked,
    "TUPLE1": _tuple_of(1), "TUPLE2": _tuple_of(2), "TUPLE3": _tuple_of(3),
    "LIST": _Machine.list_of_marked, "DICT": _Machine.dict_of_marked, "APPEND": _Machine.append,
    "APPENDS": _Machine.appends, "SETITEM": _Machine.set_item, "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.name, "STACK_GLOBAL": _Machine.name_from_stack, "REDUCE": _Machine.call,
    "BUILD": _Machine.build, "BINPERSID": _Machine.persistent,
}  # fmt: skip

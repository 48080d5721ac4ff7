"""Methods and attributes that newer Pythons have under other names, or not at all."""

import operator
from typing import Any, Callable, Dict

from . import strings


def _message(error: BaseException) -> Any:
    return error.args[0] if len(error.args) == 1 else ""


def _iterating(name: str) -> Callable[[Any], Any]:
    def of(mapping: Any) -> Callable[[], Any]:
        return lambda: iter(getattr(mapping, name)())

    return of


_NOW: Dict[str, Callable[[Any], Any]] = {
    "has_key": lambda mapping: mapping.__contains__,
    "iterkeys": _iterating("keys"),
    "itervalues": _iterating("values"),
    "iteritems": _iterating("items"),
    "viewkeys": lambda mapping: mapping.keys,
    "viewvalues": lambda mapping: mapping.values,
    "viewitems": lambda mapping: mapping.items,
    "next": lambda iterator: iterator.__next__,
    "xreadlines": lambda file: lambda: file,
    "message": _message,
    "func_name": lambda function: function.__name__,
    "func_code": lambda function: function.__code__,
    "func_globals": lambda function: function.__globals__,
    "func_defaults": lambda function: function.__defaults__,
    "func_doc": lambda function: function.__doc__,
    "func_dict": lambda function: function.__dict__,
    "im_func": lambda method: method.__func__,
    "im_self": lambda method: method.__self__,
    "im_class": lambda method: type(method.__self__),
    "tostring": lambda array: array.tobytes,
}
_PARSING = {"FromString", "MergeFromString", "ParseFromString"}  # of protobuf's messages
NAMES = {*_NOW, *_PARSING, *strings.METHODS}  # those that `attribute` is asked for


def attribute(owner: Any, name: str) -> Any:
    """owner.name, or what stands for it where its type has lost it."""
    if name in strings.METHODS:
        if isinstance(owner, (str, bytes)):
            return strings.method(owner, name)
        return getattr(owner, name)
    if name in _PARSING:
        parse = getattr(owner, name)
        return lambda data: parse(strings.as_bytes(data))
    try:
        return getattr(owner, name)
    except AttributeError:
        if name == "message" and not isinstance(owner, BaseException):
            raise
        try:
            return _NOW[name](owner)
        except AttributeError:
            pass
        raise


def class_(kind: Any) -> Any:
    """A class whose methods of Python 2 have today's names too."""
    own = vars(kind)
    for old, new in (
        ("next", "__next__"),
        ("__nonzero__", "__bool__"),
        ("__div__", "__truediv__"),
        ("__rdiv__", "__rtruediv__"),
        ("__idiv__", "__itruediv__"),
    ):
        if old in own and new not in own:
            setattr(kind, new, own[old])
    if "__unicode__" in own and "__str__" not in own:
        kind.__str__ = own["__unicode__"]
    if "__cmp__" in own:
        _compare_by_cmp(kind)
    if "__hash__" in own and own["__hash__"] is None:
        kind.__hash__ = object.__hash__  # which newer Pythons take away from what has __eq__
    return kind


def _compare_by_cmp(kind: Any) -> None:
    for name in ("lt", "le", "eq", "ne", "gt", "ge"):
        compare = getattr(operator, name)

        def method(self: Any, other: Any, compare: Any = compare) -> bool:
            return bool(compare(self.__cmp__(other), 0))

        if f"__{name}__" not in vars(kind):
            setattr(kind, f"__{name}__", method)

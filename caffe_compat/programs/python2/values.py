"""Python 2's arithmetic, orders and methods on today's values."""

import codecs
import functools
import operator
import sys
from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any, Callable, Dict, Iterable, List, Optional

_VIEWS = (KeysView, ValuesView, ItemsView)
_WHOLE_KINDS = "biu"  # NumPy's kinds of whole numbers


def _is_whole(value: Any) -> bool:
    """Whether Python 2 divides it as a whole number: ints, NumPy's too, and arrays."""
    if isinstance(value, int):
        return True
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return False
    if isinstance(value, (list, tuple)):
        value = numpy.asarray(value)
    return isinstance(value, (numpy.ndarray, numpy.generic)) and value.dtype.kind in _WHOLE_KINDS


def div(a: Any, b: Any) -> Any:
    """a / b without `from __future__ import division`: whole numbers give one, rounded down."""
    if type(a) is float or type(b) is float:
        return a / b
    if type(a) is int and type(b) is int:
        return a // b
    return a // b if _is_whole(a) and _is_whole(b) else a / b


def idiv(a: Any, b: Any) -> Any:
    """a /= b; arrays are changed in place."""
    if _is_whole(a) and _is_whole(b):
        return operator.ifloordiv(a, b)
    return operator.itruediv(a, b)


def idiv_item(container: Any, index: Any, b: Any) -> None:
    """container[index] /= b"""
    container[index] = idiv(container[index], b)


def idiv_attribute(owner: Any, name: str, b: Any) -> None:
    """owner.name /= b"""
    setattr(owner, name, idiv(getattr(owner, name), b))


def _ordered(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def of(a: Any, b: Any) -> Any:
        try:
            return compare(a, b)
        except TypeError:
            if a is None or b is None or type(a) is not type(b):
                return compare(_rank(a), _rank(b))
            raise

    return of


def _rank(value: Any) -> Any:
    """Where a value stands among those of other types: None, then numbers, then the types' names.

    Python 2's Objects/object.c, default_3way_compare.
    """
    if value is None:
        return (0, "")
    if isinstance(value, (int, float)):
        return (1, "")
    return (2, type(value).__name__)


lt, lte, gt, gte = map(_ordered, (operator.lt, operator.le, operator.gt, operator.ge))


def cmp(a: Any, b: Any) -> int:
    """-1, 0 or 1, as a is less than b, equal, or greater."""
    return int(gt(a, b)) - int(lt(a, b))


class _Printed(float):
    """A float that %s shows as Python 2 does."""

    def __str__(self) -> str:
        return text_of(float(self))


def text_of(value: Any) -> Any:
    """str(value): floats with 12 digits, bytes as what they say where that is text."""
    if isinstance(value, float) and type(value).__str__ in _FLOATS:
        text = f"{value:.12g}"
        return text if set(text) & set(".en") else text + ".0"
    if isinstance(value, (bytes, bytearray)):
        return native(bytes(value))
    return str(value)


_FLOATS = {float.__str__}


def native(data: bytes) -> Any:
    """Python 2's str of these bytes: text where they are UTF-8, else as they are."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def mod(a: Any, b: Any) -> Any:
    """a % b; what a format is filled with is shown as Python 2 does."""
    if not isinstance(a, str):
        return a % b
    if type(b) is tuple:
        return a % tuple(_shown(value) for value in b)
    return a % (b if isinstance(b, dict) else _shown(b))


def _shown(value: Any) -> Any:
    if isinstance(value, float) and type(value).__str__ in _FLOATS:
        return _Printed(value)
    return native(value) if isinstance(value, bytes) else value


def converted(kind: Any, value: Any) -> Any:
    """str(value), int(value), float(value); arrays of one element are taken as their element."""
    return text_of(value) if kind is str else number(kind, value)


def number(kind: Any, value: Any) -> Any:
    """int(value) or float(value); an array of one element is taken as its element."""
    numpy = sys.modules.get("numpy")
    known = kind in (int, float) and numpy is not None and isinstance(value, numpy.ndarray)
    return kind(value.item() if known and value.size == 1 else value)


def listed(views: Any) -> Any:
    """What keys(), values() and items() give: lists in place of a dict's views."""
    return list(views) if isinstance(views, _VIEWS) else views


def sort(values: Any) -> Any:
    """values.sort, which for lists takes cmp, too."""
    if not isinstance(values, list):
        return values.sort

    def sort_list(cmp: Any = None, key: Any = None, reverse: bool = False) -> None:
        values.sort(key=sorting_key(cmp, key), reverse=reverse)

    return sort_list


def sorting_key(compare: Optional[Callable[[Any, Any], int]], key: Any) -> Any:
    """The key= of a Python 2's cmp= and key=; without both, values of any types have an order."""
    by = functools.cmp_to_key(compare or cmp)
    if key is None:
        return by
    return lambda value: by(key(value))


# methods and attributes that newer Pythons have under other names, or not at all


def _encode(text: str) -> Callable[..., Any]:
    def encode(encoding: str = "ascii", errors: str = "strict") -> Any:
        info = codecs.lookup(encoding)
        if not info._is_text_encoding:
            data: Any = text if encoding in ("rot13", "rot_13") else text.encode("latin-1")
            made: Any = codecs.encode(data, encoding)
            return native(made) if isinstance(made, bytes) else made
        return native(text.encode(encoding, errors))

    return encode


def _decode(text: str) -> Callable[..., Any]:
    def decode(encoding: str = "ascii", errors: str = "strict") -> Any:
        if encoding in ("string_escape", "string-escape", "unicode_escape"):
            return codecs.decode(text, "unicode_escape")
        if not codecs.lookup(encoding)._is_text_encoding:
            made = codecs.decode(text.encode("latin-1"), encoding)
            return native(made) if isinstance(made, bytes) else made
        return text  # it is text already

    return decode


def _translate(text: str) -> Callable[..., str]:
    def translate(table: Any, deletechars: str = "") -> str:
        kept = text.translate({ord(c): None for c in deletechars})
        return kept if table is None else kept.translate(table)

    return translate


def _message(error: BaseException) -> Any:
    return error.args[0] if len(error.args) == 1 else ""


def _iterating(name: str) -> Callable[[Any], Any]:
    def of(mapping: Any) -> Callable[[], Any]:
        return lambda: iter(getattr(mapping, name)())

    return of


ATTRIBUTES: Dict[str, Callable[[Any], Any]] = {
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
    "encode": lambda text: text.encode,
    "decode": lambda data: data.decode,
    "translate": lambda text: text.translate,
}
_OF_TEXT = {"encode": _encode, "decode": _decode, "translate": _translate}


def attribute(owner: Any, name: str) -> Any:
    """owner.name, or what stands for it where its type has lost it."""
    if name in _OF_TEXT and isinstance(owner, str):
        return _OF_TEXT[name](owner)
    try:
        return getattr(owner, name)
    except AttributeError:
        if name == "message" and not isinstance(owner, BaseException):
            raise
        try:
            return ATTRIBUTES[name](owner)
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


def padded(function: Any, *iterables: Iterable[Any]) -> List[Any]:
    """map(function, …): a list, as long as the longest; function may be None."""
    if len(iterables) == 1:
        return list(iterables[0]) if function is None else [function(v) for v in iterables[0]]
    from itertools import zip_longest

    rows = zip_longest(*iterables)
    return list(rows) if function is None else [function(*row) for row in rows]

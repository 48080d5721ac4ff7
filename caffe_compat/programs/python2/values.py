"""Python 2's arithmetic, conversions and lists."""

import operator
import sys
from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any, Iterable, List

from .strings import as_bytes, text_of

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
    if type(a) is int and type(b) is int:
        return a // b
    if type(a) is float or type(b) is float:
        return a / b
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


def converted(kind: Any, value: Any) -> Any:
    """str(value), int(value), float(value), bytes(value) and bytearray(value)."""
    if kind is str:
        return text_of(value)
    if isinstance(value, str) and kind in (bytes, bytearray):
        return value if kind is bytes else bytearray(as_bytes(value))
    return number(kind, value)


def number(kind: Any, value: Any) -> Any:
    """int(value) or float(value); an array of one element is taken as its element."""
    numpy = sys.modules.get("numpy")
    known = kind in (int, float) and numpy is not None and isinstance(value, numpy.ndarray)
    return kind(value.item() if known and value.size == 1 else value)


def listed(views: Any) -> Any:
    """What keys(), values() and items() give: lists in place of a dict's views."""
    return list(views) if isinstance(views, _VIEWS) else views


def padded(function: Any, *iterables: Iterable[Any]) -> List[Any]:
    """map(function, …): a list, as long as the longest; function may be None."""
    if len(iterables) == 1:
        return list(iterables[0]) if function is None else [function(v) for v in iterables[0]]
    from itertools import zip_longest

    rows = zip_longest(*iterables)
    return list(rows) if function is None else [function(*row) for row in rows]

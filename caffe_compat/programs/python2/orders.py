"""Python 2's order of any two values, by which it compares and sorts."""

import functools
import operator
from typing import Any, Callable, Optional


def _ordered(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def of(a: Any, b: Any) -> Any:
        try:
            return compare(a, b)
        except TypeError:
            order = _order(a, b)
            if order is None:
                raise
            return compare(order, 0)

    return of


def _order(a: Any, b: Any) -> Optional[int]:
    """-1, 0 or 1 where newer Pythons have no order; None where Python 2 had none either.

    Objects/object.c of Python 2.7, default_3way_compare; lists and tuples item by item, dicts by
    their length first.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        if len(a) != len(b):
            return cmp(len(a), len(b))
        return cmp(sorted(a.items(), key=by_order), sorted(b.items(), key=by_order))
    if type(a) is type(b) and isinstance(a, (list, tuple)):
        different = (cmp(x, y) for x, y in zip(a, b) if x != y)
        return next(different, cmp(len(a), len(b)))
    if type(a) is type(b) and a is not None or isinstance(a, complex) or isinstance(b, complex):
        return None
    return cmp(_rank(a), _rank(b))


def _rank(value: Any) -> Any:
    """Where a value stands among those of other types: None, numbers, then by the type's name."""
    if value is None:
        return (0, "")
    if isinstance(value, (int, float)):
        return (1, "")
    return (2, type(value).__name__)


lt, lte, gt, gte = map(_ordered, (operator.lt, operator.le, operator.gt, operator.ge))


def cmp(a: Any, b: Any) -> int:
    """-1, 0 or 1, as a is less than b, equal, or greater."""
    return int(bool(gt(a, b))) - int(bool(lt(a, b)))


by_order = functools.cmp_to_key(cmp)


def sorting_key(compare: Optional[Callable[[Any, Any], int]], key: Any) -> Any:
    """The key= of a Python 2's cmp= and key=; without both, values of any types have an order."""
    by = functools.cmp_to_key(compare) if compare else by_order
    return by if key is None else lambda value: by(key(value))


def sort(values: Any) -> Any:
    """values.sort, which for lists takes cmp, too."""
    if not isinstance(values, list):
        return values.sort

    def sort_list(cmp: Any = None, key: Any = None, reverse: bool = False) -> None:
        values.sort(key=sorting_key(cmp, key), reverse=reverse)

    return sort_list


def extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    """min or max of values of any types."""

    @functools.wraps(function)
    def of(*args: Any, **options: Any) -> Any:
        if len(args) == 1 and hasattr(args[0], "__next__"):  # what can be gone through once
            args = (list(args[0]),)
        try:
            return function(*args, **options)
        except TypeError:
            if options or len(args) == 1 and not isinstance(args[0], (list, tuple, set, dict)):
                raise
            return function(*args, key=by_order)

    return of

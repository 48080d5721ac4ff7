"""pandas' names of 2015."""

from typing import Any, Callable, Dict

from . import add_missing


def apply(pandas: Any) -> None:
    """scatter_matrix, and a frame's as_matrix, ix and sort."""
    names: Dict[str, Callable[[], Any]] = {"scatter_matrix": lambda: pandas.plotting.scatter_matrix}
    add_missing(pandas, names)
    for kind in (pandas.DataFrame, pandas.Series):
        added: Dict[str, Any] = {
            "as_matrix": lambda self: self.values,
            "ix": property(lambda self: _Mixed(self)),
            "sort": _sort,
        }
        for name, value in added.items():
            if not hasattr(kind, name):
                setattr(kind, name, value)


def _sort(self: Any, columns: Any = None, ascending: Any = True, **options: Any) -> Any:
    if self.ndim == 1:
        return self.sort_values(ascending=ascending, **options)
    if columns is None:
        return self.sort_index(ascending=ascending, **options)
    return self.sort_values(columns, ascending=ascending, **options)


class _Mixed:
    """frame.ix[...]: by label, or by place where there is no such label."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._frame.loc[key]
        except (KeyError, TypeError):
            return self._frame.iloc[key]

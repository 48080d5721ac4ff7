"""Arrays that come from the device when a program looks at them."""

from typing import Any, Callable, Dict, ItemsView, Iterator, Mapping, ValuesView

import numpy as np


class LateArrays(Dict[str, np.ndarray]):
    """A dict of arrays, each read when it is first looked up.

    So a pass in GPU mode copies nothing that a program does not want. read: {name: what gives it}.
    """

    def __init__(self, read: Mapping[str, Callable[[], np.ndarray]]) -> None:
        super().__init__()
        for name, of in read.items():
            super().__setitem__(name, _Unread(of))  # type: ignore[assignment]

    def __getitem__(self, name: str) -> np.ndarray:
        array = super().__getitem__(name)
        if isinstance(array, _Unread):
            array = array.of()
            self[name] = array
        return array

    def _all(self) -> Dict[str, np.ndarray]:
        return {name: self[name] for name in self}

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()  # for dict(self) and {**self}, which else take what is kept

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  this is it

    def pop(self, name: str, *default: Any) -> Any:
        if name in self:
            self[name]
        return super().pop(name, *default)

    def popitem(self) -> Any:
        self._all()
        return super().popitem()

    def setdefault(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else super().setdefault(name, default)

    def values(self) -> ValuesView[np.ndarray]:  # type: ignore[override]
        return self._all().values()

    def items(self) -> ItemsView[str, np.ndarray]:  # type: ignore[override]
        return self._all().items()

    def copy(self) -> Dict[str, np.ndarray]:
        return self._all()

    def __or__(self, other: Any) -> Any:
        return self._all() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._all()

    def __eq__(self, other: object) -> bool:
        return self._all() == other

    def __ne__(self, other: object) -> bool:
        return self._all() != other

    __hash__ = None

    def __reduce__(self) -> Any:
        return dict, (self._all(),)

    def __repr__(self) -> str:
        return repr(self._all())


class _Unread:
    """What gives an array."""

    def __init__(self, of: Callable[[], np.ndarray]) -> None:
        self.of = of

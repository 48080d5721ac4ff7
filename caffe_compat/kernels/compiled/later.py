"""numba for the files of the loops, loaded only when one is compiled.

Loops are declared by @numba.njit and @intrinsic, as numba's users know them; what stands for them
until `settle` remembers the function. A process whose loops are all in files never loads numba.
"""

import importlib
import sys
from typing import Any, Callable, List, Optional


class _Module:
    """A module of numba's that is imported at the first look into it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


class Later:
    """A declared function; `real` makes of it what numba's decorator would."""

    def __init__(self, function: Callable[..., Any], real: Callable[[Any], Any]) -> None:
        self.py_func = function
        self._real, self._made = real, None
        _declared.append(self)

    def real(self) -> Any:
        """numba's object; the same one every time."""
        if self._made is None:
            self._made = self._real(self.py_func)
        return self._made


_declared: List[Later] = []


def settle() -> None:
    """Put numba's objects in the places of all that is declared."""
    declared, _declared[:] = _declared[:], []
    for each in declared:
        each.real()
    spaces = [each.py_func.__globals__ for each in declared]
    # a package hands on what its modules declare
    packages = {str(space.get("__package__")) for space in spaces} - {__package__}
    spaces += [vars(sys.modules[name]) for name in packages & sys.modules.keys()]
    for space in {id(space): space for space in spaces}.values():
        for name, value in list(space.items()):
            space[name] = _real(value)
    for each in declared:
        for cell in each.py_func.__closure__ or ():
            cell.cell_contents = _real(cell.cell_contents)


def _real(value: Any) -> Any:
    if isinstance(value, Later):
        return value.real()
    return importlib.import_module(value._name) if isinstance(value, _Module) else value


class _Numba(_Module):
    """numba, whose njit waits."""

    def njit(self, function: Optional[Callable[..., Any]] = None, **options: Any) -> Any:
        """numba.njit for what only loops call, without Python's lock and errors."""
        options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}

        def declared(function: Callable[..., Any]) -> Later:
            return Later(function, lambda f: importlib.import_module("numba").njit(**options)(f))

        return declared(function) if function else declared


numba, types, cgutils = _Numba("numba"), _Module("numba.core.types"), _Module("numba.core.cgutils")


def intrinsic(function: Callable[..., Any]) -> Any:
    """numba.extending.intrinsic, later."""
    return Later(function, lambda f: importlib.import_module("numba.extending").intrinsic(f))

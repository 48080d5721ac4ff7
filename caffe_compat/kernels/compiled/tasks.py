"""Tasks: what threads share, compiled for this processor, once."""

import os
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from ..atomic import add, int64s
from .kept import Kept
from .later import numba
from .linked import Code

_ITEMS, _RECORD = 1, 2  # places in a task's arguments, after its counter
_compiling = threading.RLock()
known: List["Task"] = []  # those that `preparing.prepare` makes ready
rare: List["Task"] = []  # and the others
if hasattr(os, "register_at_fork"):
    # not in the midst of another thread's compiling: nobody would give its locks back
    os.register_at_fork(
        before=_compiling.acquire,
        after_in_parent=_compiling.release,
        after_in_child=_compiling.release,
    )


def _undisturbed(work: Callable[[], None]) -> None:
    """Do work whose state an exception of a signal's handler would break, as compiling is.

    Handlers run in the main thread alone, so it waits for another one. An exception ends the
    waiting, and not the work. (LLVM calls Python back, and what is raised there is lost.)
    """
    failed: List[BaseException] = []

    def keep_error() -> None:
        try:
            work()
        except BaseException as e:
            failed.append(e)

    if threading.current_thread() is not threading.main_thread():
        work()
        return
    thread = threading.Thread(target=keep_error, name="caffe_compat_compiling")
    try:
        thread.start()
    except RuntimeError:  # the system has no more threads for us
        work()
        return
    thread.join()
    if failed:
        raise failed[0]


class Unit:
    """Tasks that are compiled together, into one file: they call the same loops."""

    def __init__(self, name: str) -> None:
        """name: its module's, or a task's with it."""
        self.name = name
        self.tasks: List[Task] = []
        self._code: Optional[Code] = None

    def kept(self) -> Kept:
        """Its file."""
        file = Path(self.tasks[0].function.__code__.co_filename)
        return Kept(file, self.name.rpartition("kernels.")[2])

    def load(self) -> bool:
        """Whether the code was there, in a file."""
        _undisturbed(self._load)
        return self._code is not None

    def _load(self) -> None:
        with _compiling:
            if self._code is None:
                self.kept().load(self._link)

    def _link(self, content: bytes) -> Code:
        """Let the tasks have their addresses, all or none; the code's memory goes with the unit."""
        code = Code(content)
        addresses = [code.address(task.function.__name__) for task in self.tasks]
        self._code = code
        for task, address in zip(self.tasks, addresses):
            task.found = address
        return code

    def made(self) -> bytes:
        """The code, compiled."""
        from . import making  # loads numba

        functions: Dict[str, Any] = {task.function.__name__: task.function for task in self.tasks}
        return making.made(functions)

    def take(self, content: bytes) -> None:
        """Code that was compiled; it is kept in a file."""
        _undisturbed(lambda: self._take(content))

    def _take(self, content: bytes) -> None:
        with _compiling:
            if self._code is None:
                self._link(content)
                self.kept().keep(content)

    def compile(self) -> None:
        """Compile it, unless it is there."""
        _undisturbed(self._compile)

    def _compile(self) -> None:
        with _compiling:
            self._load()
            if self._code is None:
                self._take(self.made())


class Task:
    """Decorator: a compiled function (arguments, scratch), both addresses, that threads share.

    The function reads what `run` was given with record(KIND, given(arguments)), and takes numbers
    of items with take(arguments) until there are none. scratch: memory of the thread's own.
    """

    def __init__(self, function: Callable[[int, int], None]) -> None:
        self.function = function
        self.found = 0
        self.unit = self._unit()
        self.unit.tasks.append(self)
        self._known().append(self)

    def _known(self) -> List["Task"]:
        return known

    def _unit(self) -> Unit:
        name = self.function.__module__
        units = {task.unit.name: task.unit for task in known}
        return units.get(name) or Unit(name)

    @property
    def address(self) -> int:
        """Where the compiled code is; the first look loads or compiles it."""
        while not self.found:
            self.unit.compile()
        return self.found


class rarely(Task):
    """A Task that is compiled only when it is needed, alone."""

    def _known(self) -> List[Task]:
        return rare

    def _unit(self) -> Unit:
        return Unit(f"{self.function.__module__}.{self.function.__name__}")


def units(of: Optional[List[Task]] = None) -> List[Unit]:
    """The units of these tasks, else of all."""
    tasks = [*known, *rare] if of is None else of
    return list({id(task.unit): task.unit for task in tasks}.values())


@numba.njit(nogil=True, inline="always")
def given(arguments):
    """The address of the record that `run` was given, in a task."""
    return arguments + 8 * _RECORD


@numba.njit(nogil=True)
def take(arguments):
    """The number of the next item of a task, or -1 when all are taken."""
    item = add(arguments, 1)
    return item if item < int64s(arguments)[_ITEMS] else -1

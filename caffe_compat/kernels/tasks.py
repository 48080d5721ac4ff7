"""Tasks: what threads share, compiled for this processor, once."""

import os
import threading
from typing import Any, Callable, List, Optional

import numba
from numba import types
from numba.core.ccallback import CFunc

from .atomic import add, int64s
from .kept import KeptCode

_ITEMS, _RECORD = 1, 2  # places in a task's arguments, after its counter
_compiling = threading.RLock()
known: List["Task"] = []  # those that `compiling.prepare` makes ready
if hasattr(os, "register_at_fork"):
    # not in the midst of another thread's compiling: nobody would give its locks back
    os.register_at_fork(
        before=_compiling.acquire,
        after_in_parent=_compiling.release,
        after_in_child=_compiling.release,
    )


def quietly() -> None:
    """What is said before a single loop is compiled."""


class Compiled(CFunc):
    """A function for C, kept in a file of ours; it tells before it is really compiled."""

    before: Callable[[], None] = quietly

    def __init__(self, function: Callable[[int, int], None]) -> None:
        signature = types.void(types.intp, types.intp)
        super().__init__(function, (signature.args, signature.return_type), {}, {})
        self._cache: Any = KeptCode(function)
        self._code = self._cache.load(signature)
        if self._code is None:
            self.compile()
        else:
            self._wrapper_address = self._code.address

    def _compile_uncached(self) -> Any:
        Compiled.before()
        return super()._compile_uncached()  # type: ignore[misc]


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


class Task:
    """Decorator: a compiled function (arguments, scratch), both addresses, that threads share.

    The function reads what `run` was given with record(KIND, given(arguments)), and takes numbers
    of items with take(arguments) until there are none. scratch: memory of the thread's own.
    """

    def __init__(self, function: Callable[[int, int], None]) -> None:
        self._function = function
        self.module = function.__module__
        self._address: Optional[int] = None
        known.append(self)

    @property
    def address(self) -> int:
        """Where the compiled code is; the first look compiles or loads it."""
        while self._address is None:
            _undisturbed(self._compile)
        return self._address

    def _compile(self) -> None:
        with _compiling:
            if self._address is None:
                self._compiled = Compiled(self._function)  # its memory goes with it
                self._address = self._compiled.address


class rarely(Task):
    """A Task that is compiled only when it is needed."""

    def __init__(self, function: Callable[[int, int], None]) -> None:
        super().__init__(function)
        known.remove(self)


@numba.njit(nogil=True, inline="always")
def given(arguments):
    """The address of the record that `run` was given, in a task."""
    return arguments + 8 * _RECORD


@numba.njit(nogil=True)
def take(arguments):
    """The number of the next item of a task, or -1 when all are taken."""
    item = add(arguments, 1)
    return item if item < int64s(arguments)[_ITEMS] else -1

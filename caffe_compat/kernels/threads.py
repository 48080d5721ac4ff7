"""Work shared among threads, in compiled code alone.

Which thread computes a piece never changes its value, so results do not depend on timing. A net's
passes are hundreds of pieces of work, many of them shorter than the 50 microseconds that the system
takes to wake a thread, or Python's lock to change hands. So the helpers watch a flag for a while
before they go to sleep, and take the next piece and run it without Python.
"""

import os
import sys
import threading
import time
from functools import lru_cache
from typing import Any, Callable, List, Optional, Tuple, Union

import numba
import numpy as np
from numba import types

from .atomic import address_of, call, count_up, flat, int64s, pause, peek

_PATIENCE = 0.8  # seconds of loading before we say that this is compiling
_TURNS = 20_000  # of waiting before a helper goes to sleep: some 300 microseconds
# places in the flags; those that several threads write have cache lines of their own
_NUMBER, _FUNCTION, _ARGUMENTS, _DONE, _SCRATCH = 0, 1, 2, 8, 16
_ITEMS, _RECORD = 1, 2  # places in a task's arguments, after its counter


def count() -> int:
    """The number of threads.

    The environment variable CAFFE_COMPAT_THREADS, else the cores that this process may use.
    """
    return _count(os.environ.get("CAFFE_COMPAT_THREADS", ""))


@lru_cache(maxsize=None)
def _count(wanted: str) -> int:
    if wanted.isdecimal() and len(wanted) < 5 and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Number = Union[float, "np.floating[Any]"]
_tasks: List["Task"] = []


class Task:
    """Decorator: a compiled function (arguments, scratch), both addresses, that threads share.

    The function reads what `run` was given with record(KIND, given(arguments)), and takes numbers
    of items with take(arguments) until there are none. scratch: memory of the thread's own.
    """

    def __init__(self, function: Callable[[int, int], None]) -> None:
        self._function = function
        self._address: Optional[int] = None
        _tasks.append(self)

    @property
    def address(self) -> int:
        """Where the compiled code is; the first look compiles or loads it."""
        if self._address is None:
            # kept, since its memory goes with it
            self._compiled = numba.cfunc(types.void(types.intp, types.intp), cache=True)(
                self._function
            )
            self._address = self._compiled.address
        return self._address


class rarely(Task):
    """A Task that is compiled only when it is needed."""

    def __init__(self, function: Callable[[int, int], None]) -> None:
        super().__init__(function)
        _tasks.remove(self)


@lru_cache(maxsize=None)
def prepare() -> None:
    """Compile every task, or load what an earlier process compiled.

    Says so on the standard error where that takes time.
    """
    said = threading.Event()

    def say() -> None:
        print(
            "caffe_compat: compiling its loops for this processor, once; some 20 seconds ...",
            file=sys.stderr,
            flush=True,
        )
        said.set()

    patience = threading.Timer(_PATIENCE, say)
    patience.daemon = True
    started = time.perf_counter()
    patience.start()
    for task in _tasks:
        task.address  # noqa: B018 (compiles)
    patience.cancel()
    if said.is_set():
        print(
            f"caffe_compat: compiled, in {time.perf_counter() - started:.0f} s",
            file=sys.stderr,
            flush=True,
        )


@numba.njit(cache=True, nogil=True, inline="always")
def given(arguments):
    """The address of the record that `run` was given, in a task."""
    return arguments + 8 * _RECORD


@numba.njit(cache=True, nogil=True)
def take(arguments):
    """The number of the next item of a task, or -1 when all are taken."""
    item = count_up(arguments)
    return item if item < int64s(arguments)[_ITEMS] else -1


@numba.njit(cache=True, nogil=True)
def _serve(flags, number, place, turns):
    """Run tasks as they come, from the one after `number` on.

    Returns the last one's number when none came for so many turns.
    """
    address = address_of(flags)
    waited = 0
    while waited < turns:
        if peek(address + 8 * _NUMBER) == number:
            pause()
            waited += 1
            continue
        number = peek(address + 8 * _NUMBER)
        call(flags[_FUNCTION], flags[_ARGUMENTS], flags[_SCRATCH + place])
        count_up(address + 8 * _DONE)
        waited = 0
    return number


@numba.njit(cache=True, nogil=True)
def _publish(flags, function, arguments):
    flags[_FUNCTION], flags[_ARGUMENTS], flags[_DONE] = function, arguments, 0
    count_up(address_of(flags) + 8 * _NUMBER)


@numba.njit(cache=True, nogil=True)
def _take_part(flags, helpers):
    """Run the published task here as well, and wait until all are done."""
    call(flags[_FUNCTION], flags[_ARGUMENTS], flags[_SCRATCH])
    while peek(address_of(flags) + 8 * _DONE) < helpers:
        pause()


@numba.njit(cache=True, nogil=True)
def _alone(function, arguments, scratch):
    call(function, arguments, scratch)


def _aligned(size: int) -> np.ndarray:
    """An array of `size` float32 values that begins on a cache line."""
    raw = np.empty(size + 16, np.float32)
    start = -(raw.ctypes.data // 4) % 16
    return raw[start : start + size]


class _Team:
    """The caller's thread and its helpers."""

    def __init__(self, helpers: int) -> None:
        self.helpers = helpers
        self.busy = threading.Lock()
        self._flags = np.zeros(_SCRATCH + helpers + 1, np.int64)
        self._scratch: List[np.ndarray] = []
        self._size = 0
        self._asleep = [False] * helpers
        self._wake = [threading.Event() for _ in range(helpers)]
        for i in range(helpers):
            threading.Thread(
                target=self._help, args=(i,), name=f"caffe_compat_{i}", daemon=True
            ).start()

    def _help(self, i: int) -> None:
        number = 0
        while True:
            number = _serve(self._flags, number, i + 1, _TURNS)
            self._asleep[i] = True
            while self._flags[_NUMBER] == number:
                self._wake[i].wait()
                self._wake[i].clear()
            self._asleep[i] = False

    def run(self, task: Task, arguments: int, scratch: int) -> None:
        """Run a task with the arguments at this address, with all helpers."""
        if scratch > self._size:
            self._scratch = [_aligned(scratch) for _ in range(self.helpers + 1)]
            self._size = scratch
            self._flags[_SCRATCH:] = [array.ctypes.data for array in self._scratch]
        _publish(self._flags, task.address, arguments)
        for i, asleep in enumerate(self._asleep):
            if asleep:
                self._wake[i].set()
        _take_part(self._flags, self.helpers)


@lru_cache(maxsize=None)
def _team(helpers: int) -> _Team:
    return _Team(helpers)


if hasattr(os, "register_at_fork"):
    # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=_team.cache_clear)


def _packed(value: Any) -> int:
    """A number, or the address of an array, as one int64."""
    if value is None:
        return 0
    if isinstance(value, np.ndarray):
        return value.__array_interface__["data"][0]
    if isinstance(value, (float, np.floating)):
        return int(np.float64(value).view(np.int64))
    return int(value)


def run(task: Task, items: int, arguments: Tuple[Any, ...], scratch: int = 0) -> None:
    """Run a task over `items` items on all threads.

    Where another thread of the program has those, on the caller's alone.

    Args:
        arguments: a record (see atomic.record) of whole numbers, floats, C-contiguous arrays, None
            for no array, and further records.
        scratch: float32 values of memory for each thread.
    """
    if items < 1:
        return
    packed = np.array([0, items, *map(_packed, flat(arguments))], np.int64)
    helpers = count() - 1
    if helpers and items > 1:
        team = _team(helpers)
        if team.busy.acquire(blocking=False):
            try:
                team.run(task, packed.ctypes.data, scratch)
            finally:
                team.busy.release()
            return
    buffer = _own_scratch(scratch)
    _alone(task.address, packed.ctypes.data, buffer.ctypes.data)


_local = threading.local()


def _own_scratch(size: int) -> np.ndarray:
    buffer = getattr(_local, "buffer", None)
    if buffer is None or buffer.size < size:
        buffer = _local.buffer = _aligned(size)
    return buffer

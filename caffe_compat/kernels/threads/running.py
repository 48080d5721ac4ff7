"""Running tasks, and keeping what was run, so that it can be done again without Python."""

import threading
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from .. import cores
from ..compiled.tasks import Task
from .arguments import address, pack
from .team import COUNTER, team

_LENT = 1 << 22  # float32 values of memory that are kept from one borrower to the next, at most
_NO_MEMORY = "no memory for the arrays of a compiled loop"
_nothing = np.empty(0, np.float32)


class Scratch:
    """Memory that jobs use while they are done, and nobody reads after them."""

    def __init__(self) -> None:
        self._own = self._lent = _nothing

    def own(self, count: int) -> np.ndarray:
        """Memory of at least so many float32 for one job, from a cache line on."""
        if self._own.size < count:
            self._own = _aligned(count)
        return self._own

    def borrow(self, count: int) -> np.ndarray:
        """Memory of at least so many float32 for several jobs, which may be given back."""
        lent, self._lent = self._lent, _nothing
        return lent if lent.size >= count else _aligned(count)

    def give_back(self, lent: np.ndarray) -> None:
        """Let the next one borrow this memory."""
        if lent.size <= _LENT:
            self._lent = lent


def _aligned(count: int) -> np.ndarray:
    """An array of so many float32 that begins on a cache line."""
    raw = np.empty(count + 16, np.float32)
    start = -address(raw) % 64 // 4
    return raw[start : start + count]


class Jobs:
    """Jobs that were done one after another, and all memory that they read and write.

    Attributes:
        scratch: what they use beside what they are given.
        whole: whether they are all that was done meanwhile.
    """

    def __init__(self, scratch: Scratch) -> None:
        self.scratch, self.whole = scratch, True
        self._jobs: List[np.ndarray] = []
        self._held: List[object] = []
        self._row = np.zeros(1, np.int64)

    def append(self, job: np.ndarray, *held: object) -> None:
        """Keep a job that was done, and what it has the addresses of."""
        self._jobs.append(job)
        self._held.append(held)

    def repeat(self) -> None:
        """Do them again, in one call. Raises MemoryError as `run` does."""
        if self._row.size <= len(self._jobs):
            self._row = np.array([0, *map(address, self._jobs)], np.int64)
        self._row[0] = len(self._jobs)
        team().do_all(address(self._row))
        if self._row[0] < 0:
            raise MemoryError(_NO_MEMORY)


class _Local(threading.local):
    """A thread's scratch, and where its jobs are kept."""

    def __init__(self) -> None:
        self.own = Scratch()
        self.kept: Optional[Jobs] = None

    @property
    def scratch(self) -> Scratch:
        return self.own if self.kept is None else self.kept.scratch


_local = _Local()


@contextmanager
def keeping(jobs: Optional[Jobs]) -> Iterator[None]:
    """Context in which the jobs of this thread are kept in `jobs`, or with None nowhere."""
    before = _local.kept
    try:
        _local.kept = jobs
        yield
    finally:
        _local.kept = before


def by_other_means() -> None:
    """Say that what is computed here is not done by tasks alone."""
    if _local.kept is not None:
        _local.kept.whole = False


def borrow(count: int) -> np.ndarray:
    """Memory of at least so many float32 for several jobs in a row, to be given back after them."""
    if count > _LENT:
        by_other_means()  # so much must not be kept
    return _local.scratch.borrow(count)


def give_back(lent: np.ndarray) -> None:
    """Give back what was borrowed."""
    _local.scratch.give_back(lent)


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
    us = team()
    helpers = min(cores.count(), items) - 1
    if helpers > us.helpers:
        us.grow(helpers)
        helpers = min(helpers, us.helpers)
    step = -(-scratch // 16) * 16
    buffer = _local.scratch.own(step * (helpers + 1))
    job = [task.address, address(buffer), 4 * step, helpers, 0, items]
    pack(arguments, job)
    # the helpers read and write only what this call holds, and are done when it ends
    numbers = np.array(job, np.int64)
    us.do_one(address(numbers))
    if numbers[COUNTER] < 0:
        raise MemoryError(_NO_MEMORY)
    if _local.kept is not None:
        _local.kept.append(numbers, arguments, buffer)

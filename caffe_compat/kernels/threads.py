"""Work shared among threads, whose kernels release the GIL.

Which thread computes a piece never changes its value, so results do not depend on timing. A net's passes are hundreds of pieces of
work, many of them shorter than the 50 microseconds that the system takes to wake a thread: so the helpers wait for the next one by
looking at a flag for a while before they go to sleep.
"""

import os
import threading
from functools import lru_cache

import numpy as np

from . import atomic

_TURNS = 20_000  # of waiting before a helper goes to sleep: some 300 microseconds
_FOREVER = 1 << 40
_JOB, _DONE = 0, 16  # places in the flags, on cache lines of their own


def count():
    """Number of threads: the environment variable CAFFE_COMPAT_THREADS, else the cores this process may use."""
    return _count(os.environ.get("CAFFE_COMPAT_THREADS", ""))


@lru_cache(maxsize=None)
def _count(wanted):
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Helpers:
    """Threads beside the caller's, that each run one call of a job's work."""

    def __init__(self, number):
        self.number = number
        self.busy = threading.Lock()
        self._flags = np.zeros(32, np.int64)
        self._work = None
        self._errors: list = []
        self._asleep = [False] * number
        self._wake = [threading.Event() for _ in range(number)]
        for i in range(number):
            threading.Thread(target=self._help, args=(i,), name=f"caffe_compat_{i}", daemon=True).start()

    def _help(self, i):
        seen = 0
        while True:
            if not atomic.wait_for_change(self._flags, _JOB, seen, _TURNS):
                self._asleep[i] = True
                while self._flags[_JOB] == seen:
                    self._wake[i].wait()
                    self._wake[i].clear()
                self._asleep[i] = False
            seen = int(self._flags[_JOB])
            try:
                self._work()
            except BaseException as e:  # noqa: BLE001 (raised again where the job was given)
                self._errors.append(e)
            atomic.count_up(self._flags, _DONE)

    def run(self, work):
        """Call work() on every helper and here; returns when all are done."""
        self._work = work
        self._flags[_DONE] = 0
        self._flags[_JOB] += 1
        for i in range(self.number):
            if self._asleep[i]:
                self._wake[i].set()
        try:
            work()
        finally:
            done = 0
            while done < self.number:
                atomic.wait_for_change(self._flags, _DONE, done, _FOREVER)
                done = int(self._flags[_DONE])
            self._work = None
            if self._errors:
                error = self._errors[0]
                self._errors.clear()
                raise error


@lru_cache(maxsize=None)
def _helpers(number):
    return _Helpers(number)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # a forked process has none of its parent's threads


def run_everywhere(work):
    """Call work() on all threads at once, the caller's among them; where they are taken, by another thread of the program, on the caller's alone."""
    threads = count()
    helpers = _helpers(threads - 1) if threads > 1 else None
    if helpers is None or not helpers.busy.acquire(blocking=False):
        work()
        return
    try:
        helpers.run(work)
    finally:
        helpers.busy.release()


def run_counted(work, items):
    """Call work(counter) on all threads; each takes numbers from the counter (int64, one value; see atomic.take) until they reach `items`."""
    counter = np.zeros(1, np.int64)
    if items > 1:
        run_everywhere(lambda: work(counter))
    elif items:
        work(counter)


def run(work, items, pieces_per_thread=2):
    """Call work(first, last) over pieces that make up range(items), on all threads, the caller's among them."""
    threads = count()
    pieces = min(items, threads * pieces_per_thread)
    if threads == 1 or pieces <= 1:
        if items:
            work(0, items)
        return
    bounds = [items * i // pieces for i in range(pieces + 1)]
    queue = iter(range(pieces))  # taking the next number is atomic

    def drain():
        for i in queue:
            work(bounds[i], bounds[i + 1])

    run_everywhere(drain)


def elementwise(work, size, *arrays):
    """Call work(*slices) over pieces of these flat arrays of `size` values, on all threads."""
    grain = 1 << 14
    if size <= grain:
        work(*arrays)
        return
    run(lambda a, b: work(*(x[a:b] for x in arrays)), size, 1 if size < 1 << 20 else 4)


_local = threading.local()


def scratch(size):
    """A float32 array of at least `size` values, the calling thread's own, aligned to cache lines, overwritten by the next call."""
    buffer = getattr(_local, "buffer", None)
    if buffer is None or buffer.size < size:
        raw = np.empty(size + 16, np.float32)
        start = -(raw.ctypes.data // 4) % 16
        buffer = _local.buffer = raw[start : start + size]
    return buffer

"""The team: the threads of this process that share work, and how it is handed over to them.

A net's passes are hundreds of jobs, many of them shorter than the 50 microseconds that the system
takes to wake a thread, or Python's lock to change hands. So the helpers run without Python, and
watch for work for a while before they go to sleep.

An exception (Ctrl-C, or any other that a signal's handler raises) can come between any two steps of
Python. So a job, or a row of them, is one call from Python's side: it takes the team, hands the
work over, takes part, waits until nobody is at it any more, and gives the team back.

A team has a gate: a number that says which work there is, up to which helper may join it, and how
many are at it. The caller shuts it when nothing is left to take, and waits for those inside alone.
A helper that the system keeps from running is not waited for, unless it is within an item.
"""

import _thread
import atexit
import ctypes
import os
import threading
import time
from typing import Optional

import numpy as np

from .. import cores
from ..atomic import add, call, change, int64s, pause, peek
from ..compiled.later import numba
from ..compiled.tasks import Task
from .arguments import address

_SPIN = 200e-6  # seconds of waiting before a thread goes to sleep
_RETRY = 1.0  # seconds before another attempt to start threads where the system refused
_NATIVE = ctypes.CFUNCTYPE(None, ctypes.c_ssize_t, ctypes.c_ssize_t)

# places in a team's numbers; what several threads write has cache lines of its own
_OWNED, _GATE, _JOINED, _WANTED = 0, 8, 16, 17
_FUNCTION, _ARGUMENTS, _SCRATCH, _STRIDE = 24, 25, 26, 27
_ACQUIRE, _RELEASE, _TURNS = 32, 33, 34
_SLEEPERS, _EACH = 40, 8  # the caller's, then each helper's: whether it sleeps, and its lock
# the gate: the work's number in its upper half, then 16 bits of each of these
_INSIDE, _MAY_JOIN = 0xFFFF, 16
# places in a job; a task's arguments begin with its counter
_TASK, _BUFFER, _STEP, _HELPERS, COUNTER = 0, 1, 2, 3, 4

_growing = threading.RLock()


@numba.njit(nogil=True, inline="always")
def _sleeper(team, number):
    return team + 8 * (_SLEEPERS + _EACH * number)


@numba.njit(nogil=True)
def _wake(team, number):
    """Wake a sleeper, once for each time that it says it sleeps."""
    sleeper = _sleeper(team, number)
    if peek(sleeper) == 1 and change(sleeper, 1, 0):
        call(int64s(team)[_RELEASE], int64s(sleeper)[1], 0)


@numba.njit(nogil=True, inline="always")
def _open(gate, served, number):
    """Whether a helper may join the work, which is another than it served last."""
    return gate >> 32 != served and (gate >> _MAY_JOIN) & 0xFFFF >= number


@Task
def _serve(team, lock):
    """A helper: join the team, unless that has enough, and the work that comes, for ever.

    lock: one of Python's, to sleep on.
    """
    own, gate_at = int64s(team), team + 8 * _GATE
    while True:
        number = peek(team + 8 * _JOINED)
        if number >= own[_WANTED]:
            return
        if change(team + 8 * _JOINED, number, number + 1):
            break
    number += 1
    sleeper = _sleeper(team, number)
    int64s(sleeper)[1] = lock
    call(own[_ACQUIRE], lock, 0)
    served, turns = 0, 0
    while own[_WANTED]:  # for ever: numba asks for an end
        gate = peek(gate_at)
        if _open(gate, served, number):
            if change(gate_at, gate, gate + 1):
                served, turns = gate >> 32, 0
                call(own[_FUNCTION], own[_ARGUMENTS], own[_SCRATCH] + number * own[_STRIDE])
                if (add(gate_at, -1) - 1) & 0xFFFFFFFF == 0:
                    _wake(team, 0)  # it is shut, and this was the last one inside
        elif turns < own[_TURNS]:
            pause()
            turns += 1
        else:
            turns = 0
            change(sleeper, 0, 1)
            # whoever opened the gate before that did not see a sleeper
            if not (_open(peek(gate_at), served, number) and change(sleeper, 1, 0)):
                call(own[_ACQUIRE], lock, 1)


@numba.njit(nogil=True)
def _wait(team):
    """Wait until nobody is inside the gate, which is shut."""
    own, gate_at, sleeper = int64s(team), team + 8 * _GATE, _sleeper(team, 0)
    turns = 0
    while peek(gate_at) & _INSIDE:
        if turns < own[_TURNS]:
            pause()
            turns += 1
            continue
        change(sleeper, 0, 1)
        if not (peek(gate_at) & _INSIDE == 0 and change(sleeper, 1, 0)):
            call(own[_ACQUIRE], int64s(sleeper)[1], 1)


@numba.njit(nogil=True)
def _share(team, job):
    """Do a job with the team's helpers, or alone where another thread has them."""
    own, asked, arguments = int64s(team), int64s(job), job + 8 * COUNTER
    task, scratch = asked[_TASK], asked[_BUFFER]
    helpers = min(asked[_HELPERS], peek(team + 8 * _JOINED))
    if helpers < 1 or not change(team + 8 * _OWNED, 0, 1):
        call(task, arguments, scratch)
        return
    own[_FUNCTION], own[_ARGUMENTS] = task, arguments
    own[_SCRATCH], own[_STRIDE] = scratch, asked[_STEP]
    gate_at = team + 8 * _GATE
    shut = peek(gate_at)
    change(gate_at, shut, ((((shut >> 32) + 1) & 0x7FFFFFFF) << 32) | (helpers << _MAY_JOIN))
    for number in range(1, helpers + 1):
        _wake(team, number)
    call(task, arguments, scratch)
    add(gate_at, -(helpers << _MAY_JOIN))
    _wait(team)
    change(team + 8 * _OWNED, 1, 0)


@Task
def _do_one(team, job):
    """Do a job."""
    _share(team, job)


@Task
def _do_all(team, row):
    """Do a row of jobs: their number, and the address of each.

    The number is -1 afterwards where one found no memory, which is the last one that was done.
    """
    jobs = int64s(row)
    for i in range(jobs[0]):
        counter = int64s(jobs[1 + i] + 8 * COUNTER)
        counter[0] = 0
        _share(team, jobs[1 + i])
        if counter[0] < 0:
            jobs[0] = -1
            return


@Task
def _pause_often(turns, unused):
    for _ in range(turns):
        pause()


def _new_lock() -> int:
    """The address of one of Python's locks for C, taken: whoever takes it next sleeps."""
    allocate, acquire = ctypes.pythonapi.PyThread_allocate_lock, _pythons("acquire")
    allocate.restype = ctypes.c_void_p
    lock = allocate()
    if not lock:
        raise MemoryError("no memory for a lock")
    _NATIVE(acquire)(lock, 0)
    return int(lock)


def _pythons(what: str) -> int:
    """The address of one of Python's functions on locks, which need nothing else of Python."""
    function = getattr(ctypes.pythonapi, f"PyThread_{what}_lock")
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class Team:
    """The helpers of this process. They are never dismissed, and sleep when there is no work."""

    def __init__(self) -> None:
        numbers = np.zeros(_SLEEPERS + _EACH * (cores.MOST + 1) + 8, np.int64)
        # helpers look at it as long as the process lives
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(numbers))
        self._numbers = numbers[-address(numbers) % 64 // 8 :]
        self._address = address(self._numbers)
        self._numbers[_ACQUIRE], self._numbers[_RELEASE] = _pythons("acquire"), _pythons("release")
        self._numbers[_TURNS] = _turns(_SPIN)
        self._numbers[_SLEEPERS + 1] = _new_lock()
        self._do_one, self._do_all = _NATIVE(_do_one.address), _NATIVE(_do_all.address)
        self._serve = _NATIVE(_serve.address)
        self._next_try = 0.0
        atexit.register(self.let_sleep)

    @property
    def helpers(self) -> int:
        """How many there are."""
        return int(self._numbers[_JOINED])

    def grow(self, helpers: int) -> None:
        """Start more helpers, up to so many in all, as far as the system lets us."""
        with _growing:
            if time.monotonic() < self._next_try:
                return
            self._numbers[_WANTED] = max(helpers, self._numbers[_WANTED])
            while self.helpers < helpers:
                before = self.helpers
                try:
                    _thread.start_new_thread(self._serve, (self._address, _new_lock()))
                except (RuntimeError, MemoryError):
                    self._next_try = time.monotonic() + _RETRY
                    return
                while self.helpers == before:
                    time.sleep(1e-4)

    def do_one(self, job: int) -> None:
        """Do the job at this address."""
        self._do_one(self._address, job)

    def do_all(self, row: int) -> None:
        """Do a row of jobs; see _do_all."""
        self._do_all(self._address, row)

    def let_sleep(self) -> None:
        """At the end, wait for helpers that still watch for work: their code goes with Python."""
        numbers = self._numbers[_SLEEPERS + _EACH :: _EACH]
        for _ in range(1000):
            if numbers[: self.helpers].all():
                return
            time.sleep(1e-3)


def _turns(seconds: float) -> int:
    """How often a waiting loop turns in this time."""
    pauses, best, turns = _NATIVE(_pause_often.address), float("inf"), 500
    for _ in range(5):
        started = time.perf_counter()
        pauses(turns, 0)
        best = min(best, time.perf_counter() - started)
    return max(1, int(seconds / best * turns))


_our_team: Optional[Team] = None


def team() -> Team:
    global _our_team
    if _our_team is None:
        with _growing:
            if _our_team is None:
                _our_team = Team()
    return _our_team


def _after_fork() -> None:
    """A forked process has none of its parent's threads."""
    global _growing, _our_team
    if _our_team is not None:
        atexit.unregister(_our_team.let_sleep)
    _growing, _our_team = threading.RLock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

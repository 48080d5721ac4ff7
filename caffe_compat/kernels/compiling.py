"""All tasks compiled once for this processor, by several processes at the same time: compiling
holds a lock of numba's, so that threads would not be quicker.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from typing import Any, List, Sequence

from netfile.system import memory
from netfile.system.places import ROOT

from . import cores, tasks
from .kept import say

# seconds that a module's loops take, measured, where they are many; three processes, then, are
# busy as long as one alone is with the first
_SECONDS = {"three": 5, "largest": 6, "average": 5, "convolution": 9}
_MOST = 3  # processes
_MEMORY = 1_000_000_000  # bytes that are free, for each process that helps
_HELP = """
import sys
sys.path.insert(0, sys.argv[1])
from caffe_compat.kernels import compiling
compiling.help_with(sys.argv[2:])
"""


@lru_cache(maxsize=None)
def prepare() -> None:
    """Load every task that an earlier process compiled, and compile the others.

    Says so on the standard error where there are any.
    """
    own, *others = _shares(min(cores.count(), _MOST))
    started = 0.0
    helpers: List[Any] = []

    def announce() -> None:
        nonlocal started
        if not started:
            started = time.perf_counter()
            say("compiling its loops for this processor, once; some 20 seconds ...")
            helpers.extend(_helpers(others))

    tasks.Compiled.before = announce
    try:
        for task in own:
            task.address  # noqa: B018 (compiles)
        for helper in helpers:
            helper.wait()
        for task in tasks.known:  # and what no helper has left in a file
            task.address  # noqa: B018
    finally:
        tasks.Compiled.before = tasks.quietly
        for helper in helpers:
            helper.kill()
            helper.wait()
    if started:
        say(f"compiled, in {time.perf_counter() - started:.0f} s")


def help_with(modules: Sequence[str]) -> None:
    """Compile the tasks of these modules into files, in a process that helps another."""
    for name in modules:
        import_module(name)
    for task in tasks.known:
        if task.module in modules:
            task.address  # noqa: B018 (compiles)


def _shares(count: int) -> List[List[tasks.Task]]:
    """The tasks in so many lists, for as many processes; those of a module stay together, since
    they call the same loops."""
    modules = dict.fromkeys(task.module for task in tasks.known)
    seconds = {name: _SECONDS.get(name.rpartition(".")[2], 1) for name in modules}
    shares: List[List[str]] = [[] for _ in range(count)]
    for name in sorted(modules, key=lambda name: -seconds[name]):
        min(shares, key=lambda share: sum(seconds[n] for n in share)).append(name)
    return [[task for task in tasks.known if task.module in share] for share in shares]


def _helpers(shares: Sequence[Sequence[tasks.Task]]) -> List[Any]:
    """A process for each share, as far as the system lets us start them."""
    if not os.path.basename(sys.executable or "").startswith("python"):
        return []  # a program that Python is a part of
    helpers: List[Any] = []
    for share in filter(None, shares):
        left = memory.free()
        if left and left.bytes < (len(helpers) + 1) * _MEMORY:
            break
        command = [sys.executable, "-P", "-c", _HELP, str(ROOT)]
        with suppress(OSError):
            helpers.append(
                subprocess.Popen(
                    [*command, *sorted({task.module for task in share})],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
    return helpers

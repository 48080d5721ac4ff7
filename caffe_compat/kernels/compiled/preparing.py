"""All tasks compiled once for this processor, by several processes at the same time: compiling
holds a lock of numba's, so that threads would not be quicker. Their own process stays without
numba.
"""

import gc
import os
import subprocess
import sys
import time
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from typing import Any, Dict, List, Sequence

from netfile.system import memory
from netfile.system.places import ROOT

from .. import cores
from . import tasks
from .kept import say

# seconds that a module's loops take, measured on a busy machine; the others take one or less
_SECONDS = {"pooling": 6, "winograd.convolution": 3.5, "convolution": 3.5, "lrn": 3}
_MOST = 3  # processes
_MEMORY = 1_000_000_000  # bytes that are free, for each process that helps
_HELP = """
import sys
sys.path.insert(0, sys.argv[1])
from caffe_compat.kernels.compiled import preparing
preparing.help_with(sys.argv[2:])
"""


@lru_cache(maxsize=None)
def prepare() -> None:
    """Load every task that an earlier process compiled, and compile the others.

    Says so on the standard error where there are any.
    """
    missing = [unit for unit in tasks.units(tasks.known) if not unit.load()]
    if not missing:
        return
    started = time.perf_counter()
    say("compiling its loops for this processor, once; some 10 seconds ...")
    helpers: List[Any] = []
    try:
        for share in _shares(missing, min(cores.count(), _MOST)):
            helpers += _helper(share, len(helpers))
        for helper in helpers:
            _take(helper.communicate()[0], {unit.name: unit for unit in missing})
        for unit in missing:  # and what no helper has made
            for task in unit.tasks:
                task.address  # noqa: B018 (compiles)
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()
    say(f"compiled, in {time.perf_counter() - started:.0f} s")


def help_with(names: Sequence[str]) -> None:
    """Compile the tasks of these modules, for another process, to the standard output."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything else prints is not code
    gc.disable()  # a tenth of the time, in a process that ends when this is done
    for name in names:
        import_module(name)
    for unit in tasks.units(tasks.known):
        if unit.name in names:
            content = unit.made()
            out.write(f"{unit.name} {len(content)}\n".encode() + content)
            out.flush()


def _take(made: bytes, units: Dict[str, tasks.Unit]) -> None:
    """Take the code that a helper has made; it may have been ended anywhere."""
    while b"\n" in made:
        head, _, rest = made.partition(b"\n")
        name, size = head.decode().split()
        if len(rest) < int(size):
            return
        units[name].take(rest[: int(size)])
        made = rest[int(size) :]


def _shares(units: Sequence[tasks.Unit], count: int) -> List[List[tasks.Unit]]:
    """The units in so many lists that take the same time."""
    seconds = {unit.name: _SECONDS.get(unit.name.rpartition("kernels.")[2], 0.5) for unit in units}
    shares: List[List[tasks.Unit]] = [[] for _ in range(count)]
    for unit in sorted(units, key=lambda unit: -seconds[unit.name]):
        min(shares, key=lambda share: sum(seconds[u.name] for u in share)).append(unit)
    return [share for share in shares if share]


def _helper(share: Sequence[tasks.Unit], before: int) -> List[Any]:
    """A process for the share, if the system lets us start one."""
    if not os.path.basename(sys.executable or "").startswith("python"):
        return []  # a program that Python is a part of
    left = memory.free()
    if left and left.bytes < (before + 1) * _MEMORY:
        return []
    # other settings of a program's own numba change no loop
    named = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")  # see processor.py
    environment = {k: v for k, v in os.environ.items() if k in named or k[:6] != "NUMBA_"}
    command = [sys.executable, "-P", "-c", _HELP, str(ROOT), *(unit.name for unit in share)]
    with suppress(OSError):
        return [
            subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        ]
    return []

"""Work for a worker of a test, which has to import it."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

from deepdream.cluster.worker import _Wanted
from deepdream.dream.octaves import StopDream


def dies_once(done: str, work: Any, *what: Any) -> Any:
    """Ends its process, as a machine that goes down does; done again, it works.

    done: a file that says whether it has died.
    """
    try:
        Path(done).touch(exist_ok=False)
    except FileExistsError:
        return work(*what)
    os.kill(os.getpid(), signal.SIGKILL)


def dies(*what: Any) -> None:
    """Ends its process, each time."""
    os.kill(os.getpid(), signal.SIGKILL)


def until_unwanted(pipe: str) -> None:
    """A dream of many steps; a pipe is told when it begins, and why it ends."""
    with open(pipe, "w", buffering=1) as told:
        told.write("begun\n")
        wanted, step = _Wanted(), threading.Event()
        for _ in range(2000):
            try:
                wanted(None)
            except StopDream:
                told.write("nobody waits\n")
                return
            step.wait(0.01)
        told.write("its steps are done\n")

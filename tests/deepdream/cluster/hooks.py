"""Work for a worker of a test, which has to import it."""

import os
import signal
from pathlib import Path
from typing import Any


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

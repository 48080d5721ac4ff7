"""How a command line starts: Ctrl-C while its modules are loaded is no error to report."""

import importlib
import signal
import threading
from typing import Any


def loaded(module: str) -> Any:
    """Import a command line's module. Until `interruptible`, Ctrl-C ends the process at once, as a
    signal does, and not by an exception in the middle of some package's import."""
    # a process that was started with the signal ignored goes on ignoring it
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler and _is_main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return importlib.import_module(module)


def interruptible() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL and _is_main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

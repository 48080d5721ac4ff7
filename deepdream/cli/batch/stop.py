"""Ctrl-C: once keeps the picture so far, twice leaves at once."""

import os
import signal
import threading
from contextlib import suppress
from typing import Any, Optional

from ...dream.octaves import Progress, StopDream
from ...request.job import Stop

_SAID = b"\nstops after this step and keeps the picture so far; Ctrl-C again leaves at once\n"


class Interrupt:
    """A context manager that watches for Ctrl-C, and a report of a dream that stops it.

    Before a picture's first step there is nothing to keep, and Ctrl-C leaves at once. `asked`:
    whether it came; `at`: the last step of the present picture, where that was stopped.
    """

    def __init__(self) -> None:
        self.asked = False
        self.at: Optional[Stop] = None
        self._begun = False
        self._before: Any = None

    def begin(self) -> None:
        """A picture begins."""
        self._begun, self.at = False, None

    def __call__(self, p: Progress) -> None:
        self._begun = True
        is_last = p.octave == p.octaves and p.step == p.steps
        if self.asked and not is_last:
            self.at = Stop(p.octave, p.step)
            raise StopDream

    def __enter__(self) -> "Interrupt":
        # a program that was told to ignore Ctrl-C, as by nohup, goes on ignoring it
        by_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if by_default and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, *signal_and_frame: Any) -> None:
        if self.asked or not self._begun:
            raise KeyboardInterrupt
        self.asked = True
        with suppress(OSError):  # not by print, which this may have come in the middle of
            os.write(2, _SAID)

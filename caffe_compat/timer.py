"""caffe.Timer: a stopwatch in milliseconds."""

import time
from typing import Optional

from . import devices
from .handles import Instance


class Timer(Instance):
    """start(), stop(), then `ms`: the milliseconds between. Reading `ms` stops it too.

    In GPU mode both wait for what the device was told before.
    """

    def __init__(self) -> None:
        self._started: Optional[float] = None  # while it runs
        self._elapsed = 0.0

    def start(self) -> None:
        """Start, unless it runs already."""
        if self._started is None:
            devices.synchronize()
            self._started = time.perf_counter()

    def stop(self) -> None:
        """Stop, if it runs."""
        if self._started is not None:
            devices.synchronize()
            self._elapsed = time.perf_counter() - self._started
            self._started = None

    @property
    def ms(self) -> float:
        """Milliseconds from the last start to its stop; 0 before there was one."""
        self.stop()
        return self._elapsed * 1000

"""caffe.Timer: a stopwatch in milliseconds."""

import time


class Timer:
    """start(), stop(), then `ms`: the milliseconds between."""

    def __init__(self) -> None:
        self._started = self._elapsed = 0.0

    def start(self) -> None:
        self._started = time.perf_counter()

    def stop(self) -> None:
        self._elapsed = time.perf_counter() - self._started

    @property
    def ms(self) -> float:
        return self._elapsed * 1000

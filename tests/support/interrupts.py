"""Passes that are interrupted at random instants, by a signal whose handler raises.

    python -m tests.support.interrupts 5000

does so as often as you like, and prints what it found.
"""

import random
import signal
import sys
import time
import zlib
from collections import Counter
from typing import Any, Dict

import numpy as np

import caffe_compat as caffe
from caffe_compat.kernels import threads

NET = "prototxt/bvlc_googlenet/deploy.prototxt"
END = "inception_3a/output"


class Stop(BaseException):
    """What the handler raises."""


class Passes:
    """A net, and what a step gives that nothing interrupts."""

    def __init__(self, size: int) -> None:
        caffe.set_random_seed(3)
        self.net: Any = caffe.Net(NET, caffe.TEST)
        parts = self.net._passes.parts
        parts.plan.layers = [True] * len(parts.layers)
        parts.plan.bottoms = [[True] * len(bottom) for bottom in parts.bottoms]
        self.picture = np.random.RandomState(0).uniform(-100, 100, (1, 3, size, size))
        self.wanted = self.step()
        self.seconds = min(self._time() for _ in range(3))

    def _time(self) -> float:
        started = time.perf_counter()
        self.step()
        return time.perf_counter() - started

    def step(self) -> Any:
        data, end = self.net.blobs["data"], self.net.blobs[END]
        data.reshape(*self.picture.shape)
        data.data[...] = self.picture
        self.net.forward(end=END)
        end.diff[...] = end.data
        self.net.backward(start=END)
        return zlib.crc32(end.data.tobytes()), zlib.crc32(data.diff.tobytes())


def interrupt(times: int, seed: int = 0, size: int = 32) -> Dict[str, int]:
    """Interrupt steps, each followed by one that is not.

    Returns:
        how many were interrupted; how many steps after that were wrong; how many interrupts were
        swallowed; how often a helper was missing, or the team still taken; other errors.
    """
    passes, generator = Passes(size), random.Random(seed)
    found: Dict[str, int] = Counter()
    fired = 0

    def handler(number: int, frame: Any) -> None:
        nonlocal fired
        fired += 1
        raise Stop

    before = signal.signal(signal.SIGALRM, handler)
    try:
        for _ in range(times):
            fired_before, caught = fired, 0
            try:
                try:
                    delay = generator.uniform(1e-5, passes.seconds)
                    signal.setitimer(signal.ITIMER_REAL, delay)
                    passes.step()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except Stop:
                caught = 1
            except Exception:
                found["other errors"] += 1
            found["interrupted"] += caught
            found["swallowed"] += fired - fired_before - caught
            found["wrong"] += passes.step() != passes.wanted
            team = threads._team()
            found["helpers missing"] += team.helpers < threads.count() - 1
            found["team taken"] += bool(team._numbers[threads._OWNED])
    finally:
        signal.signal(signal.SIGALRM, before)
    return dict(found)


if __name__ == "__main__":
    print(interrupt(int(sys.argv[1]), *map(int, sys.argv[2:])))

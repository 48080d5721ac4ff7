"""Passes that are interrupted at random instants, by a signal whose handler raises."""

import random
import signal
import time
import zlib
from collections import Counter
from typing import Any, Dict, List

import numpy as np

import caffe_compat as caffe
from caffe_compat.kernels import threads
from caffe_compat.kernels.threads import team

from .campaign import ROOT

NET = ROOT / "prototxt" / "bvlc_googlenet" / "deploy.prototxt"
END = "inception_3a/output"


class Stop(BaseException):
    """What the handler raises."""


class Passes:
    """A net, and what a step gives that nothing interrupts."""

    def __init__(self, size: int = 32) -> None:
        caffe.set_random_seed(3)
        self.net: Any = caffe.Net(str(NET), caffe.TEST)
        parts = self.net._passes.parts
        parts.plan.layers = [True] * len(parts.layers)
        parts.plan.bottoms = [[True] * len(bottom) for bottom in parts.bottoms]
        self.picture = np.random.RandomState(0).uniform(-100, 100, (1, 3, size, size))
        self.wanted = self.step()
        self.seconds = min(self._time() for _ in range(3))
        self._fired = 0

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

    def interrupt(self, generator: random.Random) -> List[str]:
        """Interrupt one step at a random instant, and make another that nothing interrupts.

        Returns:
            "interrupted" if it was, and what else happened: "swallowed", "wrong" (the step after
            it), "helpers missing", "team taken", "other errors".
        """
        fired_before, found = self._fired, []
        before = signal.signal(signal.SIGALRM, self._stop)
        try:
            try:
                delay = generator.uniform(1e-5, self.seconds)
                signal.setitimer(signal.ITIMER_REAL, delay)
                self.step()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Stop:
            found.append("interrupted")
        except Exception:
            found.append("other errors")
        finally:
            signal.signal(signal.SIGALRM, before)
        if self._fired - fired_before > found.count("interrupted"):
            found.append("swallowed")
        if self.step() != self.wanted:
            found.append("wrong")
        ours = team.team()
        if ours.helpers < threads.count() - 1:
            found.append("helpers missing")
        if ours._numbers[team._OWNED]:
            found.append("team taken")
        return found

    def _stop(self, number: int, frame: Any) -> None:
        self._fired += 1
        raise Stop


def interrupt(times: int, seed: int = 0, size: int = 32) -> Dict[str, int]:
    """How often each of the things happened that Passes.interrupt tells, in so many steps."""
    passes, generator = Passes(size), random.Random(seed)
    found: Counter[str] = Counter()
    for _ in range(times):
        found.update(passes.interrupt(generator))
    return dict(found)

"""Update rules: from a parameter's gradient to what is subtracted from it.

One class for each of Caffe's solvers. Each is in single precision, in Caffe's order of operations,
on NumPy's arrays or, in GPU mode, on PyTorch's tensors.
"""

from typing import Any, Dict, List, Type

import numpy as np

from ..errors import CaffeError

Arrays = List[Any]
RULES: Dict[str, Type["SGD"]] = {}


def root(x: Any) -> Any:
    """The square root of an array or a tensor."""
    return np.sqrt(x) if isinstance(x, np.ndarray) else x.sqrt()


def rule(cls: Type["SGD"]) -> Type["SGD"]:
    """Class decorator: make an update rule known by its `type`."""
    RULES[cls.type] = cls
    return cls


@rule
class SGD:
    """Momentum: h = momentum h + rate g; the update is h (Caffe's SGDSolver).

    p: the SolverParameter. `histories` is how many arrays a rule keeps for each parameter.
    """

    type = "SGD"
    histories = 1

    def __init__(self, p: Any) -> None:
        self.param = p
        self.momentum = np.float32(p.momentum)
        self.delta = np.float32(p.delta)
        self.check()

    def check(self) -> None:
        """Raise CaffeError for settings with which this rule does not work."""

    def update(self, g: Any, rate: np.float32, history: Arrays, iteration: int) -> None:
        """Turn a gradient into the update that is subtracted from the parameter, in place.

        Args:
            g: the gradient, float32: an array or a tensor.
            rate: the learning rate, times the parameter's lr_mult.
            history: `histories` arrays of its shape, which are updated too.
            iteration: how often the weights have been updated.
        """
        h = history[0]
        h *= self.momentum
        h += rate * g
        g[...] = h

    def _no_momentum(self) -> None:
        if self.momentum:
            raise CaffeError(
                f"momentum is {self.momentum:g}, and {self.type} has none; leave momentum out"
            )


@rule
class Nesterov(SGD):
    """Accelerated gradient: h' = momentum h + rate g; (1 + momentum) h' - momentum h.

    Sutskever et al., 2013, in the form of Caffe's NesterovSolver.
    """

    type = "Nesterov"

    def update(self, g: Any, rate: np.float32, history: Arrays, iteration: int) -> None:
        h = history[0]
        before = self.momentum * h
        h[...] = rate * g + before
        g[...] = (np.float32(1) + self.momentum) * h - before


@rule
class AdaGrad(SGD):
    """h = h + g²; rate g / (sqrt(h) + delta). Duchi et al., 2011."""

    type = "AdaGrad"

    def check(self) -> None:
        self._no_momentum()

    def update(self, g: Any, rate: np.float32, history: Arrays, iteration: int) -> None:
        h = history[0]
        h += g * g
        g[...] = rate * (g / (root(h) + self.delta))


@rule
class RMSProp(SGD):
    """h = decay h + (1 - decay) g²; rate g / (sqrt(h) + delta). Tieleman and Hinton, 2012."""

    type = "RMSProp"

    def check(self) -> None:
        self._no_momentum()
        self.decay = np.float32(self.param.rms_decay)
        if not 0 <= self.decay < 1:
            raise CaffeError(f"rms_decay is {self.decay:g}; it must be from 0 to less than 1")

    def update(self, g: Any, rate: np.float32, history: Arrays, iteration: int) -> None:
        h = history[0]
        h *= self.decay
        h += (np.float32(1) - self.decay) * g * g
        g[...] = rate * (g / (root(h) + self.delta))


@rule
class AdaDelta(SGD):
    """Steps of the size of earlier ones (Zeiler, arXiv 1212.5701).

    h = m h + (1 - m) g²; u = g sqrt((delta + s) / (delta + h)); s = m s + (1 - m) u²; the update is
    rate u, where m is the momentum.
    """

    type = "AdaDelta"
    histories = 2

    def update(self, g: Any, rate: np.float32, history: Arrays, iteration: int) -> None:
        h, s = history
        rest = np.float32(1) - self.momentum
        h *= self.momentum
        h += rest * g * g
        g *= root((self.delta + s) / (self.delta + h))
        s *= self.momentum
        s += rest * g * g
        g *= rate


@rule
class Adam(SGD):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²; rate c m / (sqrt(v) + delta).

    c = sqrt(1 - b2^t) / (1 - b1^t) at the t-th update, b1 is momentum, and b2 momentum2. Kingma
    and Ba, arXiv 1412.6980, in the form after its section 2.
    """

    type = "Adam"
    histories = 2

    def update(self, g: Any, rate: np.float32, history: Arrays, iteration: int) -> None:
        m, v = history
        b1, b2, t = self.momentum, np.float32(self.param.momentum2), iteration + 1
        m *= b1
        m += (np.float32(1) - b1) * g
        v *= b2
        v += (np.float32(1) - b2) * g * g
        correction = np.sqrt(1 - np.float64(b2) ** t) / (1 - np.float64(b1) ** t)
        g[...] = np.float32(rate * correction) * (m / (root(v) + self.delta))

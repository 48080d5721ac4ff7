"""Learning-rate policies: the rate at an iteration, as solver.prototxt describes it.

Caffe's `lr_policy` (caffe.proto, SGDSolver::GetLearningRate), in single precision as there.
"""

from typing import Any, Callable, Dict

import numpy as np

from .. import glog
from ..errors import CaffeError


def _fixed(p: Any, iteration: int, step: int) -> float:
    return float(p.base_lr)


def _step(p: Any, iteration: int, step: int) -> float:
    return float(p.base_lr) * float(np.float64(p.gamma) ** step)


def _exp(p: Any, iteration: int, step: int) -> float:
    return float(p.base_lr) * float(np.float64(p.gamma) ** iteration)


def _inv(p: Any, iteration: int, step: int) -> float:
    base = np.float32(1) + np.float32(p.gamma) * np.float32(iteration)
    return float(np.float32(p.base_lr) * base ** np.float32(-p.power))


def _poly(p: Any, iteration: int, step: int) -> float:
    left = np.float32(1) - np.float32(iteration) / np.float32(p.max_iter)
    return float(np.float32(p.base_lr) * left ** np.float32(p.power))


def _sigmoid(p: Any, iteration: int, step: int) -> float:
    past = np.float32(iteration) - np.float32(p.stepsize)
    risen = np.float32(1) / (np.float32(1) + np.exp(np.float32(-p.gamma) * past))
    return float(np.float32(p.base_lr) * risen)


_POLICIES: Dict[str, Callable[[Any, int, int], float]] = {
    "fixed": _fixed,
    "step": _step,
    "exp": _exp,
    "inv": _inv,
    "multistep": _step,
    "poly": _poly,
    "sigmoid": _sigmoid,
}
_GAMMA = ("step", "exp", "inv", "multistep", "sigmoid")  # those that need a gamma of 0 or more


def check(p: Any) -> None:
    """Raise CaffeError for a policy that is unknown, or whose settings are not usable."""
    if p.lr_policy not in _POLICIES:
        given = f'"{p.lr_policy}"' if p.HasField("lr_policy") else "not given"
        raise CaffeError(f"lr_policy is {given}; it is one of {', '.join(_POLICIES)}")
    if p.lr_policy in _GAMMA and not p.gamma >= 0:
        raise CaffeError(f'lr_policy "{p.lr_policy}" needs a gamma of 0 or more, not {p.gamma:g}')
    if p.lr_policy in ("step", "sigmoid") and p.stepsize < 1:
        raise CaffeError(
            f'lr_policy "{p.lr_policy}" needs a stepsize of 1 or more, not {p.stepsize}'
        )


def step_at(p: Any, iteration: int, step: int) -> int:
    """How many steps the rate has made: Caffe's current_step, from what it was before."""
    if p.lr_policy == "step":
        return int(iteration // p.stepsize)
    if p.lr_policy == "multistep" and step < len(p.stepvalue) and iteration >= p.stepvalue[step]:
        glog.info(
            "sgd_solver.cpp:50", f"MultiStep Status: Iteration {iteration}, step = {step + 1}"
        )
        return step + 1
    return step


def rate(p: Any, iteration: int, step: int) -> np.float32:
    """The learning rate at an iteration.

    Args:
        p: the SolverParameter.
        iteration: how often the weights have been updated.
        step: what `step_at` gave for that iteration.

    Raises CaffeError as `check` does. What overflows is infinite, as in Caffe.
    """
    check(p)
    with np.errstate(all="ignore"):
        return np.float32(_POLICIES[p.lr_policy](p, iteration, step))

"""pycaffe's names for training. This engine does not train: making a solver says so.

The names are there so that programs which only import them run. How many solvers there are, and
which one this is, is remembered as in Caffe, and changes nothing.
"""

from typing import Any

from .errors import CaffeError
from .handles import Instance

_solvers = {"count": 1, "rank": 0, "multiprocess": False}


def _refuse(what: str) -> CaffeError:
    return CaffeError(
        f"caffe_compat does not train, so it cannot make {what}; use a real Caffe build for that"
    )


class Solver(Instance):
    """What every solver has in Caffe."""

    def __init__(self) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")

    def _missing(self) -> Any:
        raise _refuse(f"the solver {type(self).__name__}")

    net = test_nets = iter = param = property(_missing)

    def add_callback(self, on_start: Any = None, on_gradients_ready: Any = None) -> None:
        self._missing()

    def apply_update(self) -> None:
        self._missing()

    def restore(self, state_file: str) -> None:
        self._missing()

    def share_weights(self, net: Any) -> None:
        self._missing()

    def snapshot(self) -> None:
        self._missing()

    def solve(self, resume_file: str = "") -> None:
        self._missing()

    def step(self, iterations: int) -> None:
        self._missing()


class SGDSolver(Solver):
    """Raises CaffeError: this engine does not train. So do its subclasses."""

    def __init__(self, solver_file: str) -> None:
        self._missing()

    lr = property(Solver._missing)


class NesterovSolver(SGDSolver):
    """Raises CaffeError."""


class AdaGradSolver(SGDSolver):
    """Raises CaffeError."""


class RMSPropSolver(SGDSolver):
    """Raises CaffeError."""


class AdaDeltaSolver(SGDSolver):
    """Raises CaffeError."""


class AdamSolver(SGDSolver):
    """Raises CaffeError."""


class NCCL(Instance):
    """Raises CaffeError: there is no training on several GPUs."""

    def __init__(self, solver: Solver, uid: str) -> None:
        raise _refuse("the communicator NCCL")


class LayerParameter(Instance):
    """What Caffe hands to a Python layer's constructor; here it is caffe_pb2's message."""

    def __init__(self) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")


class SolverParameter(Instance):
    """The settings of a solver. caffe_pb2.SolverParameter is the message that programs write."""

    def __init__(self) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")

    base_lr = max_iter = display = layer_wise_reduce = property(lambda self: None)


def get_solver(solver_file: str) -> Solver:
    """Raise CaffeError: this engine does not train."""
    raise _refuse("a solver")


def has_nccl() -> bool:
    """False: there is no training on several GPUs."""
    return False


def solver_count() -> int:
    """How many solvers a program said that it runs; 1 by default."""
    return _solvers["count"]


def set_solver_count(count: int) -> None:
    """Remember how many solvers run."""
    _solvers["count"] = count


def solver_rank() -> int:
    """Which solver a program said that this one is; 0 by default."""
    return _solvers["rank"]


def set_solver_rank(rank: int) -> None:
    """Remember which solver this one is."""
    _solvers["rank"] = rank


def set_multiprocess(multiprocess: bool) -> None:
    """Remember whether solvers run in processes of their own."""
    _solvers["multiprocess"] = multiprocess

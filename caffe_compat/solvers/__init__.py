"""Solvers, under pycaffe's names: training of small nets, and what goes with it."""

from ..handles import Instance
from .parallel import (
    NCCL,
    has_nccl,
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from .solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    Solver,
    SolverParameter,
    get_solver,
)

__all__ = [
    "AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "LayerParameter", "NCCL", "NesterovSolver",
    "RMSPropSolver", "SGDSolver", "Solver", "SolverParameter", "get_solver", "has_nccl",
    "set_multiprocess", "set_solver_count", "set_solver_rank", "solver_count", "solver_rank",
]  # fmt: skip


class LayerParameter(Instance):
    """What Caffe hands to a Python layer's constructor; here it is caffe_pb2's message."""

    def __init__(self) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")

"""Names of training on several GPUs, which this engine does not do.

How many solvers there are, and which one this is, is remembered as in Caffe, and changes nothing.
"""

from typing import Any

from ..errors import CaffeError
from ..handles import Instance

_solvers = {"count": 1, "rank": 0, "multiprocess": False}


class NCCL(Instance):
    """Raises CaffeError: there is no training on several GPUs."""

    def __init__(self, solver: Any, uid: str) -> None:
        raise CaffeError(
            "caffe_compat trains on one CPU, so there is no communicator NCCL; "
            "leave it out, or use a real Caffe built for several GPUs"
        )


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

"""caffe._caffe: what is native code in pycaffe, under the names that programs import from there."""

from . import (
    __version__,
    init_log,
    log,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
)
from .fillers import set_random_seed
from .handles import (
    Blob,
    BlobVec,
    BoolVec,
    DtypeVec,
    IntVec,
    Layer,
    LayerVec,
    NetVec,
    RawBlobVec,
    StringVec,
)
from .layer_types import layer_type_list
from .net import Net
from .solvers import (
    NCCL,
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    LayerParameter,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    Solver,
    SolverParameter,
    get_solver,
    has_nccl,
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from .timer import Timer

__all__ = [
    "AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "Blob", "BlobVec", "BoolVec", "DtypeVec",
    "IntVec", "Layer", "LayerParameter", "LayerVec", "NCCL", "NesterovSolver", "Net", "NetVec",
    "RMSPropSolver", "RawBlobVec", "SGDSolver", "Solver", "SolverParameter", "StringVec", "Timer",
    "__version__", "get_solver", "has_nccl", "init_log", "layer_type_list", "log", "set_device",
    "set_mode_cpu", "set_mode_gpu", "set_multiprocess", "set_random_seed", "set_solver_count",
    "set_solver_rank", "solver_count", "solver_rank",
]  # fmt: skip

"""caffe_compat: pycaffe's API with no Caffe build, on NumPy, BLAS and numba; in GPU mode, PyTorch.

`import caffe_compat as caffe` runs programs that were written for pycaffe. It is never named
`caffe`, so that it never hides a real one. Where a real Caffe ends the process, it raises a
CaffeError. `about` says what else a result depends on.
"""

import importlib
import operator
import os
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from . import devices, limits
from .errors import (
    CaffeError,
    DeviceError,
    DeviceMemoryError,
    InputArrayError,
    LayerNameError,
    LayerNumberError,
    MissingFileError,
    ModeError,
    PrototxtError,
    ShapeError,
    UnknownLayerTypeError,
    WeightsError,
)

if TYPE_CHECKING:
    from . import classifier, detector, io, net_spec, proto, pycaffe
    from .blob import Blob
    from .classifier import Classifier
    from .detector import Detector
    from .fillers import set_random_seed
    from .handles import Layer
    from .layer_types import allow_python_layers, layer_type_list
    from .net import Net
    from .net_spec import NetSpec, layers, params, to_proto
    from .proto.caffe_pb2 import TEST, TRAIN
    from .solvers import (
        NCCL,
        AdaDeltaSolver,
        AdaGradSolver,
        AdamSolver,
        NesterovSolver,
        RMSPropSolver,
        SGDSolver,
        get_solver,
        has_nccl,
        set_multiprocess,
        set_solver_count,
        set_solver_rank,
        solver_count,
        solver_rank,
    )
    from .timer import Timer

__version__ = "1.0.0+compat"

__all__ = [
    "AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "Blob", "CaffeError", "Classifier", "Detector",
    "DeviceError", "DeviceMemoryError", "InputArrayError", "Layer", "LayerNameError",
    "LayerNumberError", "MissingFileError", "ModeError", "NCCL", "NesterovSolver", "Net",
    "NetSpec", "PrototxtError", "RMSPropSolver", "SGDSolver", "ShapeError", "TEST", "TRAIN",
    "Timer", "UnknownLayerTypeError", "WeightsError",
    "about", "allow_python_layers", "classifier", "detector", "get_solver", "has_nccl", "init_log",
    "io", "layer_type_list", "layers", "log", "net_spec", "params", "proto", "pycaffe",
    "set_device", "set_fast", "set_mode_cpu", "set_mode_gpu", "set_multiprocess", "set_random_seed",
    "set_solver_count", "set_solver_rank", "solver_count", "solver_rank", "to_proto",
]  # fmt: skip
_SOLVER = (
    "AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "NCCL", "NesterovSolver", "RMSPropSolver",
    "SGDSolver", "get_solver", "has_nccl", "set_multiprocess", "set_solver_count",
    "set_solver_rank", "solver_count", "solver_rank",
)  # fmt: skip
# loaded when first asked for, so that what needs no engine runs where there is no LLVM;
# "": a module of that name
_HOMES = {
    "Blob": "blob", "Classifier": "classifier", "Detector": "detector", "Layer": "handles",
    "Net": "net", "NetSpec": "net_spec", "TEST": "proto.caffe_pb2", "TRAIN": "proto.caffe_pb2",
    "Timer": "timer", "_caffe": "", "allow_python_layers": "layer_types", "classifier": "",
    "coord_map": "", "detector": "", "draw": "", "io": "", "layer_type_list": "layer_types",
    "layers": "net_spec", "net_spec": "", "params": "net_spec", "proto": "", "pycaffe": "",
    "set_random_seed": "fillers", "to_proto": "net_spec", **dict.fromkeys(_SOLVER, "solvers"),
}  # fmt: skip
# these load LLVM
_OF_LLVM = {
    "_caffe", "blob", "classifier", "detector", "handles", "layer_types", "net", "pycaffe",
    "solvers",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if "llvmlite" not in sys.modules and _HOMES[name] in _OF_LLVM:
        limits.check_start(limits.START)
    place = _HOMES[name] or name
    if place in _OF_LLVM and "llvmlite" not in sys.modules:
        limits.check_start(limits.START)
    home = importlib.import_module(f"{__name__}.{place}")
    globals()[name] = getattr(home, name) if _HOMES[name] else home
    return globals()[name]


def __dir__() -> List[str]:
    return sorted({*__all__, *_HOMES, *(name for name in globals() if name[0] == "_")})


def about() -> Dict[str, Any]:
    """What a result of this engine depends on, beside the net and its input.

    Returns: a dict of `name` and `version` of the engine; `threads`, the number that it computes
        on, which changes no value; and `arithmetic`, "fused" where the processor rounds a product
        and its sum once, "separate" where it rounds each, which may change the last bit. In GPU
        mode also `device`, `pytorch` (its version) and `fast`, whether exactness was given up.
    """
    from .kernels import gemm, threads

    return {
        "name": __name__,
        "version": __version__,
        "threads": threads.count(),
        "arithmetic": "fused" if gemm.FUSED else "separate",
        **(devices.about() if devices.on_gpu() else {}),
    }


def set_mode_cpu() -> None:
    """Compute on the CPU from now on, in the whole process."""
    devices.set_mode_cpu()


def set_mode_gpu() -> None:
    """Compute on a GPU from now on, in the whole process, by PyTorch.

    Under CAFFE_COMPAT_CPU=1 (python -m caffe_compat --cpu) say so once instead, and compute on the
    CPU. Raises ModeError, with the remedy: there is no PyTorch, or no such device.
    """
    wish = os.environ.get("CAFFE_COMPAT_CPU")
    if wish not in ("1", "said"):
        try:
            devices.set_mode_gpu()
        except ModeError as e:
            raise e.of_a_program() from None
        return
    if wish == "1":
        os.environ["CAFFE_COMPAT_CPU"] = "said"  # the processes that it starts need not say it
        log("caffe_compat: the program asks for a GPU and runs on the CPU (--cpu)")


def set_device(device: int) -> None:
    """Choose a GPU by its number; as in Caffe this takes effect in GPU mode only.

    Raises ModeError in GPU mode where there is no such one.
    """
    devices.set_device(operator.index(device))


def set_fast(fast: bool = True) -> None:
    """Trade exactness for speed in GPU mode, in the whole process, or no longer.

    Products are then in TensorFloat-32 where the GPU has it (10 bits of mantissa), algorithms are
    chosen by trial, so that two runs may differ, and blobs lie in PyTorch's channels_last.
    """
    devices.set_fast(fast)


def _device_memory() -> Optional[Tuple[int, int, str]]:
    """For programs that ask before they compute, as devices.memory_there gives it."""
    return devices.memory_there()


def init_log(prefix_or_level: Any = 0, level: int = 0) -> None:
    """Log what is of this level or above: 0 for all, 1 for warnings. Solvers alone log anything."""
    from . import glog

    glog.set_level(prefix_or_level if isinstance(prefix_or_level, int) else level)


def log(message: str) -> None:
    """Write one line to the standard error, as Caffe's log does."""
    print(message, file=sys.stderr)

"""caffe_compat: pycaffe's API with no Caffe build, on NumPy, BLAS and numba.

`import caffe_compat as caffe` runs programs that were written for pycaffe. It is never named `caffe`, so that it
never hides a real one.
"""

import importlib
from typing import TYPE_CHECKING

from .errors import (
    CaffeError,
    LayerNameError,
    ModeError,
    PrototxtError,
    ShapeError,
    UnknownLayerTypeError,
    WeightsError,
)

if TYPE_CHECKING:
    from . import io
    from .blob import Blob
    from .classifier import Classifier
    from .fillers import set_random_seed
    from .layers import Layer, allow_python_layers, layer_type_list
    from .net import Net
    from .proto.caffe_pb2 import TEST, TRAIN

__version__ = "1.0.0+compat"

__all__ = [
    "Blob", "CaffeError", "Classifier", "Layer", "LayerNameError", "ModeError", "Net", "PrototxtError", "ShapeError", "TEST",
    "TRAIN", "UnknownLayerTypeError", "WeightsError", "allow_python_layers", "io", "layer_type_list", "set_device", "set_mode_cpu",
    "set_mode_gpu", "set_random_seed",
]  # fmt: skip
# loaded when first asked for, so that what needs no engine (proto.upgrade) runs where there is no numba
_HOMES = {
    "Blob": "blob", "Classifier": "classifier", "Net": "net", "TEST": "proto.caffe_pb2", "TRAIN": "proto.caffe_pb2",
    "io": "", "Layer": "layers", "allow_python_layers": "layers", "layer_type_list": "layers", "set_random_seed": "fillers",
}  # fmt: skip


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES[name] or name}")
    globals()[name] = getattr(home, name) if _HOMES[name] else home
    return globals()[name]


def set_mode_cpu():
    """Compute on the CPU, which is all that this engine does."""


def set_mode_gpu():
    """Raises ModeError: this engine has no GPU mode."""
    raise ModeError("caffe_compat computes on the CPU only; for a GPU use a real Caffe build (--engine caffe)")


def set_device(device):
    """Choose a GPU. Takes effect in GPU mode alone, as in Caffe, and so has none here."""

"""One file per layer family, forward with its backward under it.

Importing this package registers every type.

To add a layer type: one class in one file here, decorated with `@register`, and the file named
below. Its twin in GPU mode is in the file of the same name in gpu/.
"""

import importlib
from functools import lru_cache

from . import (  # noqa: F401
    accuracy,
    activation,
    batch_norm,
    convolution,
    data,
    eltwise,
    inner_product,
    loss,
    lrn,
    neuron,
    pooling,
    python,
    readers,
    recurrent,
    reduction,
    scale,
    select,
    softmax,
    spp,
    structure,
)
from .python import allow_python_layers
from .registry import LAYERS, create, layer_type_list, register

__all__ = [
    "LAYERS", "allow_python_layers", "create", "layer_type_list", "load_twins", "register",
]  # fmt: skip


@lru_cache(maxsize=None)
def load_twins() -> None:
    """Give the types their passes in GPU mode, once; this loads PyTorch."""
    importlib.import_module(f"{__name__}.gpu")

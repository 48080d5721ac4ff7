"""One file per layer family, forward with its backward under it. Importing this package registers every type.

To add a layer type: one class in one file here, decorated with `@register`, and the file named below.
"""

from . import activation, batch_norm, convolution, data, eltwise, inner_product, lrn, pooling, scale, softmax, structure
from .registry import LAYERS, create, layer_type_list, register

__all__ = [
    "LAYERS", "create", "layer_type_list", "register", "activation", "batch_norm", "convolution", "data", "eltwise",
    "inner_product", "lrn", "pooling", "scale", "softmax", "structure",
]  # fmt: skip

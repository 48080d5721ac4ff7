"""Weights in the formats of others, as Caffe's: PyTorch, safetensors, Keras, NumPy, ONNX and
TensorFlow.

>>> net_surgery.imports.convert("efficientnet-lite0.pth", "efficientnet_lite0").save("folder")

`readers/` gives the arrays of a file by their names, `tables/` says which of them are which layers
of a deploy net, `mapping.py` applies a table, and `convert.py` writes the model's folder.
"""

from .convert import Imported, convert, file_names
from .mapping import Mapped, mapped, some
from .readers import KINDS, read
from .tables import TABLES, models
from .tables.table import Table

__all__ = [
    "KINDS",
    "TABLES",
    "Imported",
    "Mapped",
    "Table",
    "convert",
    "file_names",
    "mapped",
    "models",
    "read",
    "some",
]

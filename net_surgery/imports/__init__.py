"""Weights in the formats of others, as Caffe's: PyTorch, safetensors, Keras, NumPy, ONNX and
TensorFlow.

>>> net_surgery.imports.convert("efficientnet-lite0.pth", "efficientnet_lite0").save("folder")

>>> net_surgery.imports.convert("net.onnx", "mynet").save("mynet")  # its graph becomes the net

`readers/` gives the arrays of a file by their names, `tables/` says which of them are which layers
of a deploy net, `mapping.py` applies a table, and `convert.py` writes the model's folder. `graphs/`
makes a net of an ONNX graph that no table knows.
"""

from .convert import Imported, convert, file_names
from .folder import Folder
from .graphs import Graph, Input, OpenSizeError, convert_graph, is_made_of_a_graph
from .mapping import Mapped, mapped, some
from .readers import KINDS, read
from .tables import TABLES, models
from .tables.table import Table

__all__ = [
    "KINDS",
    "TABLES",
    "Folder",
    "Graph",
    "Imported",
    "Input",
    "Mapped",
    "OpenSizeError",
    "Table",
    "convert",
    "convert_graph",
    "file_names",
    "is_made_of_a_graph",
    "mapped",
    "models",
    "read",
    "some",
]

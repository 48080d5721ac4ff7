"""ONNX graphs of convolutional nets, as Caffe nets.

>>> net_surgery.imports.graphs.convert_graph("net.onnx", "mynet").save("mynet")

`model.py` reads the graph, `builder.py` holds the net under construction, `convolutions.py`,
`pooling.py`, `elementwise.py` and `shaping.py` make layers of nodes, `folding.py` works out what is
made of constants alone, and `convert.py` goes through the nodes and writes the model's folder.
"""

from ...errors import OpenSizeError
from .convert import (
    Graph,
    Input,
    Size,
    convert_graph,
    file_names,
    is_made_of_a_graph,
    operators,
)

__all__ = [
    "Graph",
    "Input",
    "OpenSizeError",
    "Size",
    "convert_graph",
    "file_names",
    "is_made_of_a_graph",
    "operators",
]

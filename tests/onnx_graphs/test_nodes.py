"""Every kind of node beside ONNX Runtime: each blob of the imported net against its tensor.

`make test-onnx` runs this. It needs the packages onnx, which makes the files, and onnxruntime.
"""

import itertools
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest

from tests.support.onnx_graphs import Graph
from tests.support.onnx_runtime import compared

pytestmark = pytest.mark.onnx

CONVOLUTIONS: List[Dict[str, Any]] = [
    {},
    {"pads": [1, 1, 1, 1], "strides": [2, 2]},
    {"pads": [0, 0, 1, 1], "strides": [2, 2]},
    {"pads": [2, 0, 1, 3]},
    {"pads": [1, 2, 1, 2], "strides": [1, 2]},
    {"pads": [3, 0, 0, 2], "dilations": [2, 2]},
    {"pads": [1, 2, 4, 2], "dilations": [3, 1], "strides": [2, 1]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    {"auto_pad": "SAME_UPPER", "strides": [3, 1]},
    {"auto_pad": "VALID", "strides": [2, 2]},
    {"group": 2, "pads": [1, 1, 1, 1]},
    {"group": 4, "pads": [0, 1, 1, 0]},
]


@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
def test_convolution(caffe: Any, tmp_path: Path, settings: Dict[str, Any]) -> None:
    for number, (size, kernel) in enumerate(itertools.product(((12, 15), (13, 10)), (3, (2, 5)))):
        graph = Graph(2, 4, *size)
        graph.conv(4, 8, kernel, bias=number % 2 == 0, **settings)
        (tmp_path / str(number)).mkdir()
        compared(graph, caffe, tmp_path / str(number))


TRANSPOSED: List[Dict[str, Any]] = [
    {},
    {"strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
    {"strides": [3, 2], "pads": [0, 2, 1, 0], "output_padding": [1, 0]},
    {"strides": [2, 2], "pads": [2, 0, 0, 1], "dilations": [2, 2]},
    {"strides": [2, 2], "output_shape": [23, 18]},
    {"strides": [2, 2], "output_shape": [22, 17], "auto_pad": "SAME_UPPER"},
    {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
    {"group": 2, "strides": [2, 2]},
]


@pytest.mark.parametrize("settings", TRANSPOSED, ids=str)
def test_transposed_convolution(caffe: Any, tmp_path: Path, settings: Dict[str, Any]) -> None:
    graph = Graph(1, 4, 11, 8, opset=11)
    weight = graph.random(4, 6 // settings.get("group", 1), 3, 3)
    graph.add("ConvTranspose", "x", weight, graph.random(6), **settings)
    compared(graph, caffe, tmp_path)


POOLS: List[Dict[str, Any]] = [
    {"kernel_shape": [3, 3], "strides": [2, 2]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [2, 3], "strides": [1, 2], "pads": [1, 0, 0, 1]},
    {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 0]},
    {"kernel_shape": [5, 4], "strides": [2, 3], "pads": [2, 1, 1, 3]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"},
    {"kernel_shape": [2, 2], "strides": [1, 1], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [3, 2], "strides": [3, 3], "auto_pad": "VALID"},
    {"kernel_shape": [1, 1], "strides": [2, 2]},
    {"kernel_shape": [1, 1], "strides": [2, 2], "ceil_mode": 1},
]


@pytest.mark.parametrize("settings", POOLS, ids=str)
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "AveragePool including padding"])
def test_pooling(caffe: Any, tmp_path: Path, op: str, settings: Dict[str, Any]) -> None:
    if "including" in op:
        settings = {**settings, "count_include_pad": 1}
    for size in ((12, 15), (13, 10), (11, 16)):
        graph = Graph(2, 3, *size, opset=19)
        graph.add(op.split()[0], **settings)
        folder = tmp_path / str(size)
        folder.mkdir()
        compared(graph, caffe, folder)


def test_activations(caffe: Any, tmp_path: Path) -> None:
    """In place where nothing else reads what is below, and not where something does."""
    graph = Graph(1, 4, 7, 6, opset=22)
    graph.conv(4, 5)
    for op, settings in (
        ("Relu", {}), ("Dropout", {}), ("LeakyRelu", {"alpha": 0.2}), ("Sigmoid", {}),
        ("Tanh", {}), ("Elu", {"alpha": 0.7}), ("Abs", {}), ("Exp", {}), ("Softplus", {}),
        ("Softmax", {"axis": 1}),
    ):  # fmt: skip
        graph.add(op, **settings)
    first = graph.conv(5, 6)
    graph.outputs = [graph.add("Relu"), graph.add("LeakyRelu", first, alpha=-0.5)]
    graph.add("PRelu", first, graph.random(6, 1, 1))
    graph.outputs.append(graph.add("PRelu", graph.last, graph.constant([0.3])))
    imported, net = compared(graph, caffe, tmp_path)
    in_place = [x.name for x in imported.net.layer if list(x.bottom) == list(x.top)]
    assert in_place == ["relu_1", "dropout_2"]


@pytest.mark.parametrize("ends", [(0, 6), (None, 1), (-1, None), (0, None), (None, None)], ids=str)
@pytest.mark.parametrize("opset", [6, 11])
def test_clip(caffe: Any, tmp_path: Path, ends: Any, opset: int) -> None:
    graph = Graph(1, 4, 7, 6, opset=opset)
    graph.conv(4, 5)
    if opset < 11:
        pairs = zip(("min", "max"), ends)
        graph.add("Clip", **{name: float(end) for name, end in pairs if end is not None})
    else:
        graph.add("Clip", graph.last, *("" if e is None else graph.constant(e) for e in ends))
    compared(graph, caffe, tmp_path)


def test_normalisation(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(2, 6, 5, 4)
    graph.norm(6, epsilon=1e-3)
    graph.add("LRN", size=5, alpha=0.1, beta=0.6, bias=2.0)
    graph.add("Flatten")
    graph.norm(120)
    compared(graph, caffe, tmp_path)


@pytest.mark.parametrize("opset", [9, 13])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, 3, -1])
def test_softmax(caffe: Any, tmp_path: Path, axis: Any, opset: int) -> None:
    graph = Graph(2, 3, 4, 5, opset=opset)
    graph.add("Softmax", **({} if axis is None else {"axis": axis}))
    compared(graph, caffe, tmp_path)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
def test_arithmetic_with_constants(caffe: Any, tmp_path: Path, op: str) -> None:
    graph = Graph(1, 4, 5, 6)
    for shape in ((), (1,), (4, 1, 1), (1, 4, 1, 1), (6,), (5, 1), (1, 5, 6), (4, 5, 6), (4, 1, 6)):
        graph.add(op, graph.last, graph.random(*shape, low=0.5, high=1.5))
        if op != "Div":
            graph.add(op, graph.random(*shape, low=0.5, high=1.5), graph.last)
    compared(graph, caffe, tmp_path)


def test_arithmetic_of_blobs(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(2, 4, 5, 6)
    a, b = graph.conv(4, 3), graph.conv(4, 3, source="x")
    gate = graph.add("GlobalAveragePool", b)
    outputs = [
        graph.add("Add", a, b),
        graph.add("Sub", a, b),
        graph.add("Mul", a, b),
        graph.add("Sum", a, b, a),
        graph.add("Max", a, b),
        graph.add("Sum", a),
        graph.add("Mul", a, gate),
        graph.add("Add", gate, a),
        graph.add("Add", a, a),
    ]
    graph.add("Concat", *outputs, axis=1)
    graph.add("Concat", graph.last, graph.last, axis=2)
    compared(graph, caffe, tmp_path)


def test_a_constant_that_is_added_becomes_the_bias_before(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(1, 4, 5, 6)
    graph.conv(4, 3, bias=False)
    graph.add("Add", graph.last, graph.random(3, 1, 1))
    graph.add("Relu")
    graph.add("Flatten")
    graph.add("MatMul", graph.last, graph.random(36, 7))
    graph.add("Add", graph.last, graph.random(7))
    imported, _ = compared(graph, caffe, tmp_path)
    types = ["Input", "Convolution", "ReLU", "Flatten", "InnerProduct"]
    assert [layer.type for layer in imported.net.layer] == types


def test_matrices(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(3, 4, 5, 6)
    outputs = [graph.add("MatMul", "x", graph.random(6, 8))]
    flat = graph.add("Flatten", "x")
    for weight, bias, settings in (
        ((120, 7), (7,), {}), ((7, 120), (1, 7), {"transB": 1}),
        ((7, 120), (1,), {"transB": 1, "alpha": 0.5, "beta": 2.0}), ((120, 7), None, {}),
    ):  # fmt: skip
        more = [] if bias is None else [graph.random(*bias)]
        outputs.append(graph.add("Gemm", flat, graph.random(*weight), *more, **settings))
    graph.outputs = outputs
    compared(graph, caffe, tmp_path)


def test_shapes(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(2, 4, 1, 6)
    outputs = []
    for op, inputs, settings in (
        ("Reshape", [graph.constant([0, -1], np.int64)], {}),
        ("Reshape", [graph.constant([-1, 24], np.int64)], {}),
        ("Reshape", [graph.constant([0, 6, 2, 2], np.int64)], {}),
        ("Reshape", [graph.constant([4, 12], np.int64)], {}),
        ("Flatten", [], {"axis": 0}), ("Flatten", [], {"axis": 2}), ("Flatten", [], {"axis": 4}),
        ("Squeeze", [graph.constant([2], np.int64)], {}), ("Squeeze", [], {}),
        ("Unsqueeze", [graph.constant([1, -1], np.int64)], {}),
        ("Identity", [], {}), ("Cast", [], {"to": 1}), ("Transpose", [], {"perm": [0, 2, 1, 3]}),
    ):  # fmt: skip
        made = graph.add(op, "x", *inputs, **settings)
        outputs.append(graph.add("Abs", made))
    graph.outputs = outputs
    compared(graph, caffe, tmp_path)


def test_global_pooling_and_means(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(2, 4, 5, 6)
    graph.outputs = [
        graph.add("GlobalAveragePool", "x"), graph.add("GlobalMaxPool", "x"),
        graph.add("ReduceMean", "x", axes=[2, 3]),
        graph.add("ReduceMean", "x", axes=[-1, -2], keepdims=0),
    ]  # fmt: skip
    compared(graph, caffe, tmp_path)


@pytest.mark.parametrize("opset", [9, 13])
def test_padding(caffe: Any, tmp_path: Path, opset: int) -> None:
    """Into the convolutions that read it, or a layer of its own."""
    graph = Graph(2, 4, 9, 8, opset=opset)

    def pad(source: str, sides: List[int]) -> str:
        pads = [0, 0, *sides[:2], 0, 0, *sides[2:]]
        if opset < 11:
            return graph.add("Pad", source, pads=pads)
        return graph.add("Pad", source, graph.constant(pads, np.int64))

    padded = pad("x", [1, 2, 2, 1])
    a = graph.conv(4, 3, source=padded, strides=[2, 2])
    b = graph.conv(4, 3, source=padded, strides=[2, 2], pads=[1, 0, 0, 1])
    alone = pad("x", [0, 0, 1, 1])
    graph.outputs = [a, b, graph.add("MaxPool", alone, kernel_shape=[3, 3], strides=[2, 2]),
                     pad("x", [2, 0, 0, 3]), pad("x", [0, 0, 0, 0])]  # fmt: skip
    compared(graph, caffe, tmp_path)


def test_a_shape_that_is_taken_apart(caffe: Any, tmp_path: Path) -> None:
    """x.view(x.size(0), -1), as PyTorch exported it for years."""
    graph = Graph("batch", 4, 5, 6, opset=11)
    graph.conv(4, 3)
    source = graph.last
    shape = graph.add("Shape")
    one = graph.add("Gather", shape, graph.constant(0, np.int64), axis=0)
    first = graph.add("Unsqueeze", one, axes=[0])
    rest = graph.add("Constant", outputs=["rest"], value=np.array([-1], np.int64))
    graph.nodes[-1].inputs = []
    flat = graph.add("Reshape", source, graph.add("Concat", first, rest, axis=0))
    weight = graph.add("Transpose", graph.random(7, 36), perm=[1, 0])
    graph.add("MatMul", flat, weight)
    compared(graph, caffe, tmp_path)

"""Whole nets in the manner of exporters, each blob beside ONNX Runtime (`make test-onnx`)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netfile.prototxt import read_prototxt
from netfile.system.places import PROTOTXT
from tests.support.onnx_graphs import Graph
from tests.support.onnx_of_caffe import graph_of
from tests.support.onnx_runtime import compared

pytestmark = pytest.mark.onnx


@pytest.mark.parametrize(
    "model", ["bvlc_googlenet", "ResNet-50", "squeezenet_v1.0", "efficientnet_lite0"]
)
def test_our_deploy_nets(caffe: Any, tmp_path: Path, model: str) -> None:
    """As a converter from Caffe writes them: pooling in ceil mode."""
    net = read_prototxt(PROTOTXT / model / "deploy.prototxt", caffe.io.caffe_pb2)
    net.layer[0].input_param.shape[0].dim[0] = 1
    graph, _ = graph_of(net)
    # some 50 convolutions in a row, each of which the two round in another order
    tolerance = 3e-5 if model in ("efficientnet_lite0", "ResNet-50") else 1e-5
    compared(graph, caffe, tmp_path, tolerance)


def test_googlenet_with_normalisation(caffe: Any, tmp_path: Path) -> None:
    """As PyTorch exports it: a batch that is open, normalisation, rounding up, a view at the end.

    Two branches read each normalised map.
    """
    graph = Graph("batch", 3, 64, 80, opset=11)

    def block(channels: int, count: int, kernel: int, source: str = "", **settings: Any) -> str:
        graph.conv(channels, count, kernel, bias=False, source=source, **settings)
        graph.norm(count, epsilon=1e-3)
        return graph.add("Relu")

    block(3, 8, 7, strides=[2, 2], pads=[3, 3, 3, 3])
    graph.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    graph.add("LRN", size=5, alpha=1e-4, beta=0.75, bias=1.0)
    channels = 8
    for _ in range(2):
        x = graph.last
        pooled = graph.add("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1)
        branches = [
            block(channels, 4, 1, x),
            block(6, 8, 3, block(channels, 6, 1, x), pads=[1, 1, 1, 1]),
            block(3, 4, 5, block(channels, 3, 1, x), pads=[2, 2, 2, 2]),
            block(channels, 4, 1, pooled),
        ]
        graph.add("Concat", *branches, axis=1)
        channels = 20
    pooled = graph.add("GlobalAveragePool")
    first = graph.add("Gather", graph.add("Shape", pooled), graph.constant(0, np.int64), axis=0)
    start = graph.add("Unsqueeze", first, axes=[0])
    shape = graph.add("Concat", start, graph.constant([-1], np.int64), axis=0)
    graph.add("Reshape", pooled, shape)
    graph.add("Dropout", ratio=0.4)
    graph.add("Gemm", graph.last, graph.random(10, 20), graph.random(10), transB=1)
    graph.outputs = [graph.last, graph.add("Softmax")]
    compared(graph, caffe, tmp_path)


@pytest.mark.parametrize("opset", [8, 17])
def test_resnet(caffe: Any, tmp_path: Path, opset: int) -> None:
    """Sums of branches, rounding down at an even size, and gates on channels."""
    graph = Graph(1, 3, 64, 64, opset=opset)
    graph.conv(3, 8, 7, strides=[2, 2], pads=[3, 3, 3, 3], bias=False)
    graph.norm(8)
    graph.add("Relu")
    graph.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 8
    for count, stride in ((8, 1), (16, 2), (16, 1)):
        x = graph.last
        graph.conv(channels, 4, 1, source=x, bias=False)
        graph.norm(4)
        graph.add("Relu")
        graph.conv(4, 4, 3, strides=[stride, stride], pads=[1, 1, 1, 1], group=2, bias=False)
        graph.norm(4)
        graph.add("Relu")
        graph.conv(4, count, 1, bias=False)
        branch = graph.norm(count)
        gate = graph.conv(count, count, 1, source=graph.add("GlobalAveragePool", branch))
        branch = graph.add("Mul", branch, graph.add("Sigmoid", gate))
        if count != channels or stride > 1:
            graph.conv(channels, count, 1, source=x, strides=[stride, stride], bias=False)
            x = graph.norm(count)
        graph.add("Add", branch, x)
        graph.add("Relu")
        channels = count
    graph.add("AveragePool", kernel_shape=[8, 8])
    graph.add("Reshape", graph.last, graph.constant([1, 16], np.int64))
    graph.add("Gemm", graph.last, graph.random(16, 10), graph.random(10))
    graph.add("Softmax", axis=1)
    imported, _ = compared(graph, caffe, tmp_path)
    assert sum(list(x.bottom) == list(x.top) for x in imported.net.layer) == 10


def test_squeezenet(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(1, 3, 55, 55, opset=10)
    graph.conv(3, 8, strides=[2, 2])
    graph.add("Relu")
    for count in (4, 6):
        graph.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 0, 0], ceil_mode=0)
        graph.conv(8, count, 1)
        x = graph.add("Relu")
        graph.conv(count, 4, 1, source=x)
        left = graph.add("Relu")
        graph.conv(count, 4, 3, source=x, pads=[1, 1, 1, 1])
        graph.add("Concat", left, graph.add("Relu"), axis=1)
    graph.add("Dropout", ratio=0.5)
    graph.conv(8, 10, 1)
    graph.add("Relu")
    graph.add("GlobalAveragePool")
    graph.add("Softmax", axis=1)
    graph.add("Flatten")
    compared(graph, caffe, tmp_path)


def test_vgg(caffe: Any, tmp_path: Path) -> None:
    """As Keras exports it, but for the order of axes: biases are added, matrices multiplied."""
    graph = Graph("N", 3, None, None, opset=15)
    channels = 3
    for count in (4, 8):
        for _ in range(2):
            graph.conv(channels, count, 3, bias=False, auto_pad="SAME_UPPER")
            graph.add("Add", graph.last, graph.random(count, 1, 1))
            graph.add("Relu")
            channels = count
        graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    graph.add("Flatten")
    for inputs, count in ((8 * 8 * 7, 16), (16, 10)):
        graph.add("MatMul", graph.last, graph.random(inputs, count))
        graph.add("Add", graph.last, graph.random(count))
        if count == 16:
            graph.add("Relu")
            graph.add("Dropout")
    graph.add("Softmax")
    imported, _ = compared(graph, caffe, tmp_path, size=(32, 30))
    assert not {"Bias", "Power"} & {layer.type for layer in imported.net.layer}


def test_tensorflows_mobile_nets(caffe: Any, tmp_path: Path) -> None:
    """SAME padding with strides, steps that are cut off at 6, means over the map."""
    graph = Graph(1, 3, 64, 50, opset=13)
    graph.conv(3, 8, bias=False, strides=[2, 2], auto_pad="SAME_UPPER")
    channels = 8
    for count in (8, 12):
        graph.norm(channels, epsilon=1e-3)
        graph.add("Clip", graph.last, graph.constant(0), graph.constant(6))
        graph.conv(channels, channels, 5, bias=False, strides=[2, 2], auto_pad="SAME_UPPER",
                   group=channels)  # fmt: skip
        graph.conv(channels, count, 1, bias=False)
        channels = count
    graph.add("AveragePool", kernel_shape=[3, 3], auto_pad="SAME_UPPER")
    graph.add("ReduceMean", axes=[2, 3], keepdims=1)
    graph.add("Squeeze", graph.last, graph.constant([2, 3], np.int64))
    graph.add("MatMul", graph.last, graph.random(12, 5))
    compared(graph, caffe, tmp_path)

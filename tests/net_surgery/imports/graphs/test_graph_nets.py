"""Deploy nets of ours, written as ONNX graphs, come back as the nets that they were.

`make test-onnx` compares graphs of every kind of node with ONNX Runtime.
"""

from pathlib import Path
from typing import Any, Dict, List, Set

import numpy as np
import pytest

from net_surgery.imports.graphs import convert_graph
from netfile import caffemodel
from netfile.prototxt import read_prototxt
from netfile.shapes import infer
from netfile.system.places import PROTOTXT
from tests.support.onnx_graphs import Graph
from tests.support.onnx_of_caffe import graph_of


def outputs(caffe: Any, folder: Path, net: Any, parameters: Dict[str, List[np.ndarray]]) -> Any:
    """{blob: values} after a pass on a picture of noise."""
    folder.mkdir()
    (folder / "net.prototxt").write_text(str(net))
    with open(folder / "net.caffemodel", "wb") as file:
        for layer in net.layer:
            entry = type(layer)(name=layer.name, type=layer.type)
            caffemodel.write_layer(file, entry, parameters.get(layer.name, ()))
    run = caffe.Net(
        str(folder / "net.prototxt"), caffe.TEST, weights=str(folder / "net.caffemodel")
    )
    data = run.blobs["data"].data
    data[...] = np.random.RandomState(2).uniform(-100, 100, data.shape)
    run.forward()
    return {name: blob.data.copy() for name, blob in run.blobs.items()}


def _written_over(*nets: Any) -> Set[str]:
    """The blobs that layers in place change in one of the nets only, and copies."""
    first, second = ({x.top[0] for x in net.layer if list(x.top) == list(x.bottom)} for net in nets)
    return (first - second) | (second - first)


@pytest.mark.parametrize("model", ["bvlc_googlenet", "mxnet_squeezenet1.1", "efficientnet_lite0"])
def test_a_net_comes_back(caffe: Any, tmp_path: Path, model: str) -> None:
    net = read_prototxt(PROTOTXT / model / "deploy.prototxt", caffe.io.caffe_pb2)
    net.layer[0].input_param.shape[0].dim[0] = 1
    graph, parameters = graph_of(net)
    path = tmp_path / "net.onnx"
    path.write_bytes(graph.message(lists_weights=True))
    made = convert_graph(path, "again", caffe)
    assert infer(made.net)[made.net.layer[-1].top[0]] == infer(net)[net.layer[-1].top[0]]
    before = outputs(caffe, tmp_path / "before", net, parameters)
    after = outputs(caffe, tmp_path / "after", made.net, made.parameters)
    same = [name for name in before if name in after and name not in _written_over(net, made.net)]
    assert len(same) > 30
    for name in same:
        scale = max(1.0, float(np.abs(before[name]).max()))
        assert np.abs(before[name] - after[name]).max() / scale < 1e-5, name


def test_the_classic_layers_are_made(caffe: Any, tmp_path: Path) -> None:
    """In place, the constant that is added as a bias, and pads alike where they are."""
    graph = Graph(1, 3, 32, 32)
    graph.conv(3, 4, 5, bias=False, strides=[2, 2], pads=[2, 2, 2, 2], outputs=["conv1"])
    graph.add("Add", "conv1", graph.random(4, 1, 1))
    graph.add("Relu")
    graph.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], outputs=["pool1"])
    graph.add("Gemm", graph.add("Flatten"), graph.random(196, 5), graph.random(5), outputs=["fc2"])
    (tmp_path / "a.onnx").write_bytes(graph.message())
    net = convert_graph(tmp_path / "a.onnx", "net", caffe).net
    layers = [(x.type, x.name, list(x.bottom), list(x.top)) for x in net.layer]
    assert layers[1:] == [
        ("Convolution", "conv1", ["data"], ["conv1"]),
        ("ReLU", "relu_2", ["conv1"], ["conv1"]),
        ("Pooling", "pool1", ["conv1"], ["pool1"]),
        ("Flatten", "flatten_4", ["pool1"], ["flatten_4"]),
        ("InnerProduct", "fc2", ["flatten_4"], ["fc2"]),
    ]
    told = " ".join(str(net.layer[1].convolution_param).split())
    assert told == "num_output: 4 bias_term: true pad: 2 kernel_size: 5 stride: 2"
    # 16 wide: Caffe would round up to 8
    assert net.layer[3].pooling_param.round_mode == net.layer[3].pooling_param.FLOOR


def test_names_become_ones_that_caffes_tools_take(caffe: Any, tmp_path: Path) -> None:
    names = ["/features/0/Conv_output_0", "a\x1b[31m b", "a\n[31m b", "17", "", "é:0", "../../etc"]
    graph = Graph(1, 3, 8, 8, name="in\nput")
    for name in names:
        graph.add("Abs", outputs=[name or "_"])
    (tmp_path / "a.onnx").write_bytes(graph.message())
    made = convert_graph(tmp_path / "a.onnx", "net", caffe)
    found = [layer.name for layer in made.net.layer]
    assert found == ["data", "features/0/Conv", "a__31m_b", "a__31m_b_2", "n3", "n4", "n5",
                     "../../etc"]  # fmt: skip
    assert list(made.tensors.values()) == ["in\nput", *(name or "_" for name in names)]


def test_shared_weights_are_written_for_each(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(1, 3, 8, 8)
    weight = graph.random(3, 3, 1, 1)
    graph.add("Conv", "x", weight)
    graph.add("Conv", graph.last, weight)
    (tmp_path / "a.onnx").write_bytes(graph.message())
    made = convert_graph(tmp_path / "a.onnx", "net", caffe)
    assert [len(blobs) for blobs in made.parameters.values()] == [1, 1]


def test_broadcasting_before_version_7(caffe: Any, tmp_path: Path) -> None:
    made = []
    for opset in (6, 13):
        graph = Graph(1, 4, 5, 6, opset=opset)
        for op, size, axis in (("Add", 4, 1), ("Mul", 5, 2), ("Sub", 6, 3)):
            if opset == 6:
                graph.add(op, graph.last, graph.random(size), broadcast=1, axis=axis)
            else:
                graph.add(op, graph.last, graph.random(size, *[1] * (3 - axis)))
        (tmp_path / "a.onnx").write_bytes(graph.message())
        made.append(convert_graph(tmp_path / "a.onnx", "net", caffe))
    assert made[0].net == made[1].net
    for name, blobs in made[0].parameters.items():
        assert all(map(np.array_equal, blobs, made[1].parameters[name])), name


@pytest.mark.slow
def test_many_nodes(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(1, 3, 8, 8)
    graph.conv(3, 4, 1)
    for _ in range(20_000):
        graph.add("Relu")
    (tmp_path / "a.onnx").write_bytes(graph.message())
    assert len(convert_graph(tmp_path / "a.onnx", "net", caffe).net.layer) == 20_002

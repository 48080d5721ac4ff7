"""What Caffe cannot do, or a file does not say, is refused in one line that names it."""

from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest

from net_surgery.errors import FormatError
from net_surgery.imports import Input, OpenSizeError, convert, convert_graph
from tests.support import foreign_weights as foreign
from tests.support.onnx_graphs import Graph

Case = Tuple[Callable[[Graph], Any], str]


def shape_of(graph: Graph, *dims: Any, kind: str = "") -> None:
    graph.inputs = [("x", dims)]
    graph.conv(3, 4)


def array(graph: Graph, values: Any, dtype: Any = np.float32) -> str:
    return graph.constant(np.asarray(values, dtype), dtype)


CASES: Dict[str, Case] = {
    "an operator": (lambda g: g.add("NonMaxSuppression"), "not converted: NonMaxSuppression;"),
    "a loop": (lambda g: g.add("Loop"), "not converted: Loop;"),
    "quantised": (lambda g: g.add("QLinearConv"), "not converted: QLinearConv;"),
    "several": (
        lambda g: [g.add("Resize"), g.add("Resize"), g.add("Gelu")],
        "not converted: Gelu, Resize (2); those that are: Abs, Add, AveragePool",
    ),
    "a circle": (
        lambda g: [g.add("Add", "x", "b", outputs=["a"]), g.add("Relu", "a", outputs=["b"])],
        'Add "n0" reads "b", which is no input and which no node before it makes',
    ),
    "itself": (lambda g: g.add("Relu", "a", outputs=["a"]), 'reads "a", which is no input'),
    "two makers": (
        lambda g: [g.add("Relu", outputs=["a"]), g.add("Tanh", "x", outputs=["a"])],
        'makes "a", which another node makes already',
    ),
    "no pads": (lambda g: g.conv(3, 4, pads=[-1, 0, 0, 0]), "has pads [-1, 0, 0, 0]"),
    "reflected": (
        lambda g: g.add("Pad", mode="reflect", pads=[0, 0, 1, 1, 0, 0, 1, 1]),
        "has the mode reflect",
    ),
    "padding with ones": (
        lambda g: g.add("Pad", "x", array(g, [0, 0, 1, 1, 0, 0, 1, 1], np.int64), array(g, 1)),
        "pads with 1.0; Caffe pads with 0",
    ),
    "channels": (lambda g: g.conv(4, 4), "(4, 4, 3, 3) in 1 groups, but gets 3 channels"),
    "one axis": (lambda g: g.add("Conv", "x", g.random(4, 3, 3)), "over two axes are converted"),
    "weights of its own": (
        lambda g: g.add("Conv", "x", "x"),
        "works out its weights, which must be constants",
    ),
    "whole numbers": (
        lambda g: g.add("Conv", "x", array(g, np.ones((4, 3, 1, 1)), np.int64)),
        "has weights of int64, not floats",
    ),
    "a gap": (
        lambda g: g.add("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]),
        "has dilations [2, 2], but windows have no gaps in Caffe",
    ),
    "both sizes": (
        lambda g: g.add("AveragePool", kernel_shape=[1, 5], strides=[2, 2], ceil_mode=1),
        "makes 6x5 of 12x12, but Caffe's pooling 7x5",
    ),
    "the places of maxima": (
        lambda g: [g.add("MaxPool", outputs=["a", "b"], kernel_shape=[2, 2]), g.add("Abs", "b")],
        'makes "b" beside its first output, which is read',
    ),
    "too small": (
        lambda g: g.add("MaxPool", kernel_shape=[13, 13]),
        "gets a map of (12, 12), which is smaller than its kernel (13, 13)",
    ),
    "even": (lambda g: g.add("LRN", size=4), "has the size 4; Caffe's is odd"),
    "shapes": (
        lambda g: g.add("Add", "x", g.conv(3, 4)),
        "combines (1, 3, 12, 12) and (1, 4, 10, 10)",
    ),
    "a constant": (lambda g: g.add("Mul", "x", g.random(5)), "to which it does not fit"),
    "training": (lambda g: g.norm(3, training_mode=1), "is in training mode"),
    "an order": (
        lambda g: g.add("Transpose", perm=[0, 2, 3, 1]),
        "puts the axes of (1, 3, 12, 12) into the order [0, 2, 3, 1], which Caffe cannot",
    ),
    "values": (
        lambda g: g.add("Reshape", "x", array(g, [1, 7], np.int64)),
        "cannot make [1, 7] of (1, 3, 12, 12)",
    ),
    "an attribute": (lambda g: g.conv(3, 4, group="two"), "has an attribute group of another kind"),
    "a huge stride": (lambda g: g.conv(3, 4, strides=[1 << 40, 1]), "has strides [1099511627776,"),
    "a bomb": (
        lambda g: g.add("Reshape", "x", g.add(
            "ConstantOfShape", array(g, [1 << 30, 1 << 10], np.int64))),
        "would unfold this file",
    ),
    "huge padding": (
        lambda g: g.conv(3, 4, pads=[0, 0, 1 << 20, 1 << 20]), "would unfold this file",
    ),
    "pixels": (lambda g: shape_of(g, 1, 12, 12, 3), "but gets 12 channels"),
    "no channels": (lambda g: shape_of(g, 1, "C", 12, 12), "how many channels its input"),
    "vectors": (lambda g: shape_of(g, 1, 12), "of the shape 1x12, not of pictures"),
    "an enormous input": (lambda g: shape_of(g, 1, 3, 1 << 20, 1 << 20), "3x1048576x1048576"),
    "no outputs of its own": (
        lambda g: g.add("Identity", array(g, [1.0])), "has no input that its outputs are made of"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_converted(caffe: Any, tmp_path: Path, name: str) -> None:
    graph = Graph(1, 3, 12, 12)
    make, told = CASES[name]
    make(graph)
    path = tmp_path / "a.onnx"
    path.write_bytes(graph.message())
    with pytest.raises(FormatError) as e:
        convert_graph(path, "net", caffe)
    assert told in str(e.value) and str(path) in str(e.value) and "\n" not in str(e.value)


@pytest.mark.parametrize("opset, told", [(0, "does not say which version"), (99, "version 99")])
def test_unknown_versions(caffe: Any, tmp_path: Path, opset: int, told: str) -> None:
    graph = Graph(1, 3, 12, 12, opset=opset)
    graph.conv(3, 4)
    (tmp_path / "a.onnx").write_bytes(graph.message())
    with pytest.raises(FormatError, match=told):
        convert_graph(tmp_path / "a.onnx", "net", caffe)


def test_other_domains_are_named(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(1, 3, 12, 12)
    graph.add("FusedConv")
    raw = graph.nodes[0].message() + foreign.field(7, "com.microsoft")
    graph.nodes[0].message = lambda: raw  # type: ignore[method-assign]
    (tmp_path / "a.onnx").write_bytes(graph.message())
    with pytest.raises(FormatError, match=r"not converted: com\.microsoft\.FusedConv"):
        convert_graph(tmp_path / "a.onnx", "net", caffe)


def test_the_size_is_given_where_it_is_open(caffe: Any, tmp_path: Path) -> None:
    graph = Graph("n", 3, "h", None)
    graph.conv(3, 4)
    path = tmp_path / "a.onnx"
    path.write_bytes(graph.message())
    with pytest.raises(OpenSizeError, match=r'size of its input "x" open, nx3xhx\?'):
        convert_graph(path, "net", caffe)
    made = convert_graph(path, "net", caffe, size=(20, 30))
    assert list(made.net.layer[0].input_param.shape[0].dim) == [1, 3, 20, 30]
    graph.inputs = [("x", (1, 3, 12, 12))]
    path.write_bytes(graph.message())
    with pytest.raises(FormatError, match="takes pictures 12x12 high and wide, not 20x30"):
        convert_graph(path, "net", caffe, size=(20, 30))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_become_float32(caffe: Any, tmp_path: Path, dtype: Any) -> None:
    graph = Graph(1, 3, 12, 12)
    graph.add("Conv", "x", graph.constant(graph.rng.normal(0, 1, (4, 3, 3, 3)), dtype))
    (tmp_path / "a.onnx").write_bytes(graph.message())
    (blobs,) = convert_graph(tmp_path / "a.onnx", "net", caffe).parameters.values()
    assert blobs[0].dtype == np.float32 and np.array_equal(
        blobs[0], graph.arrays["c0"].astype("f4")
    )


def test_values_that_are_stored_elsewhere(caffe: Any, tmp_path: Path) -> None:
    graph = Graph(1, 3, 12, 12)
    weights = graph.rng.normal(0, 1, (4, 3, 3, 3)).astype("f4")
    graph.add("Conv", "x", "w")
    place = foreign.field(13, foreign.field(1, "location") + foreign.field(2, "w.bin"))
    tensor = foreign.onnx_tensor("w", weights, place + foreign.field(14, 1))
    whole = graph.message() + foreign.field(7, foreign.field(5, tensor))
    path = tmp_path / "a.onnx"
    path.write_bytes(whole)
    with pytest.raises(FormatError, match=r"another file, w\.bin, which is not beside"):
        convert_graph(path, "net", caffe)
    (tmp_path / "w.bin").write_bytes(weights.tobytes())
    (blobs,) = convert_graph(path, "net", caffe).parameters.values()
    assert np.array_equal(blobs[0], weights)


def test_a_file_that_is_no_graph(caffe: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(foreign.npz({"a": np.ones(3, np.float32)}))
    for convert_it in (convert_graph, convert):
        with pytest.raises(FormatError, match="ONNX graph"):
            convert_it(path, "net", caffe)
    with pytest.raises(FormatError, match="No such file"):
        convert(tmp_path / "none.onnx", "net", caffe)
    path.write_bytes(foreign.onnx({"a": np.ones(3, np.float32)}))
    with pytest.raises(FormatError, match="has no nodes"):
        convert(path, "net", caffe)


@pytest.mark.parametrize("taken, told", [
    (Input(mean=(1, 2)), "but the net takes 3 channels"),
    (Input(mean=(float("nan"),)), "the mean is"), (Input(channel_order="rbg"), "not bgr or rgb"),
    (Input(scale=0), "not a number above 0"),
])  # fmt: skip
def test_what_the_net_takes_is_checked(caffe: Any, tmp_path: Path, taken: Input, told: str) -> None:
    graph = Graph(1, 3, 12, 12)
    graph.conv(3, 4)
    (tmp_path / "a.onnx").write_bytes(graph.message())
    with pytest.raises(FormatError, match=told):
        convert_graph(tmp_path / "a.onnx", "net", caffe, taken=taken)


@pytest.mark.parametrize("name", ["", "../net", "a/b", "a\nb", "-x", "n" * 101])
def test_names_of_models(caffe: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match="is no name for a model"):
        convert_graph(tmp_path / "a.onnx", name, caffe)

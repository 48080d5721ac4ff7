"""Damaged and absurd graphs: each becomes a net that fits together, or is refused in one line."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net_surgery.errors import FormatError
from net_surgery.imports.graphs import convert_graph, operators
from net_surgery.imports.graphs.folding import FOLDS
from netfile.shapes import infer, weight_shapes
from tests.support.damage import damaged
from tests.support.onnx_graphs import Graph

ROUNDS = int(os.environ.get("FUZZ_EXAMPLES", "150"))


def small() -> Graph:
    """A graph that has something of everything."""
    graph = Graph("n", 3, 9, 8, opset=11)
    graph.conv(3, 4, pads=[0, 0, 1, 1])
    source = graph.norm(4)
    graph.add("MaxPool", kernel_shape=[2, 2], strides=[1, 1], auto_pad="SAME_UPPER")
    graph.add("Clip", graph.last, graph.constant(0), graph.constant(6))
    graph.add("Mul", graph.last, graph.random(4, 1, 1))
    pooled = graph.add("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    start = graph.add("Gather", graph.add("Shape", source), graph.constant([0], np.int64))
    shape = graph.add("Concat", start, graph.constant([-1], np.int64), axis=0)
    flat = graph.add("Reshape", pooled, shape)
    graph.add("Gemm", flat, graph.random(4 * 8 * 7, 3), graph.random(3))
    graph.add("Softmax", axis=-1)
    return graph


def check(caffe: Any, path: Path) -> None:
    """A net whose shapes and weights fit, or one line."""
    try:
        made = convert_graph(path, "net", caffe)
    except FormatError as e:
        assert "\n" not in str(e) and str(path) in str(e) and len(str(e)) < 1000
        return
    except MemoryError:
        return
    infer(made.net)
    for name, shapes in weight_shapes(made.net).items():
        assert [blob.shape for blob in made.parameters[name]] == [tuple(s) for s in shapes], name


def test_the_graph_itself_is_converted(caffe: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(small().message())
    assert len(convert_graph(tmp_path / "a", "net", caffe).net.layer) > 10


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_graphs(caffe: Any, tmp_path: Path, seed: int) -> None:
    rng, content = np.random.RandomState(seed), small().message()
    for _ in range(ROUNDS):
        (tmp_path / "a").write_bytes(damaged(content, rng))
        check(caffe, tmp_path / "a")


def test_graphs_that_are_cut_off(caffe: Any, tmp_path: Path) -> None:
    content = small().message()
    for end in range(0, len(content), 29):
        (tmp_path / "a").write_bytes(content[:end])
        check(caffe, tmp_path / "a")


SIZES = st.sampled_from([-(1 << 63), -2, -1, 0, 1, 2, 3, 4, 7, 1000, 1 << 31, (1 << 63) - 1])
SMALL = st.integers(0, 3)
VALUES = st.one_of(
    SMALL,
    st.lists(SMALL, min_size=2, max_size=2),
    st.lists(SMALL, min_size=4, max_size=4),
    SIZES,
    st.lists(SIZES, max_size=5),
    st.floats(width=32),
    st.sampled_from(["", "SAME_UPPER", "x"]),
)
NAMES = st.sampled_from(
    ["axis", "axes", "pads", "strides", "kernel_shape", "dilations", "group", "alpha", "min", "max",
     "perm", "to", "auto_pad", "ceil_mode", "count_include_pad", "output_padding", "output_shape",
     "keepdims", "size", "transB", "epsilon", "mode", "value", "allowzero", "start", "end"]
)  # fmt: skip
NODES = st.tuples(
    st.sampled_from(sorted({*operators(), *FOLDS, "Shape"})),
    st.lists(st.integers(0, 14), min_size=1, max_size=4),
    st.dictionaries(NAMES, VALUES, max_size=3),
)


@pytest.mark.slow
@settings(max_examples=ROUNDS, deadline=None, derandomize=True, database=None)
@given(nodes=st.lists(NODES, min_size=1, max_size=6), opset=st.integers(1, 25))
def test_absurd_graphs(caffe: Any, tmp_path_factory: Any, nodes: Any, opset: int) -> None:
    graph = Graph(1, 4, 6, 6, opset=opset)
    there = ["x", graph.random(4, 4, 3, 3), graph.random(4), graph.random(4, 1, 1),
             graph.constant([0, -1], np.int64), graph.constant(2, np.int64), graph.random(),
             graph.constant([1 << 40, 3], np.int64), graph.random(36, 5), ""]  # fmt: skip
    for op, inputs, attributes in nodes:
        # what was made last first, as in a net, or anything
        names = [there[-1 - i % len(there)] for i in inputs]
        first = graph.last if inputs[0] < 12 else names[0]
        there.append(graph.add(op, first, *names[1:], **attributes))
    path = tmp_path_factory.getbasetemp() / "absurd"
    path.write_bytes(graph.message())
    check(caffe, path)

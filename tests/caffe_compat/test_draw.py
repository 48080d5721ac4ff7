"""Drawings of nets: the graph that pydot gets, and the files."""

import sys
import types

import pytest
from google.protobuf import text_format

import caffe_compat as caffe
from caffe_compat import draw
from caffe_compat.proto import caffe_pb2

NET = """
name: "small"
layer { name: "data" type: "Data" top: "data" data_param { batch_size: 7 }
  include { phase: TRAIN } }
layer { name: "input" type: "Input" top: "data" exclude { phase: TRAIN } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 2 }
  convolution_param { num_output: 3 kernel_size: 5 pad: 1 pad: 2 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool:1"
  pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool:1" top: "fc" param { lr_mult: 0 }
  param { lr_mult: 0 } inner_product_param { num_output: 5 } }
"""


class Recorder:
    """Stands in for pydot: keeps what it is given."""

    def __init__(self, *args, **attributes):
        self.args, self.attributes = args, attributes
        self.nodes, self.edges = [], []

    def add_node(self, node):
        self.nodes.append((node.args[0], node.attributes))

    def add_edge(self, edge):
        ends = [end.args[0] for end in edge.args]
        self.edges.append((*ends, edge.attributes["label"]))

    def to_string(self):
        return f"digraph of {len(self.nodes)} nodes"

    def create(self, format):
        if format != "png":
            raise FileNotFoundError("dot")
        return b"a picture"


@pytest.fixture(autouse=True)
def pydot(monkeypatch):
    module = types.ModuleType("pydot")
    module.Dot = module.Node = module.Edge = Recorder
    monkeypatch.setitem(sys.modules, "pydot", module)
    monkeypatch.setitem(sys.modules, "pydotplus", None)


@pytest.fixture
def net():
    return text_format.Parse(NET, caffe_pb2.NetParameter())


def test_the_graph_is_pycaffes(net):
    graph = draw.get_pydot_graph(net, "LR", phase=caffe.TEST)
    assert graph.args == ("small",) and graph.attributes["rankdir"] == "LR"
    octagon = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}

    def record(color):
        return {"shape": "record", "fillcolor": color, "style": "filled"}

    assert graph.nodes == [
        ('"input\\n(Input)"', record("#6495ED")),
        ("data", octagon),
        ('"conv\\n(Convolution)\\nkernel size: 5\\nstride: 1\\npad: 1"', record("#FF5050")),
        ("conv", octagon),
        ('"relu\\n(ReLU)"', record("#90EE90")),
        ('"pool\\n(Pooling AVE)\\nkernel size: 2\\nstride: 2\\npad: 0"', record("#FF9900")),
        ('"pool:1"', octagon),
        ('"fc\\n(InnerProduct)"', record("#CC33FF")),
        ("fc", {}),
    ]
    assert [edge for edge in graph.edges if edge[2] != '""'] == [
        (graph.nodes[2][0], "conv", "3"), (graph.nodes[7][0], "fc", "5"),
    ]  # fmt: skip


@pytest.mark.parametrize("phase, names", [
    (None, ["data", "input"]), (caffe.TRAIN, ["data"]), (caffe.TEST, ["input"]),
])  # fmt: skip
def test_a_phase_has_its_layers(phase, names, net):
    nodes = [node for node, _ in draw.get_pydot_graph(net, "TB", phase=phase).nodes]
    kinds = [node for node in nodes if node.endswith(('(Data)"', '(Input)"'))]
    assert [kind.split()[0][1:] for kind in kinds] == names


def test_a_label_is_on_one_line_in_a_net_drawn_downward(net):
    conv, fc = net.layer[2], net.layer[5]
    label = draw.get_layer_label(conv, "TB", True)
    assert label == '"conv (Convolution) kernel size: 5 stride: 1 pad: 1 lr mult: 2.0, 1.0"'
    assert draw.get_layer_label(fc, "BT", True) == '"fc (InnerProduct)"'  # it learns nothing
    conv.name = 'a"b'
    assert draw.get_layer_label(conv, "TB").startswith('"a\\"b (Conv')


def test_edges_say_the_batch_or_nothing(net):
    assert draw.get_edge_label(net.layer[0]) == "Batch 7"
    assert {e[2] for e in draw.get_pydot_graph(net, "LR", label_edges=False).edges} == {'""'}


def test_learning_rates_of_what_has_none_are_refused(net):
    assert draw.get_layer_lr_mult(net.layer[5]) == (0, 0)
    with pytest.raises(ValueError, match="ReLU layers do not have"):
        draw.get_layer_lr_mult(net.layer[3])
    net.layer[2].param.extend([caffe_pb2.ParamSpec()] * 2)
    with pytest.raises(ValueError, match="Could not parse"):
        draw.get_layer_lr_mult(net.layer[2])


def test_include_and_exclude_in_one_layer_are_refused(net):
    net.layer[0].exclude.add()
    with pytest.raises(ValueError, match="layer data has both include and exclude"):
        draw.get_pydot_graph(net, "LR", phase=caffe.TEST)


def test_files_are_pictures_or_text_and_whole(net, tmp_path):
    for name, content in (("a.png", b"a picture"), ("a.raw", b"digraph of 10 nodes")):
        draw.draw_net_to_file(net, str(tmp_path / name), "LR", None, True)
        assert (tmp_path / name).read_bytes() == content
    with pytest.raises(caffe.CaffeError, match="package graphviz, or draw into a .raw file"):
        draw.draw_net_to_file(net, str(tmp_path / "a.pdf"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.raw"]


def test_without_pydot_it_says_what_to_install(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(caffe.CaffeError, match="pip install"):
        draw.draw_net(net, "LR")


def test_the_real_pydot_takes_the_graph(net, monkeypatch):
    monkeypatch.delitem(sys.modules, "pydot")
    pytest.importorskip("pydot")
    text = draw.draw_net(net, "TB", "raw").decode()
    assert '"pool:1" -> "fc (InnerProduct)"' in text

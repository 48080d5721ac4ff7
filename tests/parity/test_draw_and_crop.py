"""caffe.draw's graphs and caffe.coord_map's maps against pycaffe's own.

A program, run on both, must print the same.
"""

import sys
from pathlib import Path

import pytest

from tests.support.real_caffe import CAFFE_PYTHON, run_clean

pytestmark = pytest.mark.caffe

# pydot is not installed everywhere: a module that prints what it is given stands in for it
DRAW = """
import itertools, sys, types

class Recorder:
    def __init__(self, *args, **attributes):
        self.args, self.attributes = args, sorted(attributes.items())
    def add_node(self, node):
        print(node.args, node.attributes)
    def add_edge(self, edge):
        print([node.args for node in edge.args], edge.attributes)

sys.modules["pydotplus"] = types.ModuleType("pydotplus")
for kind in ("Dot", "Node", "Edge"):
    setattr(sys.modules["pydotplus"], kind, Recorder)
import caffe, caffe.draw
from google.protobuf import text_format

for path in sys.argv[1:]:
    net = caffe.io.caffe_pb2.NetParameter()
    text_format.Merge(open(path).read(), net)
    for direction, phase, rates in itertools.product(("LR", "TB", "BT"), (None, 0, 1), (0, 1)):
        graph = caffe.draw.get_pydot_graph(net, direction, rates, phase, rates)
        print(graph.args, graph.attributes)
    for layer in net.layer:
        try:
            print(caffe.draw.get_layer_lr_mult(layer))
        except ValueError as e:
            print(str(e).split(":")[0])
print(caffe.draw.LAYER_STYLE_DEFAULT["shape"], caffe.draw.BLOB_STYLE, caffe.draw.NEURON_LAYER_STYLE)
"""
TRAINED = """
layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 7 }
  include { phase: TRAIN } }
layer { name: "input" type: "Input" top: "data" exclude { phase: TRAIN } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 2 }
  convolution_param { num_output: 3 kernel_h: 3 kernel_w: 2 pad: 1 pad: 2 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "up" type: "Deconvolution" bottom: "conv" top: "up" param { } param { }
  convolution_param { num_output: 3 kernel_size: 3 stride: 2 } include { stage: "x" } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc/a" param { lr_mult: 0 }
  param { lr_mult: 0 } inner_product_param { num_output: 5 } }
"""

CROP = """
import itertools
import numpy as np
import caffe
from caffe import layers as L
from caffe.coord_map import *
from caffe.coord_map import PASS_THROUGH_LAYERS, conv_params, crop_params

def answer(ask):
    try:
        value = ask()
    except Exception as e:
        return type(e).__name__
    if hasattr(value, "fn"):
        return str(value.to_proto())
    return [None if v is None else np.array(v).tolist() for v in value]

n = caffe.NetSpec()
n.data, n.other = (L.Input(shape=dict(dim=[1, 1, 50, 50])) for _ in range(2))
n.conv = L.Convolution(n.data, num_output=2, kernel_size=3, pad=1)
n.wide = L.Convolution(n.conv, num_output=2, kernel_size=[5, 3], stride=2, dilation=2)
n.cols = L.Im2col(n.conv, convolution_param=dict(kernel_size=3, stride=3))
n.pool = L.Pooling(n.conv, kernel_size=3, stride=2, pool=0)
n.whole = L.Pooling(n.conv, pool=0, global_pooling=True)
n.relu, n.swish, n.clip, n.scale = L.ReLU(n.conv), L.Swish(n.conv), L.Clip(n.conv), L.Scale(n.conv)
n.sum, n.concat = L.Eltwise(n.conv, n.relu), L.Concat(n.conv, n.relu)
n.fc = L.InnerProduct(n.conv, num_output=3)
n.up = L.Deconvolution(n.pool, convolution_param=dict(kernel_size=4, stride=2, pad=1))
n.cropped = L.Crop(n.up, n.data, axis=2, offset=[1, 2])
n.across, n.plain = L.Crop(n.up, n.data, axis=3, offset=1), L.Crop(n.up, n.data)
n.legacy = L.Convolution(n.data, num_output=2, kernel_size=3, pad_h=1)
n.axis = L.Convolution(n.data, num_output=2, kernel_size=3, axis=2)
for name in n.tops:
    for ask in (coord_map, conv_params, crop_params):
        print(name, ask.__name__, answer(lambda: ask(n[name].fn)))
for one, two in itertools.product(n.tops, n.tops):
    mapping = answer(lambda: coord_map_from_to(n[one], n[two]))
    print(one, two, mapping)
    if isinstance(mapping[1], list):  # pycaffe's crop fails where a scale is no array
        print(answer(lambda: crop(n[one], n[two])))
print(compose((1, 2, 3), (None, 4, 5)), inverse((1, 2, 3)), PASS_THROUGH_LAYERS)
"""


def printed(folder: Path, program: str, *arguments: str) -> None:
    """Run a program on both engines, and compare what they print."""
    path = folder / "program.py"
    path.write_text(program)
    ours = run_clean([sys.executable, "-m", "caffe_compat", str(path), *arguments])
    theirs = run_clean([CAFFE_PYTHON, str(path), *arguments])
    for side in (ours, theirs):
        assert side.returncode == 0, side.stderr[-2000:]
    assert len(theirs.stdout) > 10000
    assert ours.stdout.splitlines() == theirs.stdout.splitlines()


def test_graphs_are_pycaffes(tmp_path: Path) -> None:
    trained = tmp_path / "trained.prototxt"
    trained.write_text(TRAINED)
    printed(tmp_path, DRAW, str(trained), "prototxt/bvlc_googlenet/deploy.prototxt")


def test_maps_of_coordinates_and_crops_are_pycaffes(tmp_path: Path) -> None:
    printed(tmp_path, CROP)

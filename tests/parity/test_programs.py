"""pycaffe's own Python (NetSpec, coord_map, io, a net's lists) against ours.

One program, run on both, must print the same.
"""

import sys
from pathlib import Path

import pytest

from tests.support.real_caffe import CAFFE_PYTHON, run_clean

pytestmark = pytest.mark.caffe

PROGRAM = """
import tempfile
import numpy as np
import caffe
from caffe import layers as L, params as P
from caffe.coord_map import coord_map_from_to, crop

def plain(mapping):
    return mapping[0], np.array(mapping[1]).tolist(), np.array(mapping[2]).tolist()

def up_and_down(ks=3, stride=1, pad=0, pool=2, up=2):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 1, 100, 100]))
    n.conv = L.Convolution(n.data, num_output=10, kernel_size=ks, stride=stride, pad=pad,
                           weight_filler=dict(type="xavier"))
    n.pool = L.Pooling(n.conv, pool=P.Pooling.MAX, kernel_size=pool, stride=pool, pad=0)
    n.relu = L.ReLU(n.pool, in_place=True)
    n.deconv = L.Deconvolution(
        n.relu, convolution_param=dict(num_output=10, kernel_size=4, stride=up))
    n.crop = L.Crop(n.deconv, n.data, axis=2, offset=7)
    return n

for settings in ({}, dict(pad=2), dict(ks=[3, 5], pad=[1, 2]), dict(stride=2)):
    n = up_and_down(**settings)
    for top, bottom in ((n.deconv, n.data), (n.crop, n.data), (n.pool, n.deconv)):
        print(plain(coord_map_from_to(top, bottom)))
    try:
        print(crop(n.deconv, n.data).to_proto())
    except AssertionError as e:
        print("refused:", str(e).split(" (")[0])
print(n.to_proto(), caffe.to_proto(n.deconv, n.crop))

text = '''
layer { name: "data" type: "DummyData" top: "data" top: "label"
        dummy_data_param { shape { dim: 4 dim: 2 dim: 5 dim: 5 } shape { dim: 4 }
                           data_filler { type: "constant" value: 0.5 }
                           data_filler { type: "constant" value: 1 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 3 kernel_size: 3
                            weight_filler { type: "constant" value: 0.1 } }
        param { lr_mult: 0 } param { lr_mult: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
        inner_product_param { num_output: 5 weight_filler { type: "constant" value: 0.2 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" loss_weight: 2 }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"
        include { phase: TEST } }
'''

def lists(names):
    return {k: list(v) for k, v in names.items()}

with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as f:
    f.write(text)
    f.flush()
    for phase in (caffe.TRAIN, caffe.TEST):
        net = caffe.Net(f.name, phase)
        print(list(net._layer_names), list(net.blobs), list(net.inputs), list(net.outputs))
        print([l.type for l in net.layers], lists(net.top_names), lists(net.bottom_names))
        print(dict(net.blob_loss_weights))
        print("%.5f" % net._forward(0, len(net.layers) - 1))
        outputs = net.forward()
        print({name: [round(float(v), 5) for v in np.ravel(d)] for name, d in outputs.items()})
        if phase == caffe.TRAIN:
            net.clear_param_diffs()
            net.backward()
            for blobs in net.params.values():
                print([["%.4f" % v for v in np.ravel(blob.diff)] for blob in blobs])
        print({k: (list(b.shape), b.count) for k, b in net.blobs.items()})
print(caffe.io.array_to_datum(np.arange(12, dtype=np.uint8).reshape(1, 3, 4), 3))
blob = caffe.io.array_to_blobproto(np.ones((1, 2, 1, 1)), np.zeros((1, 2, 1, 1)))
print(list(blob.shape.dim), list(blob.data), list(blob.diff))
print(caffe.io.blobproto_to_array(blob).shape)
print(caffe.io.oversample([np.arange(48.).reshape(4, 4, 3)], (2, 3)).sum((1, 2, 3)))
print(sorted(caffe.layer_type_list()))
"""


def test_one_program_prints_the_same_on_both(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    ours = run_clean([sys.executable, "-m", "caffe_compat", str(program)])
    theirs = run_clean([CAFFE_PYTHON, str(program)])
    for side in (ours, theirs):
        assert side.returncode == 0, side.stderr[-2000:]
    assert len(ours.stdout) > 5000
    assert ours.stdout.splitlines() == theirs.stdout.splitlines()

"""pycaffe's own Python (NetSpec, coord_map, io, net's lists) against ours: one program, run on both, must print the same."""

import os
import subprocess
import sys

import pytest
from test_parity import CAFFE_PYTHON, HERE

pytestmark = pytest.mark.caffe

PROGRAM = """
import sys, tempfile
import numpy as np
import caffe
from caffe import layers as L, params as P
from caffe.coord_map import coord_map_from_to, crop

def plain(found):
    return found[0], np.array(found[1]).tolist(), np.array(found[2]).tolist()

def up_and_down(ks=3, stride=1, pad=0, pool=2, up=2):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 1, 100, 100]))
    n.conv = L.Convolution(n.data, num_output=10, kernel_size=ks, stride=stride, pad=pad, weight_filler=dict(type="xavier"))
    n.pool = L.Pooling(n.conv, pool=P.Pooling.MAX, kernel_size=pool, stride=pool, pad=0)
    n.relu = L.ReLU(n.pool, in_place=True)
    n.deconv = L.Deconvolution(n.relu, convolution_param=dict(num_output=10, kernel_size=4, stride=up))
    n.crop = L.Crop(n.deconv, n.data, axis=2, offset=7)
    return n

for settings in ({}, dict(pad=2), dict(ks=[3, 5], pad=[1, 2]), dict(stride=2)):
    n = up_and_down(**settings)
    print(plain(coord_map_from_to(n.deconv, n.data)), plain(coord_map_from_to(n.crop, n.data)), plain(coord_map_from_to(n.pool, n.deconv)))
    try:
        print(crop(n.deconv, n.data).to_proto())
    except AssertionError as e:
        print("refused:", str(e).split(" (")[0])
print(n.to_proto(), caffe.to_proto(n.deconv, n.crop))

text = '''
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 4 dim: 2 dim: 5 dim: 5 } shape { dim: 4 } data_filler { type: "constant" value: 0.5 } data_filler { type: "constant" value: 1 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 3 kernel_size: 3
  weight_filler { type: "constant" value: 0.1 } } param { lr_mult: 0 } param { lr_mult: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 5 weight_filler { type: "constant" value: 0.2 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" loss_weight: 2 }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
'''
with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as f:
    f.write(text)
    f.flush()
    for phase in (caffe.TRAIN, caffe.TEST):
        net = caffe.Net(f.name, phase)
        print(list(net._layer_names), list(net.blobs), list(net.inputs), list(net.outputs), [l.type for l in net.layers])
        print({k: list(v) for k, v in net.top_names.items()}, {k: list(v) for k, v in net.bottom_names.items()}, dict(net.blob_loss_weights))
        loss = net._forward(0, len(net.layers) - 1)
        print("%.5f" % loss, {name: [round(float(v), 5) for v in np.ravel(data)] for name, data in net.forward().items()})
        if phase == caffe.TRAIN:
            net.clear_param_diffs()
            net.backward()
            print([[["%.4f" % v for v in np.ravel(blob.diff)] for blob in blobs] for blobs in net.params.values()])
        print({k: (list(b.shape), b.count) for k, b in net.blobs.items()})
print(caffe.io.array_to_datum(np.arange(12, dtype=np.uint8).reshape(1, 3, 4), 3))
blob = caffe.io.array_to_blobproto(np.ones((1, 2, 1, 1)), np.zeros((1, 2, 1, 1)))
print(list(blob.shape.dim), list(blob.data), list(blob.diff), caffe.io.blobproto_to_array(blob).shape)
print(caffe.io.oversample([np.arange(48.).reshape(4, 4, 3)], (2, 3)).sum((1, 2, 3)), sorted(caffe.layer_type_list()))
"""


def test_one_program_prints_the_same_on_both(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    said = []
    for command in (
        [sys.executable, "-m", "caffe_compat", str(program)],
        [CAFFE_PYTHON, str(program)],
    ):
        done = subprocess.run(
            command,
            cwd=HERE.parents[1],
            env={**clean, "GLOG_minloglevel": "2"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        said.append(done.stdout.splitlines())
    assert said[0] == said[1]

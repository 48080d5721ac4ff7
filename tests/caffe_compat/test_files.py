"""Weights in files of any size and age, and files that ask for too much."""

import os
import subprocess
import sys

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.proto import caffe_pb2
from netfile import wire

NET = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""


@pytest.fixture
def make(tmp_path):
    def call(text=NET, **options):
        path = tmp_path / "net.prototxt"
        path.write_text(text)
        return caffe.Net(str(path), caffe.TEST, **options)

    return call


def test_what_is_written_is_what_protobuf_would_write(make, tmp_path):
    net = make()
    net.save(str(tmp_path / "w"))
    layer = caffe_pb2.NetParameter.FromString((tmp_path / "w").read_bytes()).layer[1]
    assert layer.inner_product_param.num_output == 4 and list(layer.blobs[0].shape.dim) == [4, 18]
    np.testing.assert_array_equal(
        np.array(layer.blobs[0].data, np.float32), net.params["ip"][0].data.ravel()
    )


@pytest.mark.parametrize(
    "kind", ["doubles", "in pieces", "one by one", "four axes", "with gradients"]
)
def test_other_ways_to_write_values(kind, make, tmp_path):
    values = np.arange(72, dtype=np.float32) / 4
    blob = caffe_pb2.BlobProto(num=1, channels=1, height=4, width=18)
    bias = caffe_pb2.BlobProto(
        data=[1, 2, 3, 4], num=1, channels=1, height=1, width=4
    ).SerializeToString()
    rest = b""
    if kind == "doubles":
        blob.double_data.extend(values)
    elif kind == "in pieces":
        rest = b"".join(
            wire.field_header(5, 4 * 36) + part.tobytes() for part in (values[:36], values[36:])
        )
    elif kind == "one by one":
        rest = b"".join(bytes([5 << 3 | 5]) + value.tobytes() for value in values)
    else:
        blob.data.extend(values)
    if kind == "with gradients":
        blob.diff.extend(-values)
    layer = caffe_pb2.LayerParameter(name="ip").SerializeToString()
    for raw in (blob.SerializeToString() + rest, bias):
        layer += wire.field_header(7, len(raw)) + raw
    (tmp_path / "w").write_bytes(wire.field_header(100, len(layer)) + layer)
    net = make()
    net.copy_from(str(tmp_path / "w"))
    np.testing.assert_array_equal(net.params["ip"][0].data.ravel(), values)
    np.testing.assert_array_equal(net.params["ip"][1].data, [1, 2, 3, 4])


def test_a_blob_that_holds_fewer_values_than_it_says_is_refused(make, tmp_path):
    blobs = [
        caffe_pb2.BlobProto(data=[1, 2], shape=caffe_pb2.BlobShape(dim=[4, 18])),
        caffe_pb2.BlobProto(data=[1] * 4),
    ]
    net = caffe_pb2.NetParameter(layer=[caffe_pb2.LayerParameter(name="ip", blobs=blobs)])
    (tmp_path / "w").write_bytes(net.SerializeToString())
    with pytest.raises(
        caffe.WeightsError, match=r'"ip" parameter 0 says \(4, 18\) but holds 2 values'
    ):
        make().copy_from(str(tmp_path / "w"))


LOAD = """
import sys, caffe_compat as caffe
def memory(field):
    lines = open("/proc/self/status")
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
caffe.Net(sys.argv[1], caffe.TEST).forward()
before = memory("VmRSS")
net = caffe.Net(sys.argv[2], caffe.TEST, weights=sys.argv[3])
print(memory("VmHWM") - before, float(net.params["ip"][0].data[-1, -1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"),
    reason="this system does not tell how much memory a process takes",
)
def test_a_large_file_takes_little_more_memory_than_its_values(make, tmp_path):
    make()
    os.rename(tmp_path / "net.prototxt", tmp_path / "small.prototxt")
    net = make(
        NET.replace("dim: 3 dim: 3", "dim: 300 dim: 100").replace(
            "num_output: 4", "num_output: 400"
        )
    )  # 96 MB
    net.params["ip"][0].data[-1, -1] = 7
    net.save(str(tmp_path / "w"))
    command = [
        sys.executable,
        "-c",
        LOAD,
        str(tmp_path / "small.prototxt"),
        str(tmp_path / "net.prototxt"),
        str(tmp_path / "w"),
    ]
    peak, last = map(
        float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    )
    assert last == 7 and peak < 2 * os.path.getsize(tmp_path / "w") / 2**20


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "num_output: 4",
            "num_output: 2000000000",
            r'"ip".*shape \(2000000000, 18\) takes 144.0 GB, but this machine has 0.1 GB',
        ),
        (
            "dim: 3 dim: 3",
            "dim: 30000 dim: 30000",
            r"a blob of shape \(1, 2, 30000, 30000\) takes 7.2 GB",
        ),
        ("dim: 3 dim: 3", "dim: 99999999 dim: 99999999", "at most 2147483647 values"),
        ("num_output: 4", "num_output: 0", '"ip".*num_output'),
    ],
)
def test_absurd_sizes_are_refused_before_anything_is_allocated(
    old, new, message, make, monkeypatch
):
    monkeypatch.setenv("CAFFE_COMPAT_MOST_BYTES", "100000000")
    with pytest.raises(caffe.CaffeError, match=message):
        make(NET.replace(old, new))


def test_many_blobs_that_are_too_much_together_are_refused(make, monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_MOST_BYTES", "1000000")
    layers = "".join(
        f'layer {{ name: "t{i}" type: "TanH" bottom: "{"data" if not i else f"t{i - 1}"}" top: '
        f'"t{i}" }}\n'
        for i in range(9)
    )
    with pytest.raises(caffe.ShapeError, match='the net up to layer "t[0-9]" takes'):
        make(
            NET.split('layer { name: "ip"')[0].replace("dim: 3 dim: 3", "dim: 200 dim: 100")
            + layers
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'layer { name: "a" type: "ReLU" bottom: "b" top: "a" } layer { name: "b" type: "ReLU" '
            'bottom: "a" top: "b" }',
            'unknown bottom "b": only layer "b" makes it',
        ),
        ('layer { name: "a" type: "ReLU" bottom: "a" top: "a" }', 'unknown bottom "a"'),
        (
            'layer { name: "a" type: "ReLU" bottom: "nobody" top: "a" }',
            'unknown bottom "nobody": no layer makes it',
        ),
        (NET + NET, 'already made by layer "data"'),
        (NET.replace("num_output: 4", ""), '"ip".*num_output'),
    ],
)
def test_graphs_that_cannot_be_run(text, message, make):
    with pytest.raises(caffe.CaffeError, match=message):
        make(text)

"""Damaged and absurd files: each is read, or rejected with a CaffeError.

Never a crash, a hang, or memory beyond CAFFE_COMPAT_MOST_BYTES.

A short run here; `make fuzz` goes on for as long as FUZZ_EXAMPLES says.
"""

import os
import resource

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import caffe_compat as caffe
from caffe_compat.errors import MissingFileError
from caffe_compat.kernels import threads
from caffe_compat.layer_types.registry import LAYERS
from caffe_compat.proto import caffe_pb2

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
LIMIT = 64 << 20
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=20_000,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

SEEDS = [
    """layer { name: "data" type: "Input" top: "data"
      input_param { shape { dim: 1 dim: 3 dim: 9 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 group: 1 dilation: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "norm" type: "LRN" bottom: "conv" top: "norm"
  lrn_param { local_size: 5 alpha: 0.1 beta: 0.75 } }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool"
  pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "side" type: "Pooling" bottom: "norm" top: "side"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "both" type: "Concat" bottom: "pool" bottom: "side" top: "both"
  concat_param { axis: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "both" top: "ip"
  inner_product_param { num_output: 5 axis: 1 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" softmax_param { axis: 1 } }""",
    """input: "data" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 4
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 3 } blobs_lr: 1 }
layers { name: "drop" type: DROPOUT bottom: "conv" top: "conv"
  dropout_param { dropout_ratio: 0.5 } }
layers { name: "slice" type: SLICE bottom: "conv" top: "a" top: "b"
  slice_param { slice_dim: 1 slice_point: 1 } }
layers { name: "sum" type: ELTWISE bottom: "a" bottom: "b" top: "sum"
  eltwise_param { operation: SUM coeff: 1 coeff: -1 } }""",
    """input: "x" input_shape { dim: 3 dim: 2 dim: 4 } input: "c" input_shape { dim: 3 dim: 2 }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "c" top: "h"
  recurrent_param { num_output: 3 } }
layer { name: "tile" type: "Tile" bottom: "h" top: "t" tile_param { axis: 2 tiles: 2 } }
layer { name: "up" type: "Reshape" bottom: "t" top: "r" reshape_param { shape { dim: 0 dim: -1 } } }
layer { name: "dummy" type: "DummyData" top: "d"
  dummy_data_param { shape { dim: 3 } data_filler { type: "gaussian" std: 1 } } }
layer { name: "embed" type: "Embed" bottom: "d" top: "e"
  embed_param { num_output: 2 input_dim: 3 } }
layer { name: "spp" type: "Flatten" bottom: "r" top: "f"
  flatten_param { axis: 1 end_axis: -1 } }""",
]
ABSURD = [
    "0",
    "-1",
    "1",
    "2",
    "7",
    "2147483647",
    "4294967295",
    "9223372036854775807",
    "1e30",
    "nan",
    "inf",
    '""',
    "true",
    "MAX",
    '"data"',
    "{",
    "}",
]


@pytest.fixture(autouse=True, scope="module")
def compiled():
    """Loops are compiled before the first example, which has a deadline."""
    threads.prepare()


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_MOST_BYTES", str(LIMIT))


@st.composite
def damaged_text(draw):
    """A prototxt in which some words are taken out, doubled, moved, or replaced by absurd ones."""
    words = draw(st.sampled_from(SEEDS)).split()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        how = draw(st.sampled_from(["replace", "replace", "replace", "delete", "double", "swap"]))
        if how == "replace":
            words[at] = draw(st.sampled_from(ABSURD) | st.sampled_from(words))
        elif how == "delete":
            del words[at]
        elif how == "double":
            words.insert(at, words[at])
        else:
            other = draw(st.integers(0, len(words) - 1))
            words[at], words[other] = words[other], words[at]
    return " ".join(words)


def numbers(field):
    kinds = {
        field.CPPTYPE_FLOAT: st.floats(width=32),
        field.CPPTYPE_BOOL: st.booleans(),
        field.CPPTYPE_STRING: st.sampled_from(["", "constant", "gaussian", "x"]),
    }
    if field.cpp_type == field.CPPTYPE_ENUM:
        return st.sampled_from([v.number for v in field.enum_type.values])
    low = 0 if field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64) else -(2**31)
    return kinds.get(field.cpp_type, st.integers(max(low, -3), 6) | st.integers(low, 2**31 - 1))


@st.composite
def any_layer(draw):
    """A net of inputs and one layer of any type, with any settings."""
    kind = draw(st.sampled_from(sorted(set(LAYERS) - {"Python"})))
    net = caffe_pb2.NetParameter(force_backward=draw(st.booleans()))
    bottoms = draw(st.integers(0, 3))
    for i in range(bottoms):
        shape = draw(st.lists(st.integers(0, 5), max_size=5))
        net.layer.add(
            name=f"in{i}", type="Input", top=[f"in{i}"]
        ).input_param.shape.add().dim.extend(shape)
    layer = net.layer.add(
        name="layer",
        type=kind,
        bottom=[f"in{i}" for i in range(bottoms)],
        top=[f"out{i}" for i in range(draw(st.integers(0, 3)))],
    )
    from caffe_compat.net_spec import _OWN

    own = _OWN.get(kind)
    if own:
        _fill(draw, getattr(layer, own), 2)
    return text_format.MessageToString(net)


def _fill(draw, message, depth):
    for field in message.DESCRIPTOR.fields:
        if not draw(st.booleans()):
            continue
        repeated = hasattr(getattr(message, field.name), "extend")
        if field.message_type is not None:
            if depth:
                _fill(
                    draw,
                    getattr(message, field.name).add()
                    if repeated
                    else getattr(message, field.name),
                    depth - 1,
                )
                if not repeated:
                    getattr(message, field.name).SetInParent()
        elif repeated:
            getattr(message, field.name).extend(draw(st.lists(numbers(field), max_size=3)))
        else:
            setattr(message, field.name, draw(numbers(field)))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def read_and_run(text, path):
    path.write_text(text)
    try:
        net = caffe.Net(str(path), caffe.TEST)
        net.forward()
        for name in net.outputs:
            net.blobs[name].diff[...] = 1
        net.backward()
    except (caffe.CaffeError, MissingFileError) as e:  # data layers name files
        assert str(e)


@fuzz
@given(damaged_text())
@example(SEEDS[0].replace("num_output: 4", "num_output: 2000000000"))
@example(SEEDS[0].replace("dim: 9 dim: 9", "dim: 999999999 dim: 999999999"))
@example(SEEDS[0].replace("local_size: 5", "local_size: 4294967295"))
@example(SEEDS[0].replace('bottom: "data"', 'bottom: "prob"'))
@example("layer {" * 5000)
@example("\0\xff")
def test_a_damaged_prototxt(tmp_path_factory, text):
    before = peak()
    read_and_run(text, tmp_path_factory.getbasetemp() / "fuzz.prototxt")
    assert peak() - before < 8 * LIMIT / 1024  # ru_maxrss counts kilobytes


@fuzz
@given(any_layer())
@example('layer { name: "layer" type: "HDF5Data" top: "out0" hdf5_data_param { batch_size: 1 } }')
def test_any_layer_with_any_settings(tmp_path_factory, text):
    before = peak()
    read_and_run(text, tmp_path_factory.getbasetemp() / "fuzz.prototxt")
    assert peak() - before < 8 * LIMIT / 1024


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """(a net, the bytes of its caffemodel)."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "net.prototxt").write_text(SEEDS[0])
    net = caffe.Net(str(folder / "net.prototxt"), caffe.TEST)
    net.save(str(folder / "w"))
    return net, (folder / "w").read_bytes()


@fuzz
@given(st.data())
def test_a_damaged_caffemodel(tmp_path_factory, model, data):
    net, raw = model
    raw = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        how = data.draw(st.sampled_from(["flip", "cut", "insert", "varint"]))
        if how == "flip" and raw:
            raw[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del raw[at : at + data.draw(st.integers(1, 200))]
        elif how == "insert":
            raw[at:at] = data.draw(st.binary(max_size=12))
        else:
            raw[at:at] = b"\xff" * data.draw(st.integers(1, 10)) + b"\x01"
    path = tmp_path_factory.getbasetemp() / "fuzz.caffemodel"
    path.write_bytes(bytes(raw))
    before = peak()
    try:
        net.copy_from(str(path))
    except caffe.CaffeError as e:
        assert str(path) in str(e)
    assert peak() - before < LIMIT / 1024


@fuzz
@given(st.binary(max_size=300))
def test_bytes_that_are_no_caffemodel(tmp_path_factory, model, raw):
    path = tmp_path_factory.getbasetemp() / "fuzz.caffemodel"
    path.write_bytes(raw)
    try:
        model[0].copy_from(str(path))
    except caffe.CaffeError as e:
        assert str(path) in str(e)

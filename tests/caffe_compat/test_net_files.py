"""A net's files: prototxts of every version, weights in and out, and what is wrong with them."""

import numpy as np
import pytest
from google.protobuf import text_format

import caffe_compat as caffe
from caffe_compat.proto import caffe_pb2
from tests.support.nets import BRANCHED, written


def test_saved_weights_come_back(net, tmp_path):
    path = str(tmp_path / "net.caffemodel")
    net.save(path)
    wanted = net.forward()["prob"].copy()
    x = net.blobs["data"].data
    for other in (
        caffe.Net(str(tmp_path / "net.prototxt"), path, caffe.TEST),
        caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST, weights=path),
    ):
        np.testing.assert_array_equal(other.forward(data=x)["prob"], wanted)
    assert not list(tmp_path.glob(".*"))


def v1_model(net):
    """The net's weights as a V1 file: legacy four-number shapes."""
    out = caffe_pb2.NetParameter(name="old")
    for name, blobs in net.params.items():
        layer = out.layers.add(name=name, type=4)
        for blob in blobs:
            shape = [1] * (4 - len(blob.shape)) + list(blob.shape)
            layer.blobs.add(
                num=shape[0],
                channels=shape[1],
                height=shape[2],
                width=shape[3],
                data=blob.data.reshape(-1),
            )
    return out.SerializeToString()


def test_paths_may_be_bytes(net, tmp_path):
    prototxt, weights = bytes(tmp_path / "net.prototxt"), bytes(tmp_path / "net.caffemodel")
    net.save(weights)
    net.copy_from(weights)
    (tmp_path / "net.prototxt").write_text('name: "empty"')
    assert caffe.Net(prototxt, weights, caffe.TEST).outputs == []
    assert caffe.Net(prototxt, caffe.TEST, weights=weights).outputs == []


def test_v1_weights_with_legacy_shapes_load(net, tmp_path):
    path = tmp_path / "v1.caffemodel"
    path.write_bytes(v1_model(net))
    wanted = net.forward()["prob"].copy()
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = 0
    net.copy_from(str(path))
    np.testing.assert_array_equal(net.forward()["prob"], wanted)


def test_v1_prototxt_is_the_same_net(net, tmp_path):
    v1 = text_format.Parse(BRANCHED, caffe_pb2.NetParameter())
    old = [
        'name: "branched" force_backward: true input: "data" input_dim: 1 input_dim: 3 input_dim: '
        "8 input_dim: 9"
    ]
    kinds = {"Convolution": "CONVOLUTION", "ReLU": "RELU", "Pooling": "POOLING", "Concat": "CONCAT",
             "InnerProduct": "INNER_PRODUCT", "Softmax": "SOFTMAX"}  # fmt: skip
    for layer in v1.layer[1:]:
        body = str(layer).replace(f'type: "{layer.type}"', f"type: {kinds[layer.type]}", 1)
        old.append(f"layers {{ {body} blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 }}")
    new = caffe.Net(written(tmp_path, "\n".join(old), "v1.prototxt"), caffe.TEST)
    assert list(new.blobs) == list(net.blobs) and list(new._layer_names) == [
        "input",
        *list(net._layer_names)[1:],
    ]
    for name, blobs in net.params.items():
        for a, b in zip(new.params[name], blobs):
            a.data[...] = b.data
    np.testing.assert_array_equal(
        new.forward(data=net.blobs["data"].data)["prob"], net.forward()["prob"]
    )
    conv = next(layer for layer in new._parts.layers if layer.name == "conv")
    assert [(p.lr_mult, p.decay_mult) for p in conv.layer_param.param] == [
        (1, 1),
        (2, 0),
    ]


@pytest.mark.parametrize("header", [
    'input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 9 }',
    'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9',
])  # fmt: skip
def test_input_fields_become_an_input_layer(header, tmp_path):
    net = caffe.Net(
        written(tmp_path, header + ' layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'),
        caffe.TEST,
    )
    assert net.inputs == ["data"] and net.blobs["r"].shape == (1, 3, 8, 9)


def test_phase_rules_choose_layers(tmp_path):
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 } } }
    layer { name: "train" type: "ReLU" bottom: "data" top: "a" include { phase: TRAIN } }
    layer { name: "test" type: "ReLU" bottom: "data" top: "a" exclude { phase: TRAIN } }
    layer { name: "deep" type: "ReLU" bottom: "data" top: "b" include { min_level: 2 stage: "x" } }
    """
    path = written(tmp_path, text)
    assert "test" in caffe.Net(path, caffe.TEST)._layer_names
    assert "train" in caffe.Net(path, caffe.TRAIN)._layer_names
    assert "deep" in caffe.Net(path, caffe.TEST, level=2, stages=["x"])._layer_names
    assert "deep" not in caffe.Net(path, caffe.TEST, level=2)._layer_names


DATA = """layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 9 } } }
"""


@pytest.mark.parametrize("text, error, message", [
    ("layer { name: \"a\"\n  tipe: \"ReLU\" }", caffe.PrototxtError,
     'line 2, column 3, layer "a": layer has no field tipe in this Caffe; did you mean type'),
    (DATA + 'layer { name: "r" type: "ReLU" bottom: "nowhere" top: "r" '
            '}', caffe.PrototxtError, 'unknown bottom "nowhere"'),
    (DATA + 'layer { name: "r" type: "ReLU" bottom: "r" top: "r" }', caffe.PrototxtError,
     'unknown bottom "r".*before this one'),
    (DATA + 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" } layer { name: "s" type: '
            '"ReLU" bottom: "data" top: "r" }',
     caffe.PrototxtError, 'top "r" is already made by layer "r"'),
    (DATA + 'layer { name: "a" type: "ReLU" bottom: "data" top: "y" } layer { name: "b" type: '
            '"ReLU" bottom: "data" top: "data" }',
     caffe.PrototxtError, 'layer "b": its top "data" is already made by layer "data", and other '
                          'layers read that'),
    (DATA + 'layers { name: "r" type: RELU bottom: "data" top: "r" }', caffe.PrototxtError, "both "
                                                                                            "V1"),
    ('input: "data" input_dim: 1', caffe.PrototxtError, "four input_dim"),
    (DATA + 'layer { name: "r" type: "Relu" bottom: "data" top: "r" }',
     caffe.UnknownLayerTypeError, 'Did you mean "ReLU"'),
    (DATA + 'layer { name: "c" type: "Concat" bottom: "data" top: "data" '
            '}', caffe.PrototxtError, "in place"),
    ('layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 99999 dim: 99999 dim: 9 '
     '} } }', caffe.ShapeError, "2147483647"),
    ('layers { layer { name: "c" type: "convolve" } }', caffe.PrototxtError, '"c" has the unknown '
                                                                             'V0 type "convolve"; '
                                                                             'known: accuracy, '),
    ('layers { layer { name: "c" type: "relu" kernelsize: 3 } }', caffe.PrototxtError, '"c" '
                                                                                       '.ReLU. '
                                                                                       'has the '
                                                                                       'V0 field '
                                                                                       'kernelsize'),
    ('layers { layer { name: "c" type: "relu" } } layers { name: "d" type: RELU '
     '}', caffe.PrototxtError, '"d" is in the V1 form among V0'),
])  # fmt: skip
def test_a_bad_prototxt_says_what_and_where(text, error, message, tmp_path):
    with pytest.raises(error, match=f"(?s)net.prototxt.*{message}"):
        caffe.Net(written(tmp_path, text), caffe.TEST)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.prototxt"):
        caffe.Net("nothing.prototxt", caffe.TEST)
    with pytest.raises(FileNotFoundError, match="nothing.caffemodel"):
        caffe.Net(written(tmp_path, DATA), "nothing.caffemodel", caffe.TEST)


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"<html>no</html>" * 99],
)
def test_a_broken_caffemodel_is_refused(damage, net, tmp_path):
    path = tmp_path / "x.caffemodel"
    net.save(str(path))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(caffe.WeightsError, match="x.caffemodel: .*a caffemodel"):
        net.copy_from(str(path))


def test_a_folder_or_a_device_is_no_caffemodel(net, tmp_path):
    for path in (str(tmp_path), "/dev/zero"):
        with pytest.raises(caffe.WeightsError, match="given where a caffemodel goes"):
            net.copy_from(path)


def test_weights_of_other_shapes_are_refused_with_both(net, tmp_path):
    wider = written(tmp_path, BRANCHED.replace("num_output: 4", "num_output: 6"), "wider.prototxt")
    path = str(tmp_path / "wider.caffemodel")
    caffe.Net(wider, caffe.TEST).save(path)
    with pytest.raises(
        caffe.WeightsError,
        match=r'"conv" parameter 0 has shape \(6, 3, 3, 3\) but the net has \(4, 3, 3, 3\)',
    ):
        net.copy_from(path)


def test_a_v0_padding_layer_goes_into_the_convolution_behind_it(tmp_path):
    text = """
    input: "data" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 5
    layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
    layers { layer { name: "conv1" type: "conv" num_output: 3 kernelsize: 3
      blobs_lr: 1 blobs_lr: 2 } bottom: "pad1" top: "conv1" }
    layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 2 stride: 2 }
      bottom: "conv1" top: "pool1" }
    """
    net = caffe.Net(written(tmp_path, text), caffe.TEST)
    assert list(net._layer_names) == ["input", "conv1", "pool1"]
    assert net.blobs["conv1"].shape == (1, 3, 6, 7) and net.blobs["pool1"].shape == (1, 3, 3, 4)
    conv, pool = (layer.layer_param for layer in net._parts.layers[1:])
    assert (
        list(conv.bottom) == ["data"]
        and list(conv.convolution_param.pad) == [2]
        and [p.lr_mult for p in conv.param] == [1, 2]
    )
    assert pool.pooling_param.pool == pool.pooling_param.AVE

"""The shapes that are worked out are the engine's own, for every layer type, on either engine."""

import os
import sys

import pytest
from google.protobuf import text_format

from netfile import shapes
from netfile.errors import InnerProductSizeError, ShapeError
from tests.support import cases, nets

INPUT = 'layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ {} }} }} }}\n'
# what a setting has to do with the size of its input
LAYERS = [
    "Convolution convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 group: 2 }",
    "Convolution convolution_param { num_output: 6 kernel_size: 3 dilation: 2 }",
    "Convolution convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 "
    "pad_h: 0 pad_w: 1 }",
    "Pooling pooling_param { kernel_size: 2 stride: 3 pad: 1 }",
    "Pooling pooling_param { kernel_size: 3 stride: 2 }",
    "Pooling pooling_param { kernel_size: 2 stride: 2 pad: 1 }",
    "Pooling pooling_param { pool: AVE global_pooling: true }",
    "InnerProduct inner_product_param { num_output: 7 axis: 2 }",
    "InnerProduct inner_product_param { num_output: 7 axis: -1 transpose: true }",
    "Flatten flatten_param { axis: 0 end_axis: -2 }",
    "SPP spp_param { pyramid_height: 2 }",
]
# types with files behind them, which no engine here builds
READERS = {"Data", "HDF5Data", "HDF5Output", "ImageData", "WindowData"}


def parse(text, caffe):
    return text_format.Parse(text, caffe.io.caffe_pb2.NetParameter())


def built(text, caffe, tmp_path):
    (tmp_path / "net.prototxt").write_text(text)
    return caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)


def check(text, caffe, net, unknown=()):
    """The shapes of a description against those of the built net; `unknown`: blobs without one."""
    description = parse(text, caffe)
    blobs = shapes.infer(description)
    assert {name for name, shape in blobs.items() if shape is None} == set(unknown)
    made = {
        name: tuple(blob.data.shape)
        for name, blob in net.blobs.items()
        if "_split_" not in name and name != "(automatic)" and name not in unknown
    }
    assert {name: shape for name, shape in blobs.items() if shape is not None} == made
    assert shapes.weight_shapes(description) == {
        name: [tuple(blob.data.shape) for blob in blobs] for name, blobs in net.params.items()
    }


@pytest.mark.parametrize("name", cases.LAYERS)
def test_every_setting_of_every_type(name, caffe, tmp_path, monkeypatch):
    if name == "Python":
        monkeypatch.setitem(sys.modules, "doubling", cases.doubling(caffe))
        if hasattr(caffe, "allow_python_layers"):
            caffe.allow_python_layers()
    text = cases.layer_prototxt(cases.LAYERS[name])
    try:
        net = built(text, caffe, tmp_path)
    finally:
        if name == "Python" and hasattr(caffe, "allow_python_layers"):
            caffe.allow_python_layers(False)
    check(text, caffe, net, unknown=["out"] if name.split()[0] in ("Python", "Filter") else [])


def test_every_type_has_a_rule(caffe):
    settings = {type_of(case["body"]) for case in cases.LAYERS.values()}
    types = set(caffe.layer_type_list())
    assert types - shapes.INPUTS <= set(shapes.TOPS)
    assert types - READERS <= settings | {"Input", "Split"}


def type_of(body):
    return body.split('"', 2)[1]


@pytest.mark.parametrize("size", [(5, 8), (6, 5), (7, 7), (9, 5)])
@pytest.mark.parametrize("layer", LAYERS)
def test_shapes_of_single_layers(layer, size, caffe, tmp_path):
    kind, settings = layer.split(" ", 1)
    text = INPUT.format(f"dim: 2 dim: 4 dim: {size[0]} dim: {size[1]}")
    text += f'layer {{ name: "x" type: "{kind}" bottom: "data" top: "x" {settings} }}\n'
    check(text, caffe, built(text, caffe, tmp_path))


@pytest.mark.parametrize("name", ["bvlc_googlenet", "motif_googlenet"])
def test_shapes_at_another_size(name, caffe, tmp_path):
    text = nets.bundled(name)
    net = built(text, caffe, tmp_path)
    net.blobs["data"].reshape(1, 3, 157, 301)
    net.forward(end="inception_4c/output")
    blobs = shapes.infer(parse(text, caffe), {"data": (1, 3, 157, 301)}, "inception_4c/output")
    assert blobs == {name: tuple(net.blobs[name].data.shape) for name in blobs}


@pytest.mark.parametrize("name", sorted(os.listdir(os.path.join(nets.ROOT, "prototxt"))))
def test_shapes_of_the_bundled_nets(name, caffe, tmp_path):
    text = nets.bundled(name).replace("num_output: 4096", "num_output: 32")  # of VGG's 553 MB
    check(text, caffe, built(text, caffe, tmp_path))


def net_of(layer, bottoms):
    """A net of Input layers of these shapes, and the layer that reads them."""
    text = ""
    for i, shape in enumerate(bottoms):
        dims = " ".join(f"dim: {n}" for n in shape)
        text += INPUT.format(dims).replace('"data"', f'"in{i}"')
    reads = " ".join(f'bottom: "in{i}"' for i in range(len(bottoms)))
    return text + f'layer {{ name: "x" top: "a" {reads} {layer} }}'


def test_an_unknown_type_and_what_reads_it_have_no_shape(caffe):
    text = net_of('type: "SomethingNew"', [(2, 5)])
    text += 'layer { name: "y" type: "ReLU" bottom: "a" top: "y" }'
    text += 'layer { name: "z" type: "Convolution" bottom: "y" top: "z" }'
    blobs = shapes.infer(parse(text, caffe))
    assert blobs == {"in0": (2, 5), "a": None, "y": None, "z": None}
    assert shapes.weight_shapes(parse(text, caffe)) == {}


REFUSALS = [
    ('type: "Eltwise"', [(2, 3), (2, 4)], "of unlike shapes: .2, 3. and .2, 4."),
    ('type: "Eltwise"', [(2, 3)], "has 1 bottom but takes 2 or more"),
    ('type: "Concat"', [(2, 3, 4), (2, 3, 5)], "unlike outside axis 1"),
    ('type: "Crop"', [(1, 3, 5, 5), (1, 3, 4, 6)], "beyond its bottom .1, 3, 5, 5."),
    ('type: "Scale"', [(2, 3, 4), (2,)], "values of the shape .2,. for .3,. of its bottom"),
    ('type: "Bias" bias_param { num_axes: 4 }', [(2, 3, 4)], "wants 4 axes from axis 1 on"),
    ('type: "LRN"', [(2, 3, 4)], "wants 4 axes"),
    ('type: "Pooling" pooling_param { kernel_size: 2 }', [(2, 3)], "wants 4 axes"),
    ('type: "Pooling" pooling_param { kernel_size: 9 }', [(1, 1, 4, 5)], "4x5 .* looks at 9x9"),
    ('type: "Slice" top: "b" slice_param { slice_point: 6 }', [(2, 6)], "must rise and lie"),
    ('type: "Slice" top: "b"', [(2, 5)], "cannot cut axis 1 .* into 2 equal parts"),
    ('type: "Reshape" reshape_param { shape { dim: 4 dim: -1 } }', [(2, 5)], "of the 10 values"),
    ('type: "Reshape" reshape_param { shape { dim: -2 dim: -5 } }', [(2, 5)], "of the 10 values"),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: 0 dim: 0 } }', [(2, 5)], "no 0 after"),
    ('type: "Reshape" reshape_param { shape { dim: 0 } axis: 2 }', [(2, 5)], "no 0 after"),
    (
        'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 group: 2 }',
        [(1, 3, 9, 9)],
        "3 channels .* multiples of group 2",
    ),
    (
        'type: "Convolution" convolution_param { num_output: 1 kernel_size: 3 kernel_size: 2 }',
        [(1, 3, 5, 5, 5)],
        "kernel 2 times; give it once, or once for each of 3 axes",
    ),
    ('type: "Softmax" softmax_param { axis: 3 }', [(2, 5)], "axis 3 of its bottom"),
    ('type: "SoftmaxWithLoss"', [(2, 5, 3), (2,)], "2 labels .2,. for 6 places"),
    ('type: "EuclideanLoss"', [(2, 5), (2, 4)], "must have as many values"),
    ('type: "Accuracy" accuracy_param { top_k: 6 }', [(2, 5), (2,)], "top_k 6"),
    ('type: "ArgMax" argmax_param { top_k: 6 }', [(2, 5)], "from 1 to 5"),
    ('type: "BatchReindex"', [(2, 5), (3, 1)], "one axis"),
    ('type: "LSTM" recurrent_param { num_output: 3 }', [(4, 2, 5), (4, 3)], "cont .T, N."),
    ('type: "SPP" spp_param { pyramid_height: 4 }', [(1, 2, 3, 3)], "too few for"),
    ('type: "Filter"', [(3, 2), (4,)], "3 items .* selector for 4"),
    ('type: "PReLU"', [(3,)], "two axes or more"),
]


@pytest.mark.parametrize("layer, bottoms, message", REFUSALS)
def test_what_an_engine_refuses_is_refused(layer, bottoms, message, caffe, tmp_path):
    text = net_of(layer, bottoms)
    with pytest.raises(ShapeError, match=f'layer "x" .*{message}'):
        shapes.infer(parse(text, caffe))
    if hasattr(caffe, "CaffeError"):  # a real Caffe ends the process
        with pytest.raises(caffe.CaffeError):
            built(text, caffe, tmp_path)


DATA = 'layer { name: "d" type: "%s" top: "data" top: "label" %s }'


@pytest.mark.parametrize("kind, settings, expected", [
    ("Data", "transform_param { crop_size: 227 } data_param { batch_size: 8 }",
     [(8, 3, 227, 227), (8,)]),
    ("Data", "data_param { batch_size: 8 }", [None, None]),
    ("MemoryData", "memory_data_param { batch_size: 2 channels: 1 height: 5 width: 6 }",
     [(2, 1, 5, 6), (2,)]),
    ("DummyData", "dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 } }", [(2, 3), (2,)]),
    ("DummyData", "dummy_data_param { num: 2 channels: 3 height: 4 width: 5 }",
     [(2, 3, 4, 5)] * 2),
    ("Input", "", [None, None]),
])  # fmt: skip
def test_shapes_that_data_layers_declare(kind, settings, expected, caffe):
    declared = shapes.input_shapes(parse(DATA % (kind, settings), caffe))
    assert [declared["data"], declared["label"]] == expected


def test_an_input_layer_with_shapes_for_some_of_its_tops_is_refused(caffe):
    three = DATA.replace('top: "label"', 'top: "label" top: "more"')
    text = three % ("Input", "input_param { shape { dim: 1 } shape { dim: 2 } }")
    with pytest.raises(ShapeError, match="3 tops but 2 shapes"):
        shapes.infer(parse(text, caffe))


def test_an_input_of_another_size_names_both_k_and_the_cure(caffe):
    net = parse(nets.bundled("bvlc_googlenet"), caffe)
    with pytest.raises(InnerProductSizeError) as e:
        shapes.infer(net, {"data": (1, 3, 427, 640)})
    for part in ('"loss3/classifier"', "K_ is 1024", "K_ 100352", "net_surgery convolutionize"):
        assert part in str(e.value)


@pytest.mark.parametrize("kind, settings, size", [
    ("Convolution", "convolution_param { num_output: 2 kernel_size: 1 }", (1, 4, 5, 5)),
    ("Scale", "scale_param { num_axes: -1 }", (1, 3, 5, 6)),
    ("PReLU", "", (1, 4, 5, 5)),
])  # fmt: skip
def test_parameters_of_another_size_are_refused(kind, settings, size, caffe):
    text = INPUT.format("dim: 1 dim: 3 dim: 5 dim: 5")
    text += f'layer {{ name: "x" type: "{kind}" bottom: "data" top: "x" {settings} }}'
    assert shapes.infer(parse(text, caffe), {"data": (2, 3, 5, 5)})["x"]
    with pytest.raises(ShapeError, match=r'"x" .* made for \(1, 3, 5, 5\), but this input'):
        shapes.infer(parse(text, caffe), {"data": size})

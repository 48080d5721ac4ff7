"""The worked-out shapes are the engine's own, on either engine."""

import pytest
from google.protobuf import text_format

from deepdream.nets.catalogue import ROOT
from net_surgery.errors import ShapeError
from netfile import shapes

INPUT = 'layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ {} }} }} }}\n'
LAYERS = [
    "Convolution convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 group: 2 }",
    "Convolution convolution_param { num_output: 6 kernel_size: 3 dilation: 2 }",
    "Convolution convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1 }",
    "Pooling pooling_param { kernel_size: 2 stride: 3 pad: 1 }",
    "Pooling pooling_param { kernel_size: 3 stride: 2 }",
    "Pooling pooling_param { kernel_size: 2 stride: 2 pad: 1 }",
    "Pooling pooling_param { pool: AVE global_pooling: true }",
    "InnerProduct inner_product_param { num_output: 7 }",
    "InnerProduct inner_product_param { num_output: 7 axis: 2 }",
    "InnerProduct inner_product_param { num_output: 7 axis: -1 transpose: true }",
    "Flatten",
    "Flatten flatten_param { axis: 2 }",
    "Flatten flatten_param { axis: 0 end_axis: -2 }",
    "ReLU",
    "LRN",
    "Dropout",
    "Softmax",
]


def parse(text, caffe):
    return text_format.Parse(text, caffe.io.caffe_pb2.NetParameter())


def built(text, caffe, tmp_path):
    (tmp_path / "net.prototxt").write_text(text)
    return caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)


@pytest.mark.parametrize("size", [(5, 8), (6, 5), (7, 7), (9, 5)])
@pytest.mark.parametrize("layer", LAYERS)
def test_shapes_of_single_layers(layer, size, caffe, tmp_path):
    kind, *rest = layer.split(" ", 1)
    text = INPUT.format(f"dim: 2 dim: 4 dim: {size[0]} dim: {size[1]}")
    text += f'layer {{ name: "x" type: "{kind}" bottom: "data" top: "x" {" ".join(rest)} }}\n'
    net = built(text, caffe, tmp_path)
    assert shapes.infer(parse(text, caffe))["x"] == tuple(net.blobs["x"].data.shape)
    if net.params:
        assert shapes.weight_shapes(parse(text, caffe))["x"] == [
            tuple(b.data.shape) for b in net.params["x"]
        ]


@pytest.mark.parametrize("name", ["bvlc_googlenet", "motif_googlenet"])
def test_shapes_of_whole_nets(name, caffe, tmp_path):
    text = (ROOT / "prototxt" / name / "deploy.prototxt").read_text()
    net = built(text, caffe, tmp_path)
    found = shapes.infer(parse(text, caffe))
    assert found == {blob: tuple(net.blobs[blob].data.shape) for blob in found}
    assert shapes.weight_shapes(parse(text, caffe)) == {
        layer: [tuple(b.data.shape) for b in blobs] for layer, blobs in net.params.items()
    }
    net.blobs["data"].reshape(1, 3, 157, 301)
    net.forward(end="inception_4c/output")
    found = shapes.infer(parse(text, caffe), {"data": (1, 3, 157, 301)}, "inception_4c/output")
    assert found == {blob: tuple(net.blobs[blob].data.shape) for blob in found}


@pytest.mark.parametrize("layer, bottoms, expected", [
    ('type: "Concat"', [(2, 3, 4), (2, 5, 4)], [(2, 8, 4)]),
    ('type: "Concat" concat_param { concat_dim: 0 }', [(2, 3), (1, 3)], [(3, 3)]),
    ('type: "Slice" top: "b"', [(2, 6, 4)], [(2, 3, 4), (2, 3, 4)]),
    ('type: "Slice" top: "b" slice_param { axis: 2 slice_point: 1 }', [(2, 6, 4)], [(2, 6, 1), (2, 6, 3)]),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } }', [(2, 6, 4)], [(2, 24)]),
    ('type: "Reshape" reshape_param { shape { dim: 3 dim: -1 } axis: 1 num_axes: 1 }', [(2, 6, 4)], [(2, 3, 2, 4)]),
    ('type: "Deconvolution" convolution_param { num_output: 5 kernel_size: 4 stride: 2 pad: 1 }', [(1, 3, 7, 8)], [(1, 5, 14, 16)]),
    ('type: "Crop"', [(1, 3, 9, 9), (1, 1, 7, 6)], [(1, 3, 7, 6)]),
    ('type: "Tile" tile_param { tiles: 3 }', [(2, 4)], [(2, 12)]),
    ('type: "Pooling" pooling_param { kernel_size: 3 stride: 2 }', [(1, 3, 8, 8)], [(1, 3, 4, 4)]),
    ('type: "SoftmaxWithLoss" top: "b"', [(2, 5), (2,)], [(), (2, 5)]),
    ('type: "SomethingNew"', [(2, 5)], [None]),
])  # fmt: skip
def test_shapes_of_other_layers(layer, bottoms, expected, caffe):
    text = ""
    for i, shape in enumerate(bottoms):
        text += INPUT.format(" ".join(f"dim: {n}" for n in shape)).replace('"data"', f'"in{i}"')
    text += f'layer {{ name: "x" top: "a" {" ".join(f"""bottom: "in{i}" """ for i in range(len(bottoms)))} {layer} }}'
    found = shapes.infer(parse(text, caffe))
    assert [found[top] for top in ("a", "b")[: len(expected)]] == expected


@pytest.mark.parametrize("text, expected", [
    ('layer { name: "d" type: "Data" top: "data" top: "label" transform_param { crop_size: 227 } data_param { batch_size: 8 } }',
     [(8, 3, 227, 227), (8,)]),
    ('layer { name: "d" type: "Data" top: "data" top: "label" data_param { batch_size: 8 } }', [None, None]),
    ('layer { name: "d" type: "MemoryData" top: "data" top: "label" memory_data_param { batch_size: 2 channels: 1 height: 5 width: 6 } }',
     [(2, 1, 5, 6), (2,)]),
    ('layer { name: "d" type: "DummyData" top: "data" top: "label" dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }', [(2, 3), (2,)]),
    ('layer { name: "d" type: "DummyData" top: "data" top: "label" dummy_data_param { num: 2 channels: 3 height: 4 width: 5 } }', [(2, 3, 4, 5)] * 2),
])  # fmt: skip
def test_shapes_that_data_layers_declare(text, expected, caffe):
    found = shapes.input_shapes(parse(text, caffe))
    assert [found["data"], found["label"]] == expected


def test_an_input_of_another_size_names_both_k_and_the_cure(caffe):
    net = parse((ROOT / "prototxt/bvlc_googlenet/deploy.prototxt").read_text(), caffe)
    with pytest.raises(ShapeError) as e:
        shapes.infer(net, {"data": (1, 3, 427, 640)})
    said = str(e.value)
    assert (
        '"loss3/classifier"' in said
        and "K_ is 1024" in said
        and "K_ 100352" in said
        and "net_surgery convolutionize" in said
    )

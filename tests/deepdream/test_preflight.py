"""Checks before a run: layer names, octave sizes, and that the worked-out shapes are the engine's own."""

import pytest
from google.protobuf import text_format

from deepdream import preflight, shapes
from deepdream.errors import SizeError, TargetError
from deepdream.model import ROOT, description
from deepdream.octaves import octave_sizes


@pytest.fixture
def small_net(small, caffe):
    return description(small, caffe)


def test_shapes_are_the_engines(small, small_net, net, caffe):
    for height, width in ((32, 32), (60, 80), (61, 79), (33, 47)):
        src = net.blobs["data"]
        src.reshape(1, 3, height, width)
        net.forward(end="inception_4c/output")
        found = shapes.shapes(small_net, height, width, "inception_4c/output")
        for name, shape in found.items():
            assert tuple(net.blobs[name].data.shape)[1:] == shape, name


@pytest.mark.parametrize("size", [(5, 8), (6, 5), (7, 7), (9, 4)])
@pytest.mark.parametrize("settings", ["kernel_size: 2 stride: 3 pad: 1", "kernel_size: 3 stride: 2", "kernel_size: 2 stride: 2 pad: 1"])
def test_pooled_shapes_are_the_engines(settings, size, caffe, tmp_path):
    text = f"""
    layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 3 dim: {size[0]} dim: {size[1]} }} }} }}
    layer {{ name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param {{ {settings} }} }}
    """
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    net = caffe.Net(str(path), caffe.TEST)
    found = shapes.shapes(text_format.Parse(text, caffe.io.caffe_pb2.NetParameter()), *size)
    assert found["pool"] == tuple(net.blobs["pool"].data.shape)[1:]


def test_shapes_of_googlenet_are_the_engines(caffe, tmp_path):
    net = caffe.io.caffe_pb2.NetParameter()
    text_format.Merge((ROOT / "prototxt/bvlc_googlenet/deploy.prototxt").read_text(), net)
    found = shapes.shapes(net, 224, 224)
    engine = caffe.Net(str(ROOT / "prototxt/bvlc_googlenet/deploy.prototxt"), caffe.TEST)
    for name, shape in found.items():
        blob = tuple(engine.blobs[name].data.shape)[1:]
        assert blob == shape[: len(blob)], name


def test_weight_shapes_are_the_engines(small_net, net):
    assert shapes.weight_shapes(small_net) == {name: [tuple(b.data.shape) for b in blobs] for name, blobs in net.params.items()}


def test_an_end_that_is_there_passes(small_net):
    preflight.check_end(small_net, "inception_4c/output")


def test_a_near_miss_gets_the_nearest_names(small_net):
    with pytest.raises(TargetError, match="did you mean inception_4c/output"):
        preflight.check_end(small_net, "inception4c/output")


def test_an_in_place_relu_leads_to_its_blob(small_net):
    with pytest.raises(TargetError, match="use --end inception_3b/5x5_reduce"):
        preflight.check_end(small_net, "inception_3b/relu_5x5_reduce")


def test_an_octave_too_small_names_octave_layer_and_the_largest_number_that_fits(small_net):
    end = "inception_4c/output"
    with pytest.raises(SizeError, match=r'octave 4 of 9 would be 11x8 pixels: layer "inception_4c/output".*use --octaves 5 at most'):
        preflight.check_octaves(small_net, end, octave_sizes(43, 60, 9))
    preflight.check_octaves(small_net, end, octave_sizes(43, 60, 5))


def test_a_picture_too_small_altogether_says_so(small_net):
    with pytest.raises(SizeError, match="the picture is 5x4"):
        preflight.check_octaves(small_net, "inception_4c/output", octave_sizes(4, 5))


def test_a_layer_behind_inner_product_needs_the_declared_size(small_net):
    preflight.check_octaves(small_net, "prob", [(32, 32)])
    with pytest.raises(SizeError, match='"fc" .InnerProduct. takes 360 .*32x32 picture with --octaves 1'):
        preflight.check_octaves(small_net, "prob", [(60, 80)])

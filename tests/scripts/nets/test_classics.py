"""The classic nets: what is committed is what the generator writes, with the published numbers of layers, weights and bytes."""

import math

import pytest
from google.protobuf import text_format

from caffe_compat.proto import caffe_pb2
from deepdream.nets.catalogue import ROOT, find, known
from netfile.shapes import infer, weight_shapes
from scripts.nets import classics, googlenet


def parsed(name):
    return text_format.Parse(
        (ROOT / "prototxt" / name / "deploy.prototxt").read_text(), caffe_pb2.NetParameter()
    )


@pytest.mark.parametrize("name", classics.NETS)
def test_committed_prototxt_is_the_generators(name):
    assert (ROOT / "prototxt" / name / "deploy.prototxt").read_text() == classics.NETS[name]()


def test_every_model_has_its_net_and_every_net_its_model():
    nets = {*classics.NETS, *(v.name for v in googlenet.NETS)}
    assert (
        nets
        == set(known())
        == {p.parent.name for p in (ROOT / "prototxt").glob("*/deploy.prototxt")}
    )


def values(net):
    """Number of stored values."""
    return sum(math.prod(shape) for shapes in weight_shapes(net).values() for shape in shapes)


@pytest.mark.parametrize("name, count", [
    ("bvlc_alexnet", 60965224), ("bvlc_reference_caffenet", 60965224), ("VGG_ILSVRC_16_layers", 138357544),
    ("VGG_ILSVRC_19_layers", 143667240), ("ResNet-50", 25610269), ("squeezenet_v1.0", 1248424), ("squeezenet_v1.1", 1235496),
    ("bvlc_googlenet", 6998552),
])  # fmt: skip
def test_weights_are_as_many_as_published(name, count):
    assert values(parsed(name)) == count
    size = find(name).facts["bytes"]
    if name != "bvlc_googlenet":  # whose file holds the heads that it was trained with too
        assert (
            0 < size - 4 * count < 30000
        )  # names and shapes are all that a caffemodel holds besides


@pytest.mark.parametrize("name, layer, shape", [
    ("bvlc_alexnet", "pool5", (256, 6, 6)), ("bvlc_reference_caffenet", "norm1", (96, 27, 27)), ("VGG_ILSVRC_19_layers", "pool5", (512, 7, 7)),
    ("ResNet-50", "res5c", (2048, 7, 7)), ("squeezenet_v1.0", "fire9/concat", (512, 13, 13)), ("squeezenet_v1.1", "conv10", (1000, 14, 14)),
    ("nin_imagenet", "cccp8-1024", (1000, 6, 6)), ("googlenet_places205", "loss3/classifier", (205,)),
])  # fmt: skip
def test_sizes_are_the_papers(name, layer, shape):
    assert infer(parsed(name))[layer][1:] == shape


@pytest.mark.parametrize("name", known())
def test_default_ends_can_be_dreamt_of(name):
    from deepdream.nets.preflight import check_end

    check_end(parsed(name), find(name).end)

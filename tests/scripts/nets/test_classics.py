"""The classic nets: the committed files are the generator's, in the published numbers."""

import math
from typing import Any, Tuple

import pytest
from google.protobuf import text_format

from caffe_compat.proto import caffe_pb2
from deepdream.nets.catalogue import find, known
from deepdream.nets.preflight import check_end
from netfile.shapes import infer, weight_shapes
from netfile.system.places import ROOT
from scripts.nets import (
    classics,
    efficientnet,
    googlenet,
    hed,
    inception5h,
    torchvision_nets,
)

GENERATED = {
    **classics.NETS,
    **torchvision_nets.NETS,
    **efficientnet.NETS,
    **hed.NETS,
    **inception5h.NETS,
}


def parsed(name: str) -> Any:
    """A deploy net of prototxt/, as a NetParameter."""
    text = (ROOT / "prototxt" / name / "deploy.prototxt").read_text()
    return text_format.Parse(text, caffe_pb2.NetParameter())


@pytest.mark.parametrize("name", GENERATED)
def test_committed_prototxt_is_the_generators(name: str) -> None:
    assert (ROOT / "prototxt" / name / "deploy.prototxt").read_text() == GENERATED[name]()


@pytest.mark.parametrize("name", GENERATED)
def test_no_clip_is_in_place(name: str) -> None:
    # its backward pass would read what it has clipped, and let every gradient through
    clips = [layer for layer in parsed(name).layer if layer.type == "Clip"]
    assert [layer.name for layer in clips if list(layer.bottom) == list(layer.top)] == []


def test_every_model_has_its_net_and_every_net_its_model() -> None:
    nets = {*GENERATED, *(v.name for v in googlenet.NETS)}
    committed = {p.parent.name for p in (ROOT / "prototxt").glob("*/deploy.prototxt")}
    with_weights = {name for name in known() if find(name).is_of_a_graph}  # which bring it
    assert nets == set(known()) - with_weights == committed


def values(net: Any) -> int:
    """Number of values that the net's caffemodel stores."""
    return sum(math.prod(shape) for shapes in weight_shapes(net).values() for shape in shapes)


PUBLISHED = {
    "bvlc_alexnet": 60965224,
    "bvlc_reference_caffenet": 60965224,
    "VGG_ILSVRC_16_layers": 138357544,
    "VGG_ILSVRC_19_layers": 143667240,
    "ResNet-50": 25610269,
    "squeezenet_v1.0": 1248424,
    "squeezenet_v1.1": 1235496,
    "bvlc_googlenet": 6998552,
}


# without a caffemodel that was published: what the papers and other programs count
COUNTED = {
    "bvlc_reference_rcnn_ilsvrc13": 60965224 - 4097 * 800,
    "torchvision_vgg16": 138357544,
    "torchvision_alexnet": 61100840,
    "torchvision_squeezenet1_1": 1235496,
    "torchvision_resnet50": 25557032 - 26560,  # a bias in place of a gain and an offset
    "torchvision_googlenet": 6624904 - 7280,
    "hed_bsds500": 14716171 + 2 * (4**2 + 8**2 + 16**2 + 32**2),
}


@pytest.mark.parametrize("name, count", COUNTED.items())
def test_weights_are_as_many_as_elsewhere(name: str, count: int) -> None:
    assert values(parsed(name)) == count


@pytest.mark.parametrize("name, count", PUBLISHED.items())
def test_weights_are_as_many_as_published(name: str, count: int) -> None:
    assert values(parsed(name)) == count
    size = find(name).facts["bytes"]
    assert isinstance(size, int)
    if name != "bvlc_googlenet":  # its file also holds the heads that it was trained with
        assert 0 < size - 4 * count < 30000, "a caffemodel also holds names and shapes, no more"


SIZES = [
    ("bvlc_alexnet", "pool5", (256, 6, 6)),
    ("bvlc_reference_caffenet", "norm1", (96, 27, 27)),
    ("VGG_ILSVRC_19_layers", "pool5", (512, 7, 7)),
    ("ResNet-50", "res5c", (2048, 7, 7)),
    ("squeezenet_v1.0", "fire9/concat", (512, 13, 13)),
    ("squeezenet_v1.1", "conv10", (1000, 14, 14)),
    ("nin_imagenet", "cccp8-1024", (1000, 6, 6)),
    ("googlenet_places205", "loss3/classifier", (205,)),
    ("torchvision_alexnet", "pool5", (256, 6, 6)),
    ("torchvision_resnet50", "res5c", (2048, 7, 7)),
    ("torchvision_googlenet", "inception_5b/output", (1024, 7, 7)),
    ("efficientnet_lite0", "conv_head", (1280, 7, 7)),
    ("efficientnet_lite2", "block6/output", (48, 33, 33)),
    ("efficientnet_lite2", "conv_head", (1280, 9, 9)),
    ("hed_bsds500", "score-dsn5", (1, 20, 20)),
    ("hed_bsds500", "sigmoid-fuse", (1, 320, 320)),
    ("inception5h", "mixed4a", (508, 14, 14)),
    ("inception5h", "mixed5b", (1024, 7, 7)),
]


@pytest.mark.parametrize("name, layer, shape", SIZES)
def test_sizes_are_the_papers(name: str, layer: str, shape: Tuple[int, ...]) -> None:
    assert infer(parsed(name))[layer][1:] == shape


@pytest.mark.parametrize("name", GENERATED)
def test_default_ends_can_be_dreamt_of(name: str) -> None:
    check_end(parsed(name), find(name).end)

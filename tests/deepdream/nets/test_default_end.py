"""Where a dream of a net ends whose readme does not say it."""

from typing import Any

import pytest

from deepdream import nets
from deepdream.nets.default_end import suitable_end
from netfile.places import PROTOTXT
from netfile.prototxt import read_prototxt

SUITABLE = {
    "bvlc_googlenet": "inception_4c/output",
    "torchvision_googlenet": "inception_4c/output",
    "inception5h": "mixed4e",
    "ResNet-50": "res4f",
    "squeezenet_v1.0": "fire8/concat",
    "efficientnet_lite0": "block10/output",
    "efficientnet_lite2": "block14/output",
    "VGG_ILSVRC_16_layers": "conv5_2",
    "bvlc_alexnet": "conv5",
    "nin_imagenet": "cccp6",
}


@pytest.mark.parametrize("name", SUITABLE)
def test_it_is_a_map_in_the_upper_middle(caffe: Any, name: str) -> None:
    net = read_prototxt(PROTOTXT / name / "deploy.prototxt", caffe.io.caffe_pb2)
    assert suitable_end(net) == SUITABLE[name]


def test_and_the_readmes_where_there_is_one() -> None:
    assert nets.default_end(nets.find("bvlc_alexnet")) == nets.find("bvlc_alexnet").end == "conv3"

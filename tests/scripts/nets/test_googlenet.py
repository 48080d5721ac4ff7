"""GoogLeNet's table: the committed files are the generator's, with the paper's widths."""

import hashlib
from typing import Any, List

import pytest
from google.protobuf import text_format

from caffe_compat.proto import caffe_pb2
from deepdream.nets.catalogue import find
from netfile.system.places import ROOT
from scripts.nets import googlenet
from scripts.training.motifs.sampler import NAMES


@pytest.mark.parametrize("net", googlenet.NETS, ids=lambda n: n.name)
def test_committed_prototxt_is_the_generators(net: googlenet.Variant) -> None:
    committed = ROOT / "prototxt" / net.name / "deploy.prototxt"
    assert committed.read_text() == googlenet.deploy(net)


def layers(net: googlenet.Variant) -> List[Any]:
    """(name, type, bottoms, tops) of every layer."""
    parsed = text_format.Parse(googlenet.deploy(net), caffe_pb2.NetParameter())
    return [(x.name, x.type, list(x.bottom), list(x.top)) for x in parsed.layer]


def test_both_nets_have_the_same_layers_but_for_the_last_pool() -> None:
    bvlc, motif = layers(googlenet.BVLC_GOOGLENET), layers(googlenet.MOTIF_GOOGLENET)
    assert len(bvlc) == 143
    rename = str(motif).replace("3x3_s1", "7x7_s1")
    assert rename == str(bvlc)


@pytest.mark.parametrize(
    "name, channels", [("3a", 256), ("3b", 480), ("4a", 512), ("4e", 832), ("5b", 1024)]
)
def test_inception_widths_are_the_papers(name: str, channels: int) -> None:
    w = googlenet.INCEPTIONS[name]
    assert w[0] + w[2] + w[4] + w[5] == channels


def test_the_default_net_has_a_class_for_each_motif() -> None:
    assert googlenet.MOTIF_GOOGLENET.classes == len(NAMES) >= 32


def test_readme_of_the_default_model_is_true() -> None:
    model = find("motif_googlenet")
    raw = model.weights.read_bytes()
    assert model.facts["sha1"] == hashlib.sha1(raw).hexdigest()
    assert model.facts["bytes"] == len(raw) <= 8e6
    assert model.facts["classes"] == NAMES

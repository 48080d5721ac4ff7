"""A folder laid out as Caffe's own."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netfile.system import caffe_root
from netfile.system.places import MODELS, PROTOTXT

GOOGLENET = Path("models") / "bvlc_googlenet"
MEAN = Path("python") / "caffe" / "imagenet" / "ilsvrc_2012_mean.npy"


def lay_out(folder: Path, *wishes: str) -> Any:
    return caffe_root.lay_out(folder / "caffe", caffe_root.stand_ins(wishes))


def test_nets_weights_mean_and_words_are_where_programs_look(tmp_path: Path) -> None:
    laid = lay_out(tmp_path)
    assert laid.folder == tmp_path / "caffe" and "motif_googlenet" in laid.whole
    motif = laid.folder / "models" / "motif_googlenet"
    weights = motif / "motif_googlenet.caffemodel"
    assert weights.resolve() == (MODELS / "motif_googlenet" / weights.name).resolve()
    net = laid.folder / GOOGLENET / "deploy.prototxt"
    assert net.read_bytes() == (PROTOTXT / "bvlc_googlenet" / "deploy.prototxt").read_bytes()
    mean = np.load(str(laid.folder / MEAN))
    assert mean.shape == (3, 256, 256)
    assert np.allclose(mean.mean(1).mean(1), caffe_root.IMAGENET_MEAN)
    words = (laid.folder / "data" / "ilsvrc12" / "synset_words.txt").read_text().splitlines()
    assert len(words) == 1000 and words[0] == "n01440764 tench, Tinca tinca"


def test_the_mean_as_a_blob_is_read_by_the_engine(tmp_path: Path, caffe: Any) -> None:
    laid = lay_out(tmp_path)
    blob = caffe.io.caffe_pb2.BlobProto()
    path = laid.folder / "data" / "ilsvrc12" / "imagenet_mean.binaryproto"
    blob.ParseFromString(path.read_bytes())
    mean = caffe.io.blobproto_to_array(blob)
    assert mean.shape == (1, 3, 256, 256)
    assert np.allclose(mean[0, :, 3, 5], caffe_root.IMAGENET_MEAN)


def test_a_model_stands_in_for_another_with_its_own_classes(tmp_path: Path) -> None:
    laid = lay_out(tmp_path, "bvlc_googlenet=motif_googlenet")
    weights = laid.folder / GOOGLENET / "bvlc_googlenet.caffemodel"
    assert weights.resolve().name == "motif_googlenet.caffemodel"
    net = laid.folder / GOOGLENET / "deploy.prototxt"
    assert net.read_bytes() == (PROTOTXT / "motif_googlenet" / "deploy.prototxt").read_bytes()
    words = (laid.folder / "data" / "ilsvrc12" / "synset_words.txt").read_text().splitlines()
    assert (len(words), words[0]) == (44, "n00000000 eye")


def test_a_folder_stands_in(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "net.prototxt").write_text("name: 'mine'")
    (mine / "w.caffemodel").write_bytes(b"weights")
    laid = lay_out(tmp_path, f"VGG_ILSVRC_16_layers={mine}")
    folder = laid.folder / "models" / "VGG_ILSVRC_16_layers"
    assert (folder / "VGG_ILSVRC_16_layers.caffemodel").read_bytes() == b"weights"
    for name in ("deploy.prototxt", "VGG_ILSVRC_16_layers_deploy.prototxt"):
        assert (folder / name).read_text() == "name: 'mine'"


def test_laying_out_again_changes_links_and_nothing_else(tmp_path: Path) -> None:
    lay_out(tmp_path)
    words = tmp_path / "caffe" / "data" / "ilsvrc12" / "synset_words.txt"
    words.unlink()
    words.write_text("mine")
    lay_out(tmp_path, "bvlc_googlenet=motif_googlenet")
    laid = lay_out(tmp_path, "bvlc_googlenet=creature_googlenet")
    weights = laid.folder / GOOGLENET / "bvlc_googlenet.caffemodel"
    assert weights.resolve().name == "creature_googlenet.caffemodel"
    assert words.read_text() == "mine"


def test_files_of_a_real_checkout_stay(tmp_path: Path) -> None:
    folder = tmp_path / "caffe" / GOOGLENET
    folder.mkdir(parents=True)
    (folder / "deploy.prototxt").write_text("mine")
    lay_out(tmp_path)
    assert (folder / "deploy.prototxt").read_text() == "mine"
    with pytest.raises(caffe_root.RootError, match="is there already"):
        lay_out(tmp_path, "bvlc_googlenet=motif_googlenet")
    assert (folder / "deploy.prototxt").read_text() == "mine"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("motif_googlenet", "is not NAME=OTHER"),
        ("=motif_googlenet", "is not NAME=OTHER"),
        ("bvlc_googlenet=", "is not NAME=OTHER"),
        ("../x=motif_googlenet", "is not NAME=OTHER"),
        ("bvlc_googlenet=nothing", 'no model "nothing"'),
        ("bvlc_googlenet=VGG_ILSVRC_19_layers", "its weights are not here"),
    ],
)
def test_what_cannot_stand_in(wish: str, message: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(caffe_root, "_weights", lambda folder: None)
    with pytest.raises(caffe_root.RootError, match=message):
        caffe_root.stand_ins([wish])


def test_two_cannot_stand_in_for_one() -> None:
    with pytest.raises(caffe_root.RootError, match="two models"):
        caffe_root.stand_ins(["a=motif_googlenet", "a=creature_googlenet"])


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "caffe").write_text("mine")
    with pytest.raises(caffe_root.RootError, match="is a file"):
        lay_out(tmp_path)


def test_where_links_are_refused_files_are_copied(tmp_path: Path, monkeypatch: Any) -> None:
    def refuse(*args: Any) -> None:
        raise OSError("refused")

    monkeypatch.setattr(os, "symlink", refuse)
    laid = lay_out(tmp_path)
    weights = laid.folder / "models" / "motif_googlenet" / "motif_googlenet.caffemodel"
    assert not weights.is_symlink() and weights.stat().st_size == 6131877

"""A file of weights becomes a model's folder, whole or not at all."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from net_surgery.errors import FormatError
from net_surgery.imports import TABLES, convert
from netfile.errors import WriteError
from netfile.prototxt import read_prototxt
from netfile.system.places import PROTOTXT
from tests.support import foreign_weights as foreign

MODEL = "torchvision_squeezenet1_1"


@pytest.fixture(scope="module")
def source(caffe: Any, tmp_path_factory: Any) -> Path:
    """A state dict of random weights."""
    table = next(t for t in TABLES if t.model == MODEL)
    net = read_prototxt(PROTOTXT / MODEL / "deploy.prototxt", caffe.io.caffe_pb2)
    path = tmp_path_factory.mktemp("source") / "squeeze\x1b[31m.pth"
    path.write_bytes(foreign.torch_zip(foreign.source_arrays(table, net)))
    return path


def test_the_folder_is_a_model_on_the_engine(source: Path, caffe: Any, tmp_path: Path) -> None:
    imported = convert(source, MODEL, caffe)
    folder = imported.save(tmp_path / "out")
    assert sorted(p.name for p in folder.iterdir()) == sorted(imported.file_names())
    weights = folder / f"{MODEL}.caffemodel"
    net = caffe.Net(str(folder / "deploy.prototxt"), str(weights), caffe.TEST)
    for name, blobs in imported.parameters.items():
        for blob, wanted in zip(net.params[name], blobs):
            assert np.array_equal(blob.data, wanted), name
    readme = (folder / "readme.md").read_text()
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    sha1 = hashlib.sha1(weights.read_bytes()).hexdigest()
    for line in (f"source_sha256: {digest}", f"sha1: {sha1}", "mean: [103.53, 116.28, 123.675]",
                 "license: BSD 3-Clause", "classes: imagenet_names.txt", "end: fire5/concat",
                 f"caffemodel: {MODEL}.caffemodel"):  # fmt: skip
        assert f"\n{line}\n" in readme, line
    assert "\x1b" not in readme
    names = (folder / "imagenet_names.txt").read_text().splitlines()
    assert len(names) == 1000 and names[281] == "n02123045 tabby, tabby cat"


def test_nothing_is_replaced_unless_asked(source: Path, caffe: Any, tmp_path: Path) -> None:
    imported = convert(source, MODEL, caffe)
    (tmp_path / "readme.md").write_text("mine")
    (tmp_path / "other").write_text("mine")
    with pytest.raises(WriteError) as e:
        imported.save(tmp_path)
    assert e.value.exists and sorted(p.name for p in tmp_path.iterdir()) == ["other", "readme.md"]
    imported.save(tmp_path, overwrite=True)
    assert (tmp_path / "readme.md").read_text() != "mine" and (tmp_path / "other").exists()


def test_a_write_that_fails_leaves_nothing(
    source: Path, caffe: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    imported = convert(source, MODEL, caffe)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("netfile.caffemodel.write_layer", full)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("mine")
    for name in ("new", "there"):
        with pytest.raises(WriteError, match="No space left"):
            imported.save(tmp_path / name, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["there"]
    assert [p.name for p in (tmp_path / "there").iterdir()] == ["mine"]


def test_another_net_is_refused_with_names_of_both(source: Path, caffe: Any) -> None:
    with pytest.raises(FormatError, match="has none of the arrays of hed_bsds500 as Keras 3"):
        convert(source, "hed_bsds500", caffe)
    with pytest.raises(FormatError, match='imported as "hed"; known are'):
        convert(source, "hed", caffe)
    with pytest.raises(
        FormatError,
        match="lacks features.2.weight.* and 26 more, .* it looks like torchvision_squeeze",
    ):
        convert(source, "torchvision_vgg16", caffe)

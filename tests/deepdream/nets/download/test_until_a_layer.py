"""A net's beginning alone, by `models get --until`."""

import shutil

import numpy as np
import pytest

from deepdream import cli, nets
from deepdream.nets import transfer
from netfile.system.files import file_sha1
from netfile.system.places import MODELS, ROOT
from tests.support.misbehaving import not_found, send

LAYER = "inception_3b/output"
FIRST = ["data", "conv1", "relu1", "pool1", "inception_3b/1x1", "inception_3b/5x5_reduce",
         "inception_3b/relu_5x5_reduce", LAYER]  # fmt: skip


@pytest.fixture
def whole(small_folder, tmp_path, server):
    """A model whose weights are here, and at an address."""
    folder = shutil.copytree(small_folder, tmp_path / "small")
    weights = (folder / "small.caffemodel").read_bytes()
    server.behaviours = [lambda h: send(h, weights)]
    readme = folder / "readme.md"
    sha1 = file_sha1(folder / "small.caffemodel")
    told = f"caffemodel_url: {server.url}\nsha1: {sha1}\nclasses: ['a', 'b', 'c', 'd']\nend:"
    readme.write_text(readme.read_text().replace("end:", told))
    return folder


@pytest.fixture
def missing(whole):
    """The same, its weights only at the address."""
    (whole / "small.caffemodel").unlink()
    return whole


def until(folder, out, *options):
    return cli.main(["models", "get", str(folder), "--until", LAYER, "-o", str(out), *options])


def is_the_beginning(out, caffe, small_folder):
    """Whether a folder's net ends at the layer, and gives what the whole net gives there."""
    found = nets.find(str(out))
    assert found.facts["sha1"] == file_sha1(found.weights)
    assert "classes" not in found.facts and found.end == LAYER
    short = caffe.Net(str(found.deploy), str(found.weights), caffe.TEST)
    assert [name for name in short._layer_names if "split" not in name] == FIRST
    long = caffe.Net(
        str(small_folder / "deploy.prototxt"), str(small_folder / "small.caffemodel"), caffe.TEST
    )
    x = np.random.RandomState(3).uniform(-100, 100, (1, 3, 32, 32))
    for net in (short, long):
        net.blobs["data"].data[...] = x
        net.forward(end=LAYER)
    return np.array_equal(short.blobs[LAYER].data, long.blobs[LAYER].data)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_weights_that_are_here_are_cut(whole, tmp_path, caffe, small_folder, server, capsys):
    out = tmp_path / "cut"
    assert until(whole, out) == 0 and not server.asked
    assert is_the_beginning(out, caffe, small_folder) and f"wrote {out}" in capsys.readouterr().out
    assert names(out) == ["cut.caffemodel", "deploy.prototxt", "readme.md", "surgery.json"]
    assert until(whole, out) == 2 and "exists already" in capsys.readouterr().err


def test_the_whole_is_fetched_verified_and_not_kept(missing, tmp_path, caffe, small_folder, server):
    out = tmp_path / "cut"
    assert until(missing, out) == 0 and len(server.asked) == 1
    assert is_the_beginning(out, caffe, small_folder)
    assert nets.find(str(out)).facts["source"] == server.url
    assert names(tmp_path) == ["cut", "small"] and "small.caffemodel" not in names(missing)


def test_with_trust_no_more_is_read_than_these_layers(
    missing, tmp_path, caffe, small_folder, server, monkeypatch
):
    read, pieces = [], transfer.pieces

    def counted(url, size):
        for piece in pieces(url, size):
            read.append(len(piece))
            yield piece

    monkeypatch.setattr(transfer, "PIECE", 256)
    monkeypatch.setattr(transfer, "pieces", counted)
    out = tmp_path / "cut"
    assert until(missing, out, "--trust") == 0
    assert is_the_beginning(out, caffe, small_folder)
    assert sum(read) < (small_folder / "small.caffemodel").stat().st_size
    assert len(server.asked) == 1 and names(tmp_path) == ["cut", "small"]


def test_what_ends_in_one_line(missing, tmp_path, server, capsys):
    out = tmp_path / "cut"
    nowhere = ["models", "get", str(missing), "--until", "inception_9z", "-o", str(out)]
    assert cli.main(nowhere) == 2
    assert 'has no layer "inception_9z"' in capsys.readouterr().err and not server.asked
    server.behaviours = [lambda h: send(h, b"\x0a\x03net" * 500)]
    for options in ([], ["--trust"]):
        assert until(missing, out, *options) == 2
        (line,) = [x for x in capsys.readouterr().err.splitlines() if "deepdream models" in x]
        assert "SHA1" in line
    server.behaviours = [not_found]
    assert until(missing, out) == 2 and "answered 404" in capsys.readouterr().err
    assert not out.exists() and names(tmp_path) == ["small"]
    assert cli.main(["models", "get", str(missing), "-o", str(out)]) == 2
    assert "--until" in capsys.readouterr().err


def test_the_default_folder_is_one_of_the_models():
    from deepdream.nets.sources import cut

    folder = cut.folder_of(nets.find("bvlc_googlenet"), "inception_4c/output")
    assert folder == MODELS / "bvlc_googlenet-until-inception_4c_output"
    assert "/models/*-until-*/" in (ROOT / ".gitignore").read_text().splitlines()

"""Dreams of layers behind an InnerProduct, on pictures of any size."""

import json
import shutil

import numpy as np
import pytest

from deepdream import pictures
from deepdream.nets import any_size, find
from deepdream.request import job
from deepdream.settings import Dream
from netfile.system.files import file_sha1


@pytest.fixture
def folder(small_folder, tmp_path):
    """A copy of the small model, so that what is kept beside its weights is this test's own."""
    return shutil.copytree(
        small_folder, tmp_path / "small", ignore=shutil.ignore_patterns(".any_size")
    )


def dream(folder, photo, engine_name, **settings):
    settings = {"end": "prob", "iterations": 1, "octaves": 2, **settings}
    return job.prepare(str(photo), Dream(**settings), model=str(folder), engine=engine_name, seed=1)


def test_a_dream_of_the_last_layer_works_by_itself(folder, photo, engine_name, run, tmp_path):
    out = tmp_path / "out.png"
    small = ["--iterations", 1, "--octaves", 2]
    assert run("dream", photo, "-o", out, "--model", folder, "--end", "fc", *small)[0] == 0
    assert json.loads(pictures.read_recipe(out))["settings"]["end"] == "fc"
    assert run("replay", out, "-o", tmp_path / "again.png")[1].endswith("equal to the bit\n")


def test_the_converted_net_is_made_once_and_kept_beside_the_weights(
    folder, photo, engine_name, monkeypatch
):
    request = dream(folder, photo, engine_name)
    (kept,) = (folder / ".any_size").iterdir()
    assert file_sha1(folder / "small.caffemodel")[:12] in kept.name
    assert (
        request.opened.any_size
        and request.end == "prob"
        and request.opened.model.weights == folder / "small.caffemodel"
    )
    monkeypatch.setattr(
        "net_surgery.convolutionize", lambda *args, **kwargs: pytest.fail("made again")
    )
    assert "fc-conv" in dream(folder, photo, engine_name).net.params


@pytest.mark.parametrize("name", ["net.caffemodel", "deploy.prototxt", "surgery.json", "sha1.json"])
@pytest.mark.parametrize("damage", ["a changed byte", "empty", "gone"])
def test_a_damaged_net_is_made_again(name, damage, folder, photo, engine_name, caffe):
    made, _ = any_size.any_size(find(str(folder)), caffe)
    path = made.weights.parent / name
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        middle = len(whole) // 2
        changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        path.write_bytes(changed if damage == "a changed byte" else b"")
    again, _ = any_size.any_size(find(str(folder)), caffe)
    assert again.weights == made.weights and path.read_bytes() == whole
    assert [p.name for p in (folder / ".any_size").iterdir()] == [made.weights.parent.name]


def test_other_weights_get_a_net_of_their_own(folder, photo, engine_name, caffe):
    dream(folder, photo, engine_name)
    net = caffe.Net(str(folder / "deploy.prototxt"), str(folder / "small.caffemodel"), caffe.TEST)
    net.params["fc"][0].data[...] *= 2
    net.save(str(folder / "small.caffemodel"))
    doubled = dream(folder, photo, engine_name).net
    assert len(list((folder / ".any_size").iterdir())) == 2
    assert np.array_equal(
        doubled.params["fc-conv"][0].data.ravel(), net.params["fc"][0].data.ravel()
    )


def test_a_layer_that_was_converted_is_found_under_its_old_name(folder, photo, engine_name):
    assert dream(folder, photo, engine_name, end="fc").end == "fc-conv"


def test_a_dream_in_front_of_the_inner_product_needs_none_of_it(folder, photo, engine_name):
    request = dream(folder, photo, engine_name, end="inception_4c/output")
    assert (
        not request.opened.any_size
        and "fc" in request.net.params
        and not (folder / ".any_size").exists()
    )


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(folder, photo, engine_name, monkeypatch):
    def refused(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refused)
    made, _ = any_size.any_size(
        find(str(folder)),
        __import__({"caffe": "caffe", "compat": "caffe_compat"}[engine_name]),
    )
    assert made.weights.is_file() and not (folder / ".any_size").exists()


def test_a_net_that_cannot_be_converted_says_so(folder, photo, run):
    deploy = folder / "deploy.prototxt"
    deploy.write_text(
        deploy.read_text().replace("inner_product_param {", "inner_product_param { axis: 2")
    )
    out = folder / "out.png"
    code, _, err = run("dream", photo, "-o", out, "--model", folder, "--end", "prob")
    assert code == 2 and len(err.strip().splitlines()) == 1 and not out.exists()


def test_what_a_killed_run_left_is_removed(folder, caffe):
    made, _ = any_size.any_size(find(str(folder)), caffe)
    kept = made.deploy.parent
    leftover = kept.parent / f".{kept.name}.abc"
    kept.rename(leftover)
    any_size.any_size(find(str(folder)), caffe)
    assert [p.name for p in kept.parent.iterdir()] == [kept.name]

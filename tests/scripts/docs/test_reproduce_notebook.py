"""The notebook's pictures in its order, with a page."""

import json

import pytest

from deepdream import pictures as image
from scripts.docs import reproduce_notebook


@pytest.fixture
def reproduce(tmp_path, photo, capsys):
    def call(*options):
        code = reproduce_notebook.main(
            ["-o", str(tmp_path / "out"), "--image", str(photo), "--guide", str(photo), *options]
        )
        return code, capsys.readouterr()

    return call


def test_every_picture_of_the_notebook_in_its_order(reproduce, tmp_path):
    code, _ = reproduce("--frames", "2", "--iterations", "1")
    assert code == 0
    out = tmp_path / "out"
    assert {p.name for p in out.iterdir()} == {
        "dream.png",
        "5x5_reduce.png",
        "frames",
        "guided.png",
        "index.html",
    }
    page = (out / "index.html").read_text()
    titles = [
        "The photograph",
        "deepdream(net, img)",
        "inception_3b/5x5_reduce",
        "2 frames of the zoom loop, s = 0.05",
        "objective_guide",
    ]
    places = [page.index(title) for title in titles]
    assert places == sorted(places) and page.count("<img") == 7
    ends = {
        name: json.loads(image.read_recipe(out / name))["settings"]["end"]
        for name in ("dream.png", "5x5_reduce.png", "guided.png")
    }
    assert ends == {
        "dream.png": "inception_4c/output",
        "5x5_reduce.png": "inception_3b/5x5_reduce",
        "guided.png": "inception_3b/output",
    }


def test_a_request_that_cannot_be_met_ends_with_its_line(reproduce, tmp_path):
    code, said = reproduce("--model", "bvlc_gogglenet")
    assert code == 2 and "did you mean bvlc_googlenet?" in said.err
    assert not (tmp_path / "out" / "index.html").exists()

"""Every picture of the notebook, in its order, and the page."""

import json
from pathlib import Path
from typing import Any, Callable, Tuple

import pytest

from deepdream import pictures as image
from scripts.docs import reproduce_notebook

Reproduce = Callable[..., Tuple[int, Any]]


@pytest.fixture
def reproduce(tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> Reproduce:
    """Run the script on the photograph; returns (exit code, what it printed)."""

    def call(*options: str) -> Tuple[int, Any]:
        pictures = ["--image", str(photo), "--guide", str(photo)]
        code = reproduce_notebook.main(["-o", str(tmp_path / "out"), *pictures, *options])
        return code, capsys.readouterr()

    return call


@pytest.mark.slow
def test_every_picture_of_the_notebook_in_its_order(reproduce: Reproduce, tmp_path: Path) -> None:
    code, _ = reproduce("--frames", "2", "--iterations", "1")
    assert code == 0
    out = tmp_path / "out"
    files = {"dream.png", "5x5_reduce.png", "frames", "guided.png", "index.html"}
    assert {p.name for p in out.iterdir()} == files
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
        "dream.png": "inception_4c/output",
        "5x5_reduce.png": "inception_3b/5x5_reduce",
        "guided.png": "inception_3b/output",
    }
    for name, end in ends.items():
        assert json.loads(image.read_recipe(out / name))["settings"]["end"] == end


def test_a_request_that_cannot_be_met_ends_with_its_line(
    reproduce: Reproduce, tmp_path: Path
) -> None:
    code, said = reproduce("--model", "bvlc_gogglenet")
    assert code == 2 and "did you mean bvlc_googlenet?" in said.err
    assert not (tmp_path / "out" / "index.html").exists()

"""`deepdream models caffe-root`."""

from pathlib import Path
from typing import Any


def test_it_lays_out_a_folder_as_caffes_own(tmp_path: Path, run: Any) -> None:
    root = tmp_path / "caffe"
    wish = ["--model", "bvlc_googlenet=motif_googlenet"]
    code, out, _ = run("models", "caffe-root", root, *wish)
    assert code == 0 and f"laid out {root} as Caffe's folder" in out
    weights = root / "models" / "bvlc_googlenet" / "bvlc_googlenet.caffemodel"
    assert weights.resolve().name == "motif_googlenet.caffemodel"


def test_what_cannot_stand_in_is_one_line(tmp_path: Path, run: Any) -> None:
    code, _, err = run("models", "caffe-root", tmp_path / "caffe", "--model", "x=nothing")
    assert code == 2 and 'no model "nothing" to stand in for x' in err
    assert not (tmp_path / "caffe").exists()

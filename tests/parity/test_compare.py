"""`deepdream compare` on both engines: bvlc_googlenet at its full size, with seeded weights."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from PIL import Image

import caffe_compat
from deepdream import cli
from tests.support.real_caffe import CAFFE_PYTHON, ROOT

pytestmark = pytest.mark.caffe
README = "---\ncaffemodel: random.caffemodel\nmean: [104, 116, 122]\n---\n"


def run(*command: Any) -> "subprocess.CompletedProcess[str]":
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def googlenet(tmp_path: Path) -> Path:
    """A model folder of bvlc_googlenet's own net, with random weights."""
    folder = tmp_path / "bvlc_googlenet"
    folder.mkdir()
    deploy = folder / "deploy.prototxt"
    shutil.copy(ROOT / "prototxt" / "bvlc_googlenet" / "deploy.prototxt", deploy)
    (folder / "readme.md").write_text(README)
    caffe_compat.set_random_seed(3)
    net = caffe_compat.Net(str(deploy), caffe_compat.TEST)
    net.save(str(folder / "random.caffemodel"))
    return folder


@pytest.fixture
def compared(googlenet: Path, tmp_path: Path, capsys: Any) -> Callable[..., str]:
    """Compare the built-in engine with a recording of real Caffe; returns the command's verdict."""

    def call(picture: Path, *options: str) -> str:
        args = ["compare", str(picture), "--model", str(googlenet), *options]
        recording, page = tmp_path / "recording", tmp_path / "page.html"
        record = ["--record", recording, "--engine", "caffe"]
        run(CAFFE_PYTHON, "-m", "deepdream", *args, *record).check_returncode()
        assert cli.main([*args, "--with", str(recording), "-o", str(page)]) == 0
        assert "The engines agree." in page.read_text()
        said = capsys.readouterr().out.splitlines()
        verdict = next(line for line in said if line.startswith(("equal: ", "agree: ", "differ: ")))
        with capsys.disabled():
            print("\n" + verdict)
        return verdict

    return call


def test_teacher_forced_gradients_of_bvlc_googlenet(
    compared: Callable[..., str], photo: Path
) -> None:
    # 120x90: few enough values that most steps meet no near-tie
    verdict = compared(photo, "--octaves", "1", "--iterations", "12")
    assert verdict.startswith("agree: ")
    median = re.search(r"the gradient by (\S+) in the median", verdict)
    assert median and float(median.group(1)) <= 1e-5


def test_near_ties_of_a_larger_picture_are_told_from_faults(
    compared: Callable[..., str], photo: Path, tmp_path: Path
) -> None:
    larger = tmp_path / "larger.png"
    Image.open(photo).resize((256, 224)).save(larger)
    assert compared(larger, "--octaves", "2", "--iterations", "5").startswith("agree: ")


def test_two_engines_in_one_call(photo: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command = [sys.executable, "-m", "deepdream", "compare", photo, "-o", page]
    short = ["--octaves", "2", "--iterations", "2"]
    done = run(*command, "--reference-python", CAFFE_PYTHON, *short)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == f"wrote {page}", done.stderr
    assert "Caffe 1.0.0 and caffe_compat" in page.read_text()


def test_the_notebook_is_reproduced_on_a_real_caffe(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [CAFFE_PYTHON, "scripts/docs/reproduce_notebook.py", "-o", out, "--engine", "caffe"]
    done = run(*command, "--image", photo, "--guide", photo, "--frames", "2", "--iterations", "1")
    assert done.returncode == 0, done.stderr
    assert "creature_googlenet on caffe 1.0.0" in (out / "index.html").read_text()

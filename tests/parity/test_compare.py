"""The reproduction tool itself, on both engines: bvlc_googlenet at its full size, with seeded weights."""

import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image
from test_parity import CAFFE_PYTHON, HERE

from deepdream import cli

pytestmark = pytest.mark.caffe
ROOT = HERE.parents[1]


@pytest.fixture
def googlenet(tmp_path):
    """A model folder of bvlc_googlenet's own net, with random weights."""
    import caffe_compat

    folder = tmp_path / "bvlc_googlenet"
    folder.mkdir()
    shutil.copy(ROOT / "prototxt" / "bvlc_googlenet" / "deploy.prototxt", folder)
    (folder / "readme.md").write_text(
        "---\ncaffemodel: random.caffemodel\nmean: [104, 116, 122]\n---\n"
    )
    caffe_compat.set_random_seed(3)
    caffe_compat.Net(str(folder / "deploy.prototxt"), caffe_compat.TEST).save(
        str(folder / "random.caffemodel")
    )
    return folder


@pytest.fixture
def compared(googlenet, tmp_path, capsys):
    """Compare the built-in engine with a recording of real Caffe; returns the command's verdict."""

    def call(picture, *options):
        args = ["compare", str(picture), "--model", str(googlenet), *options]
        recorded, page = tmp_path / "recorded", tmp_path / "page.html"
        record = [
            CAFFE_PYTHON,
            "-m",
            "deepdream",
            *args,
            "--record",
            str(recorded),
            "--engine",
            "caffe",
        ]
        subprocess.run(record, check=True, cwd=ROOT, capture_output=True)
        assert cli.main([*args, "--with", str(recorded), "-o", str(page)]) == 0
        assert "The engines agree." in page.read_text()
        said = capsys.readouterr().out.splitlines()[1]
        with capsys.disabled():
            print("\n" + said)
        return said

    return call


def test_teacher_forced_gradients_of_bvlc_googlenet(compared, photo):
    # 120x90: few enough values that most steps meet no near-tie
    said = compared(photo, "--octaves", "1", "--iterations", "12")
    assert said.startswith("agree: ")
    assert float(re.search(r"the gradient by (\S+) in the median", said).group(1)) <= 1e-5


def test_near_ties_of_a_larger_picture_are_told_from_faults(compared, photo, tmp_path):
    Image.open(photo).resize((256, 224)).save(tmp_path / "larger.png")
    assert compared(tmp_path / "larger.png", "--octaves", "2", "--iterations", "5").startswith(
        "agree: "
    )


def test_two_engines_in_one_call(photo, tmp_path):
    page = tmp_path / "page.html"
    command = [
        sys.executable,
        "-m",
        "deepdream",
        "compare",
        str(photo),
        "-o",
        str(page),
        "--reference-python",
        CAFFE_PYTHON,
    ]
    run = subprocess.run(
        [*command, "--octaves", "2", "--iterations", "2"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0 and run.stdout.splitlines()[-1] == f"wrote {page}", run.stderr
    assert "Caffe 1.0.0 and caffe_compat" in page.read_text()


def test_the_notebook_is_reproduced_on_a_real_caffe(photo, tmp_path):
    out = tmp_path / "out"
    options = [
        "--engine",
        "caffe",
        "--image",
        str(photo),
        "--guide",
        str(photo),
        "--frames",
        "2",
        "--iterations",
        "1",
    ]
    run = subprocess.run(
        [CAFFE_PYTHON, "scripts/docs/reproduce_notebook.py", "-o", str(out), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "motif_googlenet on caffe 1.0.0" in (out / "index.html").read_text()

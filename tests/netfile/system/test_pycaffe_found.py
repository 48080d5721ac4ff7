"""`import caffe` where other things are called caffe too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STRAY = "raise RuntimeError('a stray program ran')"
REAL = "from . import io\n__version__ = '1.0'\nclass Net: pass\nTEST = 1\n"
NO_CAFFE = pytest.mark.skipif(
    os.environ.get("DEEPDREAM_TEST_ENGINE") == "caffe", reason="this Python has a real Caffe"
)
NEEDS_ENGINE = pytest.mark.skipif(
    os.environ.get("DEEPDREAM_TEST_ENGINE") == "none", reason="needs an engine"
)
FIND = (
    "from netfile.system.pycaffe import import_caffe; caffe = import_caffe(); "
    "print(caffe.__version__)"
)


def package(folder: Path, text: str = "", real: bool = False) -> Path:
    """A folder with something called caffe in it: real if it has a compiled part, as pycaffe."""
    (folder / "caffe").mkdir(parents=True)
    if text:
        (folder / "caffe" / "__init__.py").write_text(text)
        (folder / "caffe" / "io.py").write_text("import caffe\n")
    if real:
        (folder / "caffe" / "_caffe.so").touch()
    return folder


def run(where: Path, *command: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    paths = os.pathsep.join(filter(None, [path, str(ROOT)]))
    env = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=where, env=env, capture_output=True, text=True
    )


@pytest.mark.parametrize("text", ["", STRAY])
def test_a_folder_called_caffe_where_it_runs_is_passed_over(tmp_path, text):
    stray, real = package(tmp_path / "a", text), package(tmp_path / "b", REAL, real=True)
    found = run(stray, "-c", FIND, path=str(real))
    assert (found.stdout, found.returncode) == ("1.0\n", 0), found.stderr


def test_a_file_called_caffe_is_passed_over(tmp_path):
    real = package(tmp_path / "b", REAL, real=True)
    (tmp_path / "caffe.py").write_text(STRAY)
    assert run(tmp_path, "-c", FIND, path=str(real)).stdout == "1.0\n"


def test_a_pycaffe_where_it_runs_is_found(tmp_path):
    assert run(package(tmp_path / "b", REAL, real=True), "-c", FIND).stdout == "1.0\n"


@NO_CAFFE
@pytest.mark.parametrize("text", ["", STRAY])
def test_without_another_one_it_says_what_was_found(tmp_path, text):
    failed = run(package(tmp_path / "a", text), "-c", FIND)
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("ImportError") and "is no pycaffe (it has no _caffe)" in last


def test_one_that_does_not_start_leaves_nothing_behind(tmp_path):
    broken = package(tmp_path / "b", "import nowhere_at_all", real=True)
    stray = package(tmp_path / "a", STRAY)
    code = (
        "import sys\nfrom netfile.system.pycaffe import import_caffe\n"
        "try:\n    import_caffe()\nexcept ImportError as e:\n    print(e, 'caffe' in sys.modules)"
    )
    assert run(stray, "-c", code, path=str(broken)).stdout == (
        "No module named 'nowhere_at_all' False\n"
    )


@pytest.mark.slow
@NEEDS_ENGINE
@pytest.mark.parametrize("text", ["", STRAY])
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "deepdream", "layers", "--model", "motif_googlenet"],
        ["-m", "net_surgery", "show", "net.prototxt"],
    ],
    ids=["deepdream", "net_surgery"],
)
def test_every_command_passes_it_over(tmp_path, text, command):
    package(tmp_path, text)
    (tmp_path / "net.prototxt").write_text('input: "x" input_shape { dim: 1 }')
    done = run(tmp_path, *command)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


@NO_CAFFE
def test_an_engine_that_is_asked_for_is_said_to_be_missing_in_one_line(tmp_path):
    package(tmp_path, STRAY)
    command = ["-m", "deepdream", "layers", "--model", "motif_googlenet", "--engine", "caffe"]
    done = run(tmp_path, *command)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and "is no pycaffe" in line

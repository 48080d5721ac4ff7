"""The doctor: what is here is told with its version, what is missing with the command that mends
it."""

import shutil
import sys

import pytest

from deepdream import cli, nets
from deepdream.cli.commands import doctor
from deepdream.nets import memory
from netfile.system.memory import Free


@pytest.fixture
def told(capsys, monkeypatch):
    def call():
        code = cli.main(["doctor"])
        return code, {line[3:29].strip(): line for line in capsys.readouterr().out.splitlines()}

    return call


@pytest.fixture
def started(monkeypatch):
    """No engine is started to ask for its version."""
    monkeypatch.setattr(doctor, "_version_of", lambda python, engine: "1.0")


def test_a_whole_installation_is_well(told):
    code, lines = told()
    assert code == 0 and "nothing that a dream needs is missing" in "".join(lines.values())
    assert (
        lines["numpy"].startswith("ok ")
        and lines["built-in engine"].startswith("ok ")
        and "+compat" in lines["built-in engine"]
    )
    assert lines["model motif_googlenet"].endswith("installed, verified")
    assert (
        "deepdream models get bvlc_googlenet" in lines["model bvlc_googlenet"]
        or "installed, verified" in lines["model bvlc_googlenet"]
    )


def test_what_is_missing_is_told_with_its_command(told, monkeypatch):
    monkeypatch.setitem(sys.modules, "requests", None)
    monkeypatch.setattr(doctor, "_version_of", lambda python, engine: None)
    code, lines = told()
    assert code == 1
    assert "pip install -e '.[download]'" in lines["requests"] and not lines["requests"].startswith(
        "!!"
    )
    assert (
        lines["built-in engine"].startswith("!!")
        and "pip install -e '.[compat]'" in lines["built-in engine"]
    )
    assert "make caffe" in lines["real Caffe of make caffe"]


def test_damaged_weights_are_found(told, started, monkeypatch, tmp_path, small_folder):
    folder = shutil.copytree(small_folder, tmp_path / "small")
    readme = (
        (folder / "readme.md")
        .read_text()
        .replace("end:", f"sha1: {'0' * 40}\ncaffemodel_url: http://127.0.0.1:9/x\nend:")
    )
    (folder / "readme.md").write_text(readme)
    monkeypatch.setattr(nets, "known", lambda: [str(folder)])
    code, lines = told()
    assert code == 1 and any(
        "weights are not the published file" in line and "models get" in line
        for line in lines.values()
    )


def test_memory_is_told_with_what_bounds_it(monkeypatch, told, started):
    monkeypatch.setattr(memory, "free", lambda: Free(2_500_000_000, "left by ulimit -v"))
    assert "2.5 GB left by ulimit -v" in told()[1]["memory"]


def test_half_written_weights_are_named(told, started, tmp_path, monkeypatch, small_folder):
    folder = tmp_path / "small"
    shutil.copytree(str(small_folder), str(folder))
    left = folder / ".any_size" / ".deepdream-0123456789abcdef"
    left.mkdir(parents=True)
    monkeypatch.setattr(nets, "known", lambda: [str(folder)])
    assert f"rm -r {left}" in told()[1]["half-written files"]

"""The installer of an emulated ARM64, with stand-ins for apt-get, dpkg-deb and pip."""

import os
from pathlib import Path
from typing import List

import pytest

from scripts.debian import install_arm64
from tests.scripts.debian.stand_ins import Machine

# stands in for the unpacked Python: runs if pip has installed the engine's packages
LAUNCHER = """#!/bin/sh
test -e "$(dirname "$0")/../site/numba" && echo 3.11.2, aarch64
"""
PIP = """
import pathlib, sys
words = sys.argv[1:]
site = pathlib.Path(words[words.index("--target") + 1])
(site / "words.txt").write_text(" ".join(words))
if "numba" in words:
    (site / "numba").touch()
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path, monkeypatch)
    pip = tmp_path / "pip.py"
    pip.write_text(PIP)
    monkeypatch.setattr(install_arm64, "PIP", [install_arm64.PIP[0], str(pip)])
    monkeypatch.setattr(install_arm64, "LAUNCHER", LAUNCHER)
    machine.plan(packages=["python3.11", "usr/bin/qemu-aarch64-static", "usr/bin/qemu-arm-static"])
    return machine


def install(target: Path) -> int:
    return install_arm64.main(["--target", str(target)])


def test_an_install_has_python_one_emulator_and_wheels_for_arm64(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / ".arm64"
    assert install(target) == 0
    assert "Python for ARM64 3.11.2, aarch64" in capsys.readouterr().out
    assert [p.name for p in (target / "usr" / "bin").iterdir()] == ["qemu-aarch64-static"]
    words = (target / "site" / "words.txt").read_text()
    assert "manylinux_2_28_aarch64" in words and "--only-binary=:all:" in words
    assert os.access(target / "bin" / "python", os.X_OK)
    assert "[arch=arm64,amd64 " in machine.sources and machine.sources.endswith("bookworm main\n")


def test_a_failure_of_pip_is_one_line(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    fails: List[str] = [install_arm64.PIP[0], "-c", "exit('ERROR: no matching distribution')"]
    monkeypatch.setattr(install_arm64, "PIP", fails)
    assert install(tmp_path / ".arm64") == 2
    said = capsys.readouterr().err
    assert "for ARM64: ERROR: no matching distribution; on a machine with ARM64 itself" in said
    assert len(said.splitlines()) == 1 and not (tmp_path / ".arm64").exists()

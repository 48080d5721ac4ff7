"""The installer of a real Caffe, with stand-ins for apt-get and dpkg-deb."""

import os
import sys
from pathlib import Path
from typing import Callable, Tuple

import pytest

from scripts.debian import install_caffe, packages
from tests.scripts.debian.stand_ins import Machine

# stands in for the unpacked Python: says Caffe's version if every package is there
LAUNCHER = """#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent.parent
complete = (here / "python3-caffe").exists() and (here / "numpy").exists()
sys.exit(0 if complete and not print("1.0.0") else 1)
"""


Plan = Callable[..., Path]
Install = Callable[[], Tuple[int, str, str]]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A machine whose apt serves two packages; returns a function that changes what it does."""
    monkeypatch.setattr(install_caffe, "LAUNCHER", LAUNCHER.format(python=sys.executable))
    return Machine(tmp_path, monkeypatch).plan


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "project" / ".caffe"


@pytest.fixture
def install(target: Path, capsys: pytest.CaptureFixture[str]) -> Install:
    """Run the installer; returns (exit code, stdout, stderr)."""
    target.parent.mkdir()

    def call() -> Tuple[int, str, str]:
        code = install_caffe.main(["--target", str(target)])
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


def refused(install: Install, target: Path) -> str:
    """The one line with which the installer ends, which names other ways; nothing is installed."""
    code, _, said = install()
    assert code == 2 and len(said.strip().splitlines()) == 1, said
    assert "conda-forge" in said and "your own build (GPU builds too)" in said
    assert not target.exists()
    return said


def test_an_install_has_the_packages_and_the_launcher_and_leaves_nothing_else(
    machine: Plan, install: Install, target: Path
) -> None:
    code, said, _ = install()
    assert code == 0 and "Caffe 1.0.0" in said
    assert {p.name for p in target.iterdir()} == {
        "numpy",
        "python3-caffe",
        "bin",
        "site",
        "packages.txt",
    }
    assert os.access(target / "bin" / "python", os.X_OK)
    assert [p.name for p in target.parent.iterdir()] == [".caffe"]


def test_a_second_run_does_nothing(machine: Plan, install: Install) -> None:
    install()
    calls = (machine() / "calls.txt").read_text()
    code, said, _ = install()
    assert code == 0 and "already installed" in said
    assert (machine() / "calls.txt").read_text() == calls


def test_sources_are_signed_and_of_the_given_mirror(
    machine: Plan, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBIAN_MIRROR", "http://other.example/debian/")
    install()
    line = (machine() / "sources.txt").read_text()
    assert "signed-by=" in line and "http://other.example/debian bullseye main" in line


def test_an_interrupted_download_resumes(machine: Plan, install: Install, target: Path) -> None:
    machine(broken_at="python3-caffe")
    assert "Failed to fetch python3-caffe; run it again to resume" in refused(install, target)
    machine()
    assert install()[0] == 0
    assert (machine() / "fetched.txt").read_text().split() == ["numpy", "python3-caffe"]


def test_a_corrupt_package_is_downloaded_again(
    machine: Plan, install: Install, target: Path
) -> None:
    machine(corrupt="numpy")
    assert "numpy.deb could not be unpacked: corrupt archive" in refused(install, target)
    machine()
    assert install()[0] == 0
    assert (machine() / "fetched.txt").read_text().split().count("numpy") == 2


def test_a_caffe_that_does_not_start_is_not_installed(
    machine: Plan, install: Install, target: Path
) -> None:
    machine(packages=["python3-caffe"])
    assert "does not start on this machine" in refused(install, target)


def test_a_broken_install_is_replaced(machine: Plan, install: Install, target: Path) -> None:
    install()
    (target / "numpy").unlink()
    code, said, _ = install()
    assert code == 0 and "packages" in said and (target / "numpy").exists()


def test_an_install_of_other_packages_is_replaced(
    machine: Plan, install: Install, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    monkeypatch.setattr(install_caffe, "PACKAGES", [*install_caffe.PACKAGES, "python3-more"])
    code, said, _ = install()
    assert code == 0 and "packages" in said


def test_an_interrupted_install_is_never_taken_for_a_complete_one(
    machine: Plan, install: Install, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(folder: Path, wanted: packages.Wanted) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(packages, "write_launcher", interrupt)
    code, _, said = install()
    assert code == 130 and "run it again" in said and not target.exists()


@pytest.mark.parametrize("name", [".caffe", ".caffe.download"])
def test_a_folder_of_other_things_is_left_alone(
    name: str, machine: Plan, install: Install, target: Path
) -> None:
    mine = target.with_name(name)
    mine.mkdir(parents=True)
    (mine / "notes.txt").write_text("mine")
    code, _, said = install()
    assert code == 2 and "was not made by this" in said
    assert (mine / "notes.txt").read_text() == "mine"


def test_no_mirror(machine: Plan, install: Install, target: Path) -> None:
    machine(sites=[])
    said = refused(install, target)
    assert "apt configuration names no Debian mirror; set DEBIAN_MIRROR to one" in said


def test_a_mirror_without_debian_11(machine: Plan, install: Install, target: Path) -> None:
    reason = "E: The repository 'http://mirror.example/debian' does not have a Release file."
    machine(update=reason)
    said = refused(install, target)
    assert f"http://mirror.example/debian does not serve Debian 11 (bullseye): {reason}" in said
    assert "set DEBIAN_MIRROR to another mirror" in said


@pytest.mark.parametrize(
    "system, processor", [("Darwin", "arm64"), ("Linux", "aarch64"), ("Windows", "AMD64")]
)
def test_another_machine(
    system: str,
    processor: str,
    machine: Plan,
    install: Install,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: processor)
    monkeypatch.setattr("platform.system", lambda: system)
    assert f"runs on Linux on x86-64; this is {system} on {processor}" in refused(install, target)


def test_no_apt(
    machine: Plan, install: Install, target: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "this machine has no apt-get" in refused(install, target)


def test_no_keys(machine: Plan, install: Install, target: Path) -> None:
    packages.KEYRING.unlink()
    assert "install the package debian-archive-keyring" in refused(install, target)


def test_a_folder_that_cannot_be_made_is_one_line(
    machine: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert install_caffe.main(["--target", str(tmp_path / "file" / ".caffe")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "cannot write into" in said and "Not a directory" in said and "--target" in said

"""The installer of a real Caffe, against an apt-get and a dpkg-deb of the tests' own: refusals, resuming, atomicity."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.real_caffe import install_caffe

APT = """#!{python}
import json, os, pathlib, sys
state = pathlib.Path({state!r})
plan = json.loads((state / "plan.json").read_text())
options = dict(word[2:].split("=", 1) for word in sys.argv[1:] if word.startswith("-o"))
with open(state / "calls.txt", "a") as f:
    f.write(" ".join(word for word in sys.argv[1:] if not word.startswith("-o")) + "\\n")
if "indextargets" in sys.argv:
    print("\\n".join(plan["sites"]))
elif "update" in sys.argv:
    if plan["update"]:
        sys.exit(print(plan["update"], file=sys.stderr) or 100)
    (state / "sources.txt").write_text(pathlib.Path(options["Dir::Etc::sourcelist"]).read_text())
else:
    archives = pathlib.Path(options["Dir::Cache"], "archives")
    for name in plan["packages"]:
        if name == plan["broken_at"]:
            sys.exit(print("E: Failed to fetch " + name, file=sys.stderr) or 100)
        if not (archives / (name + ".deb")).exists():
            (state / "fetched.txt").open("a").write(name + "\\n")
            (archives / (name + ".deb")).write_text(name)
"""
DPKG = """#!{python}
import json, pathlib, sys
plan = json.loads((pathlib.Path({state!r}) / "plan.json").read_text())
package, folder = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
if package.stem == plan["corrupt"]:
    sys.exit(print("corrupt archive", file=sys.stderr) or 2)
(folder / package.stem).write_text("unpacked")
"""
# stands in for the unpacked Python: says Caffe's version if every package is there
LAUNCHER = """#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent.parent
sys.exit(0 if (here / "python3-caffe").exists() and (here / "numpy").exists() and not print("1.0.0") else 1)
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose apt serves two packages; returns a function that changes what happens there."""
    state, tools = tmp_path / "state", tmp_path / "tools"
    state.mkdir()
    tools.mkdir()
    for name, text in (("apt-get", APT), ("dpkg-deb", DPKG)):
        (tools / name).write_text(text.format(python=sys.executable, state=str(state)))
        (tools / name).chmod(0o755)
    keyring = tmp_path / "keyring.gpg"
    keyring.touch()
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.delenv("DEBIAN_MIRROR", raising=False)
    monkeypatch.setattr(install_caffe, "KEYRING", keyring)
    monkeypatch.setattr(install_caffe, "LAUNCHER", LAUNCHER.format(python=sys.executable))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("platform.system", lambda: "Linux")

    def plan(**changes):
        usual = {
            "sites": ["http://mirror.example/debian"],
            "update": "",
            "packages": ["numpy", "python3-caffe"],
            "broken_at": "",
            "corrupt": "",
        }
        (state / "plan.json").write_text(json.dumps({**usual, **changes}))
        return state

    plan()
    return plan


@pytest.fixture
def target(tmp_path):
    return tmp_path / "project" / ".caffe"


@pytest.fixture
def install(target, capsys):
    """Run the installer; returns (exit code, stdout, stderr)."""
    target.parent.mkdir()

    def call():
        code = install_caffe.main(["--target", str(target)])
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


def refused(install, target):
    code, _, said = install()
    assert code == 2 and len(said.strip().splitlines()) == 1, said
    assert "conda-forge" in said and "your own build (GPU builds too)" in said
    assert not target.exists()
    return said


def test_an_install_has_the_packages_and_the_launcher_and_leaves_nothing_else(
    machine, install, target
):
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


def test_a_second_run_does_nothing(machine, install):
    install()
    calls = (machine() / "calls.txt").read_text()
    code, said, _ = install()
    assert code == 0 and "installed already" in said
    assert (machine() / "calls.txt").read_text() == calls


def test_sources_are_signed_and_of_the_given_mirror(machine, install, monkeypatch):
    monkeypatch.setenv("DEBIAN_MIRROR", "http://other.example/debian/")
    install()
    line = (machine() / "sources.txt").read_text()
    assert "signed-by=" in line and "http://other.example/debian bullseye main" in line


def test_a_broken_download_is_gone_on_with(machine, install, target):
    machine(broken_at="python3-caffe")
    assert "Failed to fetch python3-caffe; run it again" in refused(install, target)
    machine()
    assert install()[0] == 0
    assert (machine() / "fetched.txt").read_text().split() == ["numpy", "python3-caffe"]


def test_a_corrupt_package_is_fetched_anew(machine, install, target):
    machine(corrupt="numpy")
    assert "numpy.deb could not be unpacked: corrupt archive" in refused(install, target)
    machine()
    assert install()[0] == 0
    assert (machine() / "fetched.txt").read_text().split().count("numpy") == 2


def test_an_install_that_does_not_start_gets_no_name(machine, install, target):
    machine(packages=["python3-caffe"])
    assert "does not start on this machine" in refused(install, target)


def test_a_broken_install_is_replaced(machine, install, target):
    install()
    (target / "numpy").unlink()
    code, said, _ = install()
    assert code == 0 and "packages" in said and (target / "numpy").exists()


def test_an_install_of_other_packages_is_replaced(machine, install, target, monkeypatch):
    install()
    monkeypatch.setattr(install_caffe, "PACKAGES", [*install_caffe.PACKAGES, "python3-more"])
    code, said, _ = install()
    assert code == 0 and "packages" in said


def test_a_stopped_install_is_never_taken_for_a_good_one(machine, install, target, monkeypatch):
    def stopped(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(install_caffe, "write_launcher", stopped)
    code, _, said = install()
    assert code == 130 and "run it again" in said and not target.exists()


def test_no_mirror(machine, install, target):
    machine(sites=[])
    assert (
        "no Debian mirror in this machine's apt configuration; name one in DEBIAN_MIRROR"
        in refused(install, target)
    )


def test_a_mirror_without_debian_11(machine, install, target):
    machine(
        update="E: The repository 'http://mirror.example/debian bullseye Release' does not have a Release file."
    )
    said = refused(install, target)
    assert (
        "Debian 11 (bullseye) cannot be had from http://mirror.example/debian" in said
        and "name another mirror" in said
    )


@pytest.mark.parametrize(
    "system, processor", [("Darwin", "arm64"), ("Linux", "aarch64"), ("Windows", "AMD64")]
)
def test_another_machine(system, processor, machine, install, target, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: processor)
    monkeypatch.setattr("platform.system", lambda: system)
    assert f"runs on Linux on x86-64, this is {system} on {processor}" in refused(install, target)


def test_no_apt(machine, install, target, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "this machine has no apt-get" in refused(install, target)


def test_no_keys(machine, install, target):
    install_caffe.KEYRING.unlink()
    assert "install the package debian-archive-keyring" in refused(install, target)


def test_the_script_runs_by_itself():
    script = Path(install_caffe.__file__)
    run = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and "--target" in run.stdout

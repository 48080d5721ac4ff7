"""A checkout keeps everything in itself, an installation nothing; and where the rest goes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netfile.system import places
from netfile.system.places import ROOT


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The folder of an installation's data, with a home beside it."""
    data = tmp_path / "site" / "deepdream" / "data"
    (data / "models" / "net").mkdir(parents=True)
    for name in ("XDG_CACHE_HOME", "DEEPDREAM_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(places, "_DATA", data)
    monkeypatch.setattr(places, "ROOT", tmp_path / "site")
    monkeypatch.setattr(places, "IS_CHECKOUT", False)
    return data


def test_this_is_a_checkout_and_stays_in_itself():
    assert places.IS_CHECKOUT and places.MODELS == ROOT / "models"
    assert places.writable(places.MODELS / "net") == places.MODELS / "net"
    assert not places.is_shipped(places.MODELS / "net")
    assert places.install("compat") == "pip install -e '.[compat]'"


def test_an_installation_writes_into_the_users_cache(installed):
    cache = places.cache()
    assert places.writable(installed / "models" / "net") == cache / "models" / "net"
    assert places.is_shipped(installed / "models" / "net" / "x.caffemodel")
    assert places.install("compat") == "pip install 'deepdream-caffe[compat]'"
    assert places.install() == "pip install deepdream-caffe"


def test_a_users_own_folder_is_written_to_as_it_is(installed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / "net", Path("net"), installed.parent):
        assert places.writable(folder) == folder and not places.is_shipped(folder)


def test_names_that_lead_into_an_installation_are_seen_through(installed, monkeypatch):
    monkeypatch.chdir(installed / "models")
    assert places.writable(Path("net")) == places.cache() / "models" / "net"
    outside = installed / ".." / "elsewhere"
    assert places.writable(outside) == outside


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/deepdream-caffe"),
        ("linux", {"XDG_CACHE_HOME": "{}/xdg"}, "xdg/deepdream-caffe"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache/deepdream-caffe"),
        ("linux", {"XDG_CACHE_HOME": ""}, "home/.cache/deepdream-caffe"),
        ("darwin", {"XDG_CACHE_HOME": "{}/xdg"}, "home/Library/Caches/deepdream-caffe"),
        ("win32", {"LOCALAPPDATA": "{}/local"}, "local/deepdream-caffe"),
        ("win32", {}, "home/AppData/Local/deepdream-caffe"),
        ("linux", {"DEEPDREAM_HOME": "{}/own", "XDG_CACHE_HOME": "{}/xdg"}, "own"),
        ("linux", {"DEEPDREAM_HOME": "~/own"}, "home/own"),
        ("linux", {"DEEPDREAM_HOME": "own"}, "here/own"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_the_cache_is_where_the_system_has_caches(
    platform, variables, expected, tmp_path, monkeypatch
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(places.sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert places.cache() == tmp_path / expected


@pytest.mark.usefixtures("installed")
def test_where_nobody_knows_a_home_nothing_is_put_into_the_working_folder(monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert places.cache() == Path(os.path.abspath(os.sep), ".cache", "deepdream-caffe")


def test_another_python_is_given_our_packages_and_none_of_an_installations_others(installed):
    site = installed.parents[1]
    for name in (*places.PACKAGES, "numpy"):
        (site / name).mkdir(exist_ok=True)
        (site / name / "__init__.py").write_text("")
    with places.python_path() as path:
        folder = path.split(os.pathsep)[0]
        assert sorted(os.listdir(folder)) == sorted(places.PACKAGES)
        find = "import sys, importlib.util as u; print(u.find_spec(sys.argv[1]).origin)"
        found = subprocess.check_output(
            [sys.executable, "-c", find, "netfile"],
            env={**os.environ, "PYTHONPATH": path},
            cwd=str(site.parent),
        )
        assert folder in found.decode()
    assert not os.path.exists(folder) and (site / "netfile" / "__init__.py").is_file()


def test_an_old_python_is_told_so_and_not_to_install_what_it_cannot_have(monkeypatch):
    monkeypatch.setattr(places.sys, "version_info", (3, 9, 2))
    told = places.engine_lacks(ImportError("No module named 'numba'"))
    assert "needs Python 3.11 or newer, and this is 3.9" in told and "pip" not in told
    monkeypatch.setattr(places.sys, "version_info", (3, 12, 0))
    assert places.install("compat") in places.engine_lacks(ImportError("No module named 'numba'"))

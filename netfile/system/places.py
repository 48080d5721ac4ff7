"""Where the project lies, a checkout or an installation, and where it may write what it keeps.

In a checkout everything stays in it: weights and nets in models/, compiled loops beside their code.
An installation is only read, and what is made or downloaded goes into the user's cache.
"""

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

NAME = "deepdream-caffe"
OVERRIDE = "DEEPDREAM_HOME"  # the variable that names a folder in place of the user's cache
PACKAGES = ("netfile", "caffe_compat", "net_surgery", "deepdream")
ENGINE_PYTHON = (3, 11)  # the oldest that the built-in engine runs on

ROOT = Path(__file__).resolve().parents[2]  # the folder with the packages
_DATA = ROOT / "deepdream" / "data"  # which only a wheel has: see pyproject.toml
IS_CHECKOUT = not _DATA.is_dir()
_SHIPPED = ROOT if IS_CHECKOUT else _DATA
MODELS = _SHIPPED / "models"
PROTOTXT = _SHIPPED / "prototxt"
CAFFE_PYTHON = ROOT / ".caffe" / "bin" / "python"  # `make caffe` puts it into a checkout


def cache() -> Path:
    """The folder for what can be made or downloaded again; it need not be there yet.

    It is what DEEPDREAM_HOME names, or else in the system's place for caches: XDG's, of macOS, of
    Windows. A home that nobody knows is /, as in containers.
    """
    named = os.environ.get(OVERRIDE)
    if named:
        return Path(os.path.abspath(os.path.expanduser(named)))
    home = Path(os.path.expanduser("~"))
    if not home.is_absolute():
        home = Path(os.path.abspath(os.sep))
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or "")
        if not base.is_absolute():  # XDG says that such a value is to be ignored
            base = home / ".cache"
    return base / NAME


def writable(folder: Path) -> Path:
    """Where files go that belong into this folder: there, or, where an installation ships it, into
    its counterpart in the user's cache."""
    if is_shipped(folder):
        return cache() / Path(os.path.abspath(str(folder))).relative_to(_DATA)
    return folder


def is_shipped(path: Path) -> bool:
    """Whether this path lies in an installation, where nothing is ever written."""
    return not IS_CHECKOUT and _DATA in Path(os.path.abspath(str(path))).parents


def other_place(path: Path) -> str:
    """The end of a message that says how a file that cannot be written goes elsewhere."""
    in_cache = not IS_CHECKOUT and cache() in path.parents
    return f"; {OVERRIDE} can name a folder for it" if in_cache else ""


def install(extra: str = "") -> str:
    """The command that installs the project, with an extra of its."""
    if IS_CHECKOUT:
        return f"pip install -e '.[{extra}]'" if extra else "pip install -e ."
    return f"pip install '{NAME}[{extra}]'" if extra else f"pip install {NAME}"


def reinstall() -> str:
    """The command that brings back a file that an installation should have."""
    return f"pip install --force-reinstall --no-deps {NAME}"


def engine_lacks(error: ImportError) -> str:
    """What is wrong, and what to do, where the built-in engine cannot be imported."""
    if sys.version_info < ENGINE_PYTHON:
        newest, this = (".".join(map(str, v[:2])) for v in (ENGINE_PYTHON, sys.version_info))
        return f"the built-in engine needs Python {newest} or newer, and this is {this}"
    return f"the built-in engine lacks a package: {error}; install it with: {install('compat')}"


@contextmanager
def python_path() -> Iterator[str]:
    """Context manager: a PYTHONPATH that gives any other Python our packages, and what this process
    has there.

    An installation's folder holds other packages too, for this Python alone.
    """
    given = os.environ.get("PYTHONPATH")
    if IS_CHECKOUT:
        yield os.pathsep.join(filter(None, [str(ROOT), given]))
        return
    with tempfile.TemporaryDirectory(prefix="deepdream-") as alone:
        for name in PACKAGES:
            try:
                os.symlink(str(ROOT / name), os.path.join(alone, name), target_is_directory=True)
            except OSError:  # as Windows refuses them to most users
                shutil.copytree(str(ROOT / name), os.path.join(alone, name))
        yield os.pathsep.join(filter(None, [alone, given]))

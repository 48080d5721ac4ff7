"""Packages that only some files need, loaded where one is met."""

import importlib
from typing import Any

from netfile.places import install

from .errors import CaffeError


def h5py() -> Any:
    """The package h5py. Raises CaffeError, with the command that installs it."""
    return _load("h5py", "HDF5 files need", "hdf5")


def lmdb() -> Any:
    """The package lmdb. Raises CaffeError, with the command that installs it."""
    return _load("lmdb", "LMDB databases need", "lmdb")


def _load(name: str, who: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise CaffeError(f"{who} {name}; install it with: {install(extra)}") from None

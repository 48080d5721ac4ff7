"""Packages that only some files need, loaded where one is met."""

import importlib
from typing import Any

from netfile.system.places import install

from .errors import CaffeError


def h5py() -> Any:
    """The package h5py. Raises CaffeError, with the command that installs it."""
    try:
        return importlib.import_module("h5py")
    except ImportError:
        raise CaffeError(f"HDF5 files need h5py; install it with: {install('hdf5')}") from None

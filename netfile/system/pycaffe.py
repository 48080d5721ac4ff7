"""The real pycaffe, among folders that only bear its name."""

import importlib
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any


def import_caffe() -> Any:
    """Import `caffe`, and pass over files and folders of that name that hold no pycaffe.

    Python looks into the working directory first, where a folder called caffe may be anything:
    Caffe's sources, weights, a program of somebody's. No code in such a folder runs.

    Raises:
        ImportError: there is no pycaffe, or it does not start.
    """
    if "caffe" in sys.modules:
        return importlib.import_module("caffe")
    found = importlib.util.find_spec("caffe")
    if found is None or not _stray(found):
        return importlib.import_module("caffe")
    for folder in sys.path:
        spec = PathFinder.find_spec("caffe", [folder])
        if spec is not None and not _stray(spec):
            return _load(spec)
    where = found.origin or ", ".join(found.submodule_search_locations or [])
    raise ImportError(f"{where} is no pycaffe (it has no _caffe), and there is no other")


def _stray(spec: ModuleSpec) -> bool:
    """Whether this is a file or folder called caffe without pycaffe's compiled part."""
    folders = spec.submodule_search_locations
    if folders is None:
        return spec.origin is not None  # caffe.py; without an origin, an engine under this name
    return not any(
        name.startswith("_caffe.")
        for folder in folders
        if os.path.isdir(folder)
        for name in os.listdir(folder)
    )


def _load(spec: ModuleSpec) -> Any:
    module = importlib.util.module_from_spec(spec)
    sys.modules["caffe"] = module
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    except BaseException:
        sys.modules.pop("caffe", None)
        raise
    return sys.modules["caffe"]

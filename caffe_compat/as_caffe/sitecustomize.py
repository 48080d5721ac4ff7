"""Lets `import caffe` give caffe_compat in a process that `python -m caffe_compat` started.

And in those that it starts. Python imports this by itself where this folder is on PYTHONPATH; a
sitecustomize in a later folder still runs.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


class _Alias(importlib.abc.Loader):
    """Loads caffe_compat's module in the place of one of caffe's; both names give one module."""

    def __init__(self, target):
        self.target = target

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        root = os.path.dirname(os.path.dirname(_HERE))
        if importlib.util.find_spec("caffe_compat") is None:
            sys.path.append(root)
        sys.modules[module.__spec__.name] = importlib.import_module(self.target)


class _Finder:
    """Asked before all others, so that a folder called caffe beside a script is passed over."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "caffe" and not name.startswith("caffe."):
            return None
        aliased = "caffe_compat" + name[len("caffe") :]
        if name != "caffe" and importlib.util.find_spec(aliased) is None:
            return None
        return importlib.machinery.ModuleSpec(name, _Alias(aliased))


sys.meta_path.insert(0, _Finder)


def _begin():
    """What a program needs beside `import caffe`; a Python too old for the engine does without."""
    if "CAFFE_COMPAT_PROGRAM" not in os.environ or sys.version_info < (3, 11):
        return
    if importlib.util.find_spec("caffe_compat") is None:
        sys.path.append(os.path.dirname(os.path.dirname(_HERE)))
    importlib.import_module("caffe_compat.programs.startup").begin()


def _run_the_next_one():
    rest = [p for p in sys.path if os.path.abspath(p) != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


_begin()
_run_the_next_one()

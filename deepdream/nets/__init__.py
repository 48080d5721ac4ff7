"""Nets: which engine, which model, opened and checked."""

from . import memory
from .catalogue import Model, find, known
from .class_output import ClassOutput
from .default_end import default_end, default_map
from .labels import class_number, classes
from .opening import OpenNet, load_net, open
from .tiling import Tiling

__all__ = [
    "ClassOutput", "Model", "OpenNet", "Tiling", "class_number", "classes", "default_end",
    "default_map", "find", "known", "load_net", "memory", "open",
]  # fmt: skip

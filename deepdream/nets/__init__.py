"""Nets: which engine, which model, opened and checked."""

from .catalogue import Model, find, known
from .class_output import ClassOutput
from .labels import class_number, classes
from .opening import OpenNet, load_net, open

__all__ = [
    "ClassOutput", "Model", "OpenNet", "class_number", "classes", "find", "known", "load_net",
    "open",
]  # fmt: skip

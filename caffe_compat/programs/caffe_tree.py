"""Shows a program the folder laid out as Caffe's where it looks for a Caffe that is not there.

Paths such as ../caffe/models/NAME/deploy.prototxt that lead to no file lead into that folder, for
reading alone, and weights that its links lead to are never written. It acts on Python's own
functions, by which NumPy, Pillow and the engine read and write too.
"""

import builtins
import errno
import functools
import io
import os
from pathlib import PurePath
from typing import Any, Callable

from netfile.system.caffe_root import FOLDERS


class _Tree:
    def __init__(self, root: str) -> None:
        self.root = root
        self.exists = os.path.lexists
        models = os.path.join(root, "models")
        self.weights = {
            os.path.realpath(os.path.join(folder, name))
            for folder, _, names in os.walk(models)
            for name in names
            if os.path.islink(os.path.join(folder, name))
        }

    def check(self, path: Any) -> None:
        """Raise PermissionError for a path that leads to a model's own weights."""
        if isinstance(path, (str, os.PathLike)) and os.path.realpath(path) in self.weights:
            said = "these are the weights of a model that is linked to; save into another file"
            raise PermissionError(errno.EACCES, said, os.fspath(path))

    def answered(self, path: Any) -> Any:
        """The path, or where it leads in the tree if there is nothing and the tree has it."""
        if not isinstance(path, (str, os.PathLike)):
            return path
        text = os.fspath(path)
        if not isinstance(text, str) or self.exists(text):
            return path
        parts = PurePath(text).parts
        for n in reversed(range(len(parts) - 1)):
            if parts[n] in FOLDERS:
                there = os.path.join(self.root, *parts[n:])
                if self.exists(there):
                    return there
        return path


def show(root: str) -> None:
    """Answer such paths in this process from now on."""
    tree = _Tree(root)
    reading = io.open

    @functools.wraps(reading)
    def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if set(mode) & set("wax+"):
            tree.check(file)
            return reading(file, mode, *args, **options)
        return reading(tree.answered(file), mode, *args, **options)

    builtins.open = io.open = opened
    os.replace, os.rename = _checked(tree, os.replace), _checked(tree, os.rename)
    for name in ("stat", "access", "listdir"):
        function = getattr(os, name)
        of = _answering(tree, function)
        setattr(os, name, of)
        for support in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
            if function in support:
                support.add(of)


def _checked(tree: _Tree, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def of(src: Any, dst: Any, **options: Any) -> Any:
        tree.check(dst)
        return function(src, dst, **options)

    return of


def _answering(tree: _Tree, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def of(path: Any = ".", *args: Any, **options: Any) -> Any:
        return function(tree.answered(path), *args, **options)

    return of

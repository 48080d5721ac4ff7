"""Modules of the standard library as Python 2's programs know them: str goes in, and str comes out.

A translated module that imports one of them gets what is here; all others get the module itself.
"""

import argparse
import base64
import hashlib
import io
import math
import os
import pickle
import random
import subprocess
import sys
import tempfile
import traceback
import types
from contextlib import suppress
from functools import lru_cache
from typing import Any, Callable, Dict

from . import files
from .generator import Random
from .pipes import wrapped
from .strings import as_bytes, native


class _Proxy(types.ModuleType):
    """A module with some names of its own; the others are the real one's."""

    def __init__(self, module: Any, own: Dict[str, Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update({**vars(module), **own, "_module": module})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def __dir__(self) -> Any:
        return sorted({*dir(self._module), *self.__dict__})


def _bytes_to_str(function: Callable[..., Any]) -> Callable[..., Any]:
    def of(data: Any, *args: Any, **options: Any) -> Any:
        result = function(as_bytes(data), *args, **options)
        return native(result) if isinstance(result, bytes) else result

    return of


class _BytesOnly:
    """A file for pickle.load, which wants bytes although the file gives text."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return bytes(as_bytes(self._file.read(size)))

    def readline(self) -> bytes:
        return bytes(as_bytes(self._file.readline()))


def _load(file: Any, **options: Any) -> Any:
    options.setdefault("encoding", "latin-1")  # so NumPy's arrays in Python 2's pickles can be read
    return pickle.load(_BytesOnly(file), **options)


def _loads(data: Any, **options: Any) -> Any:
    data = data.encode("latin-1") if isinstance(data, str) else data
    return _load(io.BytesIO(data), **options)


def _dump(value: Any, file: Any, protocol: Any = 0, **options: Any) -> None:
    file.write(pickle.dumps(value, protocol, **options))


def _dumps(value: Any, protocol: Any = 0, **options: Any) -> Any:
    return native(pickle.dumps(value, protocol, **options))


class _Pickler(pickle.Pickler):
    def __init__(self, file: Any, protocol: Any = 0, **options: Any) -> None:
        super().__init__(file, protocol, **options)


def _unpickler(file: Any, **options: Any) -> Any:
    options.setdefault("encoding", "latin-1")
    return pickle.Unpickler(_BytesOnly(file), **options)


def _pickle() -> Any:
    own = {"load": _load, "loads": _loads, "dump": _dump, "dumps": _dumps, "Pickler": _Pickler,
           "Unpickler": _unpickler}  # fmt: skip
    return _Proxy(pickle, own)


class _Popen(subprocess.Popen):
    """A process whose pipes take and give str."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stdin, self.stdout = wrapped(self.stdin), wrapped(self.stdout)
        self.stderr = wrapped(self.stderr)

    def communicate(self, input: Any = None, timeout: Any = None) -> Any:
        said = super().communicate(as_bytes(input), timeout)
        return tuple(native(part) if isinstance(part, bytes) else part for part in said)


def _random() -> Any:
    generator = Random()
    names = ("seed", "random", "randrange", "randint", "choice", "shuffle", "sample", "uniform",
             "gauss", "normalvariate", "expovariate", "betavariate", "gammavariate", "triangular",
             "lognormvariate", "paretovariate", "weibullvariate", "vonmisesvariate", "getrandbits",
             "getstate", "setstate")  # fmt: skip
    return _Proxy(random, {**{n: getattr(generator, n) for n in names}, "Random": Random})


def _check_output(*args: Any, **options: Any) -> Any:
    said = subprocess.check_output(*args, **options)
    return native(said) if isinstance(said, bytes) else said


def _hashlib() -> Any:
    def of(make: Any) -> Any:
        return lambda data=b"", **options: _Hash(make(as_bytes(data), **options))

    names = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
    return _Proxy(hashlib, {name: of(getattr(hashlib, name)) for name in names})


class _Hash:
    """A hash that takes str too."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def update(self, data: Any) -> None:
        self._made.update(as_bytes(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


def _base64() -> Any:
    names = {"b64encode": "b64encode", "b64decode": "b64decode", "urlsafe_b64encode":
             "urlsafe_b64encode", "urlsafe_b64decode": "urlsafe_b64decode", "encodestring":
             "encodebytes", "decodestring": "decodebytes", "b16encode": "b16encode",
             "standard_b64encode": "standard_b64encode"}  # fmt: skip
    own = {old: _bytes_to_str(getattr(base64, new)) for old, new in names.items()}
    return _Proxy(base64, own)


class _FileType(argparse.FileType):
    """argparse.FileType, whose files are Python 2's."""

    def __init__(self, mode: str = "r", bufsize: int = -1) -> None:
        super().__init__(mode, bufsize)
        self._how = mode, bufsize

    def __call__(self, string: str) -> Any:
        if string == "-":
            return super().__call__(string)
        try:
            return files.open_file(string, *self._how)
        except OSError as e:
            raise argparse.ArgumentTypeError(f"can't open '{string}': {e}") from None


def _tempfile() -> Any:
    def of(make: Callable[..., Any]) -> Callable[..., Any]:
        return lambda mode="w+b", *args, **options: wrapped(make(mode, *args, **options))

    names = ("NamedTemporaryFile", "TemporaryFile")
    return _Proxy(tempfile, {name: of(getattr(tempfile, name)) for name in names})


def _traceback() -> Any:
    """print_exc and format_exc leave out what Python 2 has not: the functions of this package."""

    show: Any = traceback.print_exception
    lines: Any = traceback.format_exception

    def said() -> Any:
        from ..sources import without_ours

        kind, error, trace = sys.exc_info()
        return kind, error, without_ours(error, trace) if error else None

    def print_exc(limit: Any = None, file: Any = None) -> None:
        show(*said(), limit, file)

    def format_exc(limit: Any = None) -> str:
        return "".join(lines(*said(), limit))

    return _Proxy(traceback, {"print_exc": print_exc, "format_exc": format_exc})


def _math() -> Any:
    """floor and ceil give floats, which are not divided as whole numbers are."""
    return _Proxy(
        math,
        {"floor": lambda x: float(math.floor(x)), "ceil": lambda x: float(math.ceil(x))},
    )


def _lmdb() -> Any:
    from . import lmdb_str

    return _Proxy(lmdb_str.lmdb, {"open": lmdb_str.Environment})


def _os() -> Any:
    def fdopen(fd: int, mode: str = "r", bufsize: int = -1) -> Any:
        return wrapped(os.fdopen(fd, mode.replace("b", "") + "b", bufsize))

    own = {"fdopen": fdopen, "write": lambda fd, data: os.write(fd, as_bytes(data))}
    return _Proxy(os, own)


@lru_cache(maxsize=None)
def fork_as_then() -> None:
    """multiprocessing forks, which newer Pythons do only where they are told to."""
    import multiprocessing

    if "fork" in multiprocessing.get_all_start_methods():
        with suppress(RuntimeError):  # the program has chosen a way itself
            multiprocessing.set_start_method("fork")


_MAKERS: Dict[str, Callable[[], Any]] = {
    "argparse": lambda: _Proxy(argparse, {"FileType": _FileType}),
    "base64": _base64,
    "cPickle": _pickle,
    "hashlib": _hashlib,
    "lmdb": _lmdb,
    "math": _math,
    "os": _os,
    "pickle": _pickle,
    "random": _random,
    "subprocess": lambda: _Proxy(subprocess, {"Popen": _Popen, "check_output": _check_output}),
    "tempfile": _tempfile,
    "traceback": _traceback,
}


@lru_cache(maxsize=None)
def module(name: str) -> Any:
    """Python 2's module of this name, or None where it is the same as today's."""
    maker = _MAKERS.get(name)
    return maker and maker()

"""Modules of the standard library as Python 2's programs know them: str goes in, and str comes out.

A translated module that imports one of them gets what is here; all others get the module itself.
"""

import base64
import hashlib
import io
import math
import pickle
import random
import subprocess
import types
from functools import lru_cache
from typing import Any, Callable, Dict

from .files import as_bytes
from .values import native


class _Proxy(types.ModuleType):
    """A module with some names of its own; the others are the real one's."""

    def __init__(self, module: Any, own: Dict[str, Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(own, _module=module)

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
    """A process whose output is str; what is read from its pipes themselves is bytes."""

    def communicate(self, input: Any = None, timeout: Any = None) -> Any:
        said = super().communicate(as_bytes(input), timeout)
        return tuple(native(part) if isinstance(part, bytes) else part for part in said)


class _Random(random.Random):
    """Python 2's generator: the same numbers as its random module gives for a seed.

    Lib/random.py of Python 2.7: random() alone makes choices, shuffles and whole numbers.
    """

    def seed(self, a: Any = None, version: int = 1) -> None:
        super().seed(a, 1) if isinstance(a, (type(None), int)) else super().seed(hash(a), 1)

    def randrange(self, start: int, stop: Any = None, step: int = 1) -> int:
        if stop is None:
            start, stop = 0, start
        count = math.ceil((stop - start) / step)
        if count <= 0:
            raise ValueError("empty range for randrange()")
        return start + step * int(self.random() * count)

    def randint(self, a: int, b: int) -> int:
        return self.randrange(a, b + 1)

    def choice(self, seq: Any) -> Any:
        return seq[int(self.random() * len(seq))]

    def shuffle(self, x: Any, random: Any = None) -> None:
        random = random or self.random
        for i in reversed(range(1, len(x))):
            j = int(random() * (i + 1))
            x[i], x[j] = x[j], x[i]

    def sample(self, population: Any, k: int) -> Any:  # type: ignore[override]
        n = len(population)
        if not 0 <= k <= n:
            raise ValueError("sample larger than population")
        size = 21 + (4 ** math.ceil(math.log(k * 3, 4)) if k > 5 else 0)
        if n <= size or hasattr(population, "keys"):
            pool, picked = list(population), []
            for i in range(k):
                j = int(self.random() * (n - i))
                picked.append(pool[j])
                pool[j] = pool[n - i - 1]
            return picked
        seen: Dict[int, bool] = {}
        picked = []
        for _ in range(k):
            j = int(self.random() * n)
            while j in seen:
                j = int(self.random() * n)
            seen[j] = True
            picked.append(population[j])
        return picked


def _random() -> Any:
    generator = _Random()
    names = ("seed", "random", "randrange", "randint", "choice", "shuffle", "sample", "uniform",
             "gauss", "normalvariate", "expovariate", "betavariate", "gammavariate", "triangular",
             "lognormvariate", "paretovariate", "weibullvariate", "vonmisesvariate", "getrandbits",
             "getstate", "setstate")  # fmt: skip
    return _Proxy(random, {**{n: getattr(generator, n) for n in names}, "Random": _Random})


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


_MAKERS: Dict[str, Callable[[], Any]] = {
    "base64": _base64,
    "cPickle": _pickle,
    "hashlib": _hashlib,
    "pickle": _pickle,
    "random": _random,
    "subprocess": lambda: _Proxy(subprocess, {"Popen": _Popen, "check_output": _check_output}),
}


@lru_cache(maxsize=None)
def module(name: str) -> Any:
    """Python 2's module of this name, or None where it is the same as today's."""
    maker = _MAKERS.get(name)
    return maker and maker()

"""Compiled loops, kept in files from process to process.

numba's own files are found by one source file's time and by an index beside the code: a damaged
one ends the program, a loop keeps an older version of what it calls in another file, and two
processors that share a folder can get each other's code. A file of ours says what its code was
made of (all sources of the loops, the processor, the versions), and has a hash over everything. One
that is not exactly as it should be is made again; where none can be written, nothing is kept.

A task's file holds machine code alone, which LLVM links in a millisecond. What numba's own way of
loading needs first, all that it knows of types, takes longer than a step of a dream.
"""

import contextlib
import errno
import hashlib
import importlib.util
import os
import secrets
import stat
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Set, Tuple

import llvmlite

from netfile.system import places

from . import processor
from .processor import PROCESSOR, Processor

_MAGIC = b"caffe_compat loops 3\n"
_HASH = 32  # bytes
_MOST = 1 << 26  # bytes of a file; a loop takes some 100 kB
_LEFT_OVER = 3600  # seconds after which a partial file is of a process that was killed
_said: Set[str] = set()


def say(text: str) -> None:
    """A line on the standard error, where there is one."""
    try:
        if sys.stderr is not None:
            print(f"caffe_compat: {text}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass  # closed, or on a full disk; nobody reads it


def _say_once(kind: str, text: str) -> None:
    if kind not in _said:
        _said.add(kind)
        say(text)


def _digest(*parts: bytes) -> bytes:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(b"%d:" % len(part) + part)
    return whole.digest()


def _source(*paths: Path) -> bytes:
    """A hash of these files, or nothing where one cannot be read."""
    try:
        return _digest(*(path.read_bytes() for path in paths))
    except OSError:
        return b""


def _numbas() -> bytes:
    """What tells versions of numba apart: importing it takes longer than all else here."""
    found = importlib.util.find_spec("numba")
    if found is None or not found.submodule_search_locations:
        raise ImportError("No module named 'numba'")
    return _source(*(Path(place) / "_version.py" for place in found.submodule_search_locations))


_HERE = Path(__file__).parents[1]
_SHIPPED = _HERE / "shipped"  # which only a wheel has, and the sdist
# read with the code itself, so that a later change of the files is not taken for what runs
_SOURCES = _source(*sorted(_HERE.rglob("*.py")))
_VERSIONS = (_numbas(), llvmlite.__version__)


def _key(name: str, made_for: Processor, *versions: Any) -> bytes:
    """What code is made for: a unit of tasks, a processor, and the versions of what makes it."""
    return _digest(repr((name, made_for, sys.platform, *versions)).encode())


class Kept:
    """Machine code in a file: of a unit of tasks, that are in a source file."""

    def __init__(self, source: Path, name: str) -> None:
        """name: the unit's, for people."""
        self._file, self._name = source, name
        own = _source(source) if _HERE not in source.parents else _SOURCES
        self._source = _digest(_SOURCES, own) if own and _SOURCES else b""
        self._key = _key(name, PROCESSOR, *_VERSIONS)

    def _places(self) -> Iterator[Tuple[Path, bytes]]:
        """Where the file may be, and the key that it should have: what a wheel brought first."""
        best = processor.shipped()
        if best and _SHIPPED.is_dir():
            yield self._shipped(_SHIPPED, best), _key(self._name, best)
        for folder in self._folders():
            yield self._path(folder), self._key

    def _shipped(self, folder: Path, made_for: Processor) -> Path:
        return folder / made_for.name / f"{self._name}.loop"

    def _folders(self) -> Iterator[Path]:
        """Where the file may be: the first that can be written to is used.

        An installation is only read.
        """
        apart = hashlib.sha256(os.fsencode(self._file.parent.absolute())).hexdigest()[:16]
        if os.environ.get("NUMBA_CACHE_DIR"):
            yield Path(os.environ["NUMBA_CACHE_DIR"]) / f"caffe_compat_{apart}"
        if places.IS_CHECKOUT:
            yield self._file.parent / "__pycache__"
        yield places.cache() / "loops" / apart

    def _path(self, folder: Path) -> Path:
        return folder / f"{self._name}-{self._key.hex()[:12]}.loop"

    def load(self, made: Callable[[bytes], Any]) -> Any:
        """What is made of the kept content; None where there is none that can be used."""
        for path, key in self._places() if self._source else ():
            try:
                content = self._content(path, key)
                if content is not None:
                    return made(content)
            except MemoryError:
                raise
            except Exception as e:  # a file can break anything, and nothing in it is needed
                what = e.strerror if isinstance(e, OSError) and e.strerror else e
                _say_once("damaged", f"cannot use {path} ({what}): its loops are compiled again")
        return None

    def _content(self, path: Path, key: bytes) -> Optional[bytes]:
        """What the file keeps; None where there is none, or one of other sources."""
        try:
            whole = _read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        seal, rest = whole[len(_MAGIC) :][:_HASH], whole[len(_MAGIC) + _HASH :]
        if not whole.startswith(_MAGIC) or _digest(rest) != seal or len(rest) < 2 * _HASH:
            raise ValueError("damaged")
        if rest[:_HASH] != key:
            raise ValueError("made for another processor")
        return rest[2 * _HASH :] if rest[_HASH : 2 * _HASH] == self._source else None

    def _sealed(self, key: bytes, content: bytes) -> bytes:
        rest = key + self._source + content
        return _MAGIC + _digest(rest) + rest

    def ship(self, content: bytes, folder: Path, made_for: Processor) -> None:
        """Write the file that wheels bring, into a copy of the folder of those."""
        path = self._shipped(folder, made_for)
        path.parent.mkdir(exist_ok=True)
        _write(path, self._sealed(_key(self._name, made_for), content))

    def keep(self, content: bytes) -> None:
        """Write the file, where that can be done."""
        if not self._source:
            return
        whole = self._sealed(self._key, content)
        refused = []
        for folder in self._folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                _write(self._path(folder), whole)
                return
            except OSError as e:
                refused.append(f"{folder}: {e.strerror}")
        _say_once(
            "unwritable",
            f"cannot keep its compiled loops ({'; '.join(refused)}): every process will compile "
            f"them; {places.OVERRIDE} can name a folder for them",
        )


def _read(path: Path) -> bytes:
    """The bytes of a regular file; never waits for a FIFO."""
    found = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(found, "rb") as f:
        about = os.fstat(found)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST:
            raise OSError(errno.EINVAL, "not a file of compiled loops", str(path))
        return f.read(_MOST + 1)


def _write(path: Path, content: bytes) -> None:
    """Write a whole file, or none; remove the partial files of processes that were killed."""
    for left in path.parent.glob(f".{path.name}.*"):
        with contextlib.suppress(OSError):
            if time.time() - left.lstat().st_mtime > _LEFT_OVER:
                left.unlink()
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(partial, "xb") as f:
            f.write(content)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise

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
import os
import pickle
import platform
import secrets
import stat
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Set

import llvmlite
import llvmlite.binding as llvm
import numba
from numba.core import serialize
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from netfile.system import places

_MAGIC = b"caffe_compat loops 2\n"
_EARLIER = b"caffe_compat loops 1\n"
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


_HERE = Path(__file__).parent
# read with the code itself, so that a later change of the files is not taken for what runs
_SOURCES = _source(*sorted(_HERE.rglob("*.py")))
_VERSIONS = (numba.__version__, llvmlite.__version__, sys.implementation.cache_tag, sys.version)


class Kept:
    """Where numba looks for a function's compiled code, and puts it, in place of its own cache."""

    def __init__(self, function: Callable[..., Any]) -> None:
        code = function.__code__
        self._file = Path(code.co_filename)
        own = _source(self._file) if _HERE not in self._file.parents else _SOURCES
        self._source = _digest(_SOURCES, own) if own and _SOURCES else b""
        name = f"{self._file.stem}.{function.__qualname__}-{code.co_firstlineno}"
        self._name = name.replace("<", "").replace(">", "")

    def _key(self, signature: Any, target: Any) -> bytes:
        """What the code is made for: the processor, and the versions of what makes it."""
        processor = target.codegen().magic_tuple()
        features = sorted(llvm.get_host_cpu_features().items())
        return _digest(
            repr((str(signature), processor, features, platform.machine(), _VERSIONS)).encode()
        )

    def _folders(self) -> Iterator[Path]:
        """Where the file may be: the first that can be written to is used.

        An installation is only read.
        """
        apart = hashlib.sha256(os.fsencode(self._file.parent.absolute())).hexdigest()[:16]
        if numba.config.CACHE_DIR:
            yield Path(numba.config.CACHE_DIR) / f"caffe_compat_{apart}"
        if places.IS_CHECKOUT:
            yield self._file.parent / "__pycache__"
        yield places.cache() / "loops" / apart

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The code for this signature, ready to run, or None: numba then compiles it."""
        target.refresh()

        def rebuilt(content: bytes) -> Any:
            return CompileResult._rebuild(target, *pickle.loads(content))

        return self._loaded(self._key(signature, target), rebuilt)

    def _loaded(self, key: bytes, made: Callable[[bytes], Any]) -> Any:
        """What is made of the kept content; None where there is none that can be used."""
        for folder in self._folders() if self._source else ():
            path = folder / f"{self._name}-{key.hex()[:12]}.loop"
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
        if whole.startswith(_EARLIER):
            return None
        seal, rest = whole[len(_MAGIC) :][:_HASH], whole[len(_MAGIC) + _HASH :]
        if not whole.startswith(_MAGIC) or _digest(rest) != seal or len(rest) < 2 * _HASH:
            raise ValueError("damaged")
        if rest[:_HASH] != key:
            raise ValueError("made for another processor")
        return rest[2 * _HASH :] if rest[_HASH : 2 * _HASH] == self._source else None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep code that numba has compiled."""
        if result.lifted or result.library.has_dynamic_globals:
            return
        key = self._key(signature, result.target_context)
        self._keep(key, serialize.dumps(result._reduce()))

    def _keep(self, key: bytes, content: bytes) -> None:
        if not self._source:
            return
        rest = key + self._source + content
        refused = []
        for folder in self._folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                name = f"{self._name}-{key.hex()[:12]}.loop"
                _write(folder / name, _MAGIC + _digest(rest) + rest)
                return
            except OSError as e:
                refused.append(f"{folder}: {e.strerror}")
        _say_once(
            "unwritable",
            f"cannot keep its compiled loops ({'; '.join(refused)}): every process will compile "
            f"them; {places.OVERRIDE} can name a folder for them",
        )


class KeptCode(Kept):
    """The same for functions that only C calls, of which machine code is enough."""

    def load(self, signature: Any) -> Optional["Code"]:
        """The code for this signature, or None."""
        return self._loaded(self._key(signature, cpu_target.target_context), Code)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Nothing: numba is asked only where `load` has found nothing."""

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep code that numba has compiled."""
        if result.library.has_dynamic_globals:
            return
        _, _, (code, _) = result.library.serialize_using_object_code()
        entry = result.fndesc.llvm_cfunc_wrapper_name.encode()
        self._keep(self._key(signature, result.target_context), entry + b"\0" + code)


class Code:
    """Machine code from a file, ready to run at `address`; its memory goes with it."""

    def __init__(self, content: bytes) -> None:
        """Link it. content: the name of the function, a zero byte, and what LLVM made of it."""
        entry, _, code = content.partition(b"\0")
        rtsys.initialize(cpu_target.target_context)  # the functions of numba's that it calls
        machine = llvm.Target.from_default_triple().create_target_machine()
        # in a place of its own: two processes may give two functions the same name
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.address: int = self._engine.get_function_address(entry.decode())
        if not self.address:
            raise ValueError(f"without {entry.decode()}")


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


def kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: numba.njit without Python's lock, for functions that Python calls."""

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(nogil=True, **options)(function)
        dispatcher._cache = Kept(function)
        return dispatcher

    return compiled

"""The journal of a long run: what was asked for, how far it is, and all that it needs to go on.

It is a folder of its own, inside a result that is a folder, or beside one that is a file:

    run.json        what was asked for; without it the folder is no run
    reached.json    how far the run is, the state of its random numbers, and its arrays' hashes
    3-frame.npy     the array "frame" at 3
    lock            held by the process that works on it, and freed when that dies

`reached.json` is replaced after the arrays that it names are on the disk, and older arrays are
removed after that, so a process, or the machine, may stop at any instant. A journal comes from
anywhere, as recipes do: all that is read has bounds, and arrays are never unpickled.
"""

import hashlib
import io
import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from netfile.system import locks
from netfile.system.files import whole_file

from ..errors import OutputError, RecipeError, RunError
from . import fields
from .fields import Choice, Many, Number, Table, Text, Whole, shown
from .fields import Mapping as Named

VERSION = 1
KINDS = ("zoom", "classes", "match", "video")
_INSIDE = ".deepdream-run"
_RUN, _REACHED, _LOCK = "run.json", "reached.json", "lock"
_ARRAY = re.compile(r"[0-9]{1,7}-[a-z]{1,20}\.npy")
_HEADER = 4096  # bytes that an array's file has before its values, at most
_FILE = Table(
    {
        "role": Text(20),
        "name": Text(4096),
        "path": Text(4096),
    }
)
_ASKED = Table(
    {
        "version": Whole(VERSION, VERSION),
        "kind": Choice(KINDS),
        "recipe": Text(fields.MOST_BYTES),
        "places": Many(_FILE, 0, 256),
        "model": Text(4096, least=0),
        "overwrite": Choice((True, False)),
        "animation": Table(
            {
                "path": Text(4096),
                "side": Whole(2, 8192),
                "loop": Whole(0, 8192, default=0),
            },
            default=None,
        ),
        "film": Table(
            {
                "path": Text(4096),
                "sha1": Text(40, form="[0-9a-f]{40}", words="40 hexadecimal digits"),
                "rate": Text(
                    40, form="[1-9][0-9]{0,8}/[1-9][0-9]{0,8}", words="a fraction", default=None
                ),
                "blend": Number(0, 1),
                "cut": Number(0, 255),
            },
            default=None,
        ),
        "plot": Text(4096, default=None),
        "classes": Many(Whole(0, 10**9), 1, 100_000, default=None),
    }
)
_REACHED_FIELDS = Table(
    {
        "done": Whole(0, 1_000_000),
        "generator": Table(
            {
                "keys": Many(Whole(0, 2**32 - 1), 624, 624),
                "position": Whole(0, 624),
                "has_gauss": Whole(0, 1),
                "gauss": Number(-1e6, 1e6),
            },
            default=None,
        ),
        "arrays": Named(Text(20), Text(40, form="[0-9a-f]{40}", words="40 hexadecimal digits"), 8),
    }
)


class State(NamedTuple):
    """How far a run is.

    done: the parts of it that are made. generator: what RandomState.set_state takes, or None.
    hashes: the SHA1 of each array's file, by the array's name.
    """

    done: int = 0
    generator: Any = None
    hashes: Mapping[str, str] = {}


def inside(folder: Any) -> "Journal":
    """The journal of a run whose result is a folder."""
    return Journal(os.path.join(str(folder), _INSIDE), str(folder))


def beside(path: Any) -> "Journal":
    """The journal of a run whose result is a file."""
    folder, name = os.path.split(os.path.abspath(str(path)))
    return Journal(os.path.join(folder, f".{name}{_INSIDE}"), str(path))


def of(out: Any) -> "Journal":
    """The journal of whatever result this is, there or not."""
    return beside(out) if beside(out).exists and not inside(out).exists else inside(out)


def sweep(out: Any) -> None:
    """Remove what a process has left of its journal that was killed while it removed it.

    Raises:
        RunError: another process works there.
    """
    for journal in (inside(out), beside(out)):
        if journal.folder.is_dir() and not journal.exists:
            with journal.held():
                pass


class Journal:
    """A run's journal in its folder. `out`: where the run's result goes, as the user calls it."""

    def __init__(self, folder: str, out: str) -> None:
        self.folder, self.out = Path(folder), out

    @property
    def exists(self) -> bool:
        """Whether a run has begun here and not ended."""
        return (self.folder / _RUN).is_file()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Context manager: this process alone works on the run.

        The journal's folder is made if it is not there, and removed if no run is in it at the end.

        Raises:
            RunError: another process does.
            OutputError: the folder cannot be made.
        """

        def refuse() -> None:
            raise RunError(f"{self.out}: another process is working on this run; let it end first")

        with self._written():
            os.makedirs(str(self.folder), exist_ok=True)
        try:
            with locks.locked(self.folder / _LOCK, refuse):
                if not self.folder.is_dir():  # the last holder has just ended its run
                    refuse()
                try:
                    yield
                finally:
                    if not self.exists:
                        shutil.rmtree(str(self.folder), ignore_errors=True)
        finally:
            with suppress(OSError):  # it is another's, or there is a run in it
                os.rmdir(str(self.folder))

    def begin(self, kind: str, recipe: str, **asked: Any) -> None:
        """Begin a run; what another one has left here is forgotten.

        recipe: what makes all of it again, as JSON. asked: of _ASKED.

        Raises:
            RunError: it could not be read again.
            OutputError: it cannot be written.
        """
        self.end()
        told = {"version": VERSION, "kind": kind, "recipe": recipe, **asked}
        try:
            _ASKED.read(told)
        except RecipeError as e:
            raise RunError(f"no journal can hold this run: {e}") from None
        with self._written():
            os.makedirs(str(self.folder), exist_ok=True)
            self._write_json(_RUN, told)

    def asked(self) -> Dict[str, Any]:
        """What the run was asked for.

        Raises:
            RunError: it is no run, or one of another version.
        """
        if not self.exists:
            raise RunError(f"{self.out}: holds no run that could go on")
        record = self._read_json(_RUN)
        if type(record) is dict and type(record.get("version")) is int:
            version = record["version"]
            if version > VERSION:
                raise RunError(
                    f"{self.out}: its run is of version {shown(version)}, and this deepdream goes "
                    f"on with those up to {VERSION}; use a newer one"
                )
        return dict(self._checked(lambda: _ASKED.read(record)))

    def state(self) -> State:
        """How far the run is. Raises RunError where that cannot be read."""
        if not (self.folder / _REACHED).is_file():
            return State()
        record = self._read_json(_REACHED)
        told = self._checked(lambda: _REACHED_FIELDS.read(record))
        of = told["generator"]
        generator = of and (
            "MT19937",
            np.array(of["keys"], np.uint32),
            of["position"],
            of["has_gauss"],
            float(of["gauss"]),
        )
        return State(told["done"], generator, told["arrays"])

    def reach(
        self,
        done: int,
        generator: Any = None,
        arrays: Mapping[str, np.ndarray] = {},
    ) -> None:
        """Record that so much is done, with what the rest of the run depends on.

        Raises:
            OutputError: it cannot be written; the run is as far as it was.
        """
        told: Dict[str, Any] = {"done": done, "generator": None, "arrays": {}}
        if generator is not None:
            _, keys, position, has_gauss, gauss = generator
            numbers = dict(position=int(position), has_gauss=int(has_gauss), gauss=float(gauss))
            told["generator"] = {"keys": [int(key) for key in keys], **numbers}
        with self._written():
            for name, array in arrays.items():
                told["arrays"][name] = self._write_array(f"{done}-{name}.npy", array)
            self._write_json(_REACHED, told)
        wanted = {f"{done}-{name}.npy" for name in arrays}
        for name in os.listdir(str(self.folder)):
            if _ARRAY.fullmatch(name) and name not in wanted:
                with suppress(OSError):  # it is removed with the rest
                    os.unlink(str(self.folder / name))

    def array(
        self, state: State, name: str, shape: Sequence[Optional[int]], dtype: Any
    ) -> np.ndarray:
        """One of the arrays of a state.

        Args:
            shape: what it must have; the first number may be None, for any up to a million.
            dtype: what it must have.

        Raises:
            RunError: it is not there, or is not what was written.
        """
        path = self.folder / f"{state.done}-{name}.npy"
        most = np.dtype(dtype).itemsize
        for extent in shape:
            most *= 1_000_000 if extent is None else extent
        data = self._read(path, most + _HEADER)
        if hashlib.sha1(data).hexdigest() != state.hashes.get(name):
            raise RunError(f"{path}: is not what the run wrote; it was changed since")
        file = io.BytesIO(data)
        try:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError
            found, by_columns, kind = np.lib.format.read_array_header_1_0(file)
        except ValueError:
            raise RunError(f"{path}: is no array") from None
        wanted = (*(shape[:1] if shape[0] is not None else found[:1]), *shape[1:])
        left = len(data) - file.tell()
        size = int(np.prod(found, dtype=np.float64)) * np.dtype(dtype).itemsize
        if (found, kind) != (wanted, np.dtype(dtype)) or by_columns or size != left:
            raise RunError(f"{path}: has {kind} {found}, not {np.dtype(dtype)} {wanted}")
        return np.frombuffer(data, dtype, offset=file.tell()).reshape(found).copy()

    def note(self, name: str, record: Dict[str, Any]) -> None:
        """Keep a small record beside the state. Raises OutputError."""
        with self._written():
            self._write_json(f"{name}.json", record)

    def noted(self, name: str, field: Table) -> Optional[Dict[str, Any]]:
        """A record that was kept, read by `field`, or None where there is none. Raises RunError."""
        if not (self.folder / f"{name}.json").is_file():
            return None
        record = self._read_json(f"{name}.json")
        return dict(self._checked(lambda: field.read(record)))

    def end(self) -> None:
        """Forget the run: it is finished, or another one begins in its place."""
        if self.exists:
            with self._written():
                os.unlink(str(self.folder / _RUN))  # first: from now on there is no run here
        for path in self.folder.glob("*"):
            if path.name != _LOCK:
                with suppress(OSError):  # it is harmless
                    path.unlink()

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            raise OutputError(f"{self.folder}: cannot be written: {e.strerror or e}") from None

    def _checked(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except RecipeError as e:
            raise RunError(f"{self.out}: its journal cannot be read: {e}") from None

    def _read(self, path: Path, most: int) -> bytes:
        try:
            with open(str(path), "rb") as f:
                data = f.read(most + 1)
        except OSError as e:
            raise RunError(f"{path}: cannot be read: {e.strerror or e}") from None
        if len(data) > most:
            raise RunError(f"{path}: has over {most} bytes, more than a journal's file can have")
        return data

    def _read_json(self, name: str) -> Any:
        data = self._read(self.folder / name, fields.MOST_BYTES)
        return self._checked(lambda: fields.parse(data.decode("ascii", "replace")))

    def _write_json(self, name: str, record: Dict[str, Any]) -> None:
        with whole_file(self.folder / name, lasting=True) as partial:
            partial.write_bytes(json.dumps(record).encode("ascii"))

    def _write_array(self, name: str, array: np.ndarray) -> str:
        """Write an array; returns the SHA1 of its file."""
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), (1, 0), allow_pickle=False)
        data = buffer.getbuffer()
        with whole_file(self.folder / name, lasting=True) as partial:
            partial.write_bytes(data)
        return hashlib.sha1(data).hexdigest()

"""Where results are written: asked for beforehand, and written whole or not at all."""

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Collection, Iterable, Iterator

from netfile.errors import WriteError
from netfile.system import files, outputs
from netfile.system.files import whole_file

from ..errors import OutputError

_RESERVE = 1 << 20  # bytes that a file system keeps for itself, or other programs take meanwhile


@contextmanager
def _as_output_error() -> Iterator[None]:
    try:
        yield
    except WriteError as e:
        raise OutputError(str(e), exists=e.exists) from None


def check_folder(folder: Any) -> None:
    """Ask whether files can be written into this folder.

    Raises:
        OutputError: they cannot.
    """
    with _as_output_error():
        outputs.check_folder(folder)


def check_file(
    path: Any,
    suffixes: Collection[str],
    overwrite: bool = True,
    inputs: Iterable[Any] = (),
) -> None:
    """Ask whether a file of this name, which must end in one of `suffixes`, can be written.

    Args:
        path: the file.
        suffixes: in lower case, with their dots.
        overwrite: whether it may replace a file.
        inputs: files that are read, which it must not replace under any name.

    Raises:
        OutputError: it cannot.
    """
    with _as_output_error():
        outputs.check_output(path, suffixes, overwrite, inputs)


def check_new_folder(path: Any, name: str) -> None:
    """Ask whether a new folder can be made that holds a file of this name. Raises OutputError."""
    with _as_output_error():
        outputs.check_new_folder(path, name)


def check_space(folder: Any, size: float, what: str) -> None:
    """Raise OutputError unless this many bytes are free in a folder, or where it will be.

    what: that they are for.
    """
    there = Path(folder).absolute()
    while not there.exists():
        there = there.parent
    try:
        free = shutil.disk_usage(str(there)).free
    except OSError:
        return
    if free < size + _RESERVE:
        raise OutputError(
            f"{folder}: has {free / 1e6:.0f} MB free, {what} may take {size / 1e6:.0f}; make room, "
            "or choose another folder"
        )


@contextmanager
def whole(path: Any, replace: bool = True, lasting: bool = False) -> Iterator[Path]:
    """The name of a partial file that becomes `path` at the end; see whole_file.

    Raises:
        OutputError: the system refuses to write, or, without `replace`, something has this name.
    """
    try:
        with whole_file(path, replace, lasting) as partial:
            yield partial
    except OSError as e:
        exists = isinstance(e, FileExistsError)
        raise OutputError(
            f"{path}: cannot be written: {e.strerror or e}", exists=exists and not replace
        ) from None


def flush(path: Any) -> None:
    """Wait until a file, and its name in its folder, are on the disk. Raises OutputError."""
    try:
        files.flush(path)
        files.flush(Path(path).parent)
    except OSError as e:
        raise OutputError(f"{path}: cannot be written: {e.strerror or e}") from None

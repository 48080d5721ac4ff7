"""Whether a result can be written where it was asked for: asked before the work, not after it."""

import os
from contextlib import contextmanager
from typing import Any, Collection, Iterable, Iterator, Optional

from ..errors import WriteError
from .files import whole_file, whole_folder


def check_output(
    path: Any,
    suffixes: Collection[str] = (),
    overwrite: bool = False,
    inputs: Iterable[Any] = (),
) -> None:
    """Ask whether whole_file can write a file; a trial file is made and removed.

    Args:
        path: the file.
        suffixes: one of which its name must end in, if any are given.
        overwrite: whether it may replace a file.
        inputs: files that are read, which it must not replace under any name.

    Raises:
        WriteError: it cannot be written.
    """
    suffix = os.path.splitext(os.fspath(path))[1]
    if suffixes and suffix.lower() not in suffixes:
        raise WriteError(
            f'{path}: unknown format "{suffix}"; end the name with {", ".join(suffixes)}'
        )
    check_folder(os.path.dirname(path) or ".")
    if os.path.isdir(path):
        raise WriteError(f"{path}: is a folder; give a file name")
    check_not_read(path, inputs)
    with _trial(path), whole_file(path) as partial:
        partial.touch()
        raise _EnoughError
    if os.path.lexists(path) and not overwrite:
        raise WriteError(f"{path}: exists already; choose another name", exists=True)


def check_new_folder(path: Any, name: str) -> None:
    """Ask whether whole_folder can make a folder with a file of this name. Raises WriteError."""
    with _trial(path), whole_folder(path) as partial:
        (partial / name).touch()
        raise _EnoughError


class _EnoughError(Exception):
    """Ends a trial."""


@contextmanager
def _trial(path: Any) -> Iterator[None]:
    try:
        yield
    except _EnoughError:
        pass
    except (OSError, ValueError) as e:
        why = getattr(e, "strerror", None) or e
        raise WriteError(f"{path}: cannot be written: {why}; choose another name") from None


def check_folder(folder: Any) -> None:
    """Ask whether files can be written into this folder. Raises WriteError."""
    if not os.path.isdir(folder):
        what = "is a file, not a folder" if os.path.exists(folder) else "no such folder"
        if os.path.islink(folder) and not os.path.exists(folder):
            what = "is a link to a folder that is not there"
        raise WriteError(f"{folder}: {what}; make the folder first, or choose another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WriteError(f"{folder}: cannot be written to; choose another folder")


def check_not_read(path: Any, inputs: Iterable[Any]) -> None:
    """Raise WriteError if a result would replace one of these files, however it is spelt."""
    read = same_file(path, inputs)
    if read is not None:
        what = "" if os.fspath(read) == os.fspath(path) else f"the same file as {read}, "
        raise WriteError(f"{path}: is {what}an input of this very run; choose another name")


def same_file(path: Any, others: Iterable[Any]) -> Optional[Any]:
    """The first of the others that is the same file, by whatever name or link; or None."""
    for other in others:
        try:
            if os.path.samefile(path, other):
                return other
        except (OSError, ValueError):
            continue
    return None

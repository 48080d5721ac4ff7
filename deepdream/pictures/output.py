"""Where results are written: asked for beforehand, and written whole or not at all."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Collection, Iterator

from netfile.files import whole_file

from ..errors import OutputError


def check_folder(folder: Any) -> None:
    """Ask whether files can be written into this folder.

    Raises:
        OutputError: they cannot.
    """
    if not os.path.isdir(folder):
        what = "is a file, not a folder" if os.path.exists(folder) else "no such folder"
        raise OutputError(f"{folder}: {what}; make the folder first, or choose another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: cannot be written to; choose another folder")


def check_file(path: Any, suffixes: Collection[str]) -> None:
    """Ask whether a file of this name, which must end in one of `suffixes`, can be written.

    Raises:
        OutputError: it cannot.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise OutputError(
            f'{path}: unknown format "{path.suffix}"; end the name with {", ".join(suffixes)}'
        )
    check_folder(path.parent)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give a file name")


@contextmanager
def whole(path: Any) -> Iterator[Path]:
    """The name of a partial file beside `path`, which becomes `path` at the end; see whole_file.

    Raises:
        OutputError: the system refuses to write.
    """
    try:
        with whole_file(path) as partial:
            yield partial
    except OSError as e:
        raise OutputError(f"{path}: cannot be written: {e.strerror or e}") from None

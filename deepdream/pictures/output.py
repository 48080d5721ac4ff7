"""Files that are written whole or not at all."""

import os
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError


def check_folder(folder):
    """Raise OutputError unless files can be written into this folder."""
    if not os.path.isdir(folder):
        what = "is a file, not a folder" if os.path.exists(folder) else "no such folder"
        raise OutputError(f"{folder}: {what}; make the folder first, or choose another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: cannot be written to; choose another folder")


def check_file(path, suffixes):
    """Raise OutputError unless a file of this name, which must end in one of `suffixes`, can be
    written."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise OutputError(
            f'{path}: unknown format "{path.suffix}"; end the name with {", ".join(suffixes)}'
        )
    check_folder(path.parent)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give a file name")


@contextmanager
def whole(path):
    """Gives the name of a partial file beside `path` to write to; it becomes `path` at the end, or
    is removed after an error.

    Raises OutputError where the system refuses to write.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.part")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as e:
        raise OutputError(f"{path}: cannot be written: {e.strerror or e}") from None
    finally:
        if partial.exists():
            partial.unlink()

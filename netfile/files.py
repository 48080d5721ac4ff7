"""Files and folders that are written whole or not at all, and what a file is known by."""

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator


@contextmanager
def whole_file(path: Any) -> Iterator[Path]:
    """The name of a partial file beside `path`, to write to.

    It becomes `path` at the end, or is removed after an error. Raises OSError where the system
    refuses to write.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.part")
    try:
        yield partial
        os.replace(str(partial), str(path))
    finally:
        if partial.exists():
            partial.unlink()


@contextmanager
def whole_folder(path: Any) -> Iterator[Path]:
    """A new partial folder beside `path`, to write into.

    It becomes `path`, which must not exist or be an empty folder, at the end, or is removed after
    an error. Raises OSError where the system refuses to write.
    """
    path = Path(path)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=str(path.absolute().parent)))
    try:
        partial.chmod(0o755)
        yield partial
        os.replace(str(partial), str(path))
    finally:
        shutil.rmtree(str(partial), ignore_errors=True)


def file_sha1(path: Any) -> str:
    """SHA1 of a file, as 40 hex digits."""
    digest = hashlib.sha1()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()

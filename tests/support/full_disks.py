"""A disk that is full at any write."""

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

# what a process calls to write
CALLS = ("mkdir", "replace", "link", "fsync")


class Disk:
    """writes: how many there were while it was in use. is_full: whether one of them failed."""

    writes = 0
    is_full = False


@contextmanager
def full_at(number: int) -> Iterator[Disk]:
    """Context manager: the disk has no room for the write of this number, counted from 1, nor for
    half of what a file is to hold, nor for anything after it."""
    disk = Disk()

    def check() -> None:
        disk.writes += 1
        if disk.writes >= number:
            disk.is_full = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def checked(function: Any) -> Any:
        def call(*args: Any, **how: Any) -> Any:
            check()
            return function(*args, **how)

        return call

    write_bytes = Path.write_bytes

    def half(path: Path, data: Any) -> int:
        try:
            check()
        except OSError:
            write_bytes(path, bytes(data)[: len(data) // 2])
            raise
        return write_bytes(path, data)

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, checked(getattr(os, name)))
        patch.setattr(Path, "write_bytes", half)
        yield disk

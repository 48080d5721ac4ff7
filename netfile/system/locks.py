"""Locks between processes, which the system frees when their holder dies."""

import os
import stat
from contextlib import contextmanager, suppress
from typing import Any, Callable, Iterator, Optional

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(path: Any, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Context manager: among those who lock this path, one process at a time is inside.

    Where the file cannot be made, or the system has no such locks, everyone is let in.

    Args:
        path: the lock's own file, which is removed at the end.
        waiting: called once if another process is inside.
    """
    descriptor = _acquired(str(path), waiting)
    try:
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                os.unlink(path)
            os.close(descriptor)


def _acquired(path: str, waiting: Callable[[], None]) -> Optional[int]:
    """The open file of a lock that is held, or None where there can be none."""
    if fcntl is None:
        return None
    while True:
        try:
            descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600
            )
        except OSError:
            return None
        held = False
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            _wait(descriptor, waiting)
            held = _is_at(path, descriptor)  # or its last holder has removed it meanwhile
            if held:
                return descriptor
        except OSError:
            return None
        finally:
            if not held:
                os.close(descriptor)


def _wait(descriptor: int, waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _is_at(path: str, descriptor: int) -> bool:
    """Whether this open file still has this name."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except OSError:
        return False

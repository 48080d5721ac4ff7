"""Files and folders that are written whole or not at all, and what a file is known by.

What is half-written lies in a folder `.deepdream-…` beside the target: its name is random, it is
made exclusively, and nobody else can put anything into it. Its writer holds a lock on it, so that
the next writer in the same place can tell what a killed process has left, and removes it.
"""

import errno
import hashlib
import os
import re
import shutil
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List, Optional, Set

try:
    import fcntl
except ImportError:  # not on Windows; there, leftovers stay
    fcntl = None  # type: ignore[assignment]

_SCRATCH = re.compile(r"\.deepdream-[0-9a-f]{16}")
_swept: Set[str] = set()  # folders that this process has looked through


@contextmanager
def whole_file(path: Any, replace: bool = True, lasting: bool = False) -> Iterator[Path]:
    """The name of a partial file, to write to, that becomes `path` at the end.

    After an error it is removed. Where `path` is a link, the file that it leads to is written.

    Args:
        path: the file.
        replace: whether it may replace a file; its permissions are kept.
        lasting: whether it is on the disk by then, so that the machine may stop at any time.

    Raises:
        FileExistsError: something has this name, and `replace` is not set.
        OSError: the name is that of a folder or a device, or the system refuses to write.
    """
    target = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
    permissions = _permissions(path, replace)
    with _scratch(target.parent) as folder:
        partial = folder / target.name
        yield partial
        if permissions is not None:
            partial.chmod(permissions)
        if lasting:
            flush(partial)
        if replace:
            os.replace(str(partial), str(target))
        else:
            _name_anew(partial, target)
    if lasting:
        flush(target.parent)


def flush(path: Any) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk.

    Raises:
        OSError: the disk has no room for them, or is broken.
    """
    try:
        descriptor = os.open(str(path), os.O_RDONLY)
    except PermissionError:  # Windows opens no folders, and a file may be closed to reading
        return
    try:
        os.fsync(descriptor)
    except OSError as e:
        if e.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):  # nothing to be done here
            raise
    finally:
        os.close(descriptor)


def _permissions(path: Any, replace: bool) -> Optional[int]:
    """Those of the file that is to be replaced, or None where there is none."""
    if not replace and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "exists already", str(path))
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is not a file but a device, pipe or socket", str(path))
    return stat.S_IMODE(mode)


def _name_anew(partial: Path, target: Path) -> None:
    """Give a file its name. Raises FileExistsError if anything has it by now."""
    try:
        os.link(str(partial), str(target))
    except FileExistsError:
        raise
    except OSError:  # no hard links here
        if os.path.lexists(str(target)):
            raise FileExistsError(errno.EEXIST, "exists already", str(target)) from None
        os.replace(str(partial), str(target))


@contextmanager
def whole_folder(path: Any) -> Iterator[Path]:
    """A new partial folder, to write into, that becomes `path` at the end.

    `path` must not exist, or be an empty folder. After an error the partial one is removed. Raises
    OSError where the system refuses to write.
    """
    path = Path(path)
    with _scratch(Path(os.path.abspath(path)).parent) as folder:
        partial = folder / "folder"
        os.mkdir(str(partial))
        yield partial
        os.replace(str(partial), os.path.abspath(path))


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A new folder in `parent` that only we can write into, locked, and removed at the end."""
    _sweep_once(parent)
    while True:
        folder = parent / f".deepdream-{os.urandom(8).hex()}"
        try:
            os.mkdir(str(folder), 0o700)
        except FileExistsError:
            continue
        lock = None
        try:
            lock = _locked(folder)
            if lock is not None:
                yield folder
                return
        finally:
            shutil.rmtree(str(folder), ignore_errors=True)
            if lock is not None and lock >= 0:
                os.close(lock)


def _locked(folder: Path) -> Optional[int]:
    """An open descriptor with a lock on a folder; None if another process has it, or removed it.

    -1 where there are no locks.
    """
    if fcntl is None:
        return -1
    try:
        descriptor = os.open(str(folder), os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    except OSError:
        return -1  # no more descriptors, for one
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            os.close(descriptor)
            return -1  # this file system has none
        os.close(descriptor)
        return None
    if os.fstat(descriptor).st_nlink == 0 or not folder.is_dir():
        os.close(descriptor)  # it was removed before it was locked
        return None
    return descriptor


def _sweep_once(parent: Path) -> None:
    """Remove what killed processes have left in a folder, once for each process."""
    place = os.path.abspath(str(parent))
    if place not in _swept:
        _swept.add(place)
        for folder in leftovers(parent):
            lock = _locked(folder)
            if lock is not None and lock >= 0:
                shutil.rmtree(str(folder), ignore_errors=True)
                os.close(lock)


def leftovers(parent: Any) -> List[Path]:
    """Half-written files and folders of ours in a folder whose writers do not run any more."""
    try:
        names = [name for name in os.listdir(str(parent)) if _SCRATCH.fullmatch(name)]
    except OSError:
        return []
    return [path for path in (Path(parent) / name for name in names) if _is_left(path)]


def _is_left(folder: Path) -> bool:
    try:
        found = os.lstat(str(folder))
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode) or fcntl is None or found.st_uid != os.geteuid():
        return False
    lock = _locked(folder)
    if lock is None or lock < 0:
        return False
    os.close(lock)
    return True


def file_sha1(path: Any) -> str:
    """SHA1 of a file, as 40 hex digits."""
    digest = hashlib.sha1()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()

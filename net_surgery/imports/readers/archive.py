"""The members of a zip archive, each read within a budget."""

import zipfile
import zlib
from contextlib import contextmanager
from typing import Any, Dict, Iterator

from netfile.errors import WeightsError

from .bounds import MOST_ARRAYS, Budget

# what zipfile raises for damaged archives, encrypted members and unknown compressions
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
           ValueError, OverflowError, IndexError, KeyError)  # fmt: skip


class Archive:
    """An open archive: its members by name, and their bytes."""

    def __init__(self, file: zipfile.ZipFile, budget: Budget) -> None:
        self._file, self._budget = file, budget
        members = [info for info in file.infolist() if not info.filename.endswith("/")]
        if len(members) > MOST_ARRAYS:
            raise WeightsError(f"holds more than {MOST_ARRAYS} members")
        self.sizes: Dict[str, int] = {info.filename: info.file_size for info in members}
        if len(self.sizes) < len(members):
            raise WeightsError("holds two members of one name")

    def read(self, name: str) -> bytes:
        """A member's bytes, which its checksum has confirmed."""
        self._budget.take(self.sizes[name], name)
        return self._file.read(name)  # never more than the size that the archive says


@contextmanager
def opened(path: Any, budget: Budget) -> Iterator[Archive]:
    """Context manager: an archive. Raises WeightsError where it, or what is read, is damaged."""
    try:
        with zipfile.ZipFile(str(path)) as file:
            yield Archive(file, budget)
    except WeightsError:
        raise
    except _DAMAGE as e:
        raise WeightsError(f"a damaged zip archive ({e or type(e).__name__})") from None

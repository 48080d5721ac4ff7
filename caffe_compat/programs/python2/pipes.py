"""Binary streams that newer Pythons make, as Python 2 has them: pipes and temporary files."""

import io
from typing import Any

from . import files
from .strings import as_bytes


def wrapped(stream: Any) -> Any:
    """A binary stream that takes and gives str; other values as they are."""
    is_binary = stream is not None and not isinstance(stream, (io.TextIOBase, int))
    return _Pipe(stream) if is_binary else stream


class _Pipe:
    """What is read from it is text where that is possible, piece by piece."""

    def __init__(self, under: Any) -> None:
        self._under = under

    @staticmethod
    def _native(data: Any) -> Any:
        return data.decode() if isinstance(data, bytes) and files.is_text(data) else data

    def read(self, *size: Any) -> Any:
        return self._native(self._under.read(*size))

    def readline(self, *size: Any) -> Any:
        return self._native(self._under.readline(*size))

    def readlines(self, *hint: Any) -> Any:
        return [self._native(line) for line in self._under.readlines(*hint)]

    def write(self, data: Any) -> None:
        self._under.write(as_bytes(data))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __iter__(self) -> Any:
        return map(self._native, self._under)

    def __enter__(self) -> Any:
        self._under.__enter__()
        return self

    def __exit__(self, *args: Any) -> Any:
        return self._under.__exit__(*args)

    def __getattr__(self, name: str) -> Any:
        if name == "_under":
            raise AttributeError(name)
        return getattr(self._under, name)

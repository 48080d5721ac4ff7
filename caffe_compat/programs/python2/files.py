"""Python 2's files and StringIO, whose str is text and bytes at once.

Here what is read is text where it is UTF-8 without control characters, and bytes elsewhere. Both
can be written.
"""

import codecs
import io
import os
from typing import Any, Iterator, List, Optional

from .strings import as_bytes, read_as

_TEXT_CONTROLS = set(b"\t\n\r\f\v\b\x1b")
_CONTROLS = bytes(set(range(32)) - _TEXT_CONTROLS) + b"\x7f"
_PIECE = 1 << 20


def _has_controls(data: bytes) -> bool:
    return len(data.translate(None, _CONTROLS)) != len(data)


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters."""
    if _has_controls(data):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _says_text(stream: Any) -> bool:
    """Whether all of a file that can be read twice is text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while True:
            piece = stream.read(_PIECE)
            if _has_controls(piece):
                return False
            decoder.decode(piece, final=not piece)
            if not piece:
                return True
    except UnicodeDecodeError:
        return False
    finally:
        stream.seek(0)


class File:
    """Python 2's `file`, as open() gives it.

    Args:
        name: a path.
        mode: as open() takes it; "U" makes one kind of line ends of all.
        buffering: as open() takes it.
    """

    softspace = 0
    encoding = errors = None

    def __init__(self, name: Any, mode: str = "r", buffering: int = -1) -> None:
        self.name, self.mode = name, mode
        self.newlines_alike = "U" in mode
        binary = "".join(c for c in mode if c not in "bUt") or "r"
        self._file: Any = open(name, binary + "b", buffering if buffering != 1 else -1)
        self._line_by_line = buffering == 1
        self._text = "b" not in mode
        if self._file.readable() and self._file.seekable() and binary[0] == "r":
            self._text = _says_text(self._file)

    def _native(self, data: bytes) -> Any:
        if self.newlines_alike:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return read_as(data, bool(self._text))

    def read(self, size: int = -1) -> Any:
        return self._native(self._file.read(size))

    def readline(self, size: int = -1) -> Any:
        return self._native(self._file.readline(size))

    def readlines(self, sizehint: int = -1) -> List[Any]:
        return [self._native(line) for line in self._file.readlines(sizehint)]

    def readinto(self, buffer: Any) -> int:
        return int(self._file.readinto(buffer))

    def write(self, data: Any) -> None:
        self.softspace = 0
        self._file.write(as_bytes(data))
        if self._line_by_line:
            self._file.flush()

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self._file.readline()
        if not line:
            raise StopIteration
        return self._native(line)

    next = __next__

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *args: Any) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        if name == "_file":
            raise AttributeError(name)
        return getattr(self._file, name)

    def __repr__(self) -> str:
        state = "closed" if self._file.closed else "open"
        return f"<{state} file {self.name!r}, mode {self.mode!r} at {id(self):#x}>"


class _IsFile(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, (File, io.IOBase))

    def __call__(cls, *args: Any, **options: Any) -> Any:
        return open_file(*args, **options)


class file(metaclass=_IsFile):
    """The name `file`: opens files, and isinstance() finds them by it."""


def open_file(name: Any, mode: str = "r", buffering: int = -1, **options: Any) -> Any:
    """open(): a File, or what newer Pythons open where the call uses their options."""
    if options or isinstance(name, int):
        return open(name, mode, buffering, **options)
    return File(name, mode, buffering)


class StringIO(io.BytesIO):
    """StringIO.StringIO and cStringIO.StringIO: text if all that went in was text, else bytes."""

    softspace = 0

    def __init__(self, initial: Any = None) -> None:
        self._text: Optional[bool] = isinstance(initial, str) or None
        super().__init__(as_bytes(initial) or b"")
        if initial and self._text is None:
            self._text = False

    def write(self, data: Any) -> int:
        text = isinstance(data, str)
        self._text = text if self._text is None else self._text and text
        return super().write(as_bytes(data))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def _native(self, data: bytes) -> Any:
        return read_as(data, bool(self._text))

    def getvalue(self, use_pos: bool = False) -> Any:
        return self._native(super().getvalue())

    def read(self, size: Optional[int] = -1) -> Any:
        return self._native(super().read(size))

    def readline(self, size: Optional[int] = -1) -> Any:
        return self._native(super().readline(size))

    def readlines(self, hint: Optional[int] = -1) -> List[Any]:
        return [self._native(line) for line in super().readlines(hint)]

    def __next__(self) -> Any:
        return self._native(super().__next__())

    next = __next__


class Output(io.TextIOWrapper):
    """A standard stream of a Python 2 program: it takes bytes too, and keeps print's softspace."""

    softspace = 0

    def write(self, text: Any) -> int:
        self.softspace = 0
        if isinstance(text, (bytes, bytearray)):
            self.flush()
            self.buffer.write(bytes(text))
            self.buffer.flush()
            return len(text)
        return super().write(text)


def output(stream: Any) -> Any:
    """The stream as an Output, or as it is where it has no bytes beneath."""
    if type(stream) is not io.TextIOWrapper:
        return stream
    settings: Any = dict(
        encoding=stream.encoding,
        errors="surrogateescape" if stream.errors == "strict" else stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    made = Output(stream.detach(), newline="\n" if os.linesep == "\n" else None, **settings)
    made.mode = "w"  # type: ignore[misc]
    return made

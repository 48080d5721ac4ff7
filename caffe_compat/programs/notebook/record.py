"""What cells show: their outputs, as a notebook keeps them, and their pictures as files."""

import base64
import io
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from netfile.system.files import whole_file

_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp",
             "image/svg+xml": "svg"}  # fmt: skip

# what files begin with: old IPythons call every picture's bytes PNG
_STARTS = {b"\x89PNG": "png", b"\xff\xd8": "jpg", b"GIF8": "gif"}


def is_picture(name: str) -> bool:
    """Whether a Record gives its pictures such names."""
    return bool(re.fullmatch(rf"cell\d+-\d{{4,}}\.({'|'.join(_SUFFIXES.values())})", name))


class Record:
    """The outputs of the cell that runs, and where pictures go.

    Args:
        folder: for the pictures, in the order in which they are shown: cell07-0001.png and so on.
        cells: how many cells the notebook has.
    """

    def __init__(self, folder: Path, cells: int) -> None:
        self.folder, self.pictures = folder, 0
        self._digits = max(2, len(str(cells)))
        self._cell, self._shown = 0, 0
        self.outputs: List[Any] = []
        self._clear_next = False
        self._by_id: Dict[str, List[Any]] = {}
        self._process = os.getpid()

    def begin(self, cell: int) -> None:
        """A cell runs, by its number in the notebook, from 1."""
        self._cell, self._shown, self.outputs, self._clear_next = cell, 0, [], False

    def clear(self, wait: bool) -> None:
        """Take back what the cell has shown, at once or when it shows something new."""
        if wait:
            self._clear_next = True
        else:
            del self.outputs[:]

    def _add(self, output: Any) -> None:
        if self._clear_next:
            self._clear_next = False
            del self.outputs[:]
        self.outputs.append(output)

    def stream(self, name: str, text: str) -> None:
        """The cell prints."""
        from nbformat.v4 import new_output

        last = None if self._clear_next else (self.outputs or [None])[-1]
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        elif text:
            self._add(new_output("stream", name=name, text=text))

    def show(self, kind: str, data: Any, metadata: Any, **more: Any) -> None:
        """The cell displays something, or ends with a value; kind: nbformat's output_type."""
        from nbformat.v4 import new_output

        name = more.pop("display_id", None)
        data = {mime: _as_json(value) for mime, value in data.items()}
        self._keep_picture(data)
        output = new_output(kind, data=data, metadata=dict(metadata or {}), **more)
        if name:
            self._by_id.setdefault(name, []).append(output)
        self._add(output)

    def update(self, name: str, data: Any, metadata: Any) -> None:
        """What was displayed by this name changes."""
        data = {mime: _as_json(value) for mime, value in data.items()}
        self._keep_picture(data)
        for output in self._by_id.get(name, ()):
            output.data, output.metadata = data, dict(metadata or {})

    def error(self, kind: str, value: str, lines: List[str]) -> None:
        """The cell fails."""
        from nbformat.v4 import new_output

        self._add(new_output("error", ename=kind, evalue=value, traceback=lines))

    def _keep_picture(self, data: Dict[str, Any]) -> None:
        mime = next((mime for mime in _SUFFIXES if mime in data), None)
        if mime is None or os.getpid() != self._process:
            return
        value = data[mime]
        content = value.encode() if mime.endswith("xml") else base64.b64decode(value)
        self._shown += 1
        self.pictures += 1
        told = (suffix for start, suffix in _STARTS.items() if content.startswith(start))
        suffix = next(told, _SUFFIXES[mime])
        name = f"cell{self._cell:0{self._digits}d}-{self._shown:04d}.{suffix}"
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self.folder / name) as partial:
            partial.write_bytes(content)


def _as_json(value: Any) -> Any:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value


class Stream(io.TextIOBase):
    """A standard stream that is recorded, too; Python 2 writes bytes to it."""

    softspace = 0

    def __init__(self, name: str, under: Any, record: Record) -> None:
        super().__init__()
        self._name, self._under, self._record = name, under, record

    def write(self, text: Any) -> int:
        self.softspace = 0
        if isinstance(text, (bytes, bytearray)):
            text = bytes(text).decode("utf-8", "replace")
        self._record.stream(self._name, text)
        self._under.write(text)
        return len(text)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._under.flush()

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return int(self._under.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._under.encoding)

    @property
    def buffer(self) -> Any:
        return self._under.buffer


class Streams:
    """Context manager: standard output and errors go into a record as well."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._before: Optional[Any] = None

    def __enter__(self) -> None:
        self._before = sys.stdout, sys.stderr
        sys.stdout = Stream("stdout", sys.stdout, self._record)
        sys.stderr = Stream("stderr", sys.stderr, self._record)

    def __exit__(self, *args: Any) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        assert self._before is not None
        sys.stdout, sys.stderr = self._before

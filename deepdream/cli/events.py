"""What a command says while it runs: words for a person, errors alone, or events for a program.

Events are JSON objects, one a line on standard output; docs/command-line.md lists them with their
fields. Whatever a command merely prints becomes one too, so that each line is an event.
"""

import json
import sys
from contextlib import contextmanager, suppress
from typing import Any, Iterator

from netfile.errors import printable
from netfile.terminal import say

WORDS, QUIET, JSON = "words", "quiet", "json"
_manner = WORDS  # of the command that runs


def manner() -> str:
    """How the command that runs speaks: WORDS, QUIET or JSON."""
    return _manner


@contextmanager
def speaking(how: str) -> Iterator[None]:
    """Context manager: what is said goes out in this manner."""
    global _manner
    before, output = _manner, sys.stdout
    _manner = how
    if how != WORDS:
        sys.stdout = {QUIET: _Nothing, JSON: _Messages}[how](output)
    try:
        yield
    finally:
        _manner, sys.stdout = before, output


def emit(event: str, **facts: Any) -> None:
    """Send an event, where a program listens."""
    if isinstance(sys.stdout, _Messages):
        sys.stdout.send({"event": event, **facts})


def tell(event: str, text: str, **facts: Any) -> None:
    """Say something: an event with these facts to a program, the text to a person."""
    if _manner == JSON:
        emit(event, **facts)
    else:
        say(text)


def wrote(path: Any, text: str = "", **facts: Any) -> None:
    """Say that a file or folder is written; `text` in place of the plain words."""
    if _manner == JSON:
        emit("written", path=str(path), **facts)
    else:
        say(text or f"wrote {path}")


def note(text: str) -> None:
    """Say, among the results, what is to be known of them."""
    if _manner == JSON:
        emit("warning", message=text)
    else:
        say(f"note: {text}")


def warn(text: str) -> None:
    """Say, beside the results, what a person may want to know of them."""
    if _manner == JSON:
        emit("warning", message=text)
    elif _manner == WORDS:
        print(f"note: {printable(text)}", file=sys.stderr, flush=True)


def failed(text: str, code: int) -> None:
    """Say why the command ends with this exit code."""
    print(text, file=sys.stderr)
    with suppress(OSError):  # whoever listened has gone
        emit("error", message=text.strip(), code=code)


class _Redirected:
    """Standard output that lets only some things through; the rest of it is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Nothing(_Redirected):
    def write(self, text: str) -> int:
        return len(text)


class _Messages(_Redirected):
    """Makes an event of each line that is printed."""

    _begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(None, lines):
            self.send({"event": "message", "text": line})
        return len(text)

    def send(self, event: Any) -> None:
        self._stream.write(json.dumps(event, default=float) + "\n")
        self._stream.flush()

"""What the command lines have in common: errors in one line on stderr, the exit codes, and streams
that no file's text and no full device can break."""

import argparse
import os
import shutil
import sys
from contextlib import contextmanager, suppress
from typing import Any, Callable, Iterator, List, NoReturn, Optional, Sequence, Tuple, Type, Union

from .errors import printable
from .starting import interruptible
from .table import table

_LONGEST = 2000  # characters of one line
_IN_OUTPUT = "\n\t"
_IN_ERRORS = "\n\t\r"  # a progress bar goes back to its line's start


def say(line: str) -> None:
    """Print a line that may quote names of any origin, at once."""
    print(printable(line), flush=True)


def print_table(
    rows: Sequence[Sequence[str]], head: Sequence[str] = (), right: Sequence[int] = ()
) -> None:
    """Print what `table` makes, as wide as the terminal, or as it needs where there is none."""
    for line in table(rows, head, right, terminal_width()):
        print(line)


def terminal_width() -> Optional[int]:
    """The columns of the terminal that is written to, or None where a file or a pipe is."""
    if not getattr(sys.stdout, "isatty", lambda: False)():
        return None
    return max(shutil.get_terminal_size().columns, 1)


def counted(number: int, noun: str) -> str:
    """1 frame, 2 frames."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.color: bool = False  # Python 3.14 would colour its help by escape sequences

    def error(self, message: str) -> NoReturn:
        """One line on stderr, exit code 2."""
        self.exit(2, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")

    def _get_values(self, action: argparse.Action, arg_strings: List[str]) -> Any:
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            # before 3.13 argparse takes the value of --out=-- for the end of the options
            value = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def _print_message(self, message: str, file: Any = None) -> None:
        with suppress(OSError):  # as newer Pythons do; `exit` tells
            super()._print_message(message, file)

    def exit(self, status: int = 0, message: Optional[str] = None) -> NoReturn:
        """Leave, with code 2 where a help text could not be printed."""
        super().exit(status or _flushed(self.prog), message)


class _Output:
    """Standard output whose invisible characters are shown, not sent to the terminal.

    refused: why something could not be written, since argparse would not tell.
    """

    refused: Optional[OSError] = None

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            self._stream.write(printable(text, _IN_OUTPUT))
        except OSError as e:
            self.refused = e
            raise
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Errors:
    """Standard error, likewise; it loses what it cannot write, since nobody could be told."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            self._stream.write(printable(text, _IN_ERRORS))
        except OSError:
            _lead_nowhere(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            _lead_nowhere(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Context manager for a program: closed streams lead nowhere; see _Output and _Errors."""
    while True:  # or the next file that is opened would be taken for a stream that is closed
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            break
    before: Any = (sys.stdout, sys.stderr)
    nowhere = open(os.devnull, "w")
    output, errors = (nowhere if stream is None else stream for stream in before)
    if hasattr(output, "reconfigure"):
        output.reconfigure(errors="backslashreplace")  # file names may be any bytes
    sys.stdout, sys.stderr = _Output(output), _Errors(errors)
    try:
        yield
    finally:
        sys.stderr.flush()  # Python 3.8 writes it at its own end, where a failure is its exit code
        sys.stdout, sys.stderr = before
        nowhere.close()


def _tell(line: str, code: int) -> None:
    print(line, file=sys.stderr)


def guarded(
    name: str,
    run: Callable[[], Optional[int]],
    expected: Union[Type[Exception], Tuple[Type[Exception], ...]],
    tell: Callable[[str, int], None] = _tell,
) -> int:
    """Call run() and return the exit code.

    Args:
        name: the program, which starts the line on stderr.
        run: returns its exit code, or None for 0.
        expected: the exceptions whose text is meant for the user.
        tell: is called with what to say where it fails, and the exit code.

    Returns:
        run's own code, 2 for an expected exception, too little memory, what the system refuses
        or a package that is broken, 130 after Ctrl-C.
    """
    try:
        interruptible()
        code = run() or 0
        return _flushed(name) or code
    except expected as e:
        return _refused(name, e, tell)
    except MemoryError as e:
        # NumPy's own kind tells an array's shape, which helps nobody
        told = f": {e}" if type(e) is MemoryError and e.args else ""
        advice = "" if told else "; use a smaller picture, or a layer nearer to the input"
        return _refused(name, f"not enough memory{told}{advice}", tell)
    except BrokenPipeError:
        _lead_nowhere(sys.stdout)  # whoever read our output has stopped; say nothing more
        return 0
    except OSError as e:
        return _flushed(name) or _refused(
            name, f"{e.filename}: {e.strerror}" if e.filename else e.strerror or e, tell
        )
    except ImportError as e:
        return _refused(name, f"a package cannot be loaded: {e}", tell)
    except KeyboardInterrupt as e:
        told = e.args[0] if e.args else "stopped; no partial files are left"
        tell(f"\n{name}: {told}", 130)
        return 130


def _refused(name: str, why: Any, tell: Callable[[str, int], None] = _tell) -> int:
    """Say why, and return the exit code."""
    line = printable(" ".join(str(why).split()))
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
    tell(f"{name}: {line}", 2)
    return 2


def _flushed(name: str) -> int:
    """Write what was printed: 0, or 2 after one line on stderr where that cannot be done."""
    try:
        refused = getattr(sys.stdout, "refused", None)
        if refused:
            raise refused
        sys.stdout.flush()
    except BrokenPipeError:
        _lead_nowhere(sys.stdout)
    except OSError as e:
        _lead_nowhere(sys.stdout)
        return _refused(name, f"the standard output cannot be written: {e.strerror or e}")
    return 0


def _lead_nowhere(stream: Any) -> None:
    """Or Python would fail once more where it flushes the stream at its end."""
    with suppress(OSError, ValueError):  # a stream without a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

"""What the command lines have in common: errors in one line on stderr, and the exit codes."""

import argparse
import os
import sys
from typing import Callable, NoReturn, Optional, Tuple, Type, Union

from .errors import printable


def say(line: str) -> None:
    """Print a line that may quote names of any origin, at once."""
    print(printable(line), flush=True)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """One line on stderr, exit code 2."""
        self.exit(2, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")


def guarded(
    name: str,
    run: Callable[[], Optional[int]],
    expected: Union[Type[Exception], Tuple[Type[Exception], ...]],
) -> int:
    """Call run() and return the exit code.

    Args:
        name: the program, which starts the line on stderr.
        run: returns its exit code, or None for 0.
        expected: the exceptions whose text is meant for the user.

    Returns:
        run's own code, 2 for an expected exception or too little memory, 130 after Ctrl-C.
    """
    try:
        return run() or 0
    except expected as e:
        print(f"{name}: {printable(' '.join(str(e).split()))}", file=sys.stderr)
        return 2
    except MemoryError:
        print(
            f"{name}: not enough memory; use a smaller picture, or a layer nearer to the input",
            file=sys.stderr,
        )
        return 2
    except BrokenPipeError:
        # whoever read our output has stopped; say nothing more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"\n{name}: stopped; no partial files are left", file=sys.stderr)
        return 130

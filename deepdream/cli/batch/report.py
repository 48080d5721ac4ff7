"""What became of many pictures, as a table that any terminal can show."""

import shutil
import sys
import textwrap
from typing import List, Sequence, Tuple

from netfile.errors import printable
from netfile.terminal import counted

_INDENT = "    "
_NARROWEST = 20  # columns; a narrower terminal wraps as it likes


def lines(done: int, failed: Sequence[Tuple[str, str]], left: int, columns: int = 0) -> List[str]:
    """A summary, and a table of what failed.

    Args:
        done: the number of pictures that were made.
        failed: (picture, why) of each that was not.
        left: the number of those that were not begun.
        columns: of the terminal; 0 for lines of any length.
    """
    total = done + len(failed) + left
    rest = [f"{len(failed)} failed"] if failed else []
    rest += [f"{left} left"] if left else []
    out = ["; ".join([f"{done} of {counted(total, 'picture')} done", *rest])]
    rows = [(printable(name), printable(" ".join(why.split()))) for name, why in failed]
    widest = max((len(name) for name, _ in rows), default=0)
    if not columns or widest + 2 + max((len(why) for _, why in rows), default=0) <= columns:
        return [*out, *(f"{name.ljust(widest)}  {why}" for name, why in rows)]
    width = max(columns, _NARROWEST)
    for name, why in rows:
        out += textwrap.wrap(name, width, break_on_hyphens=False)
        out += textwrap.wrap(
            why, width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
        )
    return [*textwrap.wrap(out[0], width), *out[1:]]


def columns() -> int:
    """The width of the terminal that is written to; 0 where that is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0

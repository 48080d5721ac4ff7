"""Tables of text, however narrow the terminal; every command's."""

import textwrap
import unicodedata
from typing import List, Optional, Sequence

from .errors import printable

_LEAST = 24  # columns for the last cells; with fewer, each cell has a line
_NO_LIMIT = 1 << 30


def table(
    rows: Sequence[Sequence[str]],
    head: Sequence[str] = (),
    right: Sequence[int] = (),
    width: Optional[int] = None,
) -> List[str]:
    """Lines that show rows of cells in columns.

    Where they do not fit into `width`, the last column is wrapped; and where that leaves too little
    room, each row is a paragraph with a line for each cell. Words, such as paths, stay whole.

    Args:
        rows: of as many cells each; their text may be of any origin.
        head: the columns' names, or none.
        right: the numbers of the columns that are aligned to the right.
        width: in columns of a terminal; as wide as it needs by default.
    """
    cells = [[printable(cell) for cell in row] for row in ([head] if head else []) + list(rows)]
    if not cells:
        return []
    width = width or _NO_LIMIT
    widths = [max(columns(row[i]) for row in cells) for i in range(len(cells[0]) - 1)]
    before = sum(widths) + 2 * len(widths)
    last = max(columns(row[-1]) for row in cells)
    if before + min(last, _LEAST) > width:
        return _paragraphs(cells, bool(head), width)
    lines = []
    for row in cells:
        start = "".join(
            _padded(cell, w, i in right) + "  " for i, (cell, w) in enumerate(zip(row, widths))
        )
        first, *more = _wrapped(row[-1], width - before) or [""]
        if len(row) - 1 in right:
            first = _padded(first, last, True)
        lines += [f"{start}{first}".rstrip(), *(" " * before + line for line in more)]
    return lines


def _paragraphs(cells: Sequence[Sequence[str]], headed: bool, width: int) -> List[str]:
    """Each row as its first cell, and below it the others, by their names."""
    names = cells[0] if headed else [""] * len(cells[0])
    lines = []
    for first, *rest in cells[headed:]:
        lines += _wrapped(first, width)
        for name, cell in zip(names[1:], rest):
            if cell:
                lines += _wrapped(f"{name}: {cell}" if name else cell, width, "  ")
    return lines


def _wrapped(text: str, width: int, indent: str = "") -> List[str]:
    """Lines of at most so many columns, but for words that are longer."""
    wide = max(
        columns(text) - len(text), 0
    )  # letters that take two columns, of which textwrap knows none
    if len(indent) + columns(text) <= width:
        return [indent + text]
    return textwrap.wrap(
        text,
        max(width - wide, 1),
        initial_indent=indent,
        subsequent_indent=indent * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - columns(text))
    return space + text if right else text + space


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: East Asian letters two, accents none."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )

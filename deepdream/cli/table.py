"""Tables on a terminal."""

from typing import Sequence

from netfile.errors import printable


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of cells in columns, the last of which may be of any width."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        print("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths)), row[-1]]))

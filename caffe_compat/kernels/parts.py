"""Parts of one float32 array, copied out of it at once: a Concat's gradient."""

from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from . import threads
from .atomic import float32s, int64s, record
from .compiled.later import numba

_PIECE = 1 << 13  # values in one piece of work
# of a part in the table: its first item, pieces a row, first value of a row, values, addresses
_FIRST, _PIECES, _START, _WIDTH, _TARGET, _DATA = range(6)
_FIELDS = 6


class Part(NamedTuple):
    """Where a part goes, an array (outer, width); and the ReLU that it passes backward there.

    data: what the ReLU gave, of the same shape, or None without one. slope: its negative slope.
    """

    target: np.ndarray
    data: Optional[np.ndarray] = None
    slope: threads.Number = 0.0


class _Arguments(NamedTuple):
    whole: np.ndarray
    width: int
    table: np.ndarray
    slopes: np.ndarray
    parts: int


@numba.njit(nogil=True)
def _copy_piece(p, part, item):
    """One piece of one row of a part."""
    table = int64s(p.table + 8 * _FIELDS * part)
    row, piece = item // table[_PIECES], item % table[_PIECES]
    first, last = piece * _PIECE, min(table[_WIDTH], piece * _PIECE + _PIECE)
    source = float32s(p.whole + 4 * (row * p.width + table[_START]))
    at = 4 * row * table[_WIDTH]
    target, slope = float32s(table[_TARGET] + at), float32s(p.slopes)[part]
    if table[_DATA]:
        data = float32s(table[_DATA] + at)
        for i in range(np.uint64(first), np.uint64(last)):
            target[i] = source[i] * (np.float32(1) if data[i] > 0 else slope)
    else:
        for i in range(np.uint64(first), np.uint64(last)):
            target[i] = source[i]


@threads.Task
def _copy_out(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    item = threads.take(arguments)
    while item >= 0:
        part = 0
        while part + 1 < p.parts and item >= int64s(p.table + 8 * _FIELDS * (part + 1))[_FIRST]:
            part += 1
        _copy_piece(p, part, item - int64s(p.table + 8 * _FIELDS * part)[_FIRST])
        item = threads.take(arguments)


def copy_out(whole: np.ndarray, parts: Sequence[Optional[Part]], widths: Sequence[int]) -> None:
    """Copy the parts that lie side by side in `whole`, an array (outer, values).

    Args:
        parts: of each, in their order, where it goes; None for one that is not wanted.
        widths: the values of each in a row.
    """
    if sum(widths) != whole.shape[1]:
        raise ValueError(f"parts of {sum(widths)} values do not make rows of {whole.shape[1]}")
    table: List[int] = []
    slopes, items, start = [], 0, 0
    for part, width in zip(parts, widths):
        if part is not None:
            pieces = -(-width // _PIECE)
            data = 0 if part.data is None else threads.address(part.data)
            table += items, pieces, start, width, threads.address(part.target), data
            slopes.append(part.slope)
            items += pieces * len(whole)
        start += width
    given = np.array(table, np.int64), np.array(slopes, np.float32)
    threads.run(_copy_out, items, _Arguments(whole, whole.shape[1], *given, len(slopes)))

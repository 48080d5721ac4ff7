"""Arena: one stretch of memory, parts of which are lent; and a plan of which part who gets.

The plan puts blocks whose times do not meet in one place: the largest first, each as low as it
fits. The arena follows it where it can, so that a pass that goes another way is right as well.
"""

from bisect import insort
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

import numpy as np

_LINE = 16  # float32 in a line of the cache, where each part begins


class Arena:
    """`capacity` float32, of which the system gives what is written alone."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        block = np.empty(capacity + _LINE, np.float32)
        first = -(block.ctypes.data // 4) % _LINE
        self._values = block[first : first + capacity]
        self.touched = 0  # values up to the highest that was ever lent
        self.clear()

    def clear(self) -> None:
        """Take everything back."""
        self._free: List[Tuple[int, int]] = [(0, self.capacity)]  # (start, end), in order

    def lend(self, count: int, wish: int = 0) -> Optional[Tuple[int, np.ndarray]]:
        """(where it starts, a part of so many values), or None where none is free.

        wish: where it should start; else it starts as low as it fits.
        """
        size = rounded(count)
        at, start = self._place(size, wish)
        if at is None:
            return None
        low, high = self._free[at]
        pieces = [(low, start), (start + size, high)]
        self._free[at : at + 1] = [piece for piece in pieces if piece[0] < piece[1]]
        self.touched = max(self.touched, start + size)
        return start, self._values[start : start + count]

    def _place(self, size: int, wish: int) -> Tuple[Optional[int], int]:
        """(the number of a free stretch, where in it so many values can start)."""
        lowest: Tuple[Optional[int], int] = None, 0
        for at, (start, end) in enumerate(self._free):
            if start <= wish and wish + size <= end:
                return at, wish
            if lowest[0] is None and end - start >= size:
                lowest = at, start
        return lowest

    def take_back(self, start: int, count: int) -> None:
        """Take back the part of so many values that starts there."""
        insort(self._free, (start, start + rounded(count)))
        merged: List[Tuple[int, int]] = []
        for first, end in self._free:
            if merged and merged[-1][1] == first:
                merged[-1] = merged[-1][0], end
            else:
                merged.append((first, end))
        self._free = merged


class Span(NamedTuple):
    """A block of `count` values that is needed from one time to another, both included."""

    block: int  # its id
    count: int
    first: int
    last: int


def planned(spans: Iterable[Span]) -> Dict[int, int]:
    """{id of a block: where it starts}."""
    placed: List[Tuple[int, int, Span]] = []  # (start, end, span), in order
    for span in sorted(spans, key=lambda span: -span.count):
        size, start = rounded(span.count), 0
        for low, high, other in placed:
            if other.first <= span.last and span.first <= other.last:
                if low - start >= size:
                    break
                start = max(start, high)
        insort(placed, (start, start + size, span))
    return {span.block: start for start, _, span in placed}


def rounded(count: int) -> int:
    """The values that a part of `count` takes up."""
    return -(-count // _LINE) * _LINE

"""Arena: one stretch of memory, parts of which are lent and taken back."""

from bisect import insort
from typing import List, Optional, Tuple

import numpy as np

_LINE = 16  # float32 in a line of the cache, where each part begins


class Arena:
    """`capacity` float32, of which the system gives what is written alone.

    A part is lent as low as it fits, so that little more is ever touched than is lent at a time.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        block = np.empty(capacity + _LINE, np.float32)
        first = -(block.ctypes.data // 4) % _LINE
        self._values = block[first : first + capacity]
        self.clear()

    def clear(self) -> None:
        """Take everything back."""
        self._free: List[Tuple[int, int]] = [(0, self.capacity)]  # (start, end), in order
        self.touched = 0  # values that have been lent at some time

    def lend(self, count: int) -> Optional[Tuple[int, np.ndarray]]:
        """(where it starts, a part of so many values), or None where none is free."""
        size = rounded(count)
        for at, (start, end) in enumerate(self._free):
            if end - start >= size:
                self._free[at : at + 1] = [(start + size, end)] if start + size < end else []
                self.touched = max(self.touched, start + size)
                return start, self._values[start : start + count]
        return None

    def take_back(self, start: int, count: int) -> None:
        """Take back the part of so many values that starts there."""
        insort(self._free, (start, start + rounded(count)))
        merged: List[Tuple[int, int]] = []
        for start, end in self._free:
            if merged and merged[-1][1] == start:
                merged[-1] = merged[-1][0], end
            else:
                merged.append((start, end))
        self._free = merged


def rounded(count: int) -> int:
    """The values that a part of `count` takes up."""
    return -(-count // _LINE) * _LINE

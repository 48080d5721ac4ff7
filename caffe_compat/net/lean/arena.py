"""Arena: one stretch of memory that blocks lie in while they are needed."""

from bisect import bisect_left, insort
from typing import Dict, List, Optional, Tuple

import numpy as np

from netfile.system.placing import LINE, rounded

from ...synced_memory import SyncedMemory

# (start, end) of the taken places, in order, and {id: (block, start)}
Placing = Tuple[List[Tuple[int, int]], Dict[int, Tuple[SyncedMemory, int]]]


class Arena:
    """`capacity` float32, of which the system gives what is written alone."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        memory = np.empty(capacity + LINE, np.float32)
        first = -(memory.ctypes.data // 4) % LINE
        self._values = memory[first : first + capacity]
        self._taken: List[Tuple[int, int]] = []  # (start, end), in order
        self._blocks: Dict[int, Tuple[SyncedMemory, int]] = {}  # id -> (block, start)

    def __contains__(self, block: SyncedMemory) -> bool:
        return id(block) in self._blocks

    def __len__(self) -> int:
        """The number of blocks that lie in it."""
        return len(self._blocks)

    def lend(self, block: SyncedMemory, wish: int) -> bool:
        """Let a block lie here, with any values; returns whether there is a place.

        wish: where it should start; where that is taken it starts as low as it fits.
        """
        size = rounded(block.capacity)
        start: Optional[int] = wish if self._is_free(wish, size) else self._lowest(size)
        if start is None:
            return False
        insort(self._taken, (start, start + size))
        self._blocks[id(block)] = block, start
        block.lie_in(self._values[start : start + block.capacity])
        return True

    def take_back(self, block: SyncedMemory) -> None:
        """Let others have a block's place, if it lies here; it has been given other memory."""
        _, start = self._blocks.pop(id(block), (block, None))
        if start is not None:
            del self._taken[bisect_left(self._taken, (start,))]

    @property
    def placing(self) -> Placing:
        """Which blocks lie where."""
        return self._taken.copy(), self._blocks.copy()

    def place_again(self, placing: Placing) -> None:
        """Let blocks have the places that they had; their memory is the caller's to set."""
        taken, blocks = placing
        self._taken, self._blocks = taken.copy(), blocks.copy()

    def clear(self) -> None:
        """Take all blocks back, and give their memory up."""
        for block, _ in self._blocks.values():
            block.give_up()
        self._blocks, self._taken = {}, []

    def _is_free(self, start: int, size: int) -> bool:
        at, taken = bisect_left(self._taken, (start,)), self._taken
        return (
            start + size <= self.capacity
            and (at == 0 or taken[at - 1][1] <= start)
            and (at == len(taken) or start + size <= taken[at][0])
        )

    def _lowest(self, size: int) -> Optional[int]:
        last = 0
        for start, end in [*self._taken, (self.capacity, self.capacity)]:
            if start - last >= size:
                return last
            last = end
        return None

"""What every reader keeps to: a bound on what a file may unfold to, and one kind of error."""

import math
import os
from typing import Any, Iterable, List

from netfile.errors import WeightsError
from netfile.system.memory import free

MOST_ARRAYS = 100_000
MOST_AXES = 8
LARGEST_AXIS = 2**40
_ALWAYS = 64 << 20  # bytes that any file may unfold to
_SMALL = 1 << 20  # bytes for which the system is not asked
_RATIO = 100  # to how many times its own size a compressed or repeating file may unfold


class Budget:
    """How many bytes of arrays may still be made of a file.

    A file of a few bytes can ask for any amount of memory: a zip bomb, a tensor whose stride is 0,
    a constant that fills an array. Weights are noise, which hardly shrinks.
    """

    def __init__(self, path: Any) -> None:
        self.path = path
        self._size = os.path.getsize(path)
        self._left = _ALWAYS + _RATIO * self._size
        self._arrays = 0

    def take(self, count: int, what: str) -> None:
        """Note that `count` bytes are about to be made. Raises WeightsError if they are too many.

        Raises MemoryError if the machine does not have them.
        """
        self._left -= count
        if count < 0 or self._left < 0:
            raise WeightsError(
                f"{what} would unfold this file of {self._size} bytes to more than {_RATIO} times "
                "its size; it holds no trained weights"
            )
        there = free() if count > _SMALL else None
        if there is not None and count > there.bytes:
            raise MemoryError(f"{what} takes {count / 1e6:.0f} MB, {there.bytes / 1e6:.0f} MB free")

    def array(self, name: str, shape: Iterable[Any], itemsize: int) -> int:
        """Note an array that is about to be made; returns its number of values.

        Raises WeightsError for a shape that is none, too.
        """
        self._arrays += 1
        if self._arrays > MOST_ARRAYS:
            raise WeightsError(f"holds more than {MOST_ARRAYS} arrays")
        count = math.prod(checked_shape(name, shape))
        self.take(count * itemsize, name)
        return count


def checked_shape(name: str, shape: Iterable[Any]) -> List[int]:
    """The shape, if it is one. Raises WeightsError."""
    axes = list(shape)
    good = len(axes) <= MOST_AXES and all(type(n) is int and 0 <= n <= LARGEST_AXIS for n in axes)
    if not good:
        told = ", ".join(str(n) if type(n) is int else type(n).__name__ for n in axes[:MOST_AXES])
        raise WeightsError(f"{name} has the shape ({told[:80]}), which no array of weights has")
    return axes

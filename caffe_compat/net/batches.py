"""Any number of entries, in batches of a net's size."""

from typing import Any, Dict, Iterator, List, Sequence

import numpy as np

Arrays = Dict[str, np.ndarray]


class Collected:
    """What batches give, put together: name to an array of `count` entries."""

    def __init__(self, names: Sequence[str], count: int) -> None:
        self._parts: Dict[str, List[np.ndarray]] = {name: [] for name in dict.fromkeys(names)}
        self._count = count

    def add(self, arrays: Arrays) -> None:
        """Take a batch's arrays; they are copied."""
        for name, parts in self._parts.items():
            parts.append(np.atleast_1d(arrays[name]).copy())

    def arrays(self) -> Arrays:
        """The batches as one array each; what fills up the last batch is left out."""
        return {
            name: np.concatenate(parts)[: self._count] if parts else np.zeros(0, np.float32)
            for name, parts in self._parts.items()
        }


def count(arrays: Dict[str, Any]) -> int:
    """The number of entries of the first array; 0 where there is none."""
    return len(next(iter(arrays.values()))) if arrays else 0


def cut(arrays: Dict[str, Any], size: int) -> Iterator[Arrays]:
    """Arrays in batches of `size` entries, the last of which is filled up with zeros."""
    for first in range(0, count(arrays), max(size, 1)):
        yield {name: _padded(array[first : first + size], size) for name, array in arrays.items()}


def _padded(array: Any, size: int) -> np.ndarray:
    """The array with zeros after it, up to `size` entries."""
    array = np.asarray(array)
    if len(array) >= size:
        return array
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])

"""Random numbers as Caffe draws them: Boost's Mersenne Twister and distributions, word for word.

So a seed gives the same weights, dropouts, crops and orders as on a real Caffe (the CPU's, built
with Boost 1.65 or newer).
"""

import os
from typing import Any, List, Optional

import numpy as np

_SPAN = np.float32(2**32)
_RESERVE = 64  # words beyond one for each normal number, at the least


class Generator:
    """boost::mt19937 with a seed (its low 32 bits), or with one that nobody knows."""

    def __init__(self, seed: Optional[int] = None) -> None:
        seed = int.from_bytes(os.urandom(4), "little") if seed is None else int(seed) % 2**32
        state: Any = np.random.RandomState(seed).get_state(legacy=False)
        self._source = np.random.MT19937()
        self._source.state = state
        self._ahead = np.zeros(0, np.uint32)  # words that were drawn and not used

    def words(self, count: int) -> np.ndarray:
        """The next 32-bit words, (count,) uint32."""
        given, self._ahead = self._ahead[:count], self._ahead[count:]
        if len(given) == count:
            return given
        new = np.asarray(self._source.random_raw(count - len(given))).astype(np.uint32)
        return np.concatenate([given, new]) if len(given) else new

    def word(self) -> int:
        """The next word (caffe_rng_rand)."""
        return int(self.words(1)[0])

    def uniform(self, low: float, high: float, count: int) -> np.ndarray:
        """(count,) float32 from low to high, both of them included (caffe_rng_uniform).

        Raises ValueError for a span that is empty, or not finite in single precision.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            first = np.float32(low)
            end = np.nextafter(np.float32(high), np.float32(np.inf))
            span = end - first
        if not (np.isfinite(span) and first < end):
            raise ValueError(f"no uniform numbers from {low:g} to {high:g}")
        out = np.empty(0, np.float32)
        while len(out) < count:
            values = self.words(count - len(out)).astype(np.float32) / _SPAN * span + first
            values = values[values < end]  # the others are drawn again
            out = np.concatenate([out, values]) if len(out) else values
        return out

    def normal(self, mean: float, deviation: float, count: int) -> np.ndarray:
        """(count,) float32 of a normal distribution (caffe_rng_gaussian).

        Raises ValueError for a deviation below 0.
        """
        if not deviation >= 0:
            raise ValueError(f"no normal numbers of deviation {deviation:g}")
        from .kernels import normal  # loads LLVM

        out = np.empty(count, np.float32)
        done = 0
        while done < count:
            left = count - done
            words = self.words(left + left // 16 + _RESERVE)
            made, used = normal.fill(words, out[done:])
            self._ahead = np.concatenate([words[used:], self._ahead])
            done += made
        out *= np.float32(deviation)
        out += np.float32(mean)
        return out

    def bernoulli(self, chance: float, count: int, precision: Any = np.float64) -> np.ndarray:
        """(count,) bool, each true with this probability (caffe_rng_bernoulli).

        precision: the type in which Caffe compares.
        """
        if not chance:
            return np.zeros(count, bool)
        limit = precision(chance) * precision(2**32 - 1)
        return np.asarray(self.words(count).astype(precision) <= limit)

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1 (DataTransformer's Rand)."""
        return self.word() % limit

    def shuffle(self, items: List[Any]) -> None:
        """Put a list into a random order, in place (caffe::shuffle)."""
        for last in range(len(items) - 1, 0, -1):
            other = self._up_to(last)
            items[last], items[other] = items[other], items[last]

    def _up_to(self, most: int) -> int:
        """A whole number from 0 to `most` (boost::uniform_int)."""
        bucket = 2**32 // (most + 1)
        while True:
            found = self.word() // bucket
            if found <= most:
                return found


class CLibrary:
    """The C library's rand(), as glibc has it, from the seed 1 that every program begins with.

    Caffe's HDF5Data layers shuffle by it; nothing seeds it.
    """

    _LONG, _SHORT = 31, 3  # r[i] = r[i - 31] + r[i - 3]

    def __init__(self) -> None:
        state = [1]
        while len(state) < self._LONG:
            state.append(16807 * state[-1] % (2**31 - 1))
        state += state[: self._SHORT]
        self._state = state[-self._LONG :]
        for _ in range(10 * self._LONG):
            self.rand()

    def rand(self) -> int:
        """The next number, of 31 bits."""
        new = (self._state[0] + self._state[-self._SHORT]) % 2**32
        self._state = [*self._state[1:], new]
        return new >> 1

    def shuffle(self, items: List[Any]) -> None:
        """Put a list into a random order, in place (std::random_shuffle of GNU's library)."""
        for last in range(1, len(items)):
            other = self.rand() % (last + 1)
            items[last], items[other] = items[other], items[last]


c_library = CLibrary()

"""Python 2's generator of random numbers."""

import math
import random
from typing import Any, Dict


class Random(random.Random):
    """Python 2's generator: the same numbers as its random module gives for a seed.

    Lib/random.py of Python 2.7: random() alone makes choices, shuffles and whole numbers.
    """

    def seed(self, a: Any = None, version: int = 1) -> None:
        super().seed(a, 1) if isinstance(a, (type(None), int)) else super().seed(hash(a), 1)

    def randrange(self, start: int, stop: Any = None, step: int = 1) -> int:
        if stop is None:
            start, stop = 0, start
        count = math.ceil((stop - start) / step)
        if count <= 0:
            raise ValueError("empty range for randrange()")
        return start + step * int(self.random() * count)

    def randint(self, a: int, b: int) -> int:
        return self.randrange(a, b + 1)

    def choice(self, seq: Any) -> Any:
        return seq[int(self.random() * len(seq))]

    def shuffle(self, x: Any, random: Any = None) -> None:
        random = random or self.random
        for i in reversed(range(1, len(x))):
            j = int(random() * (i + 1))
            x[i], x[j] = x[j], x[i]

    def sample(self, population: Any, k: int) -> Any:  # type: ignore[override]
        n = len(population)
        if not 0 <= k <= n:
            raise ValueError("sample larger than population")
        size = 21 + (4 ** math.ceil(math.log(k * 3, 4)) if k > 5 else 0)
        if n <= size or hasattr(population, "keys"):
            pool, picked = list(population), []
            for i in range(k):
                j = int(self.random() * (n - i))
                picked.append(pool[j])
                pool[j] = pool[n - i - 1]
            return picked
        seen: Dict[int, bool] = {}
        picked = []
        for _ in range(k):
            j = int(self.random() * n)
            while j in seen:
                j = int(self.random() * n)
            seen[j] = True
            picked.append(population[j])
        return picked

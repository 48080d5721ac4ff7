"""Whether the memory that a dream still needs is there, asked before every tile and after every
step: others take of it too, and a system that has none left ends processes without a word."""

import netfile.system.memory

from ..dream.octaves import Progress
from ..errors import ShortOfMemoryError
from ..nets import memory

_RESERVE = 0.01  # of what was free at first: a system that gets there is about to end processes


class MemoryWatch:
    """A report of a dream that ends it where too little memory is left for what follows.

    The next octave takes what was worked out for the whole dream; another tile or step takes at
    most what the process has had before. Nothing is taken up to the last byte.
    """

    def __init__(self, takes: int) -> None:
        """Begin. takes: bytes of the whole dream, about, beside what the process has now."""
        left = memory.free()
        self._most = netfile.system.memory.resident() + takes
        self._reserve = int(_RESERVE * left.bytes) if left else 0
        self._had = 0

    def __call__(self, p: Progress) -> None:
        """Raise ShortOfMemoryError, with the picture so far, where there is too little."""
        last = p.step == p.steps
        if last and p.octave == p.octaves:
            return
        why = self._lacks(next_octave=last)
        if why:
            at = f"octave {p.octave} of {p.octaves}, step {p.step} of {p.steps}"
            raise ShortOfMemoryError(f"{at}: {why}", picture=p.picture)

    def before_tile(self) -> None:
        """Likewise, without the picture: that is as it was before the step."""
        why = self._lacks(next_octave=False)
        if why:
            raise ShortOfMemoryError(why)

    def _lacks(self, next_octave: bool) -> str:
        """What there is too little for, in words, or ""."""
        now, left = netfile.system.memory.resident(), memory.free()
        self._had = max(self._had, now)
        needed = max(0, (self._most if next_octave else self._had) - now) + self._reserve
        if left is None or needed <= left.bytes:
            return ""
        more, there = memory.in_words(needed), memory.in_words(left.bytes)
        return (
            f"what follows takes {more} more memory, and {there} are {left.bound}; end other "
            "programs"
        )

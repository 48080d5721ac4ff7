"""Whether the memory that a dream still needs is there, asked after every step: others take of it
too, and a system that has none left ends processes without a word."""

import netfile.memory

from ..dream.octaves import Progress
from ..errors import ShortOfMemoryError
from ..nets import memory


class MemoryWatch:
    """A report of a dream that ends it where too little memory is left for what follows.

    The next octave takes what was worked out for the whole dream; another step takes at most what
    the process has had before.
    """

    def __init__(self, takes: int) -> None:
        """Begin. takes: bytes of the whole dream, about, beside what the process has now."""
        self._most = netfile.memory.resident() + takes
        self._had = 0

    def __call__(self, p: Progress) -> None:
        """Raise ShortOfMemoryError, with the picture so far, where there is too little."""
        last = p.step == p.steps
        if last and p.octave == p.octaves:
            return
        now, left = netfile.memory.resident(), memory.free()
        self._had = max(self._had, now)
        needed = (self._most if last else self._had) - now
        if left is None or needed <= left.bytes:
            return
        more, there = memory.in_words(needed), memory.in_words(left.bytes)
        raise ShortOfMemoryError(
            f"octave {p.octave} of {p.octaves}, step {p.step} of {p.steps}: what follows takes "
            f"{more} more memory, and {there} are {left.bound}; "
            "end other programs",
            picture=p.picture,
        )

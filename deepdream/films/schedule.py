"""Settings of a dream that change from frame to frame."""

from bisect import bisect_right
from dataclasses import dataclass, fields, replace
from typing import Any, Dict, List, Sequence, Tuple

from ..settings import Dream

Keys = Tuple[Tuple[int, Any], ...]  # (frame, value), in the order of the frames
Weights = Tuple[float, ...]


@dataclass(frozen=True)
class Schedule:
    """What some settings of a Dream are from which frame on: (frame, value) pairs.

    Texts change at their frames. Numbers go evenly from one to the next, and stay as they are after
    the last one. Before its first frame a setting is the dream's own. period: the frames after
    which all of it begins again, 0 for never; numbers then go back to the first one.
    """

    end: Keys = ()
    objective: Keys = ()
    step_size: Keys = ()
    guide_weights: Keys = ()
    period: int = 0

    def __bool__(self) -> bool:
        return bool(self.end or self.objective or self.step_size or self.guide_weights)

    def at(self, dream: Dream, frame: int) -> Dream:
        """The settings for the frame of this number."""
        number = frame % self.period if self.period else frame
        now: Dict[str, Any] = {}
        for name, keys in self.settings().items():
            if not self.period and number < keys[0][0]:
                continue
            if name in ("end", "objective"):
                now[name] = _held(keys, number)
            else:
                now[name] = _between(keys, number, self.period)
        return replace(dream, **now)

    def settings(self) -> Dict[str, Keys]:
        """The keys of each setting that has some."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "period"}
        return {name: keys for name, keys in named.items() if keys}

    def dreams(self, dream: Dream) -> List[Dream]:
        """The dreams with each layer or objective that comes to be: the first is the dream itself,
        unless none of its frames is its own."""
        later = [replace(dream, end=end) for _, end in self.end]
        later += [replace(dream, objective=text) for _, text in self.objective]
        keys = self.end or self.objective
        covered = bool(keys) and (self.period > 0 or keys[0][0] == 0)
        return later if covered else [dream, *later]


def in_turn(ends: Sequence[str], each: int) -> Schedule:
    """These layers in turn for `each` frames, again and again."""
    keys = tuple((number * each, end) for number, end in enumerate(ends))
    return Schedule(end=keys, period=each * len(ends))


def _held(keys: Keys, number: int) -> Any:
    """The last value that was reached; before the first key, the last of the period before."""
    return keys[bisect_right([frame for frame, _ in keys], number) - 1][1]


def _between(keys: Keys, number: int, period: int) -> Any:
    """The value at a frame, evenly between those of the keys beside it."""
    if period:
        (first, start), (last, end) = keys[0], keys[-1]
        keys = ((last - period, end), *keys, (first + period, start))
    after = bisect_right([frame for frame, _ in keys], number)
    if after == len(keys):
        return keys[-1][1]
    (low, before), (high, then) = keys[after - 1], keys[after]
    share = (number - low) / (high - low)
    if isinstance(before, tuple):
        return tuple(a + share * (b - a) for a, b in zip(before, then))
    return before + share * (then - before)

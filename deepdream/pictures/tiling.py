"""How a picture is cut into overlapping tiles, so that a net sees in each of them what it sees in
the whole picture.

Along each side of a picture, place i of a layer depends on the pixels i * stride + first to
i * stride + last, where it reaches so far. A tile begins at a multiple of the stride, so that its
places are places of the whole picture. A place counts in a tile only where nothing that it depends
on lies beyond a border of the tile that is no border of the picture: paddings, and windows that
hang over an edge, are then those of the picture, or are not looked at. The tiles divide the places
of a layer among them; the pixels that these depend on overlap.
"""

import math
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ..errors import Size


class Axis(NamedTuple):
    """What the places of a layer depend on along one side of the picture, in pixels.

    places: their number for the whole picture.
    """

    stride: int
    first: int
    last: int
    places: int


class Reach(NamedTuple):
    """What the places of a layer depend on, along both sides."""

    vertical: Axis
    horizontal: Axis


class Margins(NamedTuple):
    """What a tile has beside its own places, in pixels: before them and after them; and the stride
    to which it is aligned."""

    stride: int
    before: int
    after: int

    @property
    def least(self) -> int:
        """Pixels of the smallest tile."""
        return self.before + self.stride + self.after


class Span(NamedTuple):
    """A tile along one side: the pixels from `start` to before `stop`, and for each layer the
    places of its own, from the first to before the last, counted in the whole picture."""

    start: int
    stop: int
    own: Tuple[Tuple[int, int], ...]


def margins(axes: Sequence[Axis]) -> Margins:
    """The margins that suit the places of several layers."""
    stride = 1
    for axis in axes:
        stride = stride * axis.stride // math.gcd(stride, axis.stride)
    before = max(0, *(-axis.first for axis in axes))
    after = max(0, *(axis.last + 1 - axis.stride for axis in axes))
    return Margins(stride, _up(before, stride), _up(after, stride))


def spans(length: int, tile: int, axes: Sequence[Axis]) -> List[Span]:
    """The tiles along a side of `length` pixels. All have the same length but the last.

    tile: their length, which is rounded down to a multiple of the stride; at least the margins'
    `least`, or the whole side.
    """
    stride, before, after = margins(axes)
    tile -= tile % stride if tile < length else 0
    found, start, cut = [], 0, 0
    while True:
        stop = min(start + tile, length)
        following = stop - after if stop < length else None
        own = tuple(_own(axis, cut, following) for axis in axes)
        if any(first < last for first, last in own):
            found.append(Span(start, stop, own))
        if following is None:
            return found
        start, cut = following - before, following


def _own(axis: Axis, cut: int, following: Optional[int]) -> Tuple[int, int]:
    last = axis.places if following is None else min(following // axis.stride, axis.places)
    return min(cut // axis.stride, last), last


def count(length: int, tile: int, m: Margins) -> int:
    """The number of tiles of this length along a side."""
    tile -= tile % m.stride if tile < length else 0
    if tile >= length:
        return 1
    return 1 + -(-(length - tile) // (tile - m.before - m.after))


def evened(length: int, number: int, m: Margins) -> int:
    """The length of the smallest tiles of which so many cover a side."""
    if number == 1:
        return length
    return max(m.least, _up(-(-(length + (number - 1) * (m.before + m.after)) // number), m.stride))


def best(size: Size, area: int, vertical: Margins, horizontal: Margins) -> Size:
    """The (height, width) of tiles of at most so many pixels that cover a picture of this (height,
    width) with the fewest pixels in all; (0, 0) where `area` is too small for any."""
    found, least = (0, 0), math.inf
    height, width = size
    columns = 0
    while True:
        columns += 1
        across = evened(width, columns, horizontal)
        if across >= width and columns > 1:
            return found
        down = min(area // across, height)
        if down < height:
            down -= down % vertical.stride
        if down >= min(vertical.least, height):
            rows = count(height, down, vertical)
            down = evened(height, rows, vertical)
            work = (down * rows) * (across * columns)
            if work < least:
                found, least = (down, across), work
        if across <= horizontal.least:
            return found


def _up(value: int, step: int) -> int:
    return -(-value // step) * step

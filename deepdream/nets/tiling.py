"""The tiles for a picture that is too large for one pass: their size, by the free memory."""

import math
from typing import Any, Dict, NamedTuple, Optional, Sequence

from netfile.system.memory import Free

from ..errors import Size, SizeError
from ..pictures.tiling import Margins, Reach, best, margins
from . import engine, memory
from .reach import reaches

_SHARE = 0.8  # of the memory that is free, since others take of it too
_MOST_TRIES = 50
_OF_A_TILE = 24  # bytes for each pixel beside the net, measured: a tile as cut out, and as added up


class Tiling(NamedTuple):
    """How a request may use tiles.

    tile: their (height, width), if that is settled; by itself a picture that fits has none. most:
    bytes of memory that the process may have in all. always: whether also a picture that fits has
    tiles.
    """

    tile: Optional[Size] = None
    most: Optional[int] = None
    always: bool = False


class Room(NamedTuple):
    """What tiles have to fit in: bytes that are left for them, of `all`, whose bound is in words;
    `kept` is what stays beside them."""

    bytes: int
    all: int
    kept: int
    bound: str


def chosen(
    description: Any,
    layers: Sequence[str],
    largest: memory.Pass,
    caffe: Any,
    tiling: Tiling,
    kept: int = 0,
    holds: int = 0,
    there: Optional[Free] = None,
) -> Size:
    """The (height, width) of the tiles for a pass that does not fit as a whole.

    Args:
        layers: those of the objective.
        tiling: with a tile, that one is only asked about.
        kept: bytes of what else has to fit: weights, and guides' activations.
        holds: as in memory.available.
        there: what is free of the memory of the GPU that it does not fit into; None: of the host's.

    Raises:
        SizeError: not even a tile fits, or the one of `tiling` is too small for the layers.
        TargetError: a layer looks at the whole picture.
    """
    found = reach_of(description, layers, largest.size)
    down = margins([reach.vertical for reach in found.values()])
    across = margins([reach.horizontal for reach in found.values()])
    least = min(down.least, largest.size[0]), min(across.least, largest.size[1])
    if tiling.tile is not None:
        _check_least(tiling.tile, least, largest)
    room = _room_there(description, largest, there) if there else None
    room = room or _room(largest, tiling.most, kept, holds)
    if tiling.tile is None and room is None:
        return largest.size

    def takes(tile: Size) -> int:
        one = largest._replace(size=tile, beside=_OF_A_TILE)
        if there:
            return memory.needed_there(description, one)
        return memory.needed(description, one, engine.aborts(caffe))

    asked = tiling.tile or least
    if room is not None and takes(asked) > room.bytes:
        raise _refused(largest, asked, takes(asked), room, asked == least)
    if tiling.tile is not None or room is None:
        return asked
    return _largest(largest.size, down, across, least, room.bytes, takes)


def _blobs(description: Any, layers: Sequence[str]) -> Sequence[str]:
    tops: Dict[str, str] = {layer.name: layer.top[0] for layer in description.layer if layer.top}
    every = {top for layer in description.layer for top in layer.top}
    return list(dict.fromkeys(name if name in every else tops[name] for name in layers))


def _check_least(tile: Size, least: Size, largest: memory.Pass) -> None:
    if tile[0] < least[0] or tile[1] < least[1]:
        raise SizeError(
            f"tiles of {tile[1]}x{tile[0]} are too small: {largest.end} looks at more; they need "
            f"{least[1]}x{least[0]} at least",
            size=tile,
        )


def _room(largest: memory.Pass, most: Optional[int], kept: int, holds: int) -> Optional[Room]:
    left = memory.available(None, holds)
    bounds = [left._replace(bytes=int(_SHARE * left.bytes))] if left else []
    if most is not None:
        bound = memory.available(most, holds)
        bounds += [bound] if bound else []
    if not bounds:
        return None
    least = min(bounds)
    beside = largest.beside * math.prod(largest.size) + kept
    return Room(least.bytes - beside, least.bytes, beside, least.bound)


def _room_there(description: Any, largest: memory.Pass, there: Free) -> Room:
    weights = memory.weights_there(description, largest.end)
    free = int(_SHARE * there.bytes)
    return Room(free - weights, free, weights, there.bound)


def _largest(
    size: Size, down: Margins, across: Margins, least: Size, room: int, takes: Any
) -> Size:
    """The tiles that fit and cover the picture with the fewest pixels in all."""
    probe = min(size[0], max(least[0], 1024)), min(size[1], max(least[1], 1024))
    area = min(int(room / (takes(probe) / math.prod(probe))), math.prod(size) - 1)
    for _ in range(_MOST_TRIES):
        tile = best(size, area, down, across)
        if not all(tile):
            break
        if takes(tile) <= room:
            return tile
        area = int(0.98 * min(area, math.prod(tile)))
    return least


def _refused(largest: memory.Pass, tile: Size, takes: int, room: Room, is_least: bool) -> SizeError:
    (height, width), (down, across) = largest.size, tile
    in_words = memory.in_words
    smallest = "the smallest tile" if is_least else "a tile"
    return SizeError(
        f"the {largest.what} is {width}x{height}: a step at that size takes too much memory at "
        f"once, and {smallest}, {across}x{down}, takes {in_words(takes)} beside "
        f"{in_words(room.kept)} that are kept, and {in_words(room.all)} are {room.bound}; use "
        f"a smaller {largest.what}, or a layer nearer to the input",
        size=largest.size,
    )


def reach_of(description: Any, layers: Sequence[str], size: Size) -> Dict[str, Reach]:
    """What the places of layers depend on; see `reaches`."""
    return reaches(description, _blobs(description, layers), size)

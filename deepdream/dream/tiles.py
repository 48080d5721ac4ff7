"""The gradient of a picture that is too large for one pass, by overlapping tiles.

Each tile goes through the net by itself, forward and back, from the places of the objective's
layers that are its own (pictures/tiling.py); what arrives at the pixels is added up. For objectives
that are sums over places this is the gradient of the whole picture, to rounding: there are no
seams.

The picture stays where it is: a tile of the rolled picture, which the notebook's jitter wants, is
cut out across the borders, and its gradient is added back in the same way.
"""

from dataclasses import dataclass, field
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from ..errors import Size, SizeError, TargetError
from ..pictures.arrays import New, zeros
from ..pictures.tiling import Reach, Span, margins, spans
from .lean import lean
from .objectives import Objective, Part, l2, objective_L2
from .passes import backward, forward_values
from .preprocess import input_blob, reshape_input

Shift = Tuple[int, int]


class TilePass(NamedTuple):
    """What the gradient of one tile depends on, beside the net and the objective.

    data: of the tile, float32 (1, C, h, w). masks: for each term, the part that covers the tile's
    own places of its layer, or None.
    """

    rows: Span
    columns: Span
    data: np.ndarray
    masks: Tuple[Optional[np.ndarray], ...]


# (value of the tile's own places, gradient (1, C, h, w)) of each pass, in order; a gradient may be
# live until the next one is asked for
Made = Iterator[Tuple[float, np.ndarray]]
Passes = Callable[[Objective, Mapping[str, Reach], Iterable[TilePass]], Made]


def as_objective(objective: Union[Objective, Callable[[Any], None]], end: str) -> Objective:
    """The same objective, as one whose gradient can be made by tiles.

    Raises:
        TargetError: it cannot; a function of the notebook's kind looks at a whole layer.
    """
    if objective is objective_L2:
        objective = l2(end)
    if not isinstance(objective, Objective):
        raise TargetError(
            "no tiles can be used: the objective is a function of the whole layer; use an "
            "Objective, such as l2(layer) or guide(layer, features)"
        )
    for term in objective.terms:
        if term.of_part is None:
            raise TargetError(
                f"no tiles can be used: {term.name or term.layer} looks at the whole layer",
                layer=term.layer,
            )
    return objective


@dataclass
class Tiled:
    """A picture that is dreamt on by tiles, in place of a net's input blob.

    data: float32 (1, C, H, W), as a net's input, or such an array in a file. tile: their (height,
    width) at most. passes: what makes the gradients of the tiles, if not this net. new: makes the
    arrays that are as large as the picture. watch: called before each tile.

    Raises:
        TargetError: a layer of the objective looks at the whole picture, or the net is not one of
            load_net.
        SizeError: the tiles are smaller than what one place looks at.
    """

    net: Any
    data: Any
    objective: Objective
    tile: Size
    passes: Optional[Passes] = None
    new: New = np.empty
    watch: Callable[[], None] = lambda: None
    _reaches: Mapping[str, Reach] = field(init=False, repr=False)
    _tiles: List[Tuple[Span, Span]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        reaches = getattr(self.net, "reaches", None)
        if reaches is None:
            raise TargetError("no tiles can be used: the net is not one of load_net")
        height, width = self.data.shape[2:]
        self._reaches = reaches(self.objective.layers, (height, width))
        rows = self._spans(height, self.tile[0], [r.vertical for r in self._reaches.values()])
        columns = self._spans(width, self.tile[1], [r.horizontal for r in self._reaches.values()])
        self._tiles = [(row, column) for row in rows for column in columns]

    def _spans(self, length: int, tile: int, axes: Sequence[Any]) -> List[Span]:
        least = margins(axes).least
        if tile < min(length, least):
            raise SizeError(
                f"tiles of {self.tile[1]}x{self.tile[0]} are too small: {self.objective} needs "
                f"{least} pixels a side"
            )
        return spans(length, tile, axes)

    @property
    def count(self) -> int:
        """The number of tiles."""
        return len(self._tiles)

    def gradient(self, shift: Shift = (0, 0)) -> Tuple[float, Any]:
        """(value, gradient (1, C, H, W)) of the objective at the picture rolled by `shift` (down,
        right), the gradient rolled back, as `new` makes it."""
        masks = [
            term.laid(self.data.shape[2:], shift, self._places(term.layer))
            for term in self.objective.terms
        ]
        wanted = (self._pass(rows, columns, shift, masks) for rows, columns in self._tiles)
        made = (
            self.passes(self.objective, self._reaches, wanted)
            if self.passes
            else (of_tile(self.net, self.objective, self._reaches, one) for one in wanted)
        )
        total = 0.0
        gradient = zeros(self.new, self.data.shape)
        for (rows, columns), (value, slope) in zip(self._tiles, made):
            total += value
            for inside, outside in self._pieces(rows, columns, shift):
                gradient[(..., *outside)] += slope[(..., *inside)]
        return total, gradient

    def _pass(
        self, rows: Span, columns: Span, shift: Shift, masks: List[Optional[np.ndarray]]
    ) -> TilePass:
        """A tile of the picture rolled by `shift`; masks: for the whole of each term's layer."""
        self.watch()
        size = rows.stop - rows.start, columns.stop - columns.start
        data = np.empty((*self.data.shape[:2], *size), np.float32)
        for inside, outside in self._pieces(rows, columns, shift):
            data[(..., *inside)] = self.data[(..., *outside)]
        own = []
        for term, mask in zip(self.objective.terms, masks):
            index = list(self._reaches).index(term.layer)
            (top, bottom), (left, right) = rows.own[index], columns.own[index]
            own.append(None if mask is None else mask[top:bottom, left:right])
        return TilePass(rows, columns, data, tuple(own))

    def _places(self, layer: str) -> Size:
        reach = self._reaches[layer]
        return reach.vertical.places, reach.horizontal.places

    def _pieces(
        self, rows: Span, columns: Span, shift: Shift
    ) -> Iterator[Tuple[Tuple[slice, slice], Tuple[slice, slice]]]:
        """(where in the tile, where in the picture) of each piece of a tile of the rolled
        picture."""
        height, width = self.data.shape[2:]
        for row, in_rows in _unrolled(rows, shift[0], height):
            for column, in_columns in _unrolled(columns, shift[1], width):
                yield (row, column), (in_rows, in_columns)


@lean
def of_tile(
    net: Any, objective: Objective, reaches: Mapping[str, Reach], one: TilePass
) -> Tuple[float, np.ndarray]:
    """(value of the tile's own places, its gradient (1, C, h, w), live).

    reaches: of the objective's layers, for the whole picture.
    """
    rows, columns, data, masks = one
    source = reshape_input(net, (rows.stop - rows.start, columns.stop - columns.start))
    source.data[:] = data
    activations, end = forward_values(net, objective.layers)
    total = 0.0
    diffs: Dict[str, np.ndarray] = {name: np.zeros_like(x) for name, x in activations.items()}
    for term, mask in zip(objective.terms, masks):
        index = list(reaches).index(term.layer)
        reach = reaches[term.layer]
        (top, bottom), (left, right) = rows.own[index], columns.own[index]
        if top >= bottom or left >= right:
            continue
        # where the tile's own places are in the tile
        above, before = rows.start // reach.vertical[0], columns.start // reach.horizontal[0]
        own = np.s_[..., top - above : bottom - above, left - before : right - before]
        assert term.of_part is not None  # as_objective has asked
        rule = term.of_part(Part(top, left, (reach.vertical.places, reach.horizontal.places)))
        value, slope = rule(np.ascontiguousarray(activations[term.layer][own]), mask)
        total += term.weight * value
        diffs[term.layer][own] += np.float32(term.weight) * slope
    return total, backward(net, diffs, end, clear=False)


def _unrolled(span: Span, shift: int, length: int) -> List[Tuple[slice, slice]]:
    """(where in the span, where in the picture) of its pieces, where the picture was rolled by
    `shift`: one, or two where it lies across a border."""
    start, size = (span.start - shift) % length, span.stop - span.start
    first = min(size, length - start)
    pieces = [(slice(0, first), slice(start, start + first))]
    if first < size:
        pieces.append((slice(first, size), slice(0, size - first)))
    return pieces


def picture_of(
    net: Any,
    size: Size,
    tile: Optional[Size],
    objective: Any,
    end: str,
    passes: Optional[Passes] = None,
    new: New = np.empty,
    watch: Callable[[], None] = lambda: None,
) -> Any:
    """What holds a picture of this (height, width) while it is dreamt on: the net's input blob, or
    a Tiled where it is larger than a tile."""
    if tile is None or (size[0] <= tile[0] and size[1] <= tile[1]):
        return reshape_input(net, size)
    channels = tuple(input_blob(net).shape)[1]
    data = new((1, channels, *size), np.float32)
    return Tiled(net, data, as_objective(objective, end), tile, passes, new, watch)

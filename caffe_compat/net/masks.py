"""In-place ReLUs whose backward pass is done by the layer that writes their diff, as it stores.

dx * (1 where x > 0, else the slope) then needs no pass of its own over memory. That is where the
ReLU's own turn comes later in the same backward pass, and nobody can look at the diff before.
"""

from typing import Dict, List, NamedTuple, Optional, Set

from ..layer_types.activation import ReLU
from ..layer_types.registry import Slopes
from .parts import Parts
from .sharing import MergedSplit


class _Writer(NamedTuple):
    """The last layer to write a ReLU's diff: its number, and the number of its bottom.

    split: the MergedSplit whose reader it is, or None.
    """

    number: int
    bottom: int
    split: Optional[MergedSplit]


class _Ahead(NamedTuple):
    """A ReLU's number and slope, and who writes its diff last."""

    relu: int
    slope: float
    writer: _Writer


class Masks:
    """Which layers of a net can do which ReLUs' work, and in a pass, which of it is done."""

    def __init__(self, parts: Parts, splits: Dict[int, MergedSplit]) -> None:
        self._parts = parts
        self.done: Set[int] = set()  # numbers of ReLUs
        self._ahead: Dict[int, List[_Ahead]] = {}  # by the writer's number
        if any(layer.type == "Python" for layer in parts.layers):
            return  # it may look at any diff
        for number, relu in enumerate(parts.layers):
            if not isinstance(relu, ReLU) or parts.bottoms[number] != parts.tops[number]:
                continue
            writer = _last_writer(parts, number, splits)
            if writer is not None:
                ahead = _Ahead(number, float(relu.slope), writer)
                self._ahead.setdefault(writer.number, []).append(ahead)

    def begin(self) -> None:
        """Before a backward pass."""
        self.done.clear()

    def take(self, number: int, last: int) -> Optional[Slopes]:
        """What a layer is to do for ReLUs as it runs backward, in a pass that ends with `last`.

        Returns for each of its bottoms the slope or None, or None where there is nothing to do.
        """
        slopes: Optional[Slopes] = None
        layers = self._parts.layers
        for relu, slope, writer in self._ahead.get(number, ()):
            if relu < last or layers[relu].on_gpu or layers[number].on_gpu:
                continue
            split = writer.split
            if split and not (split.active and (layers[number].can_add or not split.filled)):
                continue
            slopes = slopes or [None] * len(self._parts.bottoms[number])
            slopes[writer.bottom] = slope
            self.done.add(relu)
        return slopes


def _last_writer(parts: Parts, relu: int, splits: Dict[int, MergedSplit]) -> Optional[_Writer]:
    """Who writes the diff of a ReLU's blob last before its turn; None if that is none of these."""
    blob, wanted = parts.tops[relu][0], parts.plan.bottoms
    users = (i for i in range(relu + 1, len(parts.layers)) if blob in parts.bottoms[i])
    number = next(users, None)  # any others come after one that works in place, as none of these
    if number is None or not wanted[relu][0]:
        return None
    split = splits.get(number)
    if split is None:
        writer = _Writer(number, parts.bottoms[number].index(blob), None)
    else:
        readers = [
            (n, j) for n, (*_, j) in zip(split.reader_numbers, split.readers) if wanted[n][j]
        ]
        if not readers:
            return None
        writer = _Writer(*min(readers), split)
    number, bottom = writer.number, parts.bottoms[writer.number]
    # one with several bottoms adds nothing to a Split's diff itself
    alone = split is None or len(bottom) == 1
    fits = parts.layers[number].can_rectify and wanted[number][writer.bottom] and alone
    return writer if fits else None

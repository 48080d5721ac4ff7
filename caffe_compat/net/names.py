"""The names of a net's layers and blobs, and their numbers."""

import difflib
import operator
from collections import OrderedDict
from typing import Iterable

from ..errors import LayerNameError, LayerNumberError
from ..handles import IntVec
from .parts import Parts


class Names:
    """The lists of names that a net hands out, the same ones each time, and the numbers."""

    def __init__(self, parts: Parts) -> None:
        self._layers = [layer.name for layer in parts.layers]
        self._blobs = {name: number for number, name in enumerate(parts.blobs)}
        self.inputs = list(parts.inputs)
        self.outputs = list(parts.outputs)
        self.tops = OrderedDict(zip(self._layers, map(list, parts.top_names)))
        self.bottoms = OrderedDict(zip(self._layers, map(list, parts.bottom_names)))

    def index(self, layer: str) -> int:
        """The number of a layer. Raises LayerNameError, with the nearest names, for an unknown."""
        try:
            return self._layers.index(layer)
        except ValueError:
            near = difflib.get_close_matches(str(layer), self._layers, 3, 0.4)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise LayerNameError(f'the net has no layer "{layer}"{hint}') from None

    def numbers(self, blobs: Iterable[str]) -> IntVec:
        """The numbers of these blobs."""
        return IntVec._over(self._blobs[name] for name in blobs)

    def check_span(self, lowest: int, highest: int) -> None:
        """Raise LayerNumberError where not all layers between two numbers are there."""
        last = len(self._layers) - 1
        if operator.index(lowest) < 0 or operator.index(highest) > last:
            wrong = lowest if lowest < 0 else highest
            raise LayerNumberError(f"there is no layer {wrong}; they are numbered from 0 to {last}")

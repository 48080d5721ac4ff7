"""Whose gradients a layer's backward pass reads, and writes, of the blobs that are not kept."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Set, Tuple

from ...blob import Blob
from ..parts import Parts

if TYPE_CHECKING:
    from ..run import Passes


class Diffs:
    """The blobs of each layer, found once for as long as the same Splits are merged.

    Args:
        passes: a weak reference to the net's.
        kept: sets of the ids of blobs that are kept; they may change.
    """

    def __init__(
        self, passes: Callable[[], "Optional[Passes]"], parts: Parts, *kept: Set[int]
    ) -> None:
        self._passes: Any = passes
        self._parts, self._kept = parts, kept
        self._found: Dict[int, Tuple[List[Blob], List[Blob]]] = {}
        self._merged: List[bool] = []  # which Splits were, then
        self._asked = False  # whether that is of the pass that runs

    def begin(self) -> None:
        """Before a backward pass: look at the Splits again, when the first layer asks."""
        self._asked = False

    def forget(self) -> None:
        """Other blobs are kept from now on."""
        self._found, self._asked = {}, False

    @property
    def merged(self) -> List[bool]:
        """Which Splits are merged now."""
        return [split.active for split in self._passes().splits.values()]

    def of(self, i: int) -> Tuple[List[Blob], List[Blob]]:
        """The blobs whose diffs layer i reads, and writes."""
        if not self._asked:
            self._asked = True
            if self.merged != self._merged:
                self._merged, self._found = self.merged, {}
        if i not in self._found:
            self._found[i] = self._read(i), self._written(i)
        return self._found[i]

    def _read(self, i: int) -> List[Blob]:
        splits = self._passes().splits
        merged = i in splits and splits[i].active
        return [] if merged else self._not_kept(self._parts.tops[i])

    def _written(self, i: int) -> List[Blob]:
        readers, wanted = self._passes().readers.get(i, {}), self._parts.plan.bottoms[i]
        blobs = [
            readers[j].bottom if j in readers and readers[j].active else blob
            for j, blob in enumerate(self._parts.bottoms[i])
            if wanted[j]
        ]
        return self._not_kept(blobs)

    def _not_kept(self, blobs: List[Blob]) -> List[Blob]:
        return [blob for blob in blobs if not any(id(blob) in kept for kept in self._kept)]

"""Which layer is the last to read a blob's values, and its gradient."""

from itertools import chain
from typing import Dict, List, Set

from ...blob import Blob
from ..parts import Parts

Group = List[Blob]  # blobs whose values lie in one block of memory


def always_kept(parts: Parts) -> Set[int]:
    """The ids of the blobs that keep their own memory.

    Those of layers of which nothing is known, where values come from, and losses.
    """
    kept: Set[int] = set()
    for layer, bottom, top, weights in zip(
        parts.layers, parts.bottoms, parts.tops, parts.loss_weights
    ):
        if layer.lean_reads is None:
            kept.update(map(id, [*bottom, *top]))
        kept.update(id(blob) for blob, weight in zip(top, weights) if weight)
    return kept


class Lifetimes:
    """When memory is given up in passes over the layers up to `last`.

    Args:
        kept: ids of blobs that keep their memory.

    Attributes, of which lists have an entry for each layer:
        groups: {id of a block: the group that lies in it}, of all that is given up at some time.
        after_forward: the groups that nobody reads after this layer's forward pass.
        after_backward: the blobs whose diffs nobody reads after its backward pass.
    """

    def __init__(self, parts: Parts, kept: Set[int], last: int) -> None:
        self.kept, self.last = kept, last
        self.groups = _groups(parts, kept)
        self.after_forward = self._last_reads(parts)
        self.after_backward = self._makers(parts)

    def _last_reads(self, parts: Parts) -> List[List[Group]]:
        last: Dict[int, int] = {}
        needed = {id(top.blocks[0].root) for top in parts.tops[self.last]}
        for i in range(self.last + 1):
            layer, bottom, top = parts.layers[i], parts.bottoms[i], parts.tops[i]
            last.update((id(blob.blocks[0].root), i) for blob in [*bottom, *top])
            # a gradient of weights that somebody looks at is computed of all values
            looked_at = any(blob.wanted for blob in layer.blobs)
            reads = "xy" if looked_at else layer.lean_reads or ""
            for which, blobs in (("x", bottom), ("y", top)):
                if which in reads:
                    needed.update(id(blob.blocks[0].root) for blob in blobs)
        found: List[List[Group]] = [[] for _ in parts.layers]
        for block, i in last.items():
            if block in self.groups and block not in needed:
                found[i].append(self.groups[block])
        return found

    def _makers(self, parts: Parts) -> List[List[Blob]]:
        made: Set[int] = set()
        found: List[List[Blob]] = []
        for tops in parts.tops:
            new = [blob for blob in tops if id(blob) not in made]
            made.update(map(id, new))
            found.append([blob for blob in new if id(blob) not in self.kept])
        return found


def _groups(parts: Parts, kept: Set[int]) -> Dict[int, Group]:
    """{id of a block of memory: the blobs whose values lie in it}, where none of them is kept."""
    groups: Dict[int, Group] = {}
    for blob in parts.blobs.values():
        groups.setdefault(id(blob.blocks[0].root), []).append(blob)
    return {
        block: group
        for block, group in groups.items()
        if not any(id(blob) in kept for blob in group)
    }


def blocks(parts: Parts) -> List[object]:
    """The blocks in which the blobs' values lie, blob by blob, and which weights are looked at."""
    looked_at = [blob for blob in chain(*parts.params.values()) if blob.wanted]
    return [*(blob.blocks[0].root for blob in parts.blobs.values()), *looked_at]

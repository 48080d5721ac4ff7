"""Which layer is the last to read a blob's values, and its gradient."""

from itertools import chain
from typing import Callable, Dict, List, NamedTuple, Set, Tuple

from netfile.system.placing import Span

from ...blob import Blob
from ..parts import Parts

# layers whose tops' shapes depend on values, or on a program: nothing is known ahead
SHAPED_LATE = ("Filter", "Python")
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


def can_run_again(parts: Parts, last: int) -> bool:
    """Whether a forward pass to this layer gives the same values each time, and nothing else."""
    layers = parts.layers[: last + 1]
    return not any(layer.lean_reads is None and layer.type != "Input" for layer in layers)


class Read(NamedTuple):
    """A group that the backward passes of these layers read."""

    group: Group
    readers: List[int]


class Lifetimes:
    """When memory is given up in passes over the layers up to `last`.

    Args:
        kept: ids of blobs that keep their memory.

    Attributes, of which lists have an entry for each layer:
        groups: {id of a block: the group that lies in it}, of all that is given up at some time.
        after_forward: the groups that nobody reads after this layer's forward pass.
        reads: those that backward passes read, {id of the block: Read}.
        after_last_reader: those that nobody reads after its backward pass; where they can be made
            again, since there may be another one.
        after_backward: the blobs whose diffs nobody reads after its backward pass.
    """

    def __init__(self, parts: Parts, kept: Set[int], last: int) -> None:
        self.kept, self.last, self.parts = kept, last, parts
        self.groups = _groups(parts, kept)
        self._find_reads()
        self.after_backward = self._makers()

    def _find_reads(self) -> None:
        parts = self.parts
        # {block: (the layer that makes it, the last one to use it in a forward pass)}
        self._forward: Dict[int, Tuple[int, int]] = {}
        readers: Dict[int, List[int]] = {}
        for i in range(self.last + 1):
            layer, bottom, top = parts.layers[i], parts.bottoms[i], parts.tops[i]
            for blob in [*bottom, *top]:
                first, _ = self._forward.get(_block(blob), (i, i))
                self._forward[_block(blob)] = first, i
            # a gradient of weights that somebody looks at is computed of all values
            looked_at = any(blob.wanted for blob in layer.blobs)
            reads = "xy" if looked_at else layer.lean_reads or ""
            for which, blobs in (("x", bottom), ("y", top)):
                for blob in blobs if which in reads else ():
                    readers.setdefault(_block(blob), []).append(i)
        self.after_forward: List[List[Group]] = [[] for _ in parts.layers]
        for block, (_, i) in self._forward.items():
            if block in self.groups and block not in readers:
                self.after_forward[i].append(self.groups[block])
        self.reads = {
            block: Read(self.groups[block], numbers)
            for block, numbers in readers.items()
            if block in self.groups
        }
        self.after_last_reader: List[List[Group]] = [[] for _ in parts.layers]
        self._spent = can_run_again(parts, self.last)
        for group, numbers in self.reads.values() if self._spent else ():
            self.after_last_reader[min(numbers)].append(group)

    def _makers(self) -> List[List[Blob]]:
        made: Set[int] = set()
        found: List[List[Blob]] = []
        for tops in self.parts.tops:
            new = [blob for blob in tops if id(blob) not in made]
            made.update(map(id, new))
            found.append([blob for blob in new if id(blob) not in self.kept])
        return found

    def spans(self, written: Callable[[int], List[Blob]]) -> List[Span]:
        """When each block is needed, in a forward pass to `last` and a backward pass from there.

        Keys are the blocks' ids. Layer i runs forward at time i, and backward at 2 * last + 1 - i.
        written: gives the blobs whose diffs a layer's backward pass needs memory for.
        """
        end = 2 * self.last + 1
        spans = []
        for block, (first, last) in self._forward.items():
            if block not in self.groups:
                continue
            if block in self.reads:
                last = end - min(self.reads[block].readers) if self._spent else end
            capacity = self.groups[block][0].data_block.root.capacity
            spans.append(Span(block, capacity, first, last))
        begun: Dict[int, Tuple[Blob, int]] = {}
        for i in range(self.last, -1, -1):
            for blob in written(i):
                begun.setdefault(id(blob), (blob, end - i))
            for blob in self.after_backward[i]:
                if id(blob) in begun:
                    diff, first = blob.diff_block, begun[id(blob)][1]
                    spans.append(Span(id(diff), diff.capacity, first, end - i))
        return spans


def _block(blob: Blob) -> int:
    return id(blob.data_block.root)


def _groups(parts: Parts, kept: Set[int]) -> Dict[int, Group]:
    """{id of a block of memory: the blobs whose values lie in it}, where none of them is kept."""
    groups: Dict[int, Group] = {}
    for blob in parts.blobs.values():
        groups.setdefault(_block(blob), []).append(blob)
    return {
        block: group
        for block, group in groups.items()
        if not any(id(blob) in kept for blob in group)
    }


def blocks(parts: Parts) -> List[object]:
    """What lifetimes depend on: the blobs' memory, one by one, and the weights that somebody looks
    at."""
    looked_at = [blob for blob in chain(*parts.params.values()) if blob.wanted]
    return [*[blob.data_block for blob in parts.blobs.values()], *looked_at]

"""Lean: what the blobs of a net hold between and within passes that keep no more than they read.

A blob's values are given up after the last layer that reads them, forward or backward, and its
gradient when the layer that makes the blob has run backward. All of them lie in one Arena. What a
program looks at is moved to memory of its own and kept from then on; values that are gone by then
are computed again, of what the inputs held at the last pass; a gradient that is gone is an error.
"""

import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

import numpy as np

from ...blob import Blob
from ...errors import CaffeError
from ...synced_memory import SyncedMemory
from ..parts import Parts
from ..sharing import SplitTop
from .arena import Arena, planned, rounded
from .lifetimes import Group, Lifetimes, always_kept, blocks, can_run_again

if TYPE_CHECKING:
    from ..run import Passes

# layers whose tops' shapes depend on values, or on a program: nothing is known ahead
_SHAPED_LATE = ("Filter", "Python")


class Lean:
    """The memory of one net. Everything here happens under the net's lock."""

    def __init__(self, passes: "Passes") -> None:
        # no strong reference, so that the memory of a net that is dropped is freed at once
        self._passes: Any = weakref.ref(passes)
        self._parts: Parts = passes.parts
        self._possible = not any(layer.type in _SHAPED_LATE for layer in self._parts.layers)
        self._always = always_kept(self._parts)
        self._asked: Set[int] = set()  # ids of blobs that a program has asked for, or looked at
        self._depth = 0
        self._arena: Optional[Arena] = None
        self._lent: Dict[int, Tuple[SyncedMemory, int, int]] = {}  # id -> (block, start, count)
        self._gone: Set[int] = set()  # ids of blobs whose values were given up
        self._lost: Set[int] = set()  # and of those whose gradients were
        self._inputs: Dict[str, np.ndarray] = {}  # what they held at the last forward pass
        self._reached = -1  # the last layer of that pass
        self._times: Optional[Lifetimes] = None
        self._blocks: List[object] = []
        self._wishes: Dict[int, int] = {}  # {id of a block: where in the arena it should start}

    @contextmanager
    def entered(self, keep: Iterable[Blob]) -> Iterator[None]:
        """Context in which passes are lean; these blobs keep their memory."""
        lock = self._passes().lock
        with lock:
            self._enter(keep)
        try:
            yield
        finally:
            with lock:
                self._leave()

    def _enter(self, keep: Iterable[Blob]) -> None:
        self._depth += 1
        for blob in keep:
            self._keep(blob)
        if self._depth > 1 or not self._possible:
            return
        watcher = weakref.ref(self)
        for blob in self._parts.blobs.values():
            blob.watcher = watcher
            if not self._keeps(blob) and not isinstance(blob, SplitTop):
                _give_up_diff(blob)

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.release()
            self._asked.clear()
            self._lost.clear()

    def release(self) -> None:
        """Give up all that is lent; values can still be computed again."""
        self._give_all_up()
        self._arena, self._times, self._blocks = None, None, []

    def _keeps(self, blob: Blob) -> bool:
        return id(blob) in self._always or id(blob) in self._asked

    # passes

    def begin_forward(self, first: int, last: int, watched: bool) -> Optional["Lean"]:
        """Before a forward pass: itself if that is lean, or None.

        watched: whether a program is called in the middle of it.
        """
        if not (self._depth and self._possible and first == 0 and not watched):
            self._end(self._made_by(first - 1))
            return None
        for blob in self._parts.tops[last]:
            self._keep(blob)  # what a pass is made for
        self._plan(last)
        self._give_all_up()
        self._make_room()
        self._gone -= self._made_by(last)
        self._reached = last
        self._lost -= set(map(id, self._parts.tops[last]))  # a program will write them
        self._keep_inputs()
        return self

    def begin_backward(self, first: int, last: int, watched: bool) -> Optional["Lean"]:
        """Likewise before a backward pass."""
        if not (self._depth and self._possible and not watched):
            self._end(self._made_by(first))
            return None
        if self._gone & (self._made_by(first) - self._made_by(self._reached)):
            name = self._parts.layers[first].name
            raise CaffeError(
                f'a backward pass from layer "{name}" reads values that a lean net has given up; '
                "run it forward up to that layer first"
            )
        self._plan(max(first, self._reached))
        self._make_room()
        assert self._times
        for group, readers in self._times.reads.values():
            if id(group[0]) in self._gone and any(last <= i <= first for i in readers):
                self._compute_again({id(group[0])})  # an earlier backward pass was the last reader
        for split in self._passes().splits.values():
            split.ran.clear()
            if split.active and any(id(top) in self._asked for top in split.tops):
                split.separate()
        return self

    def _end(self, read: Set[int]) -> None:
        """Before a pass that is not lean: have there the blobs of these ids, which it reads."""
        if not (self._gone or self._lent):
            return
        self.release()
        self._lost.clear()
        if self._gone & read:
            self._compute_again(self._gone & read)
        self._gone.clear()
        self._inputs.clear()

    def before_forward(self, i: int) -> None:
        """Find memory for what layer i makes."""
        assert self._times
        for blob in self._parts.tops[i]:
            block = blob.blocks[0].root
            if not block.seen and id(block) in self._times.groups:
                self._lend(block)

    def after_forward(self, i: int) -> None:
        """Give up what nobody reads after layer i."""
        assert self._times
        for group in self._times.after_forward[i]:
            self._give_up(group)

    def before_backward(self, i: int) -> None:
        """Find memory for the gradients that layer i makes, and zeros for those that none made."""
        for blob in self._read_diffs(i):
            if not blob.blocks[1].seen and self._lend(blob.blocks[1]):
                blob.blocks[1].values[...] = 0
        for blob in self._written_diffs(i):
            if not blob.blocks[1].seen:
                self._lend(blob.blocks[1])

    def _read_diffs(self, i: int) -> List[Blob]:
        """The blobs that are not kept whose diffs layer i reads in its backward pass."""
        splits = self._passes().splits
        merged = i in splits and splits[i].active
        return [] if merged else [blob for blob in self._parts.tops[i] if not self._keeps(blob)]

    def _written_diffs(self, i: int) -> List[Blob]:
        """The blobs that are not kept whose diffs it writes."""
        readers, wanted = self._passes().readers.get(i, {}), self._parts.plan.bottoms[i]
        blobs = [
            readers[j].bottom if j in readers and readers[j].active else blob
            for j, blob in enumerate(self._parts.bottoms[i])
            if wanted[j]
        ]
        return [blob for blob in blobs if not self._keeps(blob)]

    def after_backward(self, i: int) -> None:
        """Give up the gradients, and the values, that nobody reads after layer i."""
        assert self._times
        for blob in self._parts.bottoms[i]:
            if isinstance(blob, SplitTop) and not self._keeps(blob):
                self._lost.add(id(blob))
        for blob in self._times.after_backward[i]:
            _give_up_diff(blob)
            self._take_back(blob.blocks[1].root)
            self._lost.add(id(blob))
        for group in self._times.after_last_reader[i]:
            self._give_up(group)
        for param in self._parts.layers[i].blobs:
            if param.pending is not None:
                param.pending = _refuse_gradient

    def _plan(self, last: int) -> None:
        """Find the lifetimes of the present blocks, unless they are known."""
        now = blocks(self._parts)
        known = self._times is not None and self._times.last == last
        if known and len(now) == len(self._blocks) and all(map(_same, now, self._blocks)):
            return
        passes = self._passes()
        for _ in range(3):  # a Concat's bottoms move in when nobody sees them any more
            before = now
            passes._reshape(0, last)
            now = blocks(self._parts)
            if all(map(_same, now, before)):
                break
        self._times = Lifetimes(self._parts, self._always | self._asked, last)
        self._blocks = now
        self._wishes = planned(
            self._times.spans(lambda i: self._read_diffs(i) + self._written_diffs(i))
        )

    def _make_room(self) -> None:
        """An arena in which everything has room at once; only what is used of it counts."""
        assert self._times
        if self._lent:
            return
        data = {id(g[0].blocks[0].root): g[0].blocks[0].root for g in self._times.groups.values()}
        diffs = [b.blocks[1] for blobs in self._times.after_backward for b in blobs]
        room = sum(rounded(block.capacity) for block in [*data.values(), *diffs])
        if self._arena is None or self._arena.capacity < room:
            self._arena = None  # before there is another
            self._arena = Arena(room)

    def _made_by(self, last: int) -> Set[int]:
        """The ids of the blobs that layers up to `last` make."""
        return {id(blob) for tops in self._parts.tops[: last + 1] for blob in tops}

    # memory

    def _lend(self, block: SyncedMemory) -> bool:
        wish = self._wishes.get(id(block), 0)
        found = self._arena.lend(block.capacity, wish) if self._arena else None
        if found is None:
            return False
        start, values = found
        self._lent[id(block)] = block, start, block.capacity
        block.lie_in(values)
        return True

    def _take_back(self, block: SyncedMemory) -> None:
        lent = self._lent.pop(id(block), None)
        if lent is not None and self._arena is not None:
            self._arena.take_back(*lent[1:])

    def _give_up(self, group: Group) -> None:
        block = group[0].blocks[0].root
        for blob in group:
            blob.forget_view("data")
        block.give_up()
        self._take_back(block)
        self._gone.update(map(id, group))

    def _give_all_up(self) -> None:
        """Give up all that is lent, and values that blobs hold from passes that were not lean."""
        self._give_values_up()
        for blob in self._parts.blobs.values():
            if id(blob.blocks[1].root) in self._lent:
                _give_up_diff(blob)
                self._lost.add(id(blob))
        for block, _, _ in self._lent.values():  # of blobs that have other memory by now
            block.give_up()
        self._lent = {}
        if self._arena is not None:
            self._arena.clear()

    def _give_values_up(self) -> None:
        groups = self._times.groups if self._times else {}
        for blob in self._parts.blobs.values():
            block = blob.blocks[0].root
            if block.seen and (id(block) in self._lent or id(block) in groups):
                self._give_up(groups.get(id(block)) or self._group(block))

    def _group(self, block: SyncedMemory) -> Group:
        return [blob for blob in self._parts.blobs.values() if blob.blocks[0].root is block]

    # what programs see

    def look(self, blob: Blob, which: str) -> None:
        """Before a program is given a blob's data or diff: have it there, and keep it there."""
        if not (self._depth or self._gone):
            return
        with self._passes().lock:
            if which == "data":
                self._look_at_data(blob)
            else:
                self._look_at_diff(blob)

    def _look_at_data(self, blob: Blob) -> None:
        block = blob.blocks[0].root
        if id(block) in self._lent:
            self._move_out(block, self._group(block))
            self._keep(blob)
        elif id(blob) in self._gone:
            self._keep(blob)
            self._compute_again({id(blob)})
        else:
            self._keep(blob)

    def _look_at_diff(self, blob: Blob) -> None:
        block = blob.blocks[1].root
        if id(block) in self._lent:
            self._move_out(block, [blob])
        elif id(blob) in self._lost:
            self._lost.discard(id(blob))
            self._keep(blob)
            raise CaffeError(
                f"the gradient of this blob {blob.shape} was given up in a lean pass, when nothing "
                "read it any more; name the blob in lean(keep=...), or run backward again"
            )
        self._keep(blob)

    def _keep(self, blob: Blob) -> None:
        if self._depth and not self._keeps(blob):
            self._asked.add(id(blob))
            self._times = None

    def _move_out(self, block: SyncedMemory, group: Iterable[Blob]) -> None:
        """Let a block that is lent have memory of its own, with the same values."""
        values = block.values.copy()
        for blob in group:
            blob.forget_view("data")
            blob.forget_view("diff")
        block.lie_in(values)
        self._take_back(block)

    def _keep_inputs(self) -> None:
        for name in self._parts.inputs:
            data, kept = self._parts.blobs[name].data, self._inputs.get(name)
            if kept is None or kept.shape != data.shape:
                kept = self._inputs[name] = np.empty_like(data)
            kept[...] = data

    def _compute_again(self, wanted: Set[int]) -> None:
        """Run the last forward pass again, of what the inputs held, for the blobs of these ids.

        It is lean within the context; outside of it all blobs keep what they get. Those that were
        kept before hold what they held. Raises CaffeError where that pass did not make them all,
        or would make other values.
        """
        parts, last = self._parts, self._reached
        inputs = {name: parts.blobs[name] for name in parts.inputs}
        if any(values.shape != inputs[name].shape for name, values in self._inputs.items()):
            self._gone.clear()  # what has another shape by now is new
            return
        if wanted - self._made_by(last) or not can_run_again(parts, last):
            self._gone -= wanted
            raise CaffeError(
                "a lean pass has given up values that cannot be computed again; run the net "
                "forward, or name the blobs that you look at in lean(keep=...)"
            )
        made = {id(blob): blob for tops in parts.tops[: last + 1] for blob in tops}
        kept = [
            (blob, blob.data.copy())
            for blob in [*inputs.values(), *made.values()]
            if blob.blocks[0].seen and id(blob.blocks[0].root) not in self._lent
        ]
        try:
            for name, values in self._inputs.items():
                inputs[name].data[...] = values
            if self._depth:
                self._plan(last)
                self._give_values_up()
            self._gone -= self._made_by(last)
            self._passes().run_forward(0, last, self if self._depth else None)
        finally:
            for blob, values in kept:
                blob.data[...] = values


def _give_up_diff(blob: Blob) -> None:
    blob.forget_view("diff")
    blob.blocks[1].root.give_up()
    if isinstance(blob, SplitTop):
        blob.given_up = True


def _refuse_gradient() -> None:
    raise CaffeError(
        "the last backward pass was lean, so the gradient of these weights was not computed; from "
        "now on it is: run backward again, or look at it once before"
    )


def _same(a: object, b: object) -> bool:
    return a is b

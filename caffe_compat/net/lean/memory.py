"""Lean: what the blobs of a net hold between and within passes that keep no more than they read.

A blob's values are given up after the last layer that reads them, forward or backward, and its
gradient when the layer that makes the blob has run backward. All of them lie in one Arena. What a
program looks at is moved to memory of its own and kept from then on; values that are gone by then
are computed again, of what the inputs held at the last pass; a gradient that is gone is an error.
"""

import weakref
from contextlib import contextmanager
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Set,
)

from netfile.system.placing import placed

from ...blob import Blob
from ...errors import CaffeError
from ...kernels import elementwise
from ...synced_memory import SyncedMemory
from ..parts import Parts
from ..sharing import SplitTop
from .arena import Arena, Placing
from .diffs import Diffs
from .inputs import Inputs
from .lifetimes import SHAPED_LATE, Group, Lifetimes, always_kept, blocks, can_run_again

if TYPE_CHECKING:
    from ..run import Passes


class Standing(NamedTuple):
    """Of which plan and arena it is, which blocks lie where, and the ids of blobs without values,
    and without gradients."""

    times: int
    arena: int
    placing: Placing
    gone: Set[int]
    lost: Set[int]


class Lean:
    """The memory of one net. Everything here happens under the net's lock."""

    def __init__(self, passes: "Passes") -> None:
        # no strong reference, so that the memory of a net that is dropped is freed at once
        self._passes: Any = weakref.ref(passes)
        self._parts: Parts = passes.parts
        self._possible = not any(layer.type in SHAPED_LATE for layer in self._parts.layers)
        self._always = always_kept(self._parts)
        self._asked: Set[int] = set()  # ids of blobs that a program has asked for, or looked at
        self._depth = 0
        self._arena = Arena(0)
        self._is_clean = False  # whether no blob holds values of a pass that was not lean
        self._gone: Set[int] = set()  # ids of blobs whose values were given up
        self._lost: Set[int] = set()  # and gradients
        self._inputs = Inputs(self._parts)
        self._made: Dict[int, Set[int]] = {}  # what _made_by has found
        self._reached = -1  # the last layer of that pass
        self._times: Optional[Lifetimes] = None
        self._blocks: List[object] = []
        self._diffs = Diffs(self._passes, self._parts, self._always, self._asked)
        self._wishes: Dict[int, int] = {}  # {id of a block: where in the arena it should start}
        self._room = 0  # values of an arena for these

    @contextmanager
    def entered(self, keep: Iterable[str]) -> Iterator[None]:
        """Context in which passes are lean; the blobs of these names keep their memory."""
        passes = self._passes()  # which lives as long as the context
        with passes.lock:
            self._enter(keep)
        try:
            yield
        finally:
            with passes.lock:  # in a forked process another one
                self._leave()

    def _enter(self, keep: Iterable[str]) -> None:
        self._depth += 1
        self.keep(keep)
        if self._depth > 1 or not self._possible:
            return
        self._is_clean = False
        for blob in self._parts.blobs.values():
            blob.watcher = weakref.ref(self)
            if not self._keeps(blob) and not isinstance(blob, SplitTop):
                _give_up_diff(blob)

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._release()
            self._asked.clear()
            self._lost.clear()

    def _release(self) -> None:
        self._passes().repeats.forget()
        self._give_all_up()
        self._forget_runs()
        self._arena, self._times, self._blocks = Arena(0), None, []

    def _forget_runs(self) -> None:
        """Let no Split's tops be filled in as by an earlier pass, whose memory is given up."""
        for split in self._passes().splits.values():
            split.ran.clear()

    def keep(self, names: Iterable[str]) -> None:
        """Within the context, let the blobs of these names keep their memory from now on."""
        for name in self._parts.blobs.keys() & set(names) if self._depth else ():
            self._keep(self._parts.blobs[name])

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
        self._is_clean = True
        self._lost -= set(map(id, self._parts.tops[last]))  # a program will write them
        self._inputs.keep()
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
        for (blob, *_), readers in self._times.reads.values():
            if id(blob) in self._gone and any(last <= i <= first for i in readers):
                self._compute_again({id(blob)})  # an earlier backward pass was the last reader
        self._forget_runs()
        self._diffs.begin()
        return self

    def _end(self, read: Set[int]) -> None:
        """Before a pass that is not lean: have there the blobs of these ids, which it reads."""
        self._is_clean = False
        if not (self._gone or self._arena):
            return
        self._release()
        self._lost.clear()
        if self._gone & read:
            self._compute_again(self._gone & read)
        self._gone.clear()
        self._inputs.forget()

    def before_forward(self, i: int) -> None:
        """Find memory for what layer i makes."""
        assert self._times
        for blob in self._parts.tops[i]:
            block = blob.data_block.root
            if not block.seen and id(block) in self._times.groups:
                self._lend(block)

    def after_forward(self, i: int) -> None:
        """Give up what nobody reads after layer i."""
        assert self._times
        for group in self._times.after_forward[i]:
            self._give_up(group)

    def before_backward(self, i: int) -> None:
        """Find memory for the gradients that layer i makes, and zeros for those that none made."""
        read, written = self._diffs.of(i)
        for blob in read:
            if not blob.diff_block.seen and self._lend(blob.diff_block):
                elementwise.clear(blob.diff_block.values)
        for blob in written:
            if not blob.diff_block.seen:
                self._lend(blob.diff_block)

    def after_backward(self, i: int) -> None:
        """Give up the gradients, and the values, that nobody reads after layer i."""
        assert self._times
        for j, split in self._passes().readers.get(i, {}).items():
            if split.active:
                self._lost.add(id(self._parts.bottoms[i][j]))
        for blob in self._times.after_backward[i]:
            block = blob.diff_block
            if block.seen:
                _give_up_diff(blob)
                self._arena.take_back(block)
                self._lost.add(id(blob))
        for group in self._times.after_last_reader[i]:
            self._give_up(group)
        for param in self._parts.layers[i].blobs:
            if param.pending is not None:
                param.pending = _refuse_gradient

    @property
    def standing(self) -> Standing:
        """What stands where, and what is gone, to be compared and to be had again."""
        placing, gone, lost = self._arena.placing, self._gone.copy(), self._lost.copy()
        return Standing(id(self._times), id(self._arena), placing, gone, lost)

    def stand_again(self, standing: Standing) -> None:
        """After a pass that was done again: be as after the first one."""
        self._arena.place_again(standing.placing)
        self._gone, self._lost = standing.gone.copy(), standing.lost.copy()

    def _plan(self, last: int) -> None:
        """Find the lifetimes of the present blocks, unless they are known."""
        now = self._state()
        if self._times is not None and self._times.last == last and now == self._blocks:
            return
        passes = self._passes()
        passes.repeats.forget()
        for _ in range(3):  # a Concat's bottoms move in when nobody sees them any more
            before = now
            passes._reshape(0, last)
            now = self._state()
            if now == before:
                break
        self._times = Lifetimes(self._parts, self._always | self._asked, last)
        self._blocks = now
        self._diffs.forget()
        spans = self._times.spans(lambda i: sum(self._diffs.of(i), []))
        self._wishes, self._room = placed(spans)
        self._is_clean = False

    def _state(self) -> List[object]:
        """What the plan depends on, beside the blobs that are kept."""
        return [*blocks(self._parts), *self._diffs.merged]

    def _make_room(self) -> None:
        """Have an arena for the plan, unless blocks lie in the one that there is."""
        if not self._arena and self._arena.capacity < self._room:
            self._arena = Arena(0)  # before there is another
            self._arena = Arena(self._room)

    def _made_by(self, last: int) -> Set[int]:
        """The ids of the blobs that layers up to `last` make."""
        if last not in self._made:
            tops = self._parts.tops[: last + 1]
            self._made[last] = {id(blob) for made in tops for blob in made}
        return self._made[last]

    # memory

    def _lend(self, block: SyncedMemory) -> bool:
        return self._arena.lend(block, self._wishes.get(id(block), 0))

    def _give_up(self, group: Group) -> None:
        block = group[0].data_block.root
        for blob in group:
            blob.forget_view("data")
        block.give_up()
        self._arena.take_back(block)
        self._gone.update(map(id, group))

    def _give_all_up(self) -> None:
        """Give up all that is lent, and values that blobs hold from passes that were not lean."""
        if self._is_clean and not self._arena:
            self._arena.clear()
            return
        self._give_values_up()
        for blob in self._parts.blobs.values():
            if blob.diff_block.root in self._arena:
                _give_up_diff(blob)
                self._lost.add(id(blob))
        self._arena.clear()

    def _give_values_up(self) -> None:
        groups = self._times.groups if self._times else {}
        for blob in self._parts.blobs.values():
            block = blob.data_block.root
            if block.seen and (block in self._arena or id(block) in groups):
                self._give_up(groups.get(id(block)) or self._group(block))

    def _group(self, block: SyncedMemory) -> Group:
        return [blob for blob in self._parts.blobs.values() if blob.data_block.root is block]

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
        block = blob.data_block.root
        if block in self._arena:
            self._move_out(block, self._group(block))
            self._keep(blob)
        elif id(blob) in self._gone:
            self._keep(blob)
            self._compute_again({id(blob)})
        else:
            self._keep(blob)

    def _look_at_diff(self, blob: Blob) -> None:
        block = blob.diff_block.root
        if block in self._arena:
            self._move_out(block, [blob])
        elif id(blob) in self._lost and not block.seen:
            if isinstance(blob, SplitTop):
                why = "goes into that of its bottom, so look at the bottom's diff"
                raise CaffeError(f"in a lean pass the gradient of a Split's top {blob.shape} {why}")
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
        self._arena.take_back(block)

    def _compute_again(self, wanted: Set[int]) -> None:
        """Run the last forward pass again, of what the inputs held, for the blobs of these ids.

        It is lean within the context; outside of it all blobs keep what they get. Those that were
        kept before hold what they held. Raises CaffeError where that pass did not make them all,
        or would make other values.
        """
        parts, last = self._parts, self._reached
        if not self._inputs.fit:
            self._gone.clear()  # what has another shape by now is new
            return
        if wanted - self._made_by(last) or not can_run_again(parts, last):
            self._gone -= wanted
            raise CaffeError(
                "a lean pass has given up values that cannot be computed again; run the net "
                "forward, or name the blobs that you look at in lean(keep=...)"
            )
        kept = [
            blob
            for name, blob in parts.blobs.items()
            if id(blob) in self._made_by(last) and name not in parts.inputs
            if blob.data_block.seen and blob.data_block.root not in self._arena
        ]
        with self._inputs.back(kept):
            if self._depth:
                self._plan(last)
                self._give_values_up()
            self._gone -= self._made_by(last)
            self._passes().run_forward(0, last, self if self._depth else None)


def _give_up_diff(blob: Blob) -> None:
    blob.forget_view("diff")
    blob.diff_block.root.give_up()
    if isinstance(blob, SplitTop):
        blob.given_up = True


def _refuse_gradient() -> None:
    raise CaffeError(
        "the last backward pass was lean, so the gradient of these weights was not computed; from "
        "now on it is: run backward again, or look at it once before"
    )

"""Passes that were done before on the same memory, done again without Python.

The passes of a dream at one size do the same jobs on the same memory, step after step. So the jobs
of each are kept, with the state of the net before and after it. Where a pass over the same layers
finds that state again, the jobs are done in one call, and the net is left as it was left then.
"""

from contextlib import contextmanager
from itertools import chain
from operator import is_
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from ..blob import Blob, ParamBlob
from ..kernels import threads
from ..layer_types.registry import Layer
from ..synced_memory import SyncedMemory
from .lean import Lean, Standing
from .parts import Parts
from .sharing import MergedSplit

# values that the layers make, at most: longer passes gain nothing, and an interrupt waits for them
_MOST = 1 << 28

Pending = Optional[Callable[[], object]]
Arrays = Dict[int, Tuple[SyncedMemory, Optional[np.ndarray]]]  # blocks of memory, with theirs


class Span(NamedTuple):
    """The layers of a pass, the first to run first."""

    first: int
    last: int
    backward: bool

    @property
    def numbers(self) -> slice:
        """Where the layers are among all, from the lowest."""
        return slice(min(self[:2]), max(self[:2]) + 1)


class _Members:
    """What takes part in a Span.

    Attributes:
        layers: those of the net when this was made; a program may put others there.
        blobs: the layers' bottoms and tops, each once.
        learning: the layers whose backward pass leaves a gradient to be computed.
        can_repeat: whether no layer computes by other means than tasks.
    """

    def __init__(self, parts: Parts, span: Span) -> None:
        numbers = span.numbers
        self.layers: List[Layer] = parts.layers[numbers]
        self.tops: List[Blob] = list(chain(*parts.tops[numbers]))
        every = chain(*parts.bottoms[numbers], self.tops)
        self.blobs: List[Blob] = list({id(blob): blob for blob in every}.values())
        self.can_repeat = all(layer.repeatable for layer in self.layers)
        planned = zip(self.layers, parts.plan.layers[numbers])
        self.learning = [layer for layer, runs in planned if runs]

    @property
    def places(self) -> List[object]:
        """The blobs' shapes and memory."""
        return [(blob.shape, blob.blocks) for blob in self.blobs]

    @property
    def arrays(self) -> Arrays:
        """The blocks of memory that the blobs lie in, by their ids."""
        roots = (block.root for blob in self.blobs for block in blob.blocks)
        return {id(root): (root, root.held) for root in roots}

    @property
    def count(self) -> int:
        """The number of values that the layers make."""
        return sum(top.count for top in self.tops)

    def learn(self) -> Iterator[ParamBlob]:
        """The parameters of which `learning` leaves gradients; a program may put others there."""
        return chain(*(layer.blobs for layer in self.learning))


class _State:
    """What the jobs of a pass depend on, beside values."""

    def __init__(
        self, members: _Members, splits: List[MergedSplit], standing: Optional[Standing]
    ) -> None:
        things: List[object] = []  # of which there may be equal ones
        for blob in members.blobs:
            data, diff = blob.blocks
            things.append(blob.shape)  # another tuple after any reshape
            things += data.footing
            things += diff.footing
        for layer in members.layers:
            for param in layer.blobs:
                things.append(param.shape)
                things += param.data_block.footing
            things += layer.remembered
        runs = [(split.active, split.ran.copy()) for split in splits]
        self._things, self._facts = things, (threads.count(), standing, runs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _State) or len(self._things) != len(other._things):
            return NotImplemented
        return all(map(is_, self._things, other._things)) and self._facts == other._facts


class _After(NamedTuple):
    """What a pass left behind, where it was done by its layers."""

    blocks: List[Tuple[SyncedMemory, Optional[np.ndarray]]]  # those whose arrays changed
    moved: List[Blob]  # whose values or diffs lie there
    splits: List[Tuple[MergedSplit, bool, Dict[int, Any]]]
    pending: List[Tuple[ParamBlob, Pending]]
    standing: Optional[Standing]

    def leave(self, lean: Optional[Lean]) -> None:
        """Leave that behind again."""
        for block, values in self.blocks:
            if values is None:
                block.give_up()
            else:
                block.lie_in(values)
        for blob in self.moved:
            blob.forget_view("data")
            blob.forget_view("diff")
        for split, filled, ran in self.splits:
            split.filled, split.ran = filled, ran.copy()
        for param, pending in self.pending:
            param.pending = pending
        if lean and self.standing:
            lean.stand_again(self.standing)


def _after(
    members: _Members, splits: List[MergedSplit], span: Span, before: Arrays, lean: Optional[Lean]
) -> _After:
    now = members.arrays
    blocks = [now[key] for key, (_, array) in before.items() if now[key][1] is not array]
    changed = {id(block) for block, _ in blocks}
    moved = [blob for blob in members.blobs if any(id(b.root) in changed for b in blob.blocks)]
    return _After(
        blocks,
        moved,
        [(split, split.filled, split.ran.copy()) for split in splits] if span.backward else [],
        [(param, param.pending) for param in members.learn()] if span.backward else [],
        lean.standing if lean else None,
    )


class _Done(NamedTuple):
    """A pass that was done."""

    before: _State
    jobs: threads.Jobs
    after: _After


class Repeats:
    """The passes of a net that can be done again, one of each Span.

    Attributes:
        keeps: whether any are kept at all; where not, the layers run in every pass.
    """

    def __init__(self, parts: Parts, splits: Dict[int, MergedSplit]) -> None:
        self._parts, self._splits = parts, list(splits.values())
        self._members: Dict[Span, _Members] = {}
        self._done: Dict[Span, _Done] = {}
        self._scratch = threads.Scratch()
        self.keeps = True

    def forget(self) -> None:
        """Forget all passes, and the memory that they were done in."""
        self._done.clear()
        self._scratch = threads.Scratch()

    @contextmanager
    def done(self, span: Span, lean: Optional[Lean]) -> Iterator[bool]:
        """Context of a pass on the CPU: has it been done again? If not, it is to be done here.

        lean: as the pass is given it.
        """
        members = self._members.get(span)
        if members is None or members.layers != self._parts.layers[span.numbers]:
            members = self._members[span] = _Members(self._parts, span)
            self._done.pop(span, None)
        if not self._can_keep(members, span):
            with threads.keeping(None):
                yield False
            return
        before = _State(members, self._splits, lean.standing if lean else None)
        done = self._done.get(span)
        if done and done.before == before:
            # in this order: after an interrupt nobody must take what the jobs wrote for the old
            done.after.leave(lean)
            done.jobs.repeat()
            yield True
            return
        self._done.pop(span, None)  # now, since its memory may be much
        jobs, places, arrays = threads.Jobs(self._scratch), members.places, members.arrays
        with threads.keeping(jobs):
            yield False
        # what the layers' reshape has changed would stay as it is
        if jobs.whole and members.places == places and members.count <= _MOST:
            after = _after(members, self._splits, span, arrays, lean)
            self._done[span] = _Done(before, jobs, after)

    def _can_keep(self, members: _Members, span: Span) -> bool:
        if not (self.keeps and members.can_repeat):
            return False
        if not span.backward:
            return not any(layer.ran_on_gpu for layer in members.layers)  # which a pass here ends
        # what is computed of weights at once is no job
        return all(split.active for split in self._splits) and not any(
            param.wanted for param in members.learn()
        )

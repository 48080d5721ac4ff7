"""Memory that blobs of a net share where nobody sees it.

A Concat's bottoms are views into its top, where that is one stretch of memory (one item in the
batch). The diffs of a Split's tops are added into its bottom's as they come, until somebody looks
at one of them: from then on they have memory of their own, until that is zero and nobody holds an
array of it.

Whether somebody does, a Lease tells, and no count of references. A SplitTop keeps its memory, and
gives out arrays that are made from a Lease on it, to which it has a weak reference alone. Every
array that is derived from one of those (a slice, a reshape, a view of a view) refers to it in the
end, and so to the Lease, which lives as long as the last of them. Where Python collects late, the
memory is kept for longer than it must be, and nothing else changes.
"""

import weakref
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, cast

import numpy as np

from ..blob import Blob
from ..kernels import elementwise
from ..layer_types.registry import Layer, Slopes
from ..synced_memory import HEAD_AT_CPU, SyncedMemory
from .parts import Parts

# layers whose tops or bottoms use another blob's memory, or that programs write into
SHARES = {"Split", "Flatten", "Reshape", "Input", "Parameter", "Python", "DummyData", "MemoryData"}


def let_concats_view(parts: Parts) -> Dict[int, List[int]]:
    """Allow each Concat to put its bottoms into its top's memory, if no layer would see it.

    Returns {its number: the numbers of the layers that make its bottoms}.
    """
    layers = parts.layers
    makers = {}
    made_by: Dict[str, int] = {}
    changed: Dict[str, int] = {}  # blob -> the last layer that works in place on it
    for i in range(len(layers)):
        for top in parts.top_names[i]:
            if top in parts.bottom_names[i]:
                changed[top] = i
            else:
                made_by[top] = i
    for i, layer in enumerate(layers):
        if layer.type == "Concat":
            names = parts.bottom_names[i]
            makers[i] = [made_by[name] for name in names]
            layer.views = (
                len(set(names)) == len(names)
                and all(layers[made_by[name]].type not in SHARES for name in names)
                and all(changed.get(name, -1) < i for name in [*names, *parts.top_names[i]])
            )
    return makers


def keep_unreached_tops(parts: Parts, makers: Dict[int, List[int]], first: int, last: int) -> None:
    """Before layers first..last run, keep the tops of the Concats after them as they are.

    One whose bottoms these layers write gets memory of its own. makers: what let_concats_view
    returned.
    """
    for number, made_by in makers.items():
        concat = parts.layers[number]
        if number > last and concat.views and any(first <= maker <= last for maker in made_by):
            concat.views = False
            parts.tops[number][0].move_out()


class Lease:
    """What the arrays that were given out of a block of memory refer to; dies with the last one."""

    def __init__(self, memory: SyncedMemory) -> None:
        self.values = memory.values
        # no property: NumPy asks for it, and loses a Ctrl-C that comes while code of ours answers
        self.__array_interface__ = self.values.__array_interface__


class SplitTop(Blob):
    """A Split's top. Its diff goes straight into the bottom's, until somebody looks at it."""

    def __init__(self, *shape: int) -> None:
        super().__init__(*shape)
        self.on_look: Optional[Callable[[], None]] = None
        self._lease: Callable[[], Optional[Lease]] = lambda: None  # a weak reference
        self.given_up = False  # was its diff given up, in a lean pass?

    @property
    def diff(self) -> np.ndarray:
        self._look()
        if self._diff.there.head > HEAD_AT_CPU:
            self._diff.values  # noqa: B018  they come from the device
        lease = self._present_lease()
        if lease is None:
            lease = Lease(self._diff)
            self._lease = weakref.ref(lease)
        return np.asarray(lease)[: self.count].reshape(self.shape)

    @property
    def gpu_diff(self) -> Any:
        self._look()
        return super().gpu_diff

    @property
    def mutable_gpu_diff(self) -> Any:
        self._look()
        return super().mutable_gpu_diff

    def set_gpu_diff(self, tensor: Any) -> None:
        self._look()
        super().set_gpu_diff(tensor)

    def _look(self) -> None:
        with self.lock:
            on_look = self.on_look
            if on_look is not None:
                on_look()

    def _present_lease(self) -> Optional[Lease]:
        """The last lease, if it is of the array that the diff lies in now."""
        lease = self._lease()
        return lease if lease is not None and lease.values is self._diff.held else None

    @property
    def diff_is_idle(self) -> bool:
        """Whether the diff is zero, and nobody holds an array of it."""
        held = self._present_lease() is not None
        if held or not self._diff.seen:
            return not held and not self.given_up
        if self._diff.there.head > HEAD_AT_CPU:
            return not bool(self._diff.gpu(self.shape, self.count).any())
        return not self._diff.values[: self.count].any()

    def forget_diff(self) -> None:
        """Give up the memory of `diff`; from here on it is zero, and new when it is looked at."""
        self._diff, self.given_up = SyncedMemory(self._diff.capacity), False


class MergedSplit:
    """One Split whose readers' gradients go into its bottom's diff one by one, in a backward pass.

    Sums then run from the last reader to the first, and Caffe's from the first top to the last.
    """

    def __init__(
        self,
        bottom: Blob,
        tops: Sequence[SplitTop],
        readers: Sequence[Tuple[Layer, List[Blob], List[Blob], int]],
        numbers: Sequence[int],
    ) -> None:
        self.bottom, self.tops = bottom, tops
        # for each top, (layer, its bottoms, its tops, the number of this one among the bottoms)
        self.readers = readers
        self.reader_numbers = numbers
        self.filled = False
        # number of a reader's layer -> the shapes at which it last ran backward
        self.ran: Dict[int, List[Tuple[int, ...]]] = {}
        for top in tops:
            top.on_look = self.separate

    @property
    def active(self) -> bool:
        return self.tops[0].on_look is not None

    def begin(self) -> None:
        """Before a backward pass, undo `separate` where the tops' diffs are idle.

        So they are after a program has set all diffs to zero. What an earlier pass left in them is
        added in by this one, as in Caffe.
        """
        self.filled = False
        if not self.active and all(top.diff_is_idle for top in self.tops):
            self.merge()

    def merge(self) -> None:
        """Undo `separate`: the tops' diffs are zero, and arrays of them stay with old memory."""
        self.ran.clear()
        for top in self.tops:
            top.forget_diff()
            top.on_look = self.separate

    def into(self) -> Blob:
        """A blob with a top's data, whose diff is the bottom's."""
        return self.bottom.twin()

    def finish(self, on_gpu: bool) -> None:
        """When the backward pass comes to the Split itself: nothing is left, if any reader ran."""
        if self.filled:
            return
        if on_gpu:
            self.bottom.mutable_gpu_diff.zero_()
        else:
            elementwise.clear(self.bottom.diff)

    def separate(self) -> None:
        """Give the tops diffs of their own, filled in as the last backward pass would have.

        That is if it ran at the present shapes.
        """
        for top in self.tops:
            top.on_look = None
        for at, (layer, bottom, tops, number) in zip(self.reader_numbers, self.readers):
            if self.ran.get(at) != _shapes(bottom, tops):
                continue
            learns = layer.learns
            try:
                layer.learns = [False] * len(layer.blobs)
                wanted = [i == number for i in range(len(bottom))]
                (layer.backward_gpu if layer.on_gpu else layer.backward)(tops, wanted, bottom)
            finally:
                layer.learns = learns


def _shapes(bottom: Sequence[Blob], top: Sequence[Blob]) -> List[Tuple[int, ...]]:
    return [blob.shape for blob in [*bottom, *top]]


def merge_splits(
    parts: Parts,
) -> Tuple[Dict[int, Dict[int, MergedSplit]], Dict[int, MergedSplit]]:
    """Merge the gradients of the Splits where it can be done.

    Returns {layer's number: {bottom's number: MergedSplit}} of the readers, and {number of a Split:
    MergedSplit}.
    """
    layers, bottoms, tops = parts.layers, parts.bottoms, parts.tops
    readers: Dict[int, List[Tuple[int, int]]] = {}
    for i, bottom in enumerate(bottoms):
        for j, blob in enumerate(bottom):
            readers.setdefault(id(blob), []).append((i, j))
    by_reader: Dict[int, Dict[int, MergedSplit]] = {}
    by_split: Dict[int, MergedSplit] = {}
    for i, layer in enumerate(layers):
        if layer.type != "Split" or any(parts.loss_weights[i]) or not parts.plan.bottoms[i][0]:
            continue
        places = [readers.get(id(top), []) for top in tops[i]]
        numbers = [number for place in places for number, _ in place]
        unlike = any(layers[n].type in SHARES or tops[n] == bottoms[n] for n in numbers)
        if any(len(place) != 1 for place in places) or len(set(numbers)) < len(numbers) or unlike:
            continue
        merged = MergedSplit(
            bottoms[i][0],
            tops[i],  # type: ignore[arg-type]
            [(layers[n], bottoms[n], tops[n], j) for ((n, j),) in places],
            numbers,
        )
        by_split[i] = merged
        for ((n, j),) in places:
            by_reader.setdefault(n, {})[j] = merged
    return by_reader, by_split


def backward_into(
    number: int,
    layer: Layer,
    top: List[Blob],
    wanted: List[bool],
    bottom: List[Blob],
    merged: Dict[int, MergedSplit],
    spare: Blob,
    slopes: Optional[Slopes],
) -> None:
    """Run a layer's backward pass with the diffs of some bottoms going into their Splits' bottoms.

    Args:
        number: the layer's.
        wanted: for each bottom, whether its gradient is.
        merged: {bottom's number: its MergedSplit}.
        spare: a Blob for layers that cannot add, and run on the CPU.
        slopes: what a layer that takes them, and adds or comes first, is given as `rectify`.
    """
    on_gpu = layer.on_gpu
    rectify = {"rectify": slopes} if slopes else {}
    for j, split in merged.items():
        if wanted[j]:
            split.ran[number] = _shapes(bottom, top)
    own, bottom = bottom, list(bottom)
    adding: List[Tuple[MergedSplit, Blob]] = []
    for j, split in merged.items():
        if not wanted[j]:
            continue
        if not split.filled:
            bottom[j] = split.into()
        elif layer.can_add and len(bottom) == 1 and not on_gpu:
            bottom[j] = split.into()
            cast(Any, layer).backward(top, wanted, bottom, add=True, **rectify)
            return
        else:
            bottom[j] = Blob() if adding or on_gpu else spare
            bottom[j].reshape_like(split.bottom)
            bottom[j].share_data(split.bottom)
            bottom[j].forget_view("data")  # of a lean pass, which has moved them since
            adding.append((split, bottom[j]))
    if rectify:
        cast(Any, layer).backward(top, wanted, bottom, **rectify)
    else:
        (layer.backward_gpu if on_gpu else layer.backward)(top, wanted, bottom)
    for split, blob in adding:
        if on_gpu:
            split.bottom.mutable_gpu_diff.add_(blob.gpu_diff)
        else:
            elementwise.add(split.bottom.diff, blob.diff)
        blob.forget_view("data")  # the spare one must hold no memory that is given up
    bottom[:] = own  # what the layer keeps of it, for gradients that wait, is not the spare one
    for j, split in merged.items():
        if wanted[j]:
            split.filled = True

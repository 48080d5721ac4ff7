"""Memory that blobs of a net share where nobody sees it.

A Concat's bottoms are views into its top, where that is one stretch of memory (one item in the batch). The diffs of a Split's tops
are added into its bottom's as they come, until somebody looks at one of them: from then on they have memory of their own.
"""

import sys
from typing import Dict, List

from ..blob import Blob
from ..kernels import elementwise

# layers whose tops or bottoms use another blob's memory, or that programs write into
_SHARES = {"Split", "Flatten", "Reshape", "Input", "Parameter", "Python", "DummyData", "MemoryData"}


def let_concats_view(layers, bottom_names, top_names):
    """Allow each Concat to put its bottoms into its top's memory, if no layer would see it.

    Returns {its number: those of the layers that make its bottoms}.
    """
    makers = {}
    made_by: Dict[str, int] = {}
    changed: Dict[str, int] = {}  # blob -> the last layer that works in place on it
    for i in range(len(layers)):
        for top in top_names[i]:
            if top in bottom_names[i]:
                changed[top] = i
            else:
                made_by[top] = i
    for i, layer in enumerate(layers):
        if layer.type == "Concat":
            names = bottom_names[i]
            makers[i] = [made_by[name] for name in names]
            layer.views = (
                len(set(names)) == len(names)
                and all(layers[made_by[name]].type not in _SHARES for name in names)
                and all(changed.get(name, -1) < i for name in [*names, *top_names[i]])
            )
    return makers


def keep_unreached_tops(layers, tops, makers, first, last):
    """Before layers first..last run: a Concat behind them whose bottoms they write gets memory of its own for its top, which must not change."""
    for number, made_by in makers.items():
        if (
            number > last
            and layers[number].views
            and any(first <= maker <= last for maker in made_by)
        ):
            layers[number].views = False
            tops[number][0].move_out()


class SplitTop(Blob):
    """A Split's top. Its diff goes straight into the Split's bottom's, until somebody looks at it."""

    def __init__(self, *shape):
        super().__init__(*shape)
        self.on_look = None

    @property
    def diff(self):
        if self.on_look is not None:
            self.on_look()
        return super().diff

    def forget_diff(self):
        """Give up the memory of `diff`, unless somebody holds an array of it; returns whether it is given up."""
        view, values = self._views.get("diff"), self._diff.values
        # one reference each of this blob's, of the variable here, and of getrefcount; the view's on the values
        if (
            not hasattr(sys, "getrefcount")
            or sys.getrefcount(view) > 3
            or sys.getrefcount(values) > 3 + (view is not None)
        ):
            return False
        self._views.pop("diff", None)
        self._diff = type(self._diff)(self._diff.capacity)
        return True


class MergedSplit:
    """One Split whose readers' gradients go into its bottom's diff one after the other, in a backward pass.

    Sums then run from the last reader to the first, where Caffe's run from the first top to the last.
    """

    def __init__(self, bottom, tops, readers, numbers):
        self.bottom, self.tops = bottom, tops
        self.readers = readers  # for each top, (layer, its bottoms, its tops, the number of this one among the bottoms)
        self.reader_numbers = numbers
        self.filled = False
        self.ran: Dict[
            int, list
        ] = {}  # number of a reader's layer -> the shapes at which it last ran backward
        for top in tops:
            top.on_look = self.separate

    @property
    def active(self):
        return self.tops[0].on_look is not None

    def begin(self):
        """Before a backward pass: undo `separate` if the tops' diffs are zero and nobody holds them, as after a program has set all diffs to zero.

        What an earlier pass left in them is added in by this one, as in Caffe.
        """
        self.filled = False
        if self.active or any(top.diff.any() for top in self.tops):
            return
        if all([top.forget_diff() for top in self.tops]):
            self.ran.clear()
            for top in self.tops:
                top.on_look = self.separate

    def into(self):
        """A blob with a top's data, whose diff is the bottom's."""
        blob = Blob()
        blob.reshape_like(self.bottom)
        blob.share_data(self.bottom)
        blob.share_diff(self.bottom)
        return blob

    def finish(self):
        """What is left to do when the backward pass comes to the Split itself: nothing, if any reader ran."""
        if not self.filled:
            self.bottom.diff[...] = 0

    def separate(self):
        """Give the tops diffs of their own, and fill them in as the last backward pass would have, if it ran at the present shapes."""
        for top in self.tops:
            top.on_look = None
        for at, (layer, bottom, top, number) in zip(self.reader_numbers, self.readers):
            if self.ran.get(at) != _shapes(bottom, top):
                continue
            learns, layer.learns = layer.learns, [False] * len(layer.blobs)
            layer.backward(top, [i == number for i in range(len(bottom))], bottom)
            layer.learns = learns


def _shapes(bottom, top):
    return [blob.shape for blob in [*bottom, *top]]


def merge_splits(layers, bottoms, tops, loss_weights, propagates):
    """{layer's number: {bottom's number: MergedSplit}} of the readers, and {number of a Split: MergedSplit}, for the Splits where it can be done."""
    readers: Dict[int, List[tuple]] = {}
    for i, bottom in enumerate(bottoms):
        for j, blob in enumerate(bottom):
            readers.setdefault(id(blob), []).append((i, j))
    by_reader: Dict[int, Dict[int, MergedSplit]] = {}
    by_split: Dict[int, MergedSplit] = {}
    for i, layer in enumerate(layers):
        if layer.type != "Split" or any(loss_weights[i]) or not propagates[i][0]:
            continue
        places = [readers.get(id(top), []) for top in tops[i]]
        numbers = [number for place in places for number, _ in place]
        unlike = any(layers[n].type in _SHARES or tops[n] == bottoms[n] for n in numbers)
        if any(len(place) != 1 for place in places) or len(set(numbers)) < len(numbers) or unlike:
            continue
        merged = MergedSplit(
            bottoms[i][0],
            tops[i],
            [(layers[n], bottoms[n], tops[n], j) for ((n, j),) in places],
            numbers,
        )
        by_split[i] = merged
        for ((n, j),) in places:
            by_reader.setdefault(n, {})[j] = merged
    return by_reader, by_split


def backward_into(number, layer, top, wanted, bottom, merged, spare):
    """Run a layer's backward pass with the diffs of some bottoms, {number: MergedSplit}, going into their Splits' bottoms.

    number: the layer's; spare: a Blob for layers that cannot add.
    """
    for j, split in merged.items():
        if wanted[j]:
            split.ran[number] = _shapes(bottom, top)
    bottom = list(bottom)
    adding: List[tuple] = []
    for j, split in merged.items():
        if not wanted[j]:
            continue
        if not split.filled:
            bottom[j] = split.into()
        elif layer.can_add and len(bottom) == 1:
            bottom[j] = split.into()
            layer.backward(top, wanted, bottom, add=True)
            return
        else:
            bottom[j] = spare if not adding else Blob()
            bottom[j].reshape_like(split.bottom)
            bottom[j].share_data(split.bottom)
            adding.append((split, bottom[j]))
    layer.backward(top, wanted, bottom)
    for split, blob in adding:
        elementwise.add(split.bottom.diff, blob.diff)
    for j, split in merged.items():
        if wanted[j]:
            split.filled = True

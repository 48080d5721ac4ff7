"""Partial passes: forward to the highest of several layers, backward from any blobs to any blob.

In Caffe a backward pass overwrites the diff of each bottom, visits every layer between its start
and its end, side branches too, and reads whatever their tops' diffs hold. What an earlier pass for
another target left there would leak into this one. So every backward pass of this package is
entered in a record of the net, and where the target changes, the diffs that the pass can see are
set to zero first. Within one target nothing is set to zero, as in the notebook.

A pass from several blobs goes in spans, from the highest down: where the next blob's turn comes,
what has arrived there by then is its gradient from above, and its own is added.
"""

import weakref
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..errors import Size, TargetError
from .objectives import Objective
from .preprocess import input_blob, input_name

Turns = Tuple[Tuple[int, str], ...]


@dataclass
class _Record:
    """Whose diffs a net holds.

    turns: (number of the layer, blob) from which the last pass started. objective: a weak reference
    to the function that wrote the first diff, or None. seen: {blob: the largest number of values
    that its diff had in a pass for this target}. stale: the same of all earlier targets; a blob
    that shrinks keeps its memory, so that what lies beyond its end comes back when it grows.
    """

    turns: Turns = ()
    objective: Optional[Callable[[], Any]] = None
    seen: Dict[str, int] = field(default_factory=dict)
    stale: Dict[str, int] = field(default_factory=dict)

    def is_of(self, turns: Turns, objective: Any) -> bool:
        """Whether the last pass had this target."""
        last = self.objective and self.objective()
        # a bound method is a new object each time that it is looked up
        same = last is objective or hasattr(objective, "__func__") and last == objective
        return self.turns == turns and same


_records: "weakref.WeakKeyDictionary[Any, _Record]" = weakref.WeakKeyDictionary()


def _begin(net: Any, turns: Turns, objective: Any = None) -> None:
    """Enter a backward pass in the net's record, and clear what passes for other targets have left.

    The diffs of a net with no record are taken to be zero, as they are when it is new: looking at
    them would allocate them all.
    """
    record = _records.setdefault(net, _Record(turns, _weak(objective)))
    if not record.is_of(turns, objective):
        left = {name: max(record.stale.get(name, 0), n) for name, n in record.seen.items()}
        stale = {**record.stale, **left}
        record = _records[net] = _Record(turns, _weak(objective), stale=stale)
    names = list(net._layer_names)[: turns[0][0] + 1] if turns else []
    for name in dict.fromkeys(top for layer in names for top in net.top_names[layer]):
        count, seen = net.blobs[name].count, record.seen.get(name, 0)
        if count > seen:
            if record.stale.get(name, 0) > seen:
                _clear(net.blobs[name], seen)
            record.seen[name] = count


def _clear(blob: Any, first: int) -> None:
    """Set the values of a blob's diff to zero, from this one on."""
    blob.diff.reshape(-1)[first:] = 0


def _weak(objective: Any) -> Optional[Callable[[], Any]]:
    """A reference that does not keep the objective, which may hold the net itself."""
    if objective is None:
        return None
    kind = weakref.WeakMethod if hasattr(objective, "__func__") else weakref.ref
    try:
        return kind(objective)
    except TypeError:  # a builtin type; it holds no net
        return lambda: objective


def last_writer(net: Any, blob: str, end: Optional[int] = None) -> int:
    """Number of the last layer, up to number `end`, that writes a blob, in place or not."""
    names = list(net._layer_names)
    writers = [
        i
        for i, name in enumerate(names[: end + 1 if end is not None else None])
        if blob in net.top_names[name]
    ]
    if not writers:
        limit = "" if end is None else f' up to "{names[end]}"'
        raise TargetError(f'no layer makes a blob "{blob}"{limit}', layer=blob)
    return writers[-1]


def highest(net: Any, layers: Sequence[str]) -> str:
    """The one of these layers that runs last; a blob stands for the layer that makes it.

    Raises TargetError if the net lacks one.
    """
    names = list(net._layer_names)

    def turn(layer: str) -> int:
        if layer in names and layer in net.top_names[layer]:
            return names.index(layer)
        if layer not in net.blobs:
            raise TargetError(f'the net has no layer "{layer}"', layer=layer)
        return last_writer(net, layer)

    return str(names[max(map(turn, layers))])


def clear_diffs(net: Any) -> None:
    """Set every blob's diff to zero."""
    for blob in net.blobs.values():
        blob.diff[...] = 0


def backward(
    net: Any,
    diffs: Mapping[str, Any],
    end: Optional[str] = None,
    to: Optional[str] = None,
    clear: bool = True,
) -> np.ndarray:
    """The gradient at the blob `to` of the sum over blobs of diffs[blob] * its values.

    Equal to Caffe's own net.backward for one blob.

    Args:
        net: after a forward pass up to `end`.
        diffs: {blob: array like its data}.
        end: the layer at which the forward pass ended; by default the highest of the blobs. A
            blob's values are those after its in-place layers, except for one that comes after
            `end`.
        to: the blob whose gradient is wanted; the net's input without one.
        clear: set all diffs to zero first. Without it, only those are set to zero that passes of
            this package for other blobs have left.

    Returns:
        The diff of `to`, which the next pass overwrites.

    Raises:
        TargetError: no layer makes one of the blobs.
    """
    names = list(net._layer_names)
    to = to or input_name(net)
    last = None if end is None else names.index(end)
    turns = sorted(((last_writer(net, blob, last), blob) for blob in diffs), reverse=True)
    stop = last_writer(net, to, last) + 1
    if clear:
        clear_diffs(net)
    _begin(net, tuple(turns))
    for blob in diffs:
        net.blobs[blob].diff[...] = 0  # nothing else clears one that no layer above reads
    for number, (turn, blob) in enumerate(turns):
        net.blobs[blob].diff[...] += diffs[blob]
        following = turns[number + 1][0] + 1 if number + 1 < len(turns) else stop
        following = max(following, stop)
        if turn >= following:
            net.backward(start=names[turn], end=names[following])
    gradient: np.ndarray = net.blobs[to].diff
    return gradient


def backward_from(net: Any, end: str, objective: Callable[[Any], None]) -> np.ndarray:
    """The gradient of the input, (N, C, H, W), from what objective(dst) writes to dst.diff.

    dst is the blob `end`. The notebook's backward pass (cell 4), for a net after a forward pass
    to the layer `end`. The next pass overwrites what is returned.
    """
    _begin(net, ((list(net._layer_names).index(end), end),), objective)
    objective(net.blobs[end])
    net.backward(start=end)
    gradient: np.ndarray = input_blob(net).diff
    return gradient


def forward_values(net: Any, layers: Sequence[str]) -> Tuple[Dict[str, np.ndarray], str]:
    """({layer: its activations, live}, the highest layer) after a forward pass up to that."""
    end = highest(net, layers)
    net.forward(end=end)
    return {layer: net.blobs[layer].data for layer in layers}, end


def gradient(
    net: Any,
    objective: Objective,
    size: Optional[Size] = None,
    shift: Tuple[int, int] = (0, 0),
    clear: bool = True,
) -> Tuple[float, np.ndarray]:
    """(value, gradient of the input (N, C, H, W)) of an Objective at what the net's input holds.

    One forward and one partial backward pass. size, shift: as in Objective.value_and_gradients.
    clear: as in `backward`.
    """
    activations, end = forward_values(net, objective.layers)
    size = size or input_blob(net).data.shape[2:]
    value, diffs = objective.value_and_gradients(activations, size, shift)
    return value, backward(net, diffs, end, clear=clear)

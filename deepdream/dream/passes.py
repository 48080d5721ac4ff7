"""Partial passes: forward to the highest of several layers, backward from any blobs to any blob.

In Caffe a backward pass overwrites the diff of each bottom, visits every layer between its start
and its end, side branches too, and reads whatever their tops' diffs hold. What anything before it
has left there, a pass of this package or a program's own, would leak into it. So a request (a
dream, a match, a partial pass) begins with `new_request`, and what its passes read for the first
time is set to what a new net has there: zero, or a loss's weight. Within one request nothing more
is set that the notebook would carry on: what a function has written to the diff of its own layer.

A pass from several blobs goes in spans, from the highest down: where the next blob's turn comes,
what has arrived there by then is its gradient from above, and its own is added.
"""

import weakref
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..errors import Size, TargetError
from .empty_windows import empty_windows
from .objectives import Objective
from .on_device.blobs import (
    add_to_diff,
    clear_diff,
    on_gpu,
    read_data,
    read_diff,
    slopes,
    write_slope,
)
from .preprocess import input_blob, input_name

Turns = Tuple[Tuple[int, str], ...]


@dataclass
class _Request:
    """Whose diffs a net holds.

    turns: (number of the layer, blob) from which its passes start. objective: a weak reference to
    the function that writes the first diff, or None. read: the blobs whose diffs its passes read;
    unwritten: those of them that no layer has written before. losses: {blob: its loss weight}.
    seen: {blob: the largest number of values that its diff had so far}; a blob that shrinks keeps
    its memory, so that what lies beyond its end comes back when it grows. room: {blob: how many its
    memory would hold by now in a new net}; one that grows beyond that gets new memory, all zero.
    """

    turns: Turns
    objective: Optional[Callable[[], Any]]
    read: Sequence[str]
    unwritten: Sequence[str]
    losses: Mapping[str, float]
    room: Dict[str, int]
    seen: Dict[str, int] = field(default_factory=dict)

    def is_of(self, turns: Turns, objective: Any) -> bool:
        """Whether its passes have this target."""
        last = self.objective and self.objective()
        # a bound method is a new object each time that it is looked up
        same = last is objective or hasattr(objective, "__func__") and last == objective
        return self.turns == turns and same


_requests: "weakref.WeakKeyDictionary[Any, _Request]" = weakref.WeakKeyDictionary()


def new_request(net: Any) -> None:
    """Let the next backward pass begin as on a new net, whatever this one did before."""
    if not hasattr(net, "first_counts"):  # those of load_net have it from the start
        net.first_counts = {name: blob.count for name, blob in net.blobs.items()}
    _requests.pop(net, None)
    # the built-in engine's order of sums depends on what programs hold
    getattr(net, "_merge_splits", lambda: None)()


def _begin(net: Any, turns: Turns, objective: Any = None) -> None:
    """Before a backward pass, clear what others have left in the diffs that it reads.

    A pass for another target begins a new request by itself.
    """
    request = _requests.get(net)
    if request is None or not request.is_of(turns, objective):
        new_request(net)
        request = _requests[net] = _request(net, turns, objective)
    for name in request.read:
        count, seen = net.blobs[name].count, request.seen.get(name, 0)
        if count > seen:
            new_memory = count > request.room[name]
            _clear(net, name, 0 if new_memory else seen, request.losses.get(name, 0))
            request.seen[name], request.room[name] = count, max(count, request.room[name])
    for name in request.unwritten:
        _clear(net, name, 0, request.losses.get(name, 0))


def _request(net: Any, turns: Turns, objective: Any) -> _Request:
    names = list(net._layer_names)[: turns[0][0] + 1] if turns else []
    read: Dict[str, None] = {}
    unwritten, written = [], {blob for _, blob in turns}
    tops, bottoms = net.top_names, net.bottom_names
    for layer in reversed(names):
        read.update(dict.fromkeys(tops[layer]))
        unwritten += [top for top in tops[layer] if top not in written]
        written.update(tops[layer], bottoms[layer])
    losses = getattr(net, "blob_loss_weights", {})  # old pycaffes do not tell
    room = dict(net.first_counts)
    return _Request(turns, _weak(objective), list(read), unwritten, dict(losses), room)


def _clear(net: Any, name: str, first: int, value: float) -> None:
    """Set the values of a blob's diff, from this one on, to what they are in a new net.

    The built-in engine's that nobody has looked at stay so: looking would allocate them.
    """
    blob = net.blobs[name]
    if not getattr(blob, "_diff_is_new", False):
        clear_diff(net, blob, first, value)


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


def backward(
    net: Any,
    diffs: Mapping[str, Any],
    end: Optional[str] = None,
    to: Optional[str] = None,
    clear: bool = True,
) -> np.ndarray:
    """The gradient at the blob `to` of the sum over blobs of diffs[blob] * its values.

    Equal to Caffe's own net.backward of a new net for one blob; losses on the way add theirs.

    Args:
        net: after a forward pass up to `end`.
        diffs: {blob: array like its data}, or in GPU mode a tensor.
        end: the layer at which the forward pass ended; by default the highest of the blobs. A
            blob's values are those after its in-place layers, except for one that comes after
            `end`.
        to: the blob whose gradient is wanted; the net's input without one.
        clear: begin a new request. Without it, a pass from the same blobs as the last one carries
            on what that one began.

    Returns:
        The diff of `to`, to be read; the next pass overwrites it.

    Raises:
        TargetError: no layer makes one of the blobs.
    """
    to = to or input_name(net)
    leave_gradient(net, diffs, end, to, clear)
    return read_diff(net, net.blobs[to])


def leave_gradient(
    net: Any,
    diffs: Mapping[str, Any],
    end: Optional[str] = None,
    to: Optional[str] = None,
    clear: bool = True,
) -> None:
    """`backward`, which leaves the gradient in the diff of `to`, where the net computes."""
    names = list(net._layer_names)
    to = to or input_name(net)
    last = None if end is None else names.index(end)
    turns = sorted(((last_writer(net, blob, last), blob) for blob in diffs), reverse=True)
    stop = last_writer(net, to, last) + 1
    if clear:
        new_request(net)
    _begin(net, tuple(turns))
    if turns and empty_windows(net, turns[0][0]):
        net.blobs[to].diff[...] = np.nan  # a pass would be none
        return
    for blob in diffs:
        # nothing else clears one that no layer above reads
        clear_diff(net, net.blobs[blob], 0, 0)
    for number, (turn, blob) in enumerate(turns):
        add_to_diff(net, net.blobs[blob], diffs[blob])
        following = turns[number + 1][0] + 1 if number + 1 < len(turns) else stop
        following = max(following, stop)
        if turn >= following:
            net.backward(start=names[turn], end=names[following])


def backward_from(net: Any, end: str, objective: Callable[[Any], None]) -> np.ndarray:
    """The gradient of the input, (N, C, H, W), from what objective(dst) writes to dst.diff.

    dst is the blob `end`. The notebook's backward pass (cell 4), for a net after a forward pass
    to the layer `end`. The next pass overwrites what is returned.
    """
    leave_gradient_from(net, end, objective)
    return read_diff(net, input_blob(net))


def leave_gradient_from(net: Any, end: str, objective: Callable[[Any], None]) -> None:
    """`backward_from`, which leaves the gradient in the input's diff, where the net computes."""
    number = list(net._layer_names).index(end)
    _begin(net, ((number, end),), objective)
    if not (on_gpu(net) and write_slope(net, net.blobs[end], objective)):
        objective(net.blobs[end])
    if empty_windows(net, number):
        input_blob(net).diff[...] = np.nan  # a pass would be none
        return
    net.backward(start=end)


def forward_values(net: Any, layers: Sequence[str]) -> Tuple[Dict[str, np.ndarray], str]:
    """({layer: its activations, live}, the highest layer) after a forward pass up to that."""
    end = highest(net, layers)
    net.forward(end=end)
    return {layer: net.blobs[layer].data for layer in layers}, end


def climb(net: Any, objective: Objective, shift: Tuple[int, int]) -> None:
    """`gradient` without the value, of a pass that carries on; it is left in the input's diff.

    In GPU mode the activations stay on the device where the objective allows.
    """
    _, _, *size = input_blob(net).shape
    end = highest(net, objective.layers)
    net.forward(end=end)
    diffs = slopes(net, objective, (size[0], size[1]), shift) if on_gpu(net) else None
    if diffs is None:
        activations = {layer: read_data(net, net.blobs[layer]) for layer in objective.layers}
        diffs = objective.value_and_gradients(activations, (size[0], size[1]), shift)[1]
    leave_gradient(net, diffs, end, clear=False)


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

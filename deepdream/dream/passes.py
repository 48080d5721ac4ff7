"""Partial passes: forward to the highest of several layers, and backward from any blobs to any blob.

In Caffe a backward pass overwrites the diff of each bottom, visits every layer between its start and its end, side branches too, and reads
whatever their tops' diffs hold. So here the diffs are set to zero first, and a pass from several blobs goes in spans, from the highest down: where
the next blob's turn comes, what has arrived there by then is its gradient from above, and its own is added.
"""

from ..errors import TargetError


def last_writer(net, blob, end=None):
    """Number of the last layer up to number `end` that writes a blob, in place or not."""
    names = list(net._layer_names)
    writers = [
        i
        for i, name in enumerate(names[: end + 1 if end is not None else None])
        if blob in net.top_names[name]
    ]
    if not writers:
        raise TargetError(
            f'no layer makes a blob "{blob}"' + ("" if end is None else f' up to "{names[end]}"')
        )
    return writers[-1]


def highest(net, layers):
    """The one of these layers that runs last. Raises TargetError for one that the net does not have."""
    names = list(net._layer_names)
    for layer in layers:
        if layer not in names:
            raise TargetError(f'the net has no layer "{layer}"')
    return max(layers, key=names.index)


def clear_diffs(net):
    """Set every blob's diff to zero."""
    for blob in net.blobs.values():
        blob.diff[...] = 0


def backward(net, diffs, end=None, to="data", clear=True):
    """The gradient at the blob `to` of the sum over blobs of diffs[blob] * its values; an array that the next pass overwrites.

    diffs: {blob: array like its data}. The blobs' values are those that the last forward pass left, up to the layer `end` (by default the highest
    of the blobs): behind in-place layers, but for one that stands behind `end`. clear: set all diffs to zero first; leave that out only if no
    other blob's diff has been written since the last call with the same blobs. Equal to Caffe's own net.backward for one blob.
    """
    names = list(net._layer_names)
    last = None if end is None else names.index(end)
    if clear:
        clear_diffs(net)
    for blob in diffs:
        net.blobs[blob].diff[...] = 0  # one that nothing above reads keeps what it had, otherwise
    turns = sorted(((last_writer(net, blob, last), blob) for blob in diffs), reverse=True)
    stop = last_writer(net, to, last) + 1
    for number, (turn, blob) in enumerate(turns):
        net.blobs[blob].diff[...] += diffs[blob]
        following = turns[number + 1][0] + 1 if number + 1 < len(turns) else stop
        following = max(following, stop)
        if turn >= following:
            net.backward(start=names[turn], end=names[following])
    return net.blobs[to].diff


def forward_values(net, layers):
    """({layer: its activations, live}, the highest layer) after a forward pass to the highest of the layers."""
    end = highest(net, layers)
    net.forward(end=end)
    return {layer: net.blobs[layer].data for layer in layers}, end


def gradient(net, objective, size=None, shift=(0, 0), clear=True):
    """(value, gradient of the input (N, 3, H, W)) of an Objective at what the net's input holds; one forward and one partial backward pass."""
    activations, end = forward_values(net, objective.layers)
    value, diffs = objective.value_and_gradients(
        activations, size or net.blobs["data"].data.shape[2:], shift
    )
    return value, backward(net, diffs, end, clear=clear)

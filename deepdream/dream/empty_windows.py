"""Pooling windows without a largest value, on which a real Caffe's backward pass breaks memory.

Its MAX pooling starts from -FLT_MAX and a mask of -1 and keeps what compares greater. Nothing in a
window of NaN does, so the backward pass adds to the value before the first one of the bottom's diff
(pooling_layer.cpp, Backward_cpu), and the process dies sooner or later. The built-in engine adds
nothing there.
"""

from typing import Any

import numpy as np

_NO_MAXIMUM = -np.finfo(np.float32).max


def empty_windows(net: Any, last: int) -> bool:
    """Whether a backward pass of a real Caffe from layer number `last` would meet such a window.

    After a forward pass to that layer or beyond it.
    """
    if hasattr(net, "_merge_splits"):  # the built-in engine
        return False
    names = list(net._layer_names)[: last + 1]
    tops, bottoms = net.top_names, net.bottom_names
    for number, name in enumerate(names):
        if net.layers[number].type != "Pooling":
            continue
        top = tops[name][0]
        if any(top in tops[later] for later in names[number + 1 :]):
            # a layer in place has written over what would tell; one NaN is enough for doubt
            empty = np.isnan(net.blobs[bottoms[name][0]].data).any()
        else:
            empty = (net.blobs[top].data == _NO_MAXIMUM).any()
        if empty:
            return True
    return False

"""Objectives: functions that write `dst.diff` from `dst.data`, between the forward and the backward pass.

A custom objective is any such function; `dst` is the blob named by `end`, arrays (1, C, H, W).
"""

import numpy as np


def objective_L2(dst):
    """Grow every activation: the gradient of half the sum of squares (notebook cell 4)."""
    dst.diff[:] = dst.data


def objective_guide(guide_features):
    """Make the features at each place more like the nearest of the guide's (notebook, the last dream).

    guide_features: (C, h, w), any h and w. At each position the gradient is the guide's feature vector whose dot
    product with the picture's own is the largest.
    """
    y = guide_features.reshape(guide_features.shape[0], -1)

    def objective(dst):
        x = dst.data[0]
        channels = x.shape[0]
        flat = x.reshape(channels, -1)
        products = flat.T.dot(y)
        dst.diff[0].reshape(channels, -1)[:] = y[:, products.argmax(1)]

    return objective


def guide_features(net, guide, end):
    """Activations (C, h, w) of `end` for a guide picture, RGB (H, W, 3), at its own size, unjittered."""
    from .image import preprocess

    src, dst = net.blobs["data"], net.blobs[end]
    height, width = np.shape(guide)[:2]
    src.reshape(1, 3, height, width)
    src.data[0] = preprocess(net, guide)
    net.forward(end=end)
    return dst.data[0].copy()

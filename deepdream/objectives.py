"""Objectives: functions that write `dst.diff` from `dst.data`, between the forward and the backward pass.

A custom objective is any such function; `dst` is the blob named by `end`, arrays (1, C, H, W).
"""


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

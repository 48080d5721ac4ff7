"""Which of a guide's feature vectors is nearest to each place's: the notebook's last dream."""

from typing import Any, Optional, Tuple

import numpy as np

# how many products of places and guide vectors are held at a time: 64 MB of them
MOST_PRODUCTS = 1 << 24
_ROUNDING = 2.0**-24  # of one operation in float32, relative


def nearest(x: np.ndarray, y: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """(column of y with the largest product with each column of x, that product).

    x is (C, P), y (C, Q). In blocks of places, so that memory stays bounded; up to 64 MB of
    products it is one block, as in the notebook.
    """
    block = max(1, MOST_PRODUCTS // y.shape[1])
    best, largest = np.empty(x.shape[1], np.int64), np.empty(x.shape[1], x.dtype)
    for first in range(0, x.shape[1], block):
        products = x[:, first : first + block].T.dot(y)
        columns = products.argmax(1)
        best[first : first + block] = columns
        largest[first : first + block] = products[np.arange(len(columns)), columns]
    return best, largest


def nearest_there(x: Any, y: Any, sure: bool = False) -> Optional[Any]:
    """`nearest`'s columns, of tensors on a device.

    sure: give None where at some place two products are so near that sums in another order, as
    NumPy's are, may have another of them as the largest.
    """
    block = max(1, MOST_PRODUCTS // y.shape[1])
    # of vectors of length 1: what two sums may be off on either side
    near = 4 * y.shape[0] * _ROUNDING * y.square().sum(0).sqrt().max()
    best = x.new_zeros(x.shape[1]).long()
    for first in range(0, x.shape[1], block):
        part = x[:, first : first + block]
        products = part.T @ y
        columns = products.argmax(1, keepdim=True)
        best[first : first + block] = columns[:, 0]
        if sure:
            largest = products.gather(1, columns)[:, 0]
            rest = products.scatter_(1, columns, -np.inf).amax(1)
            lengths = part.square().sum(0).sqrt()
            # at a place that is zero everywhere all products are, on either side
            if bool(((largest - rest <= near * lengths) & (lengths > 0)).any()):
                return None
    return best

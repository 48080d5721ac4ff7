"""ReLU over flat float32 arrays, in Caffe's own arithmetic; in and out may be the same array."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def relu_forward(x, y, slope):
    zero = np.float32(0)
    for i in range(x.size):
        v = x[i]
        y[i] = (zero if v < zero else v) + slope * (v if v < zero else zero)


@numba.njit(cache=True, nogil=True)
def relu_backward(x, dy, dx, slope):
    for i in range(x.size):
        dx[i] = dy[i] * (np.float32(1) if x[i] > 0 else slope)

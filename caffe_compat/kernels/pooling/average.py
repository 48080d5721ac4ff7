"""AVE pooling over planes: x (planes, H, W), y (planes, H', W'), float32."""

import numpy as np

from .. import threads
from ..atomic import float32s, record
from ..compiled.later import numba
from .window import Arguments, Window, large, next_plane, reach, run, small, span


@numba.njit(nogil=True, error_model="numpy")
def _extent(i, kernel, stride, pad, size):
    """What Caffe divides an average by, along one axis: the window clipped to size + pad."""
    start = i * stride - pad
    return min(start + kernel, size + pad) - start


@numba.njit(nogil=True, error_model="numpy")
def _area(i, j, window, height, width):
    """The values by which the average of window i, j is divided, padding included."""
    tall = _extent(i, window.kernel_h, window.stride_h, window.pad_h, height)
    return np.float32(tall * _extent(j, window.kernel_w, window.stride_w, window.pad_w, width))


@numba.njit(nogil=True, error_model="numpy")
def _average_plane(x, y, window, p):
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    first_k, last_k = reach(window, width, out_w)
    for i in range(out_h):
        total = y[p, i]
        total[:] = 0
        top = i * window.stride_h - window.pad_h
        for h in range(max(0, top), min(height, top + window.kernel_h)):
            row = x[p, h]
            for k in range(first_k, last_k):
                shift = k - window.pad_w
                left, right = span(shift, window.stride_w, width, out_w)
                for j in range(left, right):
                    total[j] += row[j * window.stride_w + shift]
        for j in range(out_w):
            total[j] /= _area(i, j, window, height, width)


@numba.njit(nogil=True, error_model="numpy")
def _average_plane_backward(dy, dx, add, share, window, p):
    _, height, width = dx.shape
    _, out_h, out_w = dy.shape
    if not add:
        dx[p] = 0
    first_k, last_k = reach(window, width, out_w)
    for i in range(out_h):
        for j in range(out_w):
            share[j] = dy[p, i, j] / _area(i, j, window, height, width)
        top = i * window.stride_h - window.pad_h
        for h in range(max(0, top), min(height, top + window.kernel_h)):
            row = dx[p, h]
            for k in range(first_k, last_k):
                shift = k - window.pad_w
                left, right = span(shift, window.stride_w, width, out_w)
                for j in range(left, right):
                    row[j * window.stride_w + shift] += share[j]


@threads.Task
def _average_forward(arguments, scratch):
    p = record(Arguments, threads.given(arguments))
    x, y = large(float32s(p.picture), p), small(float32s(p.pooled), p)
    plane = next_plane(arguments, p, -1)
    while plane >= 0:
        _average_plane(x, y, p.window, plane)
        plane = next_plane(arguments, p, plane)


@threads.Task
def _average_backward(arguments, scratch):
    p = record(Arguments, threads.given(arguments))
    dx, dy = large(float32s(p.picture), p), small(float32s(p.pooled), p)
    share = np.empty(p.out_w, np.float32)
    plane = next_plane(arguments, p, -1)
    while plane >= 0:
        _average_plane_backward(dy, dx, p.add != 0, share, p.window, plane)
        plane = next_plane(arguments, p, plane)


def average_forward(x: np.ndarray, y: np.ndarray, window: Window) -> None:
    """y = the sum of each window of x over its values, those of the padding counted as zeros."""
    run(_average_forward, x, y, None, window)


def average_backward(dy: np.ndarray, dx: np.ndarray, window: Window, add: bool = False) -> None:
    """dx = each gradient, shared among the values of its window, or with `add` dx += it."""
    run(_average_backward, dx, dy, None, window, add)

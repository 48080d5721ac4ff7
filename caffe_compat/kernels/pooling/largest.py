"""MAX pooling over planes: x (planes, H, W), y (planes, H', W'), float32.

Each loop takes one window offset for a whole output row, in the window's scan order, which
vectorises.
"""

from typing import Optional

import numpy as np

from .. import threads
from ..atomic import float32s, int8s, int32s, record
from ..compiled.later import numba
from ..elementwise import rectify_back
from . import three
from .rows import LOWEST
from .window import Arguments, Window, large, next_plane, reach, run, small, span

_WIDE = 48  # columns
_FEW = 4096  # places of a window that are looked up, not computed


@numba.njit(nogil=True, error_model="numpy")
def _keep_larger(x, start, stride, best, where, at, count, code):
    """best = max(best, x[start::stride]), and where = code at the places that change.

    From `at` on; all arrays are flat. Places are unsigned, since numba would look for negative ones
    at each; the usual strides stand by name, since constants vectorise.
    """
    one, two = np.uint64(1), np.uint64(2)
    if stride == one:
        for j in range(count):
            v = x[start + j]
            larger = v > best[at + j]
            best[at + j] = v if larger else best[at + j]
            where[at + j] = code if larger else where[at + j]
    elif stride == two:
        for j in range(count):
            v = x[start + two * j]
            larger = v > best[at + j]
            best[at + j] = v if larger else best[at + j]
            where[at + j] = code if larger else where[at + j]
    else:
        for j in range(count):
            v = x[start + stride * j]
            larger = v > best[at + j]
            best[at + j] = v if larger else best[at + j]
            where[at + j] = code if larger else where[at + j]


@numba.njit(nogil=True, error_model="numpy")
def _max_plane(x, y, mask, window, p):
    """Maximum of each window, and in `mask` which of its places was the first to hold it.

    Padding never wins. mask: signed integers; places are numbered row by row over the whole window,
    its padding included; -1: all was padding or NaN.
    """
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    y[p] = LOWEST
    mask[p] = -1
    source, best, where = x.reshape(-1), y.reshape(-1), mask.reshape(-1)
    stride = np.uint64(window.stride_w)
    first_k, last_k = reach(window, width, out_w)
    for i in range(out_h):
        start = i * window.stride_h - window.pad_h
        row = (p * out_h + i) * out_w
        for h in range(max(0, start), min(height, start + window.kernel_h)):
            for k in range(first_k, last_k):
                shift = k - window.pad_w
                left, right = span(shift, window.stride_w, width, out_w)
                at = np.uint64((p * height + h) * width + left * window.stride_w + shift)
                code = np.int32((h - start) * window.kernel_w + k)
                place, count = np.uint64(row + left), np.uint64(right - left)
                _keep_larger(source, at, stride, best, where, place, count, code)


@numba.njit(nogil=True, error_model="numpy")
def _shift(code, window, width):
    """Where in a plane a place of the window lies, from the window's first on."""
    row, column = code // window.kernel_w - window.pad_h, code % window.kernel_w - window.pad_w
    return row * width + column


@numba.njit(nogil=True, error_model="numpy")
def _max_plane_backward(dy, mask, dx, add, shift, window, p):
    """Each output's gradient goes to where its maximum lay; added to what dx holds if `add`.

    dy, mask (planes, H', W'), dx (planes, H, W); shift: _shift of the first _FEW places.
    """
    _, out_h, out_w = dy.shape
    width = dx.shape[2]
    target = dx[p].reshape(-1)
    if not add:
        target[:] = 0
    for i in range(out_h):
        for j in range(out_w):
            code = mask[p, i, j]
            if code >= 0:
                # a division for each value would cost more than all else
                place = shift[code] if code < _FEW else _shift(code, window, width)
                target[i * window.stride_h * width + j * window.stride_w + place] += dy[p, i, j]


@numba.njit(nogil=True)
def _max_forward(arguments, p, mask):
    x, y, mask = large(float32s(p.picture), p), small(float32s(p.pooled), p), small(mask, p)
    plane = next_plane(arguments, p, -1)
    while plane >= 0:
        _max_plane(x, y, mask, p.window, plane)
        plane = next_plane(arguments, p, plane)


@numba.njit(nogil=True)
def _max_backward(arguments, p, mask):
    dx, dy, mask = large(float32s(p.picture), p), small(float32s(p.pooled), p), small(mask, p)
    flat = float32s(p.picture)
    places = min(p.window.kernel_h * p.window.kernel_w, _FEW)
    shift = np.array([_shift(code, p.window, p.width) for code in range(places)])
    plane = next_plane(arguments, p, -1)
    while plane >= 0:
        _max_plane_backward(dy, mask, dx, p.add != 0, shift, p.window, plane)
        if p.passed:
            size = np.uint64(p.height * p.width)
            first = np.uint64(plane) * size
            rectify_back(flat, float32s(p.passed), np.float32(p.slope), first, first + size)
        plane = next_plane(arguments, p, plane)


@threads.Task
def _max_forward_small(arguments, scratch):
    p = record(Arguments, threads.given(arguments))
    _max_forward(arguments, p, int8s(p.mask))


@threads.rarely
def _max_forward_large(arguments, scratch):
    p = record(Arguments, threads.given(arguments))
    _max_forward(arguments, p, int32s(p.mask))


@threads.Task
def _max_backward_small(arguments, scratch):
    p = record(Arguments, threads.given(arguments))
    _max_backward(arguments, p, int8s(p.mask))


@threads.rarely
def _max_backward_large(arguments, scratch):
    p = record(Arguments, threads.given(arguments))
    _max_backward(arguments, p, int32s(p.mask))


def mask_like(y: np.ndarray, window: Window) -> np.ndarray:
    """An array for the mask of max_forward: int8 where the window's places can be numbered so."""
    return np.empty(y.shape, np.int8 if window.kernel_h * window.kernel_w < 128 else np.int32)


def max_forward(x: np.ndarray, y: np.ndarray, mask: np.ndarray, window: Window) -> None:
    """y = the maximum of each window of x, and in mask (see mask_like) where it lay."""
    if three.fits(window):
        three.max_forward(x, y, mask, window)
        return
    task = _max_forward_small if mask.dtype == np.int8 else _max_forward_large
    run(task, x, y, mask, window)


def max_backward(
    dy: np.ndarray,
    mask: np.ndarray,
    dx: np.ndarray,
    window: Window,
    add: bool = False,
    passed: Optional[np.ndarray] = None,
    slope: threads.Number = 0.0,
) -> None:
    """dx = each gradient where its maximum lay, or with `add` dx += it.

    passed: the picture; dx is then multiplied by `slope` where that is not above 0, as by a ReLU.
    """
    # rows of a few vectors are gathered no sooner than scattered
    if three.fits(window) and (window.stride_w == 2 or dx.shape[2] >= _WIDE):
        three.max_backward(dy, mask, dx, window, add, passed, slope)
        return
    task = _max_backward_small if mask.dtype == np.int8 else _max_backward_large
    run(task, dx, dy, mask, window, add, passed, slope)

"""Pooling over planes: x (planes, H, W), y (planes, H', W'), float32.

Each loop takes one window offset for a whole output row, in the window's scan order, which
vectorises.
"""

from typing import NamedTuple, Optional

import numpy as np

from . import threads
from .atomic import float32s, int8s, int32s, record
from .compiled.later import numba

_FEW = 4096  # places of a window that are looked up, not computed
_LOWEST = np.float32(-3.4028234663852886e38)


class Window(NamedTuple):
    """The window, its steps, and the padding around the picture, in values."""

    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int


@numba.njit(nogil=True, error_model="numpy")
def _span(j_offset, stride, width, out_w):
    """Output columns whose source at this offset lies inside the picture."""
    left = min(out_w, max(0, -(j_offset // stride)))
    return left, max(left, min(out_w, (width - j_offset + stride - 1) // stride))


@numba.njit(nogil=True, error_model="numpy")
def _reach(window, width, out_w):
    """The window's columns that lie in the picture for any output column.

    A window may be far wider than the picture.
    """
    first = max(0, window.pad_w - (out_w - 1) * window.stride_w)
    return first, min(window.kernel_w, width + window.pad_w)


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


@numba.njit(nogil=True, inline="always")
def _larger(v, best, new, code):
    """(the larger value, `new` if that is v, else `code`)."""
    larger = v > best
    return (v if larger else best), (new if larger else code)


@numba.njit(nogil=True, error_model="numpy")
def _nine(a, b, c, y, mask):
    """The maximum of 3x3 windows one column apart, with all nine values in registers.

    a, b, c: their three rows.
    """
    for j in range(y.size):
        best, code = _larger(a[j], _LOWEST, np.int32(0), np.int32(-1))
        best, code = _larger(a[j + 1], best, np.int32(1), code)
        best, code = _larger(a[j + 2], best, np.int32(2), code)
        best, code = _larger(b[j], best, np.int32(3), code)
        best, code = _larger(b[j + 1], best, np.int32(4), code)
        best, code = _larger(b[j + 2], best, np.int32(5), code)
        best, code = _larger(c[j], best, np.int32(6), code)
        best, code = _larger(c[j + 1], best, np.int32(7), code)
        best, code = _larger(c[j + 2], best, np.int32(8), code)
        y[j] = best
        mask[j] = code


@numba.njit(nogil=True, error_model="numpy")
def _nine_by_two(a, b, c, y, mask):
    """As _nine, for windows two columns apart."""
    for j in range(y.size):
        best, code = _larger(a[2 * j], _LOWEST, np.int32(0), np.int32(-1))
        best, code = _larger(a[2 * j + 1], best, np.int32(1), code)
        best, code = _larger(a[2 * j + 2], best, np.int32(2), code)
        best, code = _larger(b[2 * j], best, np.int32(3), code)
        best, code = _larger(b[2 * j + 1], best, np.int32(4), code)
        best, code = _larger(b[2 * j + 2], best, np.int32(5), code)
        best, code = _larger(c[2 * j], best, np.int32(6), code)
        best, code = _larger(c[2 * j + 1], best, np.int32(7), code)
        best, code = _larger(c[2 * j + 2], best, np.int32(8), code)
        y[j] = best
        mask[j] = code


@numba.njit(nogil=True, error_model="numpy")
def _max_three(x, y, mask, padded, window, p):
    """_max_plane for 3x3 windows, by a padded copy of the plane, in which no window has an edge."""
    step, top, left = window.stride_w, window.pad_h, window.pad_w
    rows, columns = min(x.shape[1], padded.shape[0] - top), min(x.shape[2], padded.shape[1] - left)
    for h in range(rows):
        target, source = padded[h + top, left : left + columns], x[p, h, :columns]
        for j in range(columns):
            target[j] = source[j]
    for i in range(y.shape[1]):
        a, b, c = padded[i * step], padded[i * step + 1], padded[i * step + 2]
        if step == 1:
            _nine(a, b, c, y[p, i], mask[p, i])
        else:
            _nine_by_two(a, b, c, y[p, i], mask[p, i])


@numba.njit(nogil=True, error_model="numpy")
def _max_plane(x, y, mask, window, p):
    """Maximum of each window, and in `mask` which of its places was the first to hold it.

    Padding never wins. mask: signed integers; places are numbered row by row over the whole window,
    its padding included; -1: all was padding or NaN.
    """
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    y[p] = _LOWEST
    mask[p] = -1
    source, best, where = x.reshape(-1), y.reshape(-1), mask.reshape(-1)
    stride = np.uint64(window.stride_w)
    first_k, last_k = _reach(window, width, out_w)
    for i in range(out_h):
        start = i * window.stride_h - window.pad_h
        row = (p * out_h + i) * out_w
        for h in range(max(0, start), min(height, start + window.kernel_h)):
            for k in range(first_k, last_k):
                shift = k - window.pad_w
                left, right = _span(shift, window.stride_w, width, out_w)
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
    first_k, last_k = _reach(window, width, out_w)
    for i in range(out_h):
        total = y[p, i]
        total[:] = 0
        top = i * window.stride_h - window.pad_h
        for h in range(max(0, top), min(height, top + window.kernel_h)):
            row = x[p, h]
            for k in range(first_k, last_k):
                shift = k - window.pad_w
                left, right = _span(shift, window.stride_w, width, out_w)
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
    first_k, last_k = _reach(window, width, out_w)
    for i in range(out_h):
        for j in range(out_w):
            share[j] = dy[p, i, j] / _area(i, j, window, height, width)
        top = i * window.stride_h - window.pad_h
        for h in range(max(0, top), min(height, top + window.kernel_h)):
            row = dx[p, h]
            for k in range(first_k, last_k):
                shift = k - window.pad_w
                left, right = _span(shift, window.stride_w, width, out_w)
                for j in range(left, right):
                    row[j * window.stride_w + shift] += share[j]


class _Arguments(NamedTuple):
    """What every task here is given: the picture, or its gradient, and the pooled one."""

    picture: np.ndarray
    pooled: np.ndarray
    mask: Optional[np.ndarray]
    add: bool
    planes: int
    height: int
    width: int
    out_h: int
    out_w: int
    window: Window


@numba.njit(nogil=True, inline="always")
def _large(flat, p):
    """The picture's planes."""
    return flat[: p.planes * p.height * p.width].reshape(p.planes, p.height, p.width)


@numba.njit(nogil=True, inline="always")
def _small(flat, p):
    """The pooled planes, or those of the mask."""
    return flat[: p.planes * p.out_h * p.out_w].reshape(p.planes, p.out_h, p.out_w)


@numba.njit(nogil=True)
def _max_forward(arguments, p, mask):
    x, y, mask, window = (
        _large(float32s(p.picture), p),
        _small(float32s(p.pooled), p),
        _small(mask, p),
        p.window,
    )
    stride = window.stride_w
    three = window[:2] == (3, 3) and window.stride_h == stride and stride <= 2
    size = ((p.out_h - 1) * stride + 3, (p.out_w - 1) * stride + 3) if three else (0, 0)
    padded = np.full(size, _LOWEST)
    plane = threads.take(arguments)
    while plane >= 0:
        if three:
            _max_three(x, y, mask, padded, window, plane)
        else:
            _max_plane(x, y, mask, window, plane)
        plane = threads.take(arguments)


@numba.njit(nogil=True)
def _max_backward(arguments, p, mask):
    dx, dy, mask = _large(float32s(p.picture), p), _small(float32s(p.pooled), p), _small(mask, p)
    places = min(p.window.kernel_h * p.window.kernel_w, _FEW)
    shift = np.array([_shift(code, p.window, p.width) for code in range(places)])
    plane = threads.take(arguments)
    while plane >= 0:
        _max_plane_backward(dy, mask, dx, p.add != 0, shift, p.window, plane)
        plane = threads.take(arguments)


@threads.Task
def _max_forward_small(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    _max_forward(arguments, p, int8s(p.mask))


@threads.rarely
def _max_forward_large(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    _max_forward(arguments, p, int32s(p.mask))


@threads.Task
def _max_backward_small(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    _max_backward(arguments, p, int8s(p.mask))


@threads.rarely
def _max_backward_large(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    _max_backward(arguments, p, int32s(p.mask))


@threads.Task
def _average_forward(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    x, y = _large(float32s(p.picture), p), _small(float32s(p.pooled), p)
    plane = threads.take(arguments)
    while plane >= 0:
        _average_plane(x, y, p.window, plane)
        plane = threads.take(arguments)


@threads.Task
def _average_backward(arguments, scratch):
    p = record(_Arguments, threads.given(arguments))
    dx, dy = _large(float32s(p.picture), p), _small(float32s(p.pooled), p)
    share = np.empty(p.out_w, np.float32)
    plane = threads.take(arguments)
    while plane >= 0:
        _average_plane_backward(dy, dx, p.add != 0, share, p.window, plane)
        plane = threads.take(arguments)


def _run(
    task: threads.Task,
    picture: np.ndarray,
    pooled: np.ndarray,
    mask: Optional[np.ndarray],
    add: bool,
    window: Window,
) -> None:
    planes, height, width = picture.shape
    _, out_h, out_w = pooled.shape
    arguments = _Arguments(picture, pooled, mask, add, planes, height, width, out_h, out_w, window)
    threads.run(task, planes, arguments)


def mask_like(y: np.ndarray, window: Window) -> np.ndarray:
    """An array for the mask of max_forward: int8 where the window's places can be numbered so."""
    return np.empty(y.shape, np.int8 if window.kernel_h * window.kernel_w < 128 else np.int32)


def max_forward(x: np.ndarray, y: np.ndarray, mask: np.ndarray, window: Window) -> None:
    """y = the maximum of each window of x, and in mask (see mask_like) where it lay."""
    task = _max_forward_small if mask.dtype == np.int8 else _max_forward_large
    _run(task, x, y, mask, False, window)


def max_backward(
    dy: np.ndarray, mask: np.ndarray, dx: np.ndarray, window: Window, add: bool = False
) -> None:
    """dx = each gradient where its maximum lay, or with `add` dx += it."""
    task = _max_backward_small if mask.dtype == np.int8 else _max_backward_large
    _run(task, dx, dy, mask, add, window)


def average_forward(x: np.ndarray, y: np.ndarray, window: Window) -> None:
    """y = the sum of each window of x over its values, those of the padding counted as zeros."""
    _run(_average_forward, x, y, None, False, window)


def average_backward(dy: np.ndarray, dx: np.ndarray, window: Window, add: bool = False) -> None:
    """dx = each gradient, shared among the values of its window, or with `add` dx += it."""
    _run(_average_backward, dx, dy, None, add, window)

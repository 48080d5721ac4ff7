"""Pooling over planes: x (planes, H, W), y (planes, H', W'), float32.

Each loop takes one window offset for a whole output row, in the window's scan order, which vectorises.
"""

import numba
import numpy as np

from . import threads
from .atomic import bytes_at, count_up, floats, ints, words_at
from .threads import FIRST, ITEMS

_FEW = 4096  # places of a window that are looked up, not computed
_LOWEST = np.float32(-3.4028234663852886e38)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _span(j_offset, stride, width, out_w):
    """Output columns whose source at this offset lies inside the picture."""
    left = min(out_w, max(0, -(j_offset // stride)))
    return left, max(left, min(out_w, (width - j_offset + stride - 1) // stride))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _reach(kernel, stride, pad, width, out_w):
    """The window's columns that lie inside the picture for any output column: a window may be far wider than the picture."""
    return max(0, pad - (out_w - 1) * stride), min(kernel, width + pad)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _keep_larger(x, start, stride, best, where, at, count, code):
    """best = max(best, x[start::stride]) and where = code at the places that change, from `at` on; all arrays flat.

    Places are unsigned, since numba would look for negative ones at each; the usual strides stand by name, since
    constants vectorise.
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


@numba.njit(cache=True, nogil=True, inline="always")
def _larger(v, best, new, code):
    """(the larger value, `new` if that is v, else `code`)."""
    larger = v > best
    return (v if larger else best), (new if larger else code)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _nine(a, b, c, y, mask):
    """The maximum of 3x3 windows one beside the other, with all nine values in registers; a, b, c: their three rows."""
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


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _nine_by_two(a, b, c, y, mask):
    """As _nine, two columns apart."""
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


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _max_three(x, y, mask, padded, step, top, left, p):
    """_max_plane for 3x3 windows, by a padded copy of the plane, in which no window has an edge."""
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


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _max_plane(x, y, mask, kh, kw, sh, sw, ph, pw, p):
    """Maximum of each window, and in `mask` (a signed integer) which of its places was the first to hold it; padding never wins.

    Places are numbered row by row over the whole window, its padding included; -1: all was padding or NaN.
    """
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    y[p] = _LOWEST
    mask[p] = -1
    source, best, where = x.reshape(-1), y.reshape(-1), mask.reshape(-1)
    first_k, last_k = _reach(kw, sw, pw, width, out_w)
    for i in range(out_h):
        start = i * sh - ph
        row = (p * out_h + i) * out_w
        for h in range(max(0, start), min(height, start + kh)):
            for k in range(first_k, last_k):
                left, right = _span(k - pw, sw, width, out_w)
                at = (p * height + h) * width + left * sw + k - pw
                code = np.int32((h - start) * kw + k)
                _keep_larger(
                    source,
                    np.uint64(at),
                    np.uint64(sw),
                    best,
                    where,
                    np.uint64(row + left),
                    np.uint64(right - left),
                    code,
                )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _max_plane_backward(dy, mask, dx, add, shift, kw, sh, sw, ph, pw, p):
    """Each output's gradient goes to where its maximum lay; added to what dx holds if `add`. dy, mask (planes, H', W'), dx (planes, H, W)."""
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
                place = shift[code] if code < _FEW else (code // kw - ph) * width + code % kw - pw
                target[i * sh * width + j * sw + place] += dy[p, i, j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def window_extent(i, kernel, stride, pad, size):
    """What Caffe divides an average by, along one axis: the window clipped to size + pad, padding included."""
    start = i * stride - pad
    return min(start + kernel, size + pad) - start


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _average_plane(x, y, kh, kw, sh, sw, ph, pw, p):
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    first_k, last_k = _reach(kw, sw, pw, width, out_w)
    for i in range(out_h):
        total = y[p, i]
        total[:] = 0
        for h in range(max(0, i * sh - ph), min(height, i * sh - ph + kh)):
            row = x[p, h]
            for k in range(first_k, last_k):
                left, right = _span(k - pw, sw, width, out_w)
                for j in range(left, right):
                    total[j] += row[j * sw + k - pw]
        tall = window_extent(i, kh, sh, ph, height)
        for j in range(out_w):
            total[j] /= np.float32(tall * window_extent(j, kw, sw, pw, width))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _average_plane_backward(dy, dx, add, share, kh, kw, sh, sw, ph, pw, p):
    _, height, width = dx.shape
    _, out_h, out_w = dy.shape
    if not add:
        dx[p] = 0
    first_k, last_k = _reach(kw, sw, pw, width, out_w)
    for i in range(out_h):
        tall = window_extent(i, kh, sh, ph, height)
        for j in range(out_w):
            share[j] = dy[p, i, j] / np.float32(tall * window_extent(j, kw, sw, pw, width))
        for h in range(max(0, i * sh - ph), min(height, i * sh - ph + kh)):
            row = dx[p, h]
            for k in range(first_k, last_k):
                left, right = _span(k - pw, sw, width, out_w)
                for j in range(left, right):
                    row[j * sw + k - pw] += share[j]


# What each job is given: the picture, the pooled picture, the mask, whether to add, height, width, pooled height and width, then the window.


@numba.njit(cache=True, nogil=True, inline="always")
def _planes(flat, count, height, width):
    return flat[: count * height * width].reshape(count, height, width)


@numba.njit(cache=True, nogil=True, inline="always")
def _window(p):
    f = FIRST + 4
    return (
        p[f],
        p[f + 1],
        p[f + 2],
        p[f + 3],
        p[f + 4],
        p[f + 5],
        p[f + 6],
        p[f + 7],
        p[f + 8],
        p[f + 9],
    )


@numba.njit(cache=True, nogil=True)
def _max_forward(arguments, mask):
    p = ints(arguments)
    (height, width, out_h, out_w, kh, kw, sh, sw, ph, pw), items = _window(p), p[ITEMS]
    x, y = (
        _planes(floats(p[FIRST]), items, height, width),
        _planes(floats(p[FIRST + 1]), items, out_h, out_w),
    )
    mask = _planes(mask, items, out_h, out_w)
    three = kh == 3 and kw == 3 and sh == sw and sw <= 2
    padded = np.full(((out_h - 1) * sh + 3, (out_w - 1) * sw + 3) if three else (0, 0), _LOWEST)
    plane = count_up(arguments)
    while plane < items:
        if three:
            _max_three(x, y, mask, padded, sw, ph, pw, plane)
        else:
            _max_plane(x, y, mask, kh, kw, sh, sw, ph, pw, plane)
        plane = count_up(arguments)


@numba.njit(cache=True, nogil=True)
def _max_backward(arguments, mask):
    p = ints(arguments)
    (height, width, out_h, out_w, kh, kw, sh, sw, ph, pw), items = _window(p), p[ITEMS]
    dx, dy = (
        _planes(floats(p[FIRST]), items, height, width),
        _planes(floats(p[FIRST + 1]), items, out_h, out_w),
    )
    mask = _planes(mask, items, out_h, out_w)
    shift = np.array(
        [(code // kw - ph) * width + code % kw - pw for code in range(min(kh * kw, _FEW))]
    )
    plane = count_up(arguments)
    while plane < items:
        _max_plane_backward(dy, mask, dx, p[FIRST + 3] != 0, shift, kw, sh, sw, ph, pw, plane)
        plane = count_up(arguments)


@threads.Job
def _max_forward_small(arguments, scratch):
    _max_forward(arguments, bytes_at(ints(arguments)[FIRST + 2]))


@threads.rarely
def _max_forward_large(arguments, scratch):
    _max_forward(arguments, words_at(ints(arguments)[FIRST + 2]))


@threads.Job
def _max_backward_small(arguments, scratch):
    _max_backward(arguments, bytes_at(ints(arguments)[FIRST + 2]))


@threads.rarely
def _max_backward_large(arguments, scratch):
    _max_backward(arguments, words_at(ints(arguments)[FIRST + 2]))


@threads.Job
def _average_forward(arguments, scratch):
    p = ints(arguments)
    (height, width, out_h, out_w, kh, kw, sh, sw, ph, pw), items = _window(p), p[ITEMS]
    x, y = (
        _planes(floats(p[FIRST]), items, height, width),
        _planes(floats(p[FIRST + 1]), items, out_h, out_w),
    )
    plane = count_up(arguments)
    while plane < items:
        _average_plane(x, y, kh, kw, sh, sw, ph, pw, plane)
        plane = count_up(arguments)


@threads.Job
def _average_backward(arguments, scratch):
    p = ints(arguments)
    (height, width, out_h, out_w, kh, kw, sh, sw, ph, pw), items = _window(p), p[ITEMS]
    dx, dy = (
        _planes(floats(p[FIRST]), items, height, width),
        _planes(floats(p[FIRST + 1]), items, out_h, out_w),
    )
    share = np.empty(out_w, np.float32)
    plane = count_up(arguments)
    while plane < items:
        _average_plane_backward(dy, dx, p[FIRST + 3] != 0, share, kh, kw, sh, sw, ph, pw, plane)
        plane = count_up(arguments)


def _run(job, picture, pooled, mask, add, window):
    planes, height, width = picture.shape
    _, out_h, out_w = pooled.shape
    threads.run(job, planes, picture, pooled, mask, int(add), height, width, out_h, out_w, *window)


def mask_like(y, window):
    """An array for the mask of max_forward: int8 where the window's places can be numbered so."""
    return np.empty(y.shape, np.int8 if window[0] * window[1] < 128 else np.int32)


def max_forward(x, y, mask, window):
    """y = the maximum of each window of x, and in mask where it lay. window: (kernel, stride, pad), each height then width, as six numbers."""
    _run(
        _max_forward_small if mask.dtype == np.int8 else _max_forward_large,
        x,
        y,
        mask,
        False,
        window,
    )


def max_backward(dy, mask, dx, window, add=False):
    """dx = each gradient where its maximum lay, or with `add` dx += it."""
    _run(
        _max_backward_small if mask.dtype == np.int8 else _max_backward_large,
        dx,
        dy,
        mask,
        add,
        window,
    )


def average_forward(x, y, window):
    _run(_average_forward, x, y, 0, False, window)


def average_backward(dy, dx, window, add=False):
    _run(_average_backward, dx, dy, 0, add, window)

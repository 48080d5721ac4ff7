"""Pooling over planes: x (planes, H, W), y (planes, H', W'), float32.

Each loop takes one window offset for a whole output row, in the window's scan order, which vectorises.
"""

import numba
import numpy as np

_LOWEST = np.float32(-3.4028234663852886e38)


@numba.njit(cache=True, nogil=True)
def _span(j_offset, stride, width, out_w):
    """Output columns whose source at this offset lies inside the picture."""
    left = min(out_w, max(0, -(j_offset // stride)))
    return left, max(left, min(out_w, (width - j_offset + stride - 1) // stride))


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def max_forward(x, y, mask, kh, kw, sh, sw, ph, pw, first, last):
    """Maximum of each window, and in `mask` (int32) which of its places was the first to hold it; padding never wins.

    Places are numbered row by row over the whole window, its padding included; -1: all was padding or NaN.
    """
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    y[first:last] = _LOWEST
    mask[first:last] = -1
    source, best, where = x.reshape(-1), y.reshape(-1), mask.reshape(-1)
    for p in range(first, last):
        for i in range(out_h):
            start = i * sh - ph
            row = (p * out_h + i) * out_w
            for h in range(max(0, start), min(height, start + kh)):
                for k in range(kw):
                    left, right = _span(k - pw, sw, width, out_w)
                    at = (p * height + h) * width + left * sw + k - pw
                    code = np.int32((h - start) * kw + k)
                    _keep_larger(source, np.uint64(at), np.uint64(sw), best, where, np.uint64(row + left), np.uint64(right - left), code)


@numba.njit(cache=True, nogil=True)
def max_backward(dy, mask, dx, kh, kw, sh, sw, ph, pw, first, last):
    """Each output's gradient goes to where its maximum lay. dy, mask (planes, H', W'), dx (planes, H, W)."""
    _, height, width = dx.shape
    _, out_h, out_w = dy.shape
    shift = np.array([(code // kw - ph) * width + code % kw - pw for code in range(kh * kw)])
    for p in range(first, last):
        target = dx[p].reshape(-1)
        target[:] = 0
        for i in range(out_h):
            for j in range(out_w):
                code = mask[p, i, j]
                if code >= 0:
                    target[i * sh * width + j * sw + shift[code]] += dy[p, i, j]


@numba.njit(cache=True, nogil=True)
def window_extent(i, kernel, stride, pad, size):
    """What Caffe divides an average by, along one axis: the window clipped to size + pad, padding included."""
    start = i * stride - pad
    return min(start + kernel, size + pad) - start


@numba.njit(cache=True, nogil=True)
def average_forward(x, y, kh, kw, sh, sw, ph, pw, first, last):
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    for p in range(first, last):
        for i in range(out_h):
            total = y[p, i]
            total[:] = 0
            for h in range(max(0, i * sh - ph), min(height, i * sh - ph + kh)):
                row = x[p, h]
                for k in range(kw):
                    left, right = _span(k - pw, sw, width, out_w)
                    for j in range(left, right):
                        total[j] += row[j * sw + k - pw]
            tall = window_extent(i, kh, sh, ph, height)
            for j in range(out_w):
                total[j] /= np.float32(tall * window_extent(j, kw, sw, pw, width))


@numba.njit(cache=True, nogil=True)
def average_backward(dy, dx, kh, kw, sh, sw, ph, pw, first, last):
    _, height, width = dx.shape
    _, out_h, out_w = dy.shape
    share = np.empty(out_w, np.float32)
    for p in range(first, last):
        dx[p] = 0
        for i in range(out_h):
            tall = window_extent(i, kh, sh, ph, height)
            for j in range(out_w):
                share[j] = dy[p, i, j] / np.float32(tall * window_extent(j, kw, sw, pw, width))
            for h in range(max(0, i * sh - ph), min(height, i * sh - ph + kh)):
                row = dx[p, h]
                for k in range(kw):
                    left, right = _span(k - pw, sw, width, out_w)
                    for j in range(left, right):
                        row[j * sw + k - pw] += share[j]

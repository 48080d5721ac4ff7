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
def _keep_larger(row, stride, best, where, code):
    """best = max(best, row[::stride]) and where = code at the places that change."""
    # the usual strides by name, since constants vectorise
    if stride == 1:
        for j in range(best.size):
            larger = row[j] > best[j]
            best[j] = row[j] if larger else best[j]
            where[j] = code if larger else where[j]
    elif stride == 2:
        for j in range(best.size):
            larger = row[2 * j] > best[j]
            best[j] = row[2 * j] if larger else best[j]
            where[j] = code if larger else where[j]
    else:
        for j in range(best.size):
            v = row[j * stride]
            larger = v > best[j]
            best[j] = v if larger else best[j]
            where[j] = code if larger else where[j]


@numba.njit(cache=True, nogil=True)
def max_forward(x, y, mask, kh, kw, sh, sw, ph, pw, first, last):
    """Maximum of each window, and in `mask` (int32) which of its places was the first to hold it; padding never wins.

    Places are numbered row by row over the whole window, its padding included; -1: all was padding or NaN.
    """
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    for p in range(first, last):
        for i in range(out_h):
            best, where = y[p, i], mask[p, i]
            best[:] = _LOWEST
            where[:] = -1
            start = i * sh - ph
            for h in range(max(0, start), min(height, start + kh)):
                for k in range(kw):
                    left, right = _span(k - pw, sw, width, out_w)
                    code = np.int32((h - start) * kw + k)
                    _keep_larger(x[p, h, left * sw + k - pw :], sw, best[left:right], where[left:right], code)


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

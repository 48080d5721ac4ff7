"""Local response normalisation across channels: x (C, positions), a few hundred positions at a time."""

import numba
import numpy as np

_CHUNK = 256


@numba.njit(cache=True, nogil=True)
def _power(scale, beta, out, count):
    """out = scale ** -beta; by square roots for the usual beta, 0.75."""
    if beta == 0.75:
        for j in range(count):
            root = np.float32(1) / np.sqrt(scale[j])
            out[j] = root * np.sqrt(root)
    else:
        for j in range(count):
            out[j] = scale[j] ** np.float32(-beta)


@numba.njit(cache=True, nogil=True)
def _sum_rows(ring, first, last, total, count):
    """total = the sum of rows first..last, each kept at its number modulo the ring's length."""
    size = ring.shape[0]
    for j in range(count):
        total[j] = ring[first % size, j]
    for c in range(first + 1, last):
        row = ring[c % size]
        for j in range(count):
            total[j] += row[j]


@numba.njit(cache=True, nogil=True)
def lrn_forward(x, y, scale, size, alpha, beta, k, first, last):
    """scale = k + alpha/size * sum of x² over `size` channels; y = x * scale ** -beta, at positions first..last.

    The squares of the `size` channels at hand are kept in a small ring: rows of x itself lie a picture apart, where
    they push each other out of the cache.
    """
    channels = x.shape[0]
    half = (size - 1) // 2
    share = np.float32(alpha / size)
    offset = np.float32(k)
    squares = np.empty((size, _CHUNK), np.float32)
    total = np.empty(_CHUNK, np.float32)
    for start in range(first, last, _CHUNK):
        count = min(_CHUNK, last - start)
        end = start + count
        ready = 0
        for c in range(channels):
            top = min(channels, c + half + 1)
            while ready < top:
                source, row = x[ready, start:end], squares[ready % size]
                for j in range(count):
                    row[j] = source[j] * source[j]
                ready += 1
            _sum_rows(squares, max(0, c - half), top, total, count)
            s, source, target = scale[c, start:end], x[c, start:end], y[c, start:end]
            for j in range(count):
                s[j] = offset + share * total[j]
            _power(s, beta, total, count)
            for j in range(count):
                target[j] = source[j] * total[j]


@numba.njit(cache=True, nogil=True)
def lrn_backward(x, y, dy, scale, dx, size, alpha, beta, first, last):
    """dx = dy * scale ** -beta - 2 alpha beta / size * x * sum of (dy * y / scale) over the same channels."""
    channels = x.shape[0]
    half = (size - 1) // 2
    factor = np.float32(2 * alpha * beta / size)
    ratios = np.empty((size, _CHUNK), np.float32)
    total = np.empty(_CHUNK, np.float32)
    power = np.empty(_CHUNK, np.float32)
    for start in range(first, last, _CHUNK):
        count = min(_CHUNK, last - start)
        end = start + count
        ready = 0
        for c in range(channels):
            top = min(channels, c + half + 1)
            while ready < top:
                g, out, s, row = dy[ready, start:end], y[ready, start:end], scale[ready, start:end], ratios[ready % size]
                for j in range(count):
                    row[j] = g[j] * out[j] / s[j]
                ready += 1
            _sum_rows(ratios, max(0, c - half), top, total, count)
            _power(scale[c, start:end], beta, power, count)
            g, source, target = dy[c, start:end], x[c, start:end], dx[c, start:end]
            for j in range(count):
                target[j] = g[j] * power[j] - factor * source[j] * total[j]

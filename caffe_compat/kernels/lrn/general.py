"""Local response normalisation of a chunk of positions, for any size of its region."""

import numpy as np

from ..compiled.later import numba

CHUNK = 512  # positions


@numba.njit(nogil=True, error_model="numpy")
def _power(scale, beta, out, count):
    """out = scale ** -beta; by square roots for the usual beta, 0.75."""
    if beta == 0.75:
        for j in range(count):
            root = np.float32(1) / np.sqrt(scale[j])
            out[j] = root * np.sqrt(root)
    else:
        for j in range(count):
            out[j] = scale[j] ** np.float32(-beta)


@numba.njit(nogil=True, error_model="numpy")
def _sum_rows(ring, first, last, total, count):
    """total = the sum of rows first..last, each kept at its number modulo the ring's length."""
    size = ring.shape[0]
    for j in range(count):
        total[j] = ring[first % size, j]
    for c in range(first + 1, last):
        row = ring[c % size]
        for j in range(count):
            total[j] += row[j]


@numba.njit(nogil=True, error_model="numpy")
def _scale(x, squares, ready, c, start, count, share, offset, total):
    """total = offset + share * the sum of x² over the channels around c.

    squares: a ring of rows, of which `ready` are made. Returns how many now are.
    """
    size, half = squares.shape[0], (squares.shape[0] - 1) // 2
    top = min(x.shape[0], c + half + 1)
    while ready < top:
        source, row = x[ready, start : start + count], squares[ready % size]
        for j in range(count):
            row[j] = source[j] * source[j]
        ready += 1
    _sum_rows(squares, max(0, c - half), top, total, count)
    for j in range(count):
        total[j] = offset + share * total[j]
    return ready


@numba.njit(nogil=True, error_model="numpy")
def forward(x, y, region, start, count):
    """scale = k + alpha/size * sum of x² over `size` channels; y = x * scale ** -beta.

    At `count` positions from `start` on. The squares of the `size` channels at hand are kept in a
    small ring: rows of x itself lie a picture apart, where they push each other out of the cache.
    """
    share, offset = np.float32(region.alpha / region.size), np.float32(region.k)
    size = min(region.size, 2 * x.shape[0] + 1)  # a region that holds all channels
    squares = np.empty((size, CHUNK), np.float32)
    scale, power = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    ready = 0
    for c in range(x.shape[0]):
        ready = _scale(x, squares, ready, c, start, count, share, offset, scale)
        _power(scale, region.beta, power, count)
        source, target = x[c, start : start + count], y[c, start : start + count]
        for j in range(count):
            target[j] = source[j] * power[j]


@numba.njit(nogil=True, error_model="numpy")
def backward(x, dy, dx, region, start, count):
    """dx = dy * scale ** -beta - 2 alpha beta / size * x * sum of (dy * y / scale).

    The sum is over the same channels. scale and y are computed again: that costs less than to keep
    and read them. Ratios run `half` channels ahead of the sums over them.
    """
    share, offset = np.float32(region.alpha / region.size), np.float32(region.k)
    factor = np.float32(2 * region.alpha * region.beta / region.size)
    size = min(region.size, 2 * x.shape[0] + 1)  # a region that holds all channels
    channels, half = x.shape[0], (size - 1) // 2
    squares, ratios = np.empty((size, CHUNK), np.float32), np.empty((size, CHUNK), np.float32)
    powers = np.empty((size, CHUNK), np.float32)
    scale, total = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    ready = 0
    for ahead in range(channels + half):
        if ahead < channels:
            ready = _scale(x, squares, ready, ahead, start, count, share, offset, scale)
            row, power = ratios[ahead % size], powers[ahead % size]
            _power(scale, region.beta, power, count)
            source, g = x[ahead, start : start + count], dy[ahead, start : start + count]
            for j in range(count):
                row[j] = g[j] * (source[j] * power[j]) / scale[j]
        c = ahead - half
        if c < 0:
            continue
        _sum_rows(ratios, max(0, c - half), min(channels, c + half + 1), total, count)
        power = powers[c % size]
        g, source = dy[c, start : start + count], x[c, start : start + count]
        target = dx[c, start : start + count]
        for j in range(count):
            target[j] = g[j] * power[j] - factor * source[j] * total[j]

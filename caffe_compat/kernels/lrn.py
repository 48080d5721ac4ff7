"""Local response normalisation across channels: x (C, positions), a few hundred positions at a time."""

import numba
import numpy as np

from . import threads
from .atomic import count_up, floats, ints, real
from .threads import FIRST, ITEMS

_CHUNK = 512


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _power(scale, beta, out, count):
    """out = scale ** -beta; by square roots for the usual beta, 0.75."""
    if beta == 0.75:
        for j in range(count):
            root = np.float32(1) / np.sqrt(scale[j])
            out[j] = root * np.sqrt(root)
    else:
        for j in range(count):
            out[j] = scale[j] ** np.float32(-beta)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sum_rows(ring, first, last, total, count):
    """total = the sum of rows first..last, each kept at its number modulo the ring's length."""
    size = ring.shape[0]
    for j in range(count):
        total[j] = ring[first % size, j]
    for c in range(first + 1, last):
        row = ring[c % size]
        for j in range(count):
            total[j] += row[j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
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


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _forward(x, y, size, alpha, beta, k, start, count):
    """scale = k + alpha/size * sum of x² over `size` channels; y = x * scale ** -beta, at `count` positions from `start` on.

    The squares of the `size` channels at hand are kept in a small ring: rows of x itself lie a picture apart, where
    they push each other out of the cache.
    """
    share, offset = np.float32(alpha / size), np.float32(k)
    size = min(size, 2 * x.shape[0] + 1)  # a window that holds all channels
    squares, scale, power = (
        np.empty((size, _CHUNK), np.float32),
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
    )
    ready = 0
    for c in range(x.shape[0]):
        ready = _scale(x, squares, ready, c, start, count, share, offset, scale)
        _power(scale, beta, power, count)
        source, target = x[c, start : start + count], y[c, start : start + count]
        for j in range(count):
            target[j] = source[j] * power[j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _backward(x, dy, dx, size, alpha, beta, k, start, count):
    """dx = dy * scale ** -beta - 2 alpha beta / size * x * sum of (dy * y / scale) over the same channels.

    scale and y are computed again: that costs less than to keep and read them. Ratios run `half` channels ahead of the sums over them.
    """
    share, offset, factor = (
        np.float32(alpha / size),
        np.float32(k),
        np.float32(2 * alpha * beta / size),
    )
    size = min(size, 2 * x.shape[0] + 1)  # a window that holds all channels
    channels, half = x.shape[0], (size - 1) // 2
    squares, ratios = np.empty((size, _CHUNK), np.float32), np.empty((size, _CHUNK), np.float32)
    powers = np.empty((size, _CHUNK), np.float32)
    scale, total = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    ready = 0
    for ahead in range(channels + half):
        if ahead < channels:
            ready = _scale(x, squares, ready, ahead, start, count, share, offset, scale)
            row, power = ratios[ahead % size], powers[ahead % size]
            _power(scale, beta, power, count)
            source, g = x[ahead, start : start + count], dy[ahead, start : start + count]
            for j in range(count):
                row[j] = g[j] * (source[j] * power[j]) / scale[j]
        c = ahead - half
        if c < 0:
            continue
        _sum_rows(ratios, max(0, c - half), min(channels, c + half + 1), total, count)
        power = powers[c % size]
        g, source, target = (
            dy[c, start : start + count],
            x[c, start : start + count],
            dx[c, start : start + count],
        )
        for j in range(count):
            target[j] = g[j] * power[j] - factor * source[j] * total[j]


@numba.njit(cache=True, nogil=True, inline="always")
def _matrix(address, rows, columns):
    return floats(address)[: rows * columns].reshape(rows, columns)


@threads.Job
def _forward_job(arguments, scratch):
    p = ints(arguments)
    channels, positions, size = p[FIRST + 2], p[FIRST + 3], p[FIRST + 4]
    x, y = _matrix(p[FIRST], channels, positions), _matrix(p[FIRST + 1], channels, positions)
    chunk = count_up(arguments)
    while chunk < p[ITEMS]:
        start = chunk * _CHUNK
        _forward(
            x,
            y,
            size,
            real(arguments, FIRST + 5),
            real(arguments, FIRST + 6),
            real(arguments, FIRST + 7),
            start,
            min(_CHUNK, positions - start),
        )
        chunk = count_up(arguments)


@threads.Job
def _backward_job(arguments, scratch):
    p = ints(arguments)
    channels, positions, size = p[FIRST + 3], p[FIRST + 4], p[FIRST + 5]
    x, dy, dx = (
        _matrix(p[FIRST], channels, positions),
        _matrix(p[FIRST + 1], channels, positions),
        _matrix(p[FIRST + 2], channels, positions),
    )
    chunk = count_up(arguments)
    while chunk < p[ITEMS]:
        start, count = chunk * _CHUNK, min(_CHUNK, positions - chunk * _CHUNK)
        _backward(
            x,
            dy,
            dx,
            size,
            real(arguments, FIRST + 6),
            real(arguments, FIRST + 7),
            real(arguments, FIRST + 8),
            start,
            count,
        )
        chunk = count_up(arguments)


def lrn_forward(x, y, size, alpha, beta, k):
    """y = x * scale ** -beta, scale = k + alpha/size * the sum of x² over `size` channels. Arrays (channels, positions)."""
    channels, positions = x.shape
    threads.run(
        _forward_job,
        -(-positions // _CHUNK),
        x,
        y,
        channels,
        positions,
        size,
        float(alpha),
        float(beta),
        float(k),
    )


def lrn_backward(x, dy, dx, size, alpha, beta, k):
    """dx = the gradient of the input from that of the output."""
    channels, positions = x.shape
    threads.run(
        _backward_job,
        -(-positions // _CHUNK),
        x,
        dy,
        dx,
        channels,
        positions,
        size,
        float(alpha),
        float(beta),
        float(k),
    )

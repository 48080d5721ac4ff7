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
def lrn_forward(x, y, scale, size, alpha, beta, k, first, last):
    """scale = k + alpha/size * sum of x² over `size` channels; y = x * scale ** -beta, at positions first..last."""
    channels = x.shape[0]
    half = (size - 1) // 2
    share = np.float32(alpha / size)
    total = np.empty(_CHUNK, np.float32)
    for start in range(first, last, _CHUNK):
        count = min(_CHUNK, last - start)
        for c in range(channels):
            total[:count] = 0
            for other in range(max(0, c - half), min(channels, c - half + size)):
                source = x[other, start : start + count]
                for j in range(count):
                    total[j] += source[j] * source[j]
            s, source, target = scale[c, start : start + count], x[c, start : start + count], y[c, start : start + count]
            for j in range(count):
                s[j] = np.float32(k) + share * total[j]
            _power(s, beta, total, count)
            for j in range(count):
                target[j] = source[j] * total[j]


@numba.njit(cache=True, nogil=True)
def lrn_backward(x, y, dy, scale, dx, size, alpha, beta, first, last):
    """dx = dy * scale ** -beta - 2 alpha beta / size * x * sum of (dy * y / scale) over the same channels."""
    channels = x.shape[0]
    half = (size - 1) // 2
    factor = np.float32(2 * alpha * beta / size)
    ratio = np.empty((channels, _CHUNK), np.float32)
    total = np.empty(_CHUNK, np.float32)
    power = np.empty(_CHUNK, np.float32)
    for start in range(first, last, _CHUNK):
        count = min(_CHUNK, last - start)
        end = start + count
        for c in range(channels):
            g, out, s, r = dy[c, start:end], y[c, start:end], scale[c, start:end], ratio[c]
            for j in range(count):
                r[j] = g[j] * out[j] / s[j]
        for c in range(channels):
            total[:count] = 0
            for other in range(max(0, c + half - size + 1), min(channels, c + half + 1)):
                r = ratio[other]
                for j in range(count):
                    total[j] += r[j]
            _power(scale[c, start:end], beta, power, count)
            g, source, target = dy[c, start:end], x[c, start:end], dx[c, start:end]
            for j in range(count):
                target[j] = g[j] * power[j] - factor * source[j] * total[j]

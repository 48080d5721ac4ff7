"""Normal random numbers by the ziggurat of Marsaglia and Tsang (2000), as Boost draws them.

Caffe's gaussian and msra fillers use boost::normal_distribution<float> on a 32-bit generator: one
word gives a layer (7 bits), a sign and 24 bits of position; what falls outside of a layer's box
takes further words, and the tail those of an exponential distribution, by a ziggurat of its own.
"""

import math
from typing import NamedTuple, Tuple

import numpy as np

from . import threads
from .atomic import float32s, float64s, int64s, record, uint32s
from .compiled.later import numba


def _ziggurat(layers: int, edge: float, normal: bool) -> Tuple[np.ndarray, np.ndarray]:
    """(x, y) of a ziggurat's layers: their right edges from the widest on, and the density there.

    edge: where the tail begins, which makes the layers equal in area. The first one's edge is where
    it would end, tail and all, as a box.
    """

    def density(x: float) -> float:
        return math.exp(-x * x / 2 if normal else -x)

    def edge_at(y: float) -> float:
        return math.sqrt(-2 * math.log(y)) if normal else -math.log(y)

    tail = math.sqrt(math.pi / 2) * math.erfc(edge / math.sqrt(2)) if normal else density(edge)
    area = edge * density(edge) + tail
    x, y = np.zeros(layers + 1), np.zeros(layers + 1)
    x[0], x[1] = area / density(edge), edge
    y[1] = density(edge)
    for i in range(2, layers):
        y[i] = y[i - 1] + area / x[i - 1]
        x[i] = edge_at(y[i])
    y[layers] = 1
    return x, y


_X, _Y = _ziggurat(128, 3.442619855896652, True)
_TAIL_X, _TAIL_Y = _ziggurat(256, 7.697117470131050, False)


@numba.njit(nogil=True)
def _part(words, at):
    """(a number in 0..1, where the next word is); -1 where the words end."""
    while at < len(words):
        value = np.float32(words[at]) * np.float32(1 / 2**32)
        at += 1
        if value < 1:
            return value, at
    return np.float32(-1), at


@numba.njit(nogil=True)
def _accepted(y, over, under, density):
    """Whether a point lies under the density, given where it lies to bounds of that."""
    return over < 0 and (under < 0 or y < density)


@numba.njit(nogil=True)
def _exponential(words, at, xs, ys):
    """(an exponential number, where the next word is); -1 where the words end."""
    shift = np.float32(0)
    while at < len(words):
        i = words[at] & np.uint32(255)
        x = np.float32(words[at] >> np.uint32(8)) * np.float32(1 / 2**24) * np.float32(xs[i])
        at += 1
        if x < np.float32(xs[i + 1]):
            return shift + x, at
        if i == 0:
            shift += np.float32(xs[1])
            continue
        part, at = _part(words, at)
        if part < 0:
            break
        y = np.float32(ys[i]) + part * np.float32(ys[i + 1] - ys[i])
        over = np.float32(xs[i] - xs[i + 1]) * part - (np.float32(xs[i]) - x)
        under = y - (np.float32(ys[i + 1]) + (np.float32(xs[i + 1]) - x) * np.float32(ys[i + 1]))
        if _accepted(y, over, under, np.exp(-x)):
            return shift + x, at
    return np.float32(-1), at


@numba.njit(nogil=True)
def _tail(words, at, edge, tail_xs, tail_ys):
    """(a number from the normal tail, where the next word is); -1 where the words end."""
    while True:
        x, at = _exponential(words, at, tail_xs, tail_ys)
        y, at = _exponential(words, at, tail_xs, tail_ys)
        if x < 0 or y < 0:
            return np.float32(-1), at
        x /= edge
        if 2 * y > x * x:
            return x + edge, at


@numba.njit(nogil=True)
def _normal(words, at, xs, ys, tail_xs, tail_ys):
    """(a normal number's size, its sign, where the next word is); -1 where the words end."""
    while at < len(words):
        i = words[at] & np.uint32(255)
        position = np.float32(words[at] >> np.uint32(8)) * np.float32(1 / 2**24)
        at += 1
        sign = np.float32(1) if i & np.uint32(1) else np.float32(-1)
        i >>= np.uint32(1)
        x = position * np.float32(xs[i])
        if x < np.float32(xs[i + 1]):
            return x, sign, at
        if i == 0:
            x, at = _tail(words, at, np.float32(xs[1]), tail_xs, tail_ys)
            return x, sign, at
        part, at = _part(words, at)
        if part < 0:
            break
        y = np.float32(ys[i]) + part * np.float32(ys[i + 1] - ys[i])
        # the diagonal and the tangent bound the curve, one from above and the other from below
        diagonal = np.float32(xs[i] - xs[i + 1]) * part - (np.float32(xs[i]) - x)
        tangent = y - (
            np.float32(ys[i]) + (np.float32(xs[i]) - x) * np.float32(ys[i]) * np.float32(xs[i])
        )
        convex = xs[i] >= 1
        over, under = (diagonal, tangent) if convex else (tangent, diagonal)
        if _accepted(y, over, under, np.exp(-(x * x / np.float32(2)))):
            return x, sign, at
    return np.float32(-1), np.float32(0), at


class _Fill(NamedTuple):
    """What `fill` gives its task; `done` gets the numbers made, and the words that they took."""

    words: np.ndarray
    size: int
    out: np.ndarray
    numbers: int
    done: np.ndarray
    xs: np.ndarray
    ys: np.ndarray
    tail_xs: np.ndarray
    tail_ys: np.ndarray


@threads.rarely
def _fill(arguments, scratch):
    """One item: fill `out` as far as the words go."""
    p = record(_Fill, threads.given(arguments))
    words, out, done = uint32s(p.words)[: p.size], float32s(p.out), int64s(p.done)
    xs, ys = float64s(p.xs), float64s(p.ys)
    tail_xs, tail_ys = float64s(p.tail_xs), float64s(p.tail_ys)
    if threads.take(arguments) < 0:
        return
    done[0], done[1] = 0, 0
    for number in range(p.numbers):
        size, sign, after = _normal(words, done[1], xs, ys, tail_xs, tail_ys)
        if size < 0:
            return
        out[number] = size * sign
        done[0], done[1] = number + 1, after


def fill(words: np.ndarray, out: np.ndarray) -> Tuple[int, int]:
    """Fill `out`, float32, with normal numbers of mean 0 and deviation 1, as far as the words go.

    words: uint32, from a generator. Returns how many numbers were made, and how many words they
    took: the next number begins with the word after those.
    """
    words, done = np.ascontiguousarray(words, np.uint32), np.zeros(2, np.int64)
    layers = (_X, _Y, _TAIL_X, _TAIL_Y)
    threads.run(_fill, 1, _Fill(words, words.size, out, out.size, done, *layers))
    return int(done[0]), int(done[1])

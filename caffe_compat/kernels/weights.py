"""Gradients of weights: products over all positions, or items, of a batch.

Each value is summed by one thread, item by item and in parts of as many positions as a product has,
so that it is the same to the bit for any number of threads and any width of vectors. Arrays are
C-contiguous float32.
"""

from typing import NamedTuple

import numpy as np

from . import threads
from .atomic import address_of, float32s, record
from .compiled.later import numba
from .direct.packing import Left, multiply_in_place, room
from .gemm import DEPTH, LANES, WIDTH, Finish, Rows, Size
from .geometry import Geometry

_ROWS_VALUES = 1 << 17  # of positions' windows at a time: half of one core's level-2 cache
_ROUND = 12  # rows of a full tile


@numba.njit(nogil=True)
def _windows(x, base, rows, step, geo, channels, first, count):
    """The windows of output positions first..first + count, a row of `rows` each, `step` apart.

    A row is (channels, kernel_h, kernel_w); the first channel of the picture begins at x[base].
    """
    reach = (geo.kernel_w - 1) * geo.dilation_w
    for q in range(count):
        top = (first + q) // geo.out_w * geo.stride_h - geo.pad_h
        left = (first + q) % geo.out_w * geo.stride_w - geo.pad_w
        inside = left >= 0 and left + reach < geo.width
        at = np.uint64(q * step)
        for c in range(channels):
            for i in range(geo.kernel_h):
                y = top + i * geo.dilation_h
                here = 0 <= y < geo.height
                source = base + (c * geo.height + y) * geo.width + left
                for j in range(geo.kernel_w):
                    column = left + j * geo.dilation_w
                    if here and (inside or 0 <= column < geo.width):
                        rows[at] = x[np.uint64(source + j * geo.dilation_w)]
                    else:
                        rows[at] = 0
                    at += np.uint64(1)


class _Convolved(NamedTuple):
    """What `convolved` gives its task."""

    geo: Geometry
    x: np.ndarray
    dy: np.ndarray
    dw: np.ndarray
    images: int
    groups: int
    outputs: int  # of one group
    channels: int  # at a time
    blocks: int  # of channels
    parts: int  # of outputs
    strip: int  # output positions
    room: int


@threads.rarely
def _convolved(arguments, scratch):
    """Blocks of input channels and outputs: each of a group's, over all images."""
    p = record(_Convolved, threads.given(arguments))
    geo, x = p.geo, float32s(p.x)
    positions, window = geo.out_h * geo.out_w, geo.kernel_h * geo.kernel_w
    depth, area = geo.channels * window, geo.height * geo.width
    part = (p.outputs + p.parts - 1) // p.parts
    finish, rows = Finish(0, np.float32(1), 1, 0), float32s(scratch + 4 * p.room)
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        row = item % p.parts * part
        channel = item // p.parts % p.blocks * p.channels
        group = item // p.parts // p.blocks
        high = min(part, p.outputs - row)
        if high <= 0:
            continue
        channels = min(p.channels, geo.channels - channel)
        columns = channels * window
        step = (columns + LANES - 1) // LANES * LANES
        target = Rows(p.dw + 4 * ((group * p.outputs + row) * depth + channel * window), depth)
        for image in range(p.images):
            plane = image * p.groups + group
            base = (plane * geo.channels + channel) * area
            for first in range(0, positions, p.strip):
                count = min(p.strip, positions - first)
                _windows(x, base, rows, step, geo, channels, first, count)
                slopes = p.dy + 4 * ((plane * p.outputs + row) * positions + first)
                multiply_in_place(
                    Left(slopes, positions, 1),
                    Rows(address_of(rows), step),
                    target,
                    Size(high, columns, count),
                    finish,
                    scratch,
                )


def convolved(
    x: np.ndarray, dy: np.ndarray, dweight: np.ndarray, geo: Geometry, groups: int
) -> None:
    """Add the gradient of a convolution's weights to dweight (groups * O, C * kh * kw).

    x: (N, groups * C, H, W). dy: (N, groups * O, H', W').
    """
    outputs, window = len(dweight) // groups, geo.kernel_h * geo.kernel_w
    wanted = 2 * threads.count()
    # a block's columns fill the tiles' width, and a part of the positions the cache
    most = _ROWS_VALUES // DEPTH // window
    channels = max(-(-2 * WIDTH // window), min(most, -(-geo.channels * groups // wanted)))
    blocks = -(-geo.channels // channels)
    parts = 1 if blocks * groups >= threads.count() else min(threads.count(), outputs)
    step = -(-channels * window // LANES) * LANES
    strip = min(geo.out_h * geo.out_w, max(1, _ROWS_VALUES // step // DEPTH) * DEPTH)
    memory = room(-(-outputs // parts), step, strip)
    arguments = _Convolved(
        geo, np.ascontiguousarray(x), np.ascontiguousarray(dy), dweight, len(x), groups, outputs,
        channels, blocks, parts, strip, memory,
    )  # fmt: skip
    threads.run(_convolved, groups * blocks * parts, arguments, memory + strip * step)


class _Outer(NamedTuple):
    """What `outer` gives its task."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    items: int
    rows: int
    columns: int
    block: int  # rows at a time


@threads.rarely
def _outer(arguments, scratch):
    """Blocks of the result's rows."""
    p = record(_Outer, threads.given(arguments))
    finish = Finish(0, np.float32(1), 1, 0)
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        row = item * p.block
        size = Size(min(p.block, p.rows - row), p.columns, p.items)
        left, right = Left(p.a + 4 * row, 1, p.rows), Rows(p.b, p.columns)
        target = Rows(p.c + 4 * row * p.columns, p.columns)
        multiply_in_place(left, right, target, size, finish, scratch)


def outer(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """c (R, C) += the sum over items of the outer products of a's (N, R) and b's (N, C) rows."""
    rows, columns = c.shape
    if not len(a) or not c.size:
        return
    block = max(_ROUND, -(-rows // (2 * threads.count()) // _ROUND) * _ROUND)
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    arguments = _Outer(a, b, c, len(a), rows, columns, block)
    threads.run(_outer, -(-rows // block), arguments, room(block, columns, len(a)))

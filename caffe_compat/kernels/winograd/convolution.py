"""Convolution with 3x3 windows by Winograd's algorithm, a few dozen tiles at a time.

Arrays are C-contiguous float32 (N, channels, ...). Tiles are numbered row by row, image by image.
"""

from typing import NamedTuple, Optional

import numba
import numpy as np

from .. import threads
from ..atomic import float32s, int32s, int64s, record
from ..gemm import FULL, Left, Rows, Size, accumulate
from ..strips import Geometry
from ..vectors import LANES
from .transforms import (
    SIDE,
    STEP,
    fetch_to_read,
    fetch_to_write,
    rows_inwards,
    tiles_inwards,
    tiles_outwards,
    weights_inwards,
)

_VALUES = SIDE * SIDE  # of a transformed tile
_PART = 64  # channels whose products are summed before the others': less is lost to rounding
_TILES = 32  # at a time, or twice as many where these are not too many values:
_STRIP_VALUES = 150_000


_CHANNELS = 16  # at least, of either side: with fewer the transforms cost more than the products
_LEAST = 12  # tiles of an image: with fewer the weights' transform does
_AHEAD = 2  # channels that are fetched before they are needed


class _Run(NamedTuple):
    """Tiles side by side in a strip that are in one row of one image."""

    first: int  # tile of the strip
    tiles: int
    source: int  # where the first one's first value is in x, or would be, of the first channel
    top: int  # its rows that lie in the picture
    bottom: int
    left: int  # columns of the run that lie in the picture
    right: int
    target: int  # where its first value is in y, of the first output
    rows: int  # in y
    columns: int


_RUN = 10  # numbers of a _Run


class _Tiled(NamedTuple):
    """What `forward` gives its task. Channels and outputs are one group's."""

    geo: Geometry
    x: np.ndarray
    weight: np.ndarray  # transformed
    bias: Optional[np.ndarray]
    y: np.ndarray
    groups: int
    outputs: int
    down: int  # tiles of an image
    across: int
    tiles: int  # of all images
    strip: int  # tiles
    strips: int
    blocks: int  # of outputs
    add: bool
    slope: float


class _Memory(NamedTuple):
    """A strip's memory, as places in a thread's scratch, and how far rows lie apart."""

    tiles: int  # B^T d B: (36, channels, strip)
    size: int
    products: int  # (36, FULL, strip)
    product: int
    rows: int  # (6, 4 * strip), and 12 rows of ends
    step: int
    last: int  # int32s, one a tile
    straight: int  # int64s, one a vector of tiles
    runs: int  # int64s
    total: int


@numba.njit(nogil=True, inline="always")
def _memory(channels, strip):
    size, product = channels * strip + LANES, FULL * strip + LANES
    step = STEP * strip + 2 * LANES
    products = _VALUES * size
    rows = products + _VALUES * product
    last = rows + 3 * SIDE * step
    straight = last + strip
    runs = straight + 2 * (strip // LANES)
    total = runs + 2 * _RUN * strip
    return _Memory(0, size, products, product, rows, step, last, straight, runs, total)


def _scratch(channels: int, strip: int) -> int:
    """float32 values that a strip needs."""
    return int(_memory.py_func(channels, strip).total)


@numba.njit(nogil=True)
def _find_runs(p, first, count, runs, last, straight):
    """The runs of tiles first..first + count; returns how many.

    straight: where in y, of the first output, a vector of tiles can be written as it is, else -1.
    """
    straight[: (count + LANES - 1) // LANES] = -1
    geo, number, done = p.geo, 0, 0
    image_in, image_out = geo.channels * geo.height * geo.width, p.outputs * geo.out_h * geo.out_w
    while done < count:
        tile = first + done
        row, column = tile // p.across, tile % p.across
        image, row = row // p.down, row % p.down
        long = min(count - done, p.across - column)
        y, x = row * STEP - geo.pad_h, column * STEP - geo.pad_w
        at = number * _RUN
        runs[at], runs[at + 1] = done, long
        runs[at + 2] = image * p.groups * image_in + y * geo.width + x
        runs[at + 3], runs[at + 4] = max(0, -y), min(SIDE, geo.height - y)
        runs[at + 5], runs[at + 6] = max(0, -x), min(STEP * long + 2, geo.width - x)
        runs[at + 7] = image * p.groups * image_out + row * STEP * geo.out_w + column * STEP
        runs[at + 8] = min(STEP, geo.out_h - row * STEP)
        runs[at + 9] = min(STEP * long, geo.out_w - column * STEP)
        for t in range(done, done + long):
            last[t] = t == done + long - 1 or t % LANES == LANES - 1
        for v in range((done + LANES - 1) // LANES, (done + long) // LANES):
            start = STEP * (v * LANES - done)
            if not p.add and runs[at + 8] == STEP and runs[at + 9] >= start + STEP * LANES:
                straight[v] = runs[at + 7] + start
        done += long
        number += 1
    return number


@numba.njit(nogil=True)
def _take_in(p, x, runs, number, vectors, memory, at):
    """B^T d B of a strip's tiles, channel by channel; x: address of the group's first value."""
    geo, step = p.geo, memory.step
    rows_at = at + 4 * memory.rows
    ends_at = rows_at + 4 * SIDE * step
    rows, ends = float32s(rows_at), float32s(ends_at)
    for c in range(geo.channels):
        plane = x + 4 * c * geo.height * geo.width
        if c + _AHEAD < geo.channels:
            ahead = plane + 4 * _AHEAD * geo.height * geo.width
            for i in range(number):
                run = i * _RUN
                for r in range(runs[run + 3], runs[run + 4]):
                    place = runs[run + 2] + r * geo.width
                    fetch_to_read(ahead + 4 * place, STEP * runs[run + 1] + 2)
        for i in range(number):
            run = i * _RUN
            first, count = runs[run], runs[run + 1]
            rows_inwards(
                plane + 4 * runs[run + 2],
                geo.width,
                runs[run + 3],
                runs[run + 4],
                runs[run + 5],
                runs[run + 6],
                STEP * count + 2,
                rows_at + 4 * STEP * first,
                step,
            )
            end = first - first % LANES + LANES - 1
            behind = first + count
            while True:
                tile = min(end, behind - 1)
                for r in range(SIDE):
                    place = r * step + STEP * (tile + 1)
                    ends[2 * r * step + tile] = rows[place]
                    ends[(2 * r + 1) * step + tile] = rows[place + 1]
                if end >= behind - 1:
                    break
                end += LANES
        for v in range(vectors):
            t = v * LANES
            tiles_inwards(
                rows_at + 4 * STEP * t,
                step,
                ends_at + 4 * t,
                at + 4 * (memory.last + t),
                at + 4 * (memory.tiles + c * LANES * vectors + t),
                memory.size,
            )


@numba.njit(nogil=True)
def _put_out(p, y, runs, number, straight, rows, step):
    """A strip's rows of one output to y, or added to what it holds, but those that are there."""
    width = np.uint64(p.geo.out_w)
    for i in range(number):
        at = i * _RUN
        first, count = runs[at], runs[at + 1]
        for v in range(first // LANES, (first + count - 1) // LANES + 1):
            if straight[v] >= 0:
                continue
            begin = STEP * max(0, v * LANES - first)
            end = min(runs[at + 9], STEP * (v * LANES + LANES - first))
            columns = np.uint64(max(0, end - begin))
            for r in range(runs[at + 8]):
                source = np.uint64(r * step + STEP * first + begin)
                target = np.uint64(runs[at + 7] + begin) + np.uint64(r) * width
                if p.add:
                    for q in range(columns):
                        y[target + q] += rows[source + q]
                else:
                    for q in range(columns):
                        y[target + q] = rows[source + q]


@threads.Task
def _tiled(arguments, scratch):
    """Strips of tiles, by blocks of outputs."""
    p = record(_Tiled, threads.given(arguments))
    geo = p.geo
    memory = _memory(geo.channels, p.strip)
    runs, last = int64s(scratch + 4 * memory.runs), int32s(scratch + 4 * memory.last)
    straight, rows_at = int64s(scratch + 4 * memory.straight), scratch + 4 * memory.rows
    products_at = scratch + 4 * memory.products
    wide = (p.outputs + FULL - 1) // FULL
    block = (wide + p.blocks - 1) // p.blocks * FULL
    bias, slope = float32s(p.bias), np.float32(p.slope)
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        part = item % p.blocks
        first = item // p.blocks % p.strips * p.strip
        group = item // p.blocks // p.strips
        count = min(p.strip, p.tiles - first)
        if part * block >= p.outputs:
            continue
        vectors = (count + LANES - 1) // LANES
        columns = vectors * LANES
        number = _find_runs(p, first, count, runs, last, straight)
        x = p.x + 4 * group * geo.channels * geo.height * geo.width
        _take_in(p, x, runs, number, vectors, memory, scratch)
        for row in range(part * block, min(p.outputs, part * block + block), FULL):
            high = min(FULL, p.outputs - row)
            weight = p.weight + 4 * _block(group, row, p.outputs, geo.channels)
            for r in range(high):
                channel = p.y + 4 * (group * p.outputs + row + r) * geo.out_h * geo.out_w
                for i in range(number):
                    for q in range(runs[i * _RUN + 8]):
                        place = channel + 4 * (runs[i * _RUN + 7] + q * geo.out_w)
                        fetch_to_write(place, runs[i * _RUN + 9])
            for value in range(_VALUES):
                accumulate(
                    Left(weight + 4 * value * (high * geo.channels + LANES), 1, high),
                    Rows(scratch + 4 * (memory.tiles + value * memory.size), columns),
                    Rows(products_at + 4 * value * memory.product, columns),
                    Size(high, columns, geo.channels),
                    _PART,
                )
            for r in range(high):
                channel = group * p.outputs + row + r
                offset = bias[channel] if p.bias else np.float32(0)
                y = p.y + 4 * channel * geo.out_h * geo.out_w
                for v in range(vectors):
                    t = v * LANES
                    there = straight[v] >= 0
                    tiles_outwards(
                        products_at + 4 * (r * columns + t),
                        memory.product,
                        offset,
                        slope,
                        y + 4 * straight[v] if there else rows_at + 4 * STEP * t,
                        geo.out_w if there else memory.step,
                    )
                _put_out(p, float32s(y), runs, number, straight, float32s(rows_at), memory.step)


@numba.njit(nogil=True)
def _block(group, row, rows, depth):
    """Where the transformed weights of a block of FULL rows begin.

    They are (36, depth, the block's rows), with a vector's room after each of the 36.
    """
    blocks = group * ((rows + FULL - 1) // FULL) + row // FULL
    return _VALUES * ((group * rows + row) * depth + blocks * LANES)


class _Weights(NamedTuple):
    """What `_weights` gives its task; rows are of the left matrix."""

    weight: np.ndarray
    transformed: np.ndarray
    rows: int  # of a group
    depth: int
    row_step: int  # values in `weight`
    depth_step: int
    group_step: int
    turned: bool


@threads.Task
def _weights(arguments, scratch):
    """G g G^T of the weights, a block of FULL rows at a time; see _block."""
    p = record(_Weights, threads.given(arguments))
    blocks = (p.rows + FULL - 1) // FULL
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        group, row = item // blocks, item % blocks * FULL
        high = min(FULL, p.rows - row)
        target = p.transformed + 4 * _block(group, row, p.rows, p.depth)
        size = high * p.depth + LANES
        source = p.weight + 4 * (group * p.group_step + row * p.row_step)
        source += 4 * 8 if p.turned else 0
        for k in range(p.depth):
            for r in range(0, high, LANES):
                # what fills the vector after the last row is written over by what comes next
                weights_inwards(
                    source + 4 * (k * p.depth_step + r * p.row_step),
                    p.row_step,
                    -1 if p.turned else 1,
                    min(LANES, high - r),
                    target + 4 * (k * high + r),
                    size,
                )


def _transformed(weight: np.ndarray, geo: Geometry, groups: int, turned: bool) -> np.ndarray:
    """The transformed weights of a convolution of this geometry; see _block."""
    outputs, channels = len(weight) // groups, geo.channels
    rows, depth = (channels, outputs) if turned else (outputs, channels)
    steps = (9, 9 * channels) if turned else (9 * channels, 9)
    blocks = groups * -(-rows // FULL)
    found = np.empty(_VALUES * (groups * rows * depth + blocks * LANES), np.float32)
    threads.run(
        _weights,
        blocks,
        _Weights(weight, found, rows, depth, *steps, outputs * channels * 9, turned),
    )
    return found


def pays(geo: Geometry, outputs: int) -> bool:
    """Whether this way is quicker for a convolution with so many outputs.

    It goes by the sizes of one image and of the weights alone: the two ways round differently, and
    so results depend neither on the batch nor on the machine.
    """
    window = geo[5:9] == (3, 3, 1, 1) and geo[11:] == (1, 1) and min(geo.pad_h, geo.pad_w) >= 0
    tiles = -(-geo.out_h // STEP) * -(-geo.out_w // STEP)
    return window and min(geo.channels, outputs) >= _CHANNELS and tiles >= _LEAST


def forward(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    y: np.ndarray,
    geo: Geometry,
    groups: int,
    slope: float = 1.0,
    add: bool = False,
    turned: bool = False,
) -> None:
    """y = act(weight * x + bias), with windows of 3x3 values one apart.

    Args:
        x: (N, groups * C, H, W). bias: (groups * O,), or empty. y: (N, groups * O, H', W'). weight:
        (groups * O, C * 9), or with `turned` (groups * C, O * 9), which is rotated then.
        slope: of a ReLU, or 1. add: add to what y holds.
    """
    outputs = y.shape[1] // groups
    origin = geo._replace(channels=outputs) if turned else geo
    transformed = _transformed(weight, origin, groups, turned)
    down, across = -(-geo.out_h // STEP), -(-geo.out_w // STEP)
    tiles = len(x) * down * across
    most = 2 * _TILES if 2 * _TILES * _VALUES * geo.channels <= _STRIP_VALUES else _TILES
    strip = min(most, -(-tiles // LANES) * LANES)
    strips = -(-tiles // strip)
    blocks = 1 if strips * groups >= 4 * threads.count() else 2
    given = bias if bias.size else None
    arguments = _Tiled(
        geo, x, transformed, given, y, groups, outputs, down, across, tiles, strip, strips,
        blocks, add, slope,
    )  # fmt: skip
    threads.run(_tiled, groups * strips * blocks, arguments, scratch=_scratch(geo.channels, strip))

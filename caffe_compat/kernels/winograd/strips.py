"""Strips of tiles: what they read, their products, and what they write.

Arrays are C-contiguous float32 (N, channels, ...). Tiles are numbered row by row, image by image.
"""

from typing import NamedTuple, Optional

import numpy as np

from ..atomic import float32s, int32s, int64s
from ..compiled.later import numba
from ..elementwise import rectify_back
from ..gemm import FULL, WIDTH, Rows, Size, accumulate
from ..geometry import Geometry
from ..vectors import LANES, fetch_to_read, fetch_to_write
from .transforms import (
    SIDE,
    STEP,
    VALUES,
    rows_inwards,
    tiles_inwards,
    tiles_outwards,
)

_PART = 64  # channels whose products are summed before the others': less is lost to rounding
ROWS = 24  # outputs at a time: what is read of the tiles serves all of them; multiple of FULL
_AHEAD = 2  # channels that are fetched before they are needed


class Tiled(NamedTuple):
    """A convolution and its tiles. Channels and outputs are one group's."""

    geo: Geometry
    x: np.ndarray
    bias: Optional[np.ndarray]
    y: np.ndarray
    groups: int
    outputs: int
    down: int  # tiles of an image
    across: int
    tiles: int  # of all images
    strip: int  # tiles
    strips: int
    add: bool
    slope: float
    mask: Optional[np.ndarray]


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


class Memory(NamedTuple):
    """A strip's memory beside B^T d B: places in a thread's scratch, and how far rows lie apart."""

    size: int  # of one of the 36 of B^T d B, in panels (strip / WIDTH, channels, WIDTH)
    products: int  # (36, ROWS, strip)
    product: int
    rows: int  # (6, 4 * strip), and 12 rows of ends
    step: int
    last: int  # int32s, one a tile
    straight: int  # int64s, one a vector of tiles
    runs: int  # int64s
    total: int


@numba.njit(nogil=True, inline="always")
def memory_of(channels, strip):
    size = (strip + WIDTH - 1) // WIDTH * WIDTH * channels + LANES
    product = ROWS * strip + LANES
    step = STEP * strip + 2 * LANES
    products = 0
    rows = products + VALUES * product
    last = rows + 3 * SIDE * step
    straight = last + strip
    runs = straight + 2 * (strip // LANES)
    total = runs + 2 * _RUN * strip
    return Memory(size, products, product, rows, step, last, straight, runs, total)


def scratch_of(channels: int, strip: int) -> int:
    """float32 values that a strip needs beside its B^T d B."""
    return int(memory_of.py_func(channels, strip).total)


@numba.njit(nogil=True)
def find_runs(p, first, count, runs, last, straight):
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


class Strip(NamedTuple):
    """A strip of tiles at hand."""

    memory: Memory
    vectors: int  # of tiles
    runs: int


@numba.njit(nogil=True)
def begin(p, number, scratch):
    """The Strip of this number, whose runs are found."""
    first = number * p.strip
    count = min(p.strip, p.tiles - first)
    memory = memory_of(p.geo.channels, p.strip)
    runs, last = int64s(scratch + 4 * memory.runs), int32s(scratch + 4 * memory.last)
    straight = int64s(scratch + 4 * memory.straight)
    runs_found = find_runs(p, first, count, runs, last, straight)
    return Strip(memory, (count + LANES - 1) // LANES, runs_found)


@numba.njit(nogil=True)
def take_in(p, group, strip, tiles, scratch):
    """B^T d B of a strip's tiles to the address `tiles`, channel by channel."""
    geo, memory, number, vectors = p.geo, strip.memory, strip.runs, strip.vectors
    runs, step = int64s(scratch + 4 * memory.runs), memory.step
    rows_at = scratch + 4 * memory.rows
    x = p.x + 4 * group * geo.channels * geo.height * geo.width
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
                scratch + 4 * (memory.last + t),
                tiles + 4 * (t // WIDTH * WIDTH * geo.channels + c * WIDTH + t % WIDTH),
                memory.size,
            )


@numba.njit(nogil=True)
def _put_out(p, y, mask, runs, number, straight, rows, step):
    """A strip's rows of one output to y, or added to what it holds, but those that are there.

    mask: as y, of the mask.
    """
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
                if p.mask:
                    slope = np.float32(p.slope)
                    rectify_back(y, mask, slope, target, target + columns)


@numba.njit(nogil=True)
def rows_out(p, group, row, high, weight, tiles, strip, scratch):
    """A strip's values of `high` outputs, up to ROWS, from `row` on.

    weight, tiles: the addresses of the outputs' transformed weights, in blocks of FULL, and of the
    strip's B^T d B.
    """
    geo, memory = p.geo, strip.memory
    runs, straight = int64s(scratch + 4 * memory.runs), int64s(scratch + 4 * memory.straight)
    rows_at, products_at = scratch + 4 * memory.rows, scratch + 4 * memory.products
    columns = strip.vectors * LANES
    bias, mask = float32s(p.bias), p.mask - p.y if p.mask else 0
    area = geo.out_h * geo.out_w
    for r in range(high):
        channel = p.y + 4 * (group * p.outputs + row + r) * area
        for i in range(strip.runs):
            for q in range(runs[i * _RUN + 8]):
                place = channel + 4 * (runs[i * _RUN + 7] + q * geo.out_w)
                fetch_to_write(place, runs[i * _RUN + 9])
    block = VALUES * (FULL * geo.channels + LANES)
    for value in range(VALUES):
        for r in range(0, high, FULL):
            size = Size(min(FULL, high - r), columns, geo.channels)
            accumulate(
                weight + 4 * (r // FULL * block + value * (size.rows * size.depth + LANES)),
                tiles + 4 * value * memory.size,
                Rows(products_at + 4 * (value * memory.product + r * columns), columns),
                size,
                _PART,
            )
    for r in range(high):
        channel = group * p.outputs + row + r
        offset = bias[channel] if p.bias else np.float32(0)
        y = p.y + 4 * channel * area
        for v in range(strip.vectors):
            t = v * LANES
            there = straight[v] >= 0
            tiles_outwards(
                products_at + 4 * (r * columns + t),
                memory.product,
                offset,
                np.float32(p.slope if there or not mask else 1),
                mask if there else 0,
                y + 4 * straight[v] if there else rows_at + 4 * STEP * t,
                geo.out_w if there else memory.step,
            )
        data, rows = float32s(y + mask), float32s(rows_at)
        _put_out(p, float32s(y), data, runs, strip.runs, straight, rows, memory.step)

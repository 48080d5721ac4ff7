"""Convolution with 3x3 windows by Winograd's algorithm, a few dozen tiles at a time.

The picture of a large convolution is gone through once, in strips of tiles, and all its weights are
transformed before. A small picture is transformed first instead, and the weights block by block
where they are needed: those would take four times their memory, and longer to write and to read
than to transform.
"""

from typing import NamedTuple, Optional

import numpy as np

from .. import threads
from ..atomic import record
from ..gemm import FULL
from ..geometry import Geometry
from ..vectors import LANES
from .strips import ROWS, Tiled, begin, memory_of, rows_out, scratch_of, take_in
from .transforms import STEP, VALUES
from .weights import Weights, place, transform_block, transformed, weights

_TILES = 32  # at a time, or twice as many where these are not too many values:
_STRIP_VALUES = 150_000
_SMALL = 300_000  # values of a small picture's tiles
_CHANNELS = 16  # at least, of either side: with fewer the transforms cost more than the products
_LEAST = 12  # tiles of an image: with fewer the weights' transform does


class _Large(NamedTuple):
    """What `forward` gives the task for large pictures."""

    tiled: Tiled
    weight: np.ndarray  # transformed
    blocks: int  # of outputs


@threads.Task
def _large(arguments, scratch):
    """Strips of tiles, by blocks of outputs."""
    given = record(_Large, threads.given(arguments))
    p = given.tiled
    wide = (p.outputs + FULL - 1) // FULL
    block = (wide + given.blocks - 1) // given.blocks * FULL
    tiles = scratch + 4 * memory_of(p.geo.channels, p.strip).total
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        part, number = item % given.blocks * block, item // given.blocks % p.strips
        group = item // given.blocks // p.strips
        if part >= p.outputs:
            continue
        strip = begin(p, number, scratch)
        take_in(p, group, strip, tiles, scratch)
        end = min(p.outputs, part + block)
        for row in range(part, end, ROWS):
            weight = given.weight + 4 * place(group, row, p.outputs, p.geo.channels)
            rows_out(p, group, row, min(ROWS, end - row), weight, tiles, strip, scratch)


class _Small(NamedTuple):
    """What `forward` gives the tasks for small pictures."""

    tiled: Tiled
    weights: Weights
    block: int  # of outputs
    tiles: np.ndarray  # B^T d B: (groups, strips, 36, channels, tiles), with room between


@threads.Task
def _small_in(arguments, scratch):
    """Strips of tiles to B^T d B."""
    given = record(_Small, threads.given(arguments))
    p = given.tiled
    size = VALUES * memory_of(p.geo.channels, p.strip).size
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        strip = begin(p, item % p.strips, scratch)
        take_in(p, item // p.strips, strip, given.tiles + 4 * item * size, scratch)


@threads.Task
def _small_out(arguments, scratch):
    """Blocks of outputs, by all strips."""
    given = record(_Small, threads.given(arguments))
    p = given.tiled
    memory = memory_of(p.geo.channels, p.strip)
    wide, size = (p.outputs + given.block - 1) // given.block, VALUES * memory.size
    weight, step = scratch + 4 * memory.total, VALUES * (FULL * p.geo.channels + LANES)
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        group, row = item // wide, item % wide * given.block
        high = min(given.block, p.outputs - row)
        for r in range(0, high, FULL):
            target = weight + 4 * (r // FULL * step)
            transform_block(given.weights, group, row + r, min(FULL, high - r), target)
        for number in range(p.strips):
            strip = begin(p, number, scratch)
            tiles = given.tiles + 4 * (group * p.strips + number) * size
            rows_out(p, group, row, high, weight, tiles, strip, scratch)


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
    mask: Optional[np.ndarray] = None,
) -> None:
    """y = act(weight * x + bias), with windows of 3x3 values one apart.

    Args:
        x: (N, groups * C, H, W). bias: (groups * O,), or empty. y: (N, groups * O, H', W'). weight:
        (groups * O, C * 9), or with `turned` (groups * C, O * 9), which is rotated then.
        slope: of a ReLU, or 1. add: add to what y holds. mask: an array of y's shape: apply a
        ReLU's backward pass instead of a ReLU, of which these are the data.
    """
    outputs = y.shape[1] // groups
    origin = weights(weight, outputs if turned else geo.channels, groups, turned)
    down, across = -(-geo.out_h // STEP), -(-geo.out_w // STEP)
    tiles = len(x) * down * across
    most = 2 * _TILES if 2 * _TILES * VALUES * geo.channels <= _STRIP_VALUES else _TILES
    strip = min(most, -(-tiles // LANES) * LANES)
    strips = -(-tiles // strip)
    given = bias if bias.size else None
    p = Tiled(
        geo, x, given, y, groups, outputs, down, across, tiles, strip, strips, add, slope, mask,
    )  # fmt: skip
    scratch = scratch_of(geo.channels, strip)
    size = VALUES * memory_of.py_func(geo.channels, strip).size
    if strips * size <= _SMALL:
        each = groups * outputs // (4 * threads.count())
        block = min(ROWS, max(FULL, each // FULL * FULL))
        small = _Small(p, origin, block, threads.borrow(groups * strips * size))
        threads.run(_small_in, groups * strips, small, scratch)
        scratch += VALUES * (FULL * geo.channels + LANES) * (block // FULL)
        threads.run(_small_out, groups * -(-outputs // block), small, scratch)
        threads.give_back(small.tiles)
        return
    blocks = 1 if strips * groups >= 4 * threads.count() else 2
    large = _Large(p, transformed(origin, groups), blocks)
    threads.run(_large, groups * strips * blocks, large, scratch + size)
    threads.give_back(large.weight)

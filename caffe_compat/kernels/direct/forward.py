"""Convolution by strips of outputs.

The columns of a few dozen outputs at a time stay in cache between where they are read and their
product. Arrays are C-contiguous float32 (N, channels, ...).
"""

from functools import lru_cache
from typing import NamedTuple, Optional, Tuple

import numpy as np

from .. import cores, threads
from ..atomic import float32s, int64s, record
from ..compiled.later import numba
from ..gemm import DEPTH, FULL, OVERHANG, WIDTH, Finish, Rows, Size, multiply
from ..geometry import Geometry
from .fields import Strip, field_of, fill, fill_last_panel, fill_panels, find_offsets, find_runs
from .packing import Weights, packed

_LEAST_ROWS = 48  # of A in a block: with fewer the columns cost too much


class Memory(NamedTuple):
    """Places of a thread's scratch, in float32 values."""

    offsets: int  # int64s
    runs: int  # int64s
    panels: int
    field: int


@numba.njit(nogil=True)
def memory_of(depth, outputs):
    """The Memory for a strip of so many outputs."""
    wide = (outputs + WIDTH - 1) // WIDTH * WIDTH
    offsets = OVERHANG
    runs = offsets + 2 * depth
    panels = runs + 4 * outputs
    return Memory(offsets, runs, panels, panels + (min(DEPTH, depth) + 1) * wide)


class _Forward(NamedTuple):
    """What `forward` gives its task."""

    geo: Geometry
    x: np.ndarray
    weight: np.ndarray  # packed
    bias: Optional[np.ndarray]
    y: np.ndarray
    groups: int
    outputs: int  # of one group
    rows: int  # of a strip
    columns: int
    block: int  # of output channels
    blocks: int
    pointwise: bool
    add: bool
    slope: float
    mask: Optional[np.ndarray]


@numba.njit(nogil=True)
def _fill(p, plane, strip, k, depth, memory, scratch):
    """Panels of a part of the columns, from the field or, for pointwise, from the picture."""
    geo, offsets = p.geo, int64s(scratch + 4 * memory.offsets)
    runs, panels = int64s(scratch + 4 * memory.runs), scratch + 4 * memory.panels
    if not p.pointwise:
        step = geo.stride_h * field_of(geo, strip).row
        count = find_runs(step, strip, depth, runs)
        fill_panels(scratch + 4 * memory.field, offsets, k, depth, runs, count, panels)
        return
    columns = strip.column_end - strip.column
    whole = columns // WIDTH * WIDTH
    x = p.x + 4 * (plane * geo.channels * geo.width + strip.column)
    count = find_runs(0, Strip(0, 1, 0, whole), depth, runs)
    fill_panels(x, offsets, k, depth, runs, count, panels)
    if whole < columns:
        panel = panels + 4 * whole * (depth + 1)
        fill_last_panel(x, offsets, k, depth, whole, columns - whole, panel)


@threads.Task
def _forward(arguments, scratch):
    """Strips of outputs, by blocks of output channels."""
    p = record(_Forward, threads.given(arguments))
    geo, positions = p.geo, p.geo.out_h * p.geo.out_w
    depth = geo.channels * geo.kernel_h * geo.kernel_w
    x_image = geo.channels * geo.height * geo.width  # of one group
    across = (geo.out_w + p.columns - 1) // p.columns
    strips = (geo.out_h + p.rows - 1) // p.rows * across
    memory = memory_of(depth, p.rows * p.columns)
    mask = p.mask - p.y if p.mask else 0
    offsets, field = int64s(scratch + 4 * memory.offsets), float32s(scratch + 4 * memory.field)
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        channel = item % p.blocks * p.block
        number = item // p.blocks % strips
        plane = item // p.blocks // strips  # image and group in one
        row, column = number // across * p.rows, number % across * p.columns
        strip = Strip(
            row, min(geo.out_h, row + p.rows), column, min(geo.out_w, column + p.columns)
        )  # fmt: skip
        count = (strip.row_end - row) * (strip.column_end - column)
        seen = field_of(geo, strip)
        if not p.pointwise:
            fill(float32s(p.x), plane * x_image, geo, strip, seen, field)
        find_offsets(geo, seen, offsets)
        if p.pointwise:
            for k in range(depth):
                offsets[k] = k * geo.width
        row = plane % p.groups * p.outputs + channel  # of all weights
        a = p.weight + 4 * row * depth
        place = (plane * p.outputs + channel) * positions + strip.row * geo.out_w + column
        c = Rows(p.y + 4 * place, positions)
        size = Size(min(p.block, p.outputs - channel), count, depth)
        finish = Finish(p.bias + 4 * row if p.bias else 0, np.float32(p.slope), p.add, mask)
        for k in range(0, depth, DEPTH):
            _fill(p, plane, strip, k, min(DEPTH, depth - k), memory, scratch)
            panels = scratch + 4 * memory.panels
            multiply(a, panels, c, size, k, finish, float32s(scratch))


def strip_of(geo: Geometry, most: int) -> Strip:
    """The first strip, of the shape of all: whole rows, or a part of one, of `most` outputs."""
    most = max(WIDTH, most)
    if geo.out_w > most:
        parts = -(-geo.out_w // most)
        return Strip(0, 1, 0, -(-geo.out_w // (parts * WIDTH)) * WIDTH)
    return Strip(0, min(geo.out_h, most // geo.out_w), 0, geo.out_w)


def most_outputs(depth: int) -> int:
    """Outputs whose panels fit in the processor's level 2, with weights and results beside them."""
    return cores.level_2() // 10 // min(DEPTH, depth) // WIDTH * WIDTH


def cut(geo: Geometry, outputs: int, planes: int, count: int) -> Tuple[Strip, int]:
    """The first strip, and the output channels of a block.

    Strips fit the cache, and there is enough of both for all `count` threads to end together.
    """
    wanted = 4 * count
    most = min(most_outputs(geo.depth), max(4 * WIDTH, geo.out_h * geo.out_w * planes // wanted))
    strip = strip_of(geo, most)
    strips = -(-geo.out_h // strip.row_end) * -(-geo.out_w // strip.column_end) * planes
    parts = max(1, min(outputs // _LEAST_ROWS, -(-wanted // strips)))
    return strip, -(-outputs // (parts * FULL)) * FULL


class _Plan(NamedTuple):
    """How a convolution is cut; see _Forward. scratch: float32 values of a thread's memory."""

    geo: Geometry
    rows: int
    columns: int
    block: int
    blocks: int
    strips: int
    pointwise: bool
    scratch: int


@lru_cache(maxsize=4096)  # to work it out takes as long as the smallest convolutions
def _planned(geo: Geometry, outputs: int, planes: int, count: int) -> _Plan:
    pointwise = geo.pointwise
    if pointwise:
        area = geo.height * geo.width
        geo = geo._replace(height=1, width=area, out_h=1, out_w=area)
    strip, block = cut(geo, outputs, planes, count)
    rows, columns = strip.row_end, strip.column_end
    strips = -(-geo.out_h // rows) * -(-geo.out_w // columns) * planes
    memory = memory_of.py_func(geo.depth, rows * columns)
    field = 0 if pointwise else geo.channels * field_of.py_func(geo, strip).channel
    scratch = memory.field + field + WIDTH
    return _Plan(geo, rows, columns, block, -(-outputs // block), strips, pointwise, scratch)


def forward(
    x: np.ndarray,
    weights: Weights,
    bias: np.ndarray,
    y: np.ndarray,
    geo: Geometry,
    groups: int,
    slope: float = 1.0,
    add: bool = False,
    mask: Optional[np.ndarray] = None,
) -> None:
    """y = act(weights * x + bias); see kernels.convolution.forward."""
    outputs, planes = weights.rows, len(x) * groups
    plan = _planned(geo, outputs, planes, threads.count())
    geo, rows, columns, block, blocks, strips, pointwise, scratch = plan
    given = packed(weights, groups, block)
    arguments = _Forward(
        geo, x, given, bias if bias.size else None, y, groups, outputs,
        rows, columns, block, blocks, pointwise, add, slope, mask,
    )  # fmt: skip
    threads.run(_forward, strips * blocks, arguments, scratch)
    threads.give_back(given)

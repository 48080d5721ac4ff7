"""The gradient of a convolution's input, by a few rows of outputs or a part of one at a time.

The product of the transposed weights and the outputs' gradient has the columns' gradient; it is
added up in a ring of a few rows of the picture, which are written when no later output sees them.
Each value is summed over the outputs that see it in the order of their rows and columns, whatever
the size of strips and panels.
"""

from typing import NamedTuple, Optional

import numpy as np

from .. import threads
from ..atomic import float32s, int64s, record
from ..compiled.later import cgutils, intrinsic, numba, types
from ..elementwise import rectify_back
from ..gemm import DEPTH, WIDTH, Finish, Rows, Size, multiply
from ..geometry import Geometry
from ..vectors import LANES, load, number, store
from .fields import Strip, clear, field_of, fill_last_panel, fill_panels, find_runs, inside
from .forward import memory_of, most_outputs, strip_of
from .packing import packed, transposed


class _Backward(NamedTuple):
    """What `by_columns` gives its task."""

    geo: Geometry
    dy: np.ndarray
    weight: np.ndarray  # transposed, packed
    dx: np.ndarray
    groups: int
    outputs: int  # of one group
    rows: int  # of a strip
    columns: int
    channels: int  # of a block
    parts: int  # blocks of channels
    blocks: int  # of the picture's rows
    add: bool
    mask: Optional[np.ndarray]
    slope: float


@numba.njit(nogil=True)
def _multiply_strip(p, dy, a, depth, strip, scratch, memory):
    """The columns' gradient (depth, the strip's outputs), behind the panels.

    dy: the address of the image's first value. a: of its group's weights.
    """
    geo, positions = p.geo, p.geo.out_h * p.geo.out_w
    offsets, runs = int64s(scratch + 4 * memory.offsets), int64s(scratch + 4 * memory.runs)
    panels = scratch + 4 * memory.panels
    count = (strip.row_end - strip.row) * (strip.column_end - strip.column)
    source, whole = dy + 4 * (strip.row * geo.out_w + strip.column), count // WIDTH * WIDTH
    target = Rows(scratch + 4 * memory.field, p.rows * p.columns)
    finish, size = Finish(0, np.float32(1), 0, 0), Size(depth, count, p.outputs)
    for o in range(p.outputs):
        offsets[o] = o * positions
    for k in range(0, p.outputs, DEPTH):
        part = min(DEPTH, p.outputs - k)
        found = find_runs(0, Strip(0, 1, 0, whole), part, runs)
        fill_panels(source, offsets, k, part, runs, found, panels)
        if whole < count:
            panel = panels + 4 * whole * (part + 1)
            fill_last_panel(source, offsets, k, part, whole, count - whole, panel)
        multiply(a, panels, target, size, k, finish, float32s(scratch))


@intrinsic
def _add_vectors(typingctx, source, target, vectors):
    """Add whole vectors from one address to those at another."""

    def generate(context, builder, signature, args):
        source, target, vectors = args
        with cgutils.for_range(builder, vectors) as loop:
            shift = builder.mul(loop.index, number(4 * LANES))
            place = builder.add(target, shift)
            value = builder.fadd(load(builder, place), load(builder, builder.add(source, shift)))
            store(builder, place, value)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), generate


@numba.njit(nogil=True)
def _add(source, target, count):
    """Add so many values from one address to those at another."""
    _add_vectors(source, target, count // LANES)
    values, sums = float32s(source), float32s(target)
    for q in range(np.uint64(count // LANES * LANES), np.uint64(count)):
        sums[q] += values[q]


@numba.njit(nogil=True)
def _add_strip(p, channels, cols, strip, top, bottom, field, ring):
    """Add a strip's gradient of the columns to the ring; both are addresses.

    From right to left within the window: so what comes to a value comes from left to right.
    """
    geo, count = p.geo, strip.column_end - strip.column
    step = p.rows * p.columns
    for row in range(strip.row, strip.row_end):
        first = (row - strip.row) * geo.out_w
        for c in range(channels):
            for i in range(geo.kernel_h):
                y = row * geo.stride_h - geo.pad_h + i * geo.dilation_h
                if y < top or y >= bottom:
                    continue
                line = c * field.channel + y % field.rows * field.row + strip.column
                for j in range(geo.kernel_w - 1, -1, -1):
                    shift = j * geo.dilation_w
                    part, place = shift % geo.stride_w, shift // geo.stride_w
                    target = ring + 4 * (line + part * field.side + place)
                    k = (c * geo.kernel_h + i) * geo.kernel_w + j
                    _add(cols + 4 * (k * step + first), target, count)


@numba.njit(nogil=True)
def _write_row(p, base, channels, y, field, ring):
    """A row of the picture at dx[base], from the ring, whose rows are zeros again."""
    geo, stride = p.geo, np.uint64(p.geo.stride_w)
    one, two = np.uint64(1), np.uint64(2)
    dx, slope = float32s(p.dx), np.float32(p.slope)
    for c in range(channels):
        at, line = (
            c * field.channel + y % field.rows * field.row,
            base + (c * geo.height + y) * geo.width,
        )
        if not p.add:
            clear(dx, np.uint64(line), np.uint64(geo.width))
        for part in range(geo.stride_w):
            low, high, column = inside(geo, part, 0, field.side)
            source, target = np.uint64(at + part * field.side + low), np.uint64(line + column)
            if stride == one:
                for q in range(np.uint64(high - low)):
                    dx[target + q] += ring[source + q]
            elif stride == two:
                for q in range(np.uint64(high - low)):
                    dx[target + two * q] += ring[source + q]
            else:
                for q in range(np.uint64(high - low)):
                    dx[target + stride * q] += ring[source + q]
        clear(ring, np.uint64(at), np.uint64(field.row))
        if p.mask:
            rectify_back(dx, float32s(p.mask), slope, np.uint64(line), np.uint64(line + geo.width))


@threads.Task
def _backward(arguments, scratch):
    """Blocks of channels, or of rows: the gradient of each from all the outputs that see it."""
    p = record(_Backward, threads.given(arguments))
    geo, window = p.geo, p.geo.kernel_h * p.geo.kernel_w
    memory = memory_of(p.outputs, p.rows * p.columns)
    field = field_of(geo, Strip(0, p.rows, 0, geo.out_w))
    cols = scratch + 4 * memory.field
    ring_at = cols + 4 * p.channels * window * p.rows * p.columns
    ring = float32s(ring_at)
    reach = (geo.kernel_h - 1) * geo.dilation_h - geo.pad_h
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        block, channel = item % p.blocks, item // p.blocks % p.parts * p.channels
        plane = item // p.blocks // p.parts
        channels = min(p.channels, geo.channels - channel)
        top, bottom = geo.height * block // p.blocks, geo.height * (block + 1) // p.blocks
        base = (plane * geo.channels + channel) * geo.height * geo.width
        dy = p.dy + 4 * plane * p.outputs * geo.out_h * geo.out_w
        a = p.weight + 4 * (plane % p.groups * geo.channels + channel) * window * p.outputs
        clear(ring, np.uint64(0), np.uint64(channels * field.channel))
        written, last = top, min(geo.out_h, (bottom - 1 + geo.pad_h) // geo.stride_h + 1)
        for row in range(max(0, -((reach - top) // geo.stride_h)), last, p.rows):
            seen = max(written, min(bottom, row * geo.stride_h - geo.pad_h))
            for y in range(written, seen):
                _write_row(p, base, channels, y, field, ring)
            written = seen
            for column in range(0, geo.out_w, p.columns):
                row_end, column_end = row + p.rows, column + p.columns
                strip = Strip(row, min(last, row_end), column, min(geo.out_w, column_end))
                _multiply_strip(p, dy, a, channels * window, strip, scratch, memory)
                _add_strip(p, channels, cols, strip, top, bottom, field, ring_at)
        for y in range(written, bottom):
            _write_row(p, base, channels, y, field, ring)


def by_columns(
    dy: np.ndarray,
    weight: np.ndarray,
    dx: np.ndarray,
    geo: Geometry,
    groups: int,
    slope: float,
    add: bool,
    mask: Optional[np.ndarray],
) -> None:
    """dx = the gradient of the input; see kernels.convolution.backward."""
    weights = transposed(weight, groups)
    outputs = weights.depth
    strip = strip_of(geo, min(most_outputs(outputs), most_outputs(geo.depth)))
    rows, columns = strip.row_end, strip.column_end
    field = field_of.py_func(geo, Strip(0, rows, 0, geo.out_w))
    # blocks of rows only for want of channels, since their margins are computed twice
    many = 2 * threads.count()
    parts = max(1, min(geo.channels // 4, -(-many // (len(dy) * groups))))
    channels = -(-geo.channels // parts)
    parts = -(-geo.channels // channels)
    blocks = min(geo.height, many) if len(dy) * groups * parts < threads.count() else 1
    window = geo.kernel_h * geo.kernel_w
    given = packed(weights, groups, channels * window)
    arguments = _Backward(
        geo, dy, given, dx, groups, outputs, rows, columns,
        channels, parts, blocks, add, mask, slope,
    )  # fmt: skip
    memory = memory_of.py_func(outputs, rows * columns)
    scratch = memory.field + channels * (window * rows * columns + field.channel) + WIDTH
    threads.run(_backward, len(dy) * groups * parts * blocks, arguments, scratch)
    threads.give_back(given)

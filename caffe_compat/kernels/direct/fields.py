"""Parts of pictures, from which the columns of a convolution are read in whole vectors.

A field holds the rows and columns of a picture that a strip of outputs sees, padding included. At a
stride of s, every s-th column of a row stands side by side: what one place of the window sees from
output to output then does too, whatever the stride.
"""

from typing import NamedTuple

import numpy as np

from ..atomic import float32s
from ..compiled.later import intrinsic, numba, types
from ..gemm import WIDTH
from ..vectors import LANES, load, number, store


class Strip(NamedTuple):
    """Outputs of a picture, of the rows row..row_end and the columns column..column_end."""

    row: int
    row_end: int
    column: int
    column_end: int


class Field(NamedTuple):
    """Sizes in values; rows are the picture's."""

    rows: int
    side: int  # of every s-th column of a row
    row: int
    channel: int


@numba.njit(nogil=True)
def field_of(geo, strip):
    """The Field that a strip sees."""
    rows = (strip.row_end - strip.row - 1) * geo.stride_h + (geo.kernel_h - 1) * geo.dilation_h + 1
    reach = (geo.kernel_w - 1) * geo.dilation_w // geo.stride_w
    side = strip.column_end - strip.column + reach
    return Field(rows, side, side * geo.stride_w, rows * side * geo.stride_w)


# Flat arrays and unsigned places, since a slice would be counted, and numba looks for negative
# places at each step; the usual strides by name, since constants vectorise.


@numba.njit(nogil=True)
def _gather(source, start, stride, target, at, count):
    """target[at : at + count] = source[start::stride]."""
    one, two = np.uint64(1), np.uint64(2)
    if stride == one:
        for q in range(count):
            target[at + q] = source[start + q]
    elif stride == two:
        for q in range(count):
            target[at + q] = source[start + two * q]
    else:
        for q in range(count):
            target[at + q] = source[start + stride * q]


@numba.njit(nogil=True)
def clear(target, at, count):
    for q in range(count):
        target[at + q] = 0


@numba.njit(nogil=True)
def inside(geo, part, first, side):
    """Of the places 0..side of every s-th column from `part` on, those that lie in the picture.

    first: the strip's first column. Returns (low, high, the picture's column at low).
    """
    shift = part - geo.pad_w
    low = min(side, max(0, -(shift // geo.stride_w) - first))
    high = min(side, max(low, (geo.width - shift + geo.stride_w - 1) // geo.stride_w - first))
    return low, high, (first + low) * geo.stride_w + shift


@numba.njit(nogil=True)
def fill(x, base, geo, strip, field, target):
    """The field of a strip of the picture at x[base]."""
    stride = np.uint64(geo.stride_w)
    top = strip.row * geo.stride_h - geo.pad_h
    for c in range(geo.channels):
        for row in range(field.rows):
            at = c * field.channel + row * field.row
            y = top + row
            if y < 0 or y >= geo.height:
                clear(target, np.uint64(at), np.uint64(field.row))
                continue
            line = base + (c * geo.height + y) * geo.width
            for part in range(geo.stride_w):
                low, high, column = inside(geo, part, strip.column, field.side)
                clear(target, np.uint64(at), np.uint64(low))
                place, count = np.uint64(at + low), np.uint64(high - low)
                _gather(x, np.uint64(line + column), stride, target, place, count)
                clear(target, np.uint64(at + high), np.uint64(field.side - high))
                at += field.side


@numba.njit(nogil=True)
def find_offsets(geo, field, offsets):
    """offsets[k]: where in a field the first output sees the window's place k."""
    k = 0
    for c in range(geo.channels):
        for i in range(geo.kernel_h):
            row = c * field.channel + i * geo.dilation_h * field.row
            for j in range(geo.kernel_w):
                shift = j * geo.dilation_w
                part, place = shift % geo.stride_w, shift // geo.stride_w
                offsets[k] = row + part * field.side + place
                k += 1


@numba.njit(nogil=True)
def find_runs(row_step, strip, depth, runs):
    """Outputs side by side in a panel and a row: for each, where it begins in a field and in the
    panels; returns how many.

    row_step: values in the field from one row of outputs to the next. depth: rows of a panel but
    its last, which is room.
    """
    number, done, columns = 0, 0, strip.column_end - strip.column
    for row in range(strip.row_end - strip.row):
        column = 0
        while column < columns:
            runs[2 * number] = row * row_step + column
            runs[2 * number + 1] = done // WIDTH * WIDTH * (depth + 1) + done % WIDTH
            count = min(WIDTH - done % WIDTH, columns - column)
            column += count
            done += count
            number += 1
    return number


@intrinsic
def _copy_panel_row(typingctx, source, target):
    """WIDTH values from one address to another."""

    def generate(context, builder, signature, args):
        source, target = args
        for v in range(WIDTH // LANES):
            shift = number(4 * LANES * v)
            store(builder, builder.add(target, shift), load(builder, builder.add(source, shift)))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@numba.njit(nogil=True)
def fill_panels(field, offsets, first, depth, runs, count, panels):
    """Rows first..first + depth of the columns, to panels; both are addresses.

    A run that ends within a panel's row writes over what comes behind, which is written later.
    """
    for k in range(depth):
        source, target = field + 4 * offsets[first + k], panels + 4 * k * WIDTH
        for r in range(count):
            _copy_panel_row(source + 4 * runs[2 * r], target + 4 * runs[2 * r + 1])


@numba.njit(nogil=True)
def fill_last_panel(field, offsets, first, depth, start, count, panel):
    """The same for one run, of less than WIDTH values, behind which no memory may be read."""
    target = float32s(panel)
    for k in range(depth):
        source, at = float32s(field + 4 * (offsets[first + k] + start)), np.uint64(k * WIDTH)
        for q in range(np.uint64(count)):
            target[at + q] = source[q]

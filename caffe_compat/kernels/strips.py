"""The columns of a two-dimensional convolution, a few output positions at a time.

Arrays are flat float32. Output positions are numbered row by row. (columns.py does the same over
any number of axes, by NumPy.)
"""

from typing import NamedTuple, Sequence

import numpy as np

from .compiled.later import numba


class Geometry(NamedTuple):
    """The sizes of one group of a convolution: of its pictures, their outputs, and its window."""

    channels: int
    height: int
    width: int
    out_h: int
    out_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int
    dilation_h: int
    dilation_w: int

    @property
    def pointwise(self) -> bool:
        """Whether each output sees the one position at its own place."""
        return self[5:11] == (1, 1, 1, 1, 0, 0)


Pair = Sequence[int]  # height, width


def geometry(
    channels: int, size: Pair, out_size: Pair, kernel: Pair, stride: Pair, pad: Pair, dilation: Pair
) -> Geometry:
    """A Geometry from pairs (height, width)."""
    numbers = (channels, *size, *out_size, *kernel, *stride, *pad, *dilation)
    return Geometry(*(int(number) for number in numbers))


# Flat arrays and unsigned places, since a slice would be counted, and numba looks for negative
# places at each step; the usual strides by name, since constants vectorise.


@numba.njit(nogil=True)
def gather(source, start, stride, target, at, count):
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
def _scatter_add(source, start, count, target, at, stride):
    """target[at::stride] += source[start : start + count]."""
    one, two = np.uint64(1), np.uint64(2)
    if stride == one:
        for q in range(count):
            target[at + q] += source[start + q]
    elif stride == two:
        for q in range(count):
            target[at + two * q] += source[start + q]
    else:
        for q in range(count):
            target[at + stride * q] += source[start + q]


@numba.njit(nogil=True)
def clear(target, at, count):
    for q in range(count):
        target[at + q] = 0


@numba.njit(nogil=True)
def _inside(j, geo):
    """Output columns [left, right) whose source lies in the picture, at the kernel's column j."""
    stride, shift = geo.stride_w, j * geo.dilation_w - geo.pad_w
    left = min(geo.out_w, max(0, -(shift // stride)))
    return left, max(left, min(geo.out_w, (geo.width - shift + stride - 1) // stride))


@numba.njit(nogil=True)
def im2col(x, base, cols, step, geo, first, last):
    """Columns (channels * kernel_h * kernel_w, positions first..last) of the image at x[base].

    Rows of cols lie `step` apart.
    """
    out_w, stride = geo.out_w, np.uint64(geo.stride_w)
    row0, row1 = first // out_w, (last - 1) // out_w
    k = 0
    for c in range(geo.channels):
        for i in range(geo.kernel_h):
            for j in range(geo.kernel_w):
                left, right = _inside(j, geo)
                for row in range(row0, row1 + 1):
                    start, end = max(first, row * out_w), min(last, row * out_w + out_w)
                    at = np.uint64(k * step + start - first)
                    y = row * geo.stride_h - geo.pad_h + i * geo.dilation_h
                    if y < 0 or y >= geo.height:
                        clear(cols, at, np.uint64(end - start))
                        continue
                    a = start - row * out_w  # in columns of this row
                    b = end - row * out_w
                    lo, hi = min(b, max(a, left)), max(a, min(b, right))
                    if hi < lo:
                        hi = lo
                    clear(cols, at, np.uint64(lo - a))
                    column = lo * geo.stride_w + j * geo.dilation_w - geo.pad_w
                    source = np.uint64(base + (c * geo.height + y) * geo.width + column)
                    place = at + np.uint64(lo - a)
                    gather(x, source, stride, cols, place, np.uint64(hi - lo))
                    clear(cols, at + np.uint64(hi - a), np.uint64(b - hi))
                k += 1


@numba.njit(nogil=True)
def col2im(cols, step, dx, base, geo, first_row, last_row, top, bottom):
    """Add the columns of output rows first_row..last_row to the rows top..bottom of the picture.

    The picture begins at dx[base].
    """
    stride = np.uint64(geo.stride_w)
    k = 0
    for c in range(geo.channels):
        for i in range(geo.kernel_h):
            for j in range(geo.kernel_w):
                left, right = _inside(j, geo)
                column = left * geo.stride_w + j * geo.dilation_w - geo.pad_w
                count = np.uint64(right - left)
                for row in range(first_row, last_row):
                    y = row * geo.stride_h - geo.pad_h + i * geo.dilation_h
                    if y < top or y >= bottom:
                        continue
                    at = np.uint64(k * step + (row - first_row) * geo.out_w + left)
                    target = np.uint64(base + (c * geo.height + y) * geo.width + column)
                    _scatter_add(cols, at, count, dx, target, stride)
                k += 1

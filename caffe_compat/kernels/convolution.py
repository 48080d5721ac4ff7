"""Convolution by strips.

The columns of a few dozen output positions at a time stay in cache between im2col and the product.
Arrays are C-contiguous float32 (N, channels, ...). Output positions are numbered row by row.
"""

from typing import NamedTuple, Optional, Tuple

import numpy as np

from . import threads, winograd
from .atomic import address_of, float32s, record
from .compiled.later import numba
from .gemm import LANES, OVERHANG, WIDTH, Finish, Left, Rows, Size, multiply
from .strips import Geometry, clear, col2im, gather, geometry, im2col

__all__ = ["Geometry", "backward", "forward", "geometry"]

_STRIP_VALUES = 1 << 17  # columns per strip, in floats: half of one core's level-2 cache


@numba.njit(nogil=True)
def _copy_columns(matrix, first, count, depth, cols, width):
    """Columns first..first + count of Rows, side by side with rows `width` long."""
    source, one = float32s(matrix.address), np.uint64(1)
    for k in range(depth):
        start = np.uint64(k * matrix.step + first)
        gather(source, start, one, cols, np.uint64(k * width), np.uint64(count))


@numba.njit(nogil=True)
def _product(a, b, c, size, finish, cols, overhang):
    """`multiply` where B may end with its last column: what fills no vector goes through cols."""
    rows, columns, depth = size
    whole = columns // LANES * LANES
    if whole:
        multiply(a, b, c, Size(rows, whole, depth), finish, overhang)
    if whole < columns:
        rest = columns - whole
        _copy_columns(b, whole, rest, depth, cols, LANES)
        part, place = Rows(address_of(cols), LANES), Rows(c.address + 4 * whole, c.step)
        multiply(a, part, place, Size(rows, rest, depth), finish, overhang)


class _Forward(NamedTuple):
    """What `forward` gives its task."""

    geo: Geometry
    x: np.ndarray
    weight: np.ndarray
    bias: Optional[np.ndarray]
    y: np.ndarray
    groups: int
    outputs: int  # of one group
    strip: int  # output positions
    blocks: int  # of output channels
    turned: bool
    pointwise: bool
    add: bool
    slope: float


@threads.Task
def _forward(arguments, scratch):
    """Strips of output positions, by blocks of output channels."""
    p = record(_Forward, threads.given(arguments))
    geo, outputs = p.geo, p.outputs
    x = float32s(p.x)
    overhang, cols = float32s(scratch), float32s(scratch + 4 * OVERHANG)
    positions = geo.out_h * geo.out_w
    depth = geo.channels * geo.kernel_h * geo.kernel_w
    x_image, y_image = geo.channels * geo.height * geo.width, outputs * positions  # of one group
    strips = (positions + p.strip - 1) // p.strip
    block = (outputs + p.blocks - 1) // p.blocks
    no_bias = np.zeros(block, np.float32)
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        part = item % p.blocks
        number = item // p.blocks % strips
        plane = item // p.blocks // strips  # image and group in one
        group = plane % p.groups
        first, row = number * p.strip, part * block
        count, rows = min(p.strip, positions - first), min(block, outputs - row)
        if rows <= 0:
            continue
        channel = group * outputs + row
        if p.turned:
            a = Left(p.weight + 4 * (group * outputs * depth + row), 1, outputs)
        else:
            a = Left(p.weight + 4 * channel * depth, depth, 1)
        offsets = p.bias + 4 * channel if p.bias else address_of(no_bias)
        c = Rows(p.y + 4 * (plane * y_image + row * positions + first), positions)
        size, finish = Size(rows, count, depth), Finish(offsets, np.float32(p.slope), p.add)
        vectors = (count + LANES - 1) // LANES
        step = LANES * (vectors + 1 - vectors % 2)  # an odd number of vectors, for the cache
        if p.pointwise:
            # a copy, since rows of a picture lie pages apart, and push each other out of the cache
            matrix = Rows(p.x + 4 * plane * x_image, positions)
            _copy_columns(matrix, first, count, depth, cols, step)
        else:
            im2col(x, plane * x_image, cols, step, geo, first, first + count)
        multiply(a, Rows(address_of(cols), step), c, size, finish, overhang)


def _strips(positions: int, depth: int, outputs: int, planes: int) -> Tuple[int, int]:
    """(positions per strip, blocks of outputs).

    Strips fit the cache, and there is enough of both for all threads to end together.
    """
    wanted = 4 * threads.count()
    strip = max(WIDTH, _STRIP_VALUES // depth // WIDTH * WIDTH)
    strip = min(strip, max(WIDTH, -(-positions * planes // wanted // WIDTH) * WIDTH))
    strips = -(-positions // strip) * planes
    blocks = 1 if strips >= wanted or outputs < 64 else 2
    return strip, blocks


def forward(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    y: np.ndarray,
    geo: Geometry,
    groups: int,
    relu: Optional[threads.Number] = None,
    turned: bool = False,
    add: bool = False,
) -> None:
    """y = weight * x + bias.

    Args:
        x: (N, groups * C, H, W). weight: (groups * O, C * kh * kw), or with `turned` (groups * C,
        O), for a window of one value. bias: (groups * O,), or empty. y: (N, groups * O, H', W').
        relu: the negative slope of a ReLU to apply while y is in registers, or None. add: add to
        what y holds.
    """
    slope = 1.0 if relu is None else float(relu)
    outputs, planes = y.shape[1] // groups, len(x) * groups
    if winograd.pays(geo, outputs):
        winograd.forward(x, weight, bias, y, geo, groups, slope, add)
        return
    positions, depth = geo.out_h * geo.out_w, geo.channels * geo.kernel_h * geo.kernel_w
    strip, blocks = _strips(positions, depth, outputs, planes)
    items = planes * -(-positions // strip) * blocks
    columns = depth * (strip + LANES)
    given = bias if bias.size else None
    arguments = _Forward(
        geo, x, weight, given, y, groups, outputs, strip, blocks, turned, geo.pointwise, add, slope
    )
    threads.run(_forward, items, arguments, scratch=columns + OVERHANG)


class _Backward(NamedTuple):
    """What `_backward_by_columns` gives its task."""

    geo: Geometry
    dy: np.ndarray
    weight: np.ndarray
    dx: np.ndarray
    groups: int
    outputs: int  # of one group
    rows: int  # of outputs at a time
    blocks: int  # of the picture's rows
    add: bool


@threads.Task
def _backward(arguments, scratch):
    """Blocks of the picture's rows: the gradient of each from all the output rows that see it."""
    p = record(_Backward, threads.given(arguments))
    geo, rows = p.geo, p.rows
    dx = float32s(p.dx)
    overhang, cols = float32s(scratch), float32s(scratch + 4 * OVERHANG)
    positions = geo.out_h * geo.out_w
    depth = geo.channels * geo.kernel_h * geo.kernel_w
    image = geo.channels * geo.height * geo.width
    zeros = np.zeros(depth, np.float32)
    while True:
        item = threads.take(arguments)
        if item < 0:
            return
        # in the loop: Numba frees an array after the last line that names it
        finish = Finish(address_of(zeros), np.float32(1), 0)
        plane, block = item // p.blocks, item % p.blocks
        top, bottom = geo.height * block // p.blocks, geo.height * (block + 1) // p.blocks
        base = plane * image
        for c in range(0 if p.add else geo.channels):
            start = base + (c * geo.height + top) * geo.width
            clear(dx, np.uint64(start), np.uint64((bottom - top) * geo.width))
        weight = Left(p.weight + 4 * (plane % p.groups * p.outputs * depth), 1, depth)
        reach = (geo.kernel_h - 1) * geo.dilation_h - geo.pad_h
        # whole multiples of `rows`, so that no sum's order depends on the blocks
        first = max(0, -(reach - top) // geo.stride_h) // rows * rows
        last = min(geo.out_h, (bottom - 1 + geo.pad_h) // geo.stride_h + 1)
        for row in range(first, last, rows):
            end = min(last, row + rows)
            count = (end - row) * geo.out_w
            step = (count + LANES - 1) // LANES * LANES
            dy = p.dy + 4 * (plane * p.outputs * positions + row * geo.out_w)
            source, target = Rows(dy, positions), Rows(address_of(cols), step)
            size, rest = Size(depth, count, p.outputs), cols[depth * step :]
            _product(weight, source, target, size, finish, rest, overhang)
            col2im(cols, step, dx, base, geo, row, end, top, bottom)


def _backward_by_columns(
    dy: np.ndarray, weight: np.ndarray, dx: np.ndarray, geo: Geometry, groups: int, add: bool
) -> None:
    outputs, depth = len(weight) // groups, weight.shape[1]
    rows = max(1, _STRIP_VALUES // (depth * geo.out_w))
    # their margins are computed twice
    blocks = min(geo.height, threads.count() * (2 if geo.height >= 64 else 1))
    columns = depth * (rows * geo.out_w + LANES) + outputs * LANES
    arguments = _Backward(geo, dy, weight, dx, groups, outputs, rows, blocks, add)
    threads.run(_backward, len(dy) * groups * blocks, arguments, scratch=columns + OVERHANG)


class _Turn(NamedTuple):
    """What `backward` gives the task that rotates and transposes its weights."""

    weight: np.ndarray
    turned: np.ndarray
    outputs: int
    channels: int
    size: int


@threads.Task
def _turn(arguments, scratch):
    """turned[g, c, o, k] = weight[g, o, c, size - 1 - k], a row g, c at a time."""
    p = record(_Turn, threads.given(arguments))
    weight, turned = float32s(p.weight), float32s(p.turned)
    row = threads.take(arguments)
    while row >= 0:
        g, c = row // p.channels, row % p.channels
        for o in range(p.outputs):
            source = ((g * p.outputs + o) * p.channels + c) * p.size + p.size - 1
            target = (row * p.outputs + o) * p.size
            for k in range(p.size):
                turned[target + k] = weight[source - k]
        row = threads.take(arguments)


def backward(
    dy: np.ndarray,
    weight: np.ndarray,
    dx: np.ndarray,
    geo: Geometry,
    groups: int,
    add: bool = False,
) -> None:
    """dx = the gradient of the input from that of the output, or with `add` dx += it.

    Shapes are as in `forward`. At stride 1 this is itself a convolution, of dy with the rotated,
    transposed weights; but where dy has by far the more channels, its columns would cost more than
    the product, and Caffe's way (product, then col2im) is the faster.
    """
    back_h = geo.dilation_h * (geo.kernel_h - 1) - geo.pad_h
    back_w = geo.dilation_w * (geo.kernel_w - 1) - geo.pad_w
    outputs, window = len(weight) // groups, geo.kernel_h * geo.kernel_w
    no_bias = np.empty(0, np.float32)
    back = Geometry(outputs, geo.out_h, geo.out_w, geo.height, geo.width, geo.kernel_h,
                    geo.kernel_w, 1, 1, back_h, back_w, geo.dilation_h, geo.dilation_w)  # fmt: skip
    if geo.pointwise:
        forward(dy, weight, no_bias, dx, back, groups, turned=True, add=add)
        return
    if winograd.pays(back, geo.channels) and geo.stride_h == geo.stride_w == 1:
        winograd.forward(dy, weight, no_bias, dx, back, groups, add=add, turned=True)
        return
    many_columns = window != 1 and outputs >= 2 * geo.channels
    strided = (geo.stride_h, geo.stride_w) != (1, 1)
    if strided or back_h < 0 or back_w < 0 or many_columns:
        _backward_by_columns(dy, weight, dx, geo, groups, add)
        return
    turned = np.empty(groups * geo.channels * outputs * window, np.float32)
    threads.run(_turn, groups * geo.channels, _Turn(weight, turned, outputs, geo.channels, window))
    forward(dy, turned, no_bias, dx, back, groups, add=add)

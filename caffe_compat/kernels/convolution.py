"""Convolution by strips: the columns of a few dozen output positions at a time stay in cache between im2col and the product.

Arrays are C-contiguous float32 (N, channels, ...). `geometry` is int64: (channels, height, width, out_height, out_width, kernel_h, kernel_w,
stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w), channels those of one group. Output positions are numbered row by row.
"""

import numba
import numpy as np

from . import threads
from .atomic import count_up, floats, ints, real
from .gemm import LANES, WIDTH, multiply
from .threads import FIRST, ITEMS

_STRIP_VALUES = 1 << 17  # columns per strip, in floats: half of one core's level-2 cache
_NARROW = 16 * WIDTH  # output positions per strip where no columns are needed
_OVERHANG = 12 * WIDTH


def geometry(channels, size, out_size, kernel, stride, pad, dilation):
    """Pack the numbers that the kernels take; each argument but the first is a pair (height, width)."""
    return np.array([channels, *size, *out_size, *kernel, *stride, *pad, *dilation], np.int64)


def _is_pointwise(geo):
    return tuple(geo[5:11]) == (1, 1, 1, 1, 0, 0)


# Flat arrays and unsigned places, since a slice would be counted and numba looks for negative places at each step;
# the usual strides by name, since constants vectorise.


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def _clear(target, at, count):
    for q in range(count):
        target[at + q] = 0


@numba.njit(cache=True, nogil=True)
def _inside(j, geo):
    """Output columns [left, right) whose source lies inside the picture, at the kernel's column j."""
    width, out_w, sw = geo[2], geo[4], geo[8]
    shift = j * geo[12] - geo[10]
    left = min(out_w, max(0, -(shift // sw)))
    return left, max(left, min(out_w, (width - shift + sw - 1) // sw))


@numba.njit(cache=True, nogil=True)
def im2col(x, base, cols, step, geo, first, last):
    """Columns (channels * kernel_h * kernel_w, positions first..last) of one image, which begins at x[base]; rows of cols lie `step` apart."""
    channels, height, width, out_w, kh, kw = geo[0], geo[1], geo[2], geo[4], geo[5], geo[6]
    sh, sw, ph, pw, dh, dw = geo[7], geo[8], geo[9], geo[10], geo[11], geo[12]
    row0, row1 = first // out_w, (last - 1) // out_w
    k = 0
    for c in range(channels):
        for i in range(kh):
            for j in range(kw):
                left, right = _inside(j, geo)
                for row in range(row0, row1 + 1):
                    start, end = max(first, row * out_w), min(last, row * out_w + out_w)
                    at = np.uint64(k * step + start - first)
                    y = row * sh - ph + i * dh
                    if y < 0 or y >= height:
                        _clear(cols, at, np.uint64(end - start))
                        continue
                    a = start - row * out_w  # in columns of this row
                    b = end - row * out_w
                    lo, hi = min(b, max(a, left)), max(a, min(b, right))
                    if hi < lo:
                        hi = lo
                    _clear(cols, at, np.uint64(lo - a))
                    source = base + (c * height + y) * width + lo * sw + j * dw - pw
                    _gather(
                        x,
                        np.uint64(source),
                        np.uint64(sw),
                        cols,
                        at + np.uint64(lo - a),
                        np.uint64(hi - lo),
                    )
                    _clear(cols, at + np.uint64(hi - a), np.uint64(b - hi))
                k += 1


@numba.njit(cache=True, nogil=True)
def _copy_columns(x, base, step, cols, first, count, width, depth):
    """Columns first..first + count of a matrix (depth, step) at x[base], side by side with rows `width` long."""
    for k in range(depth):
        _gather(
            x,
            np.uint64(base + k * step + first),
            np.uint64(1),
            cols,
            np.uint64(k * width),
            np.uint64(count),
        )


@numba.njit(cache=True, nogil=True)
def _product(
    weight,
    at,
    row_step,
    k_step,
    x,
    base,
    step,
    first,
    count,
    y,
    target,
    y_step,
    rows,
    depth,
    bias,
    slope,
    add,
    cols,
    overhang,
):
    """y[target:] (rows, y_step) from x[base:] (depth, step), both at positions first..first + count.

    Columns that fill no vector go through cols.
    """
    a, b, c = (
        weight.ctypes.data + 4 * at,
        x.ctypes.data + 4 * (base + first),
        y.ctypes.data + 4 * (target + first),
    )
    whole = count // LANES * LANES
    if whole:
        multiply(
            a, row_step, k_step, b, step, c, y_step, rows, whole, depth, bias, slope, add, overhang
        )
    if whole < count:
        _copy_columns(x, base, step, cols, first + whole, count - whole, LANES, depth)
        multiply(
            a,
            row_step,
            k_step,
            cols.ctypes.data,
            LANES,
            c + 4 * whole,
            y_step,
            rows,
            count - whole,
            depth,
            bias,
            slope,
            add,
            overhang,
        )


@numba.njit(cache=True, nogil=True, inline="always")
def _seven(p, at):
    return p[at], p[at + 1], p[at + 2], p[at + 3], p[at + 4], p[at + 5], p[at + 6]


@threads.Job
def _forward(arguments, scratch):
    """Strips of output positions, by blocks of output channels."""
    p = ints(arguments)
    geo, x, weight, bias, y = (
        ints(p[FIRST]),
        floats(p[FIRST + 1]),
        floats(p[FIRST + 2]),
        p[FIRST + 3],
        floats(p[FIRST + 4]),
    )
    groups, outputs, strip, blocks, turned, pointwise, add = _seven(p, FIRST + 5)
    slope = np.float32(real(arguments, FIRST + 12))
    overhang, cols = floats(scratch), floats(scratch + 4 * _OVERHANG)
    channels, out_positions = geo[0], geo[3] * geo[4]
    depth = channels * geo[5] * geo[6]
    x_image, y_image = channels * geo[1] * geo[2], outputs * out_positions  # of one group
    strips = (out_positions + strip - 1) // strip
    block = (outputs + blocks - 1) // blocks
    no_bias = np.zeros(block, np.float32)
    while True:
        item = count_up(arguments)
        if item >= p[ITEMS]:
            return
        part = item % blocks
        number = item // blocks % strips
        plane = item // blocks // strips  # image and group in one
        group = plane % groups
        first, row = number * strip, part * block
        count, rows = min(strip, out_positions - first), min(block, outputs - row)
        if rows <= 0:
            continue
        at = (group * outputs * depth + row) if turned else (group * outputs + row) * depth
        row_step, k_step = (1, outputs) if turned else (depth, 1)
        offsets = bias + 4 * (group * outputs + row) if bias else no_bias.ctypes.data
        base, target = plane * x_image, plane * y_image + row * out_positions
        if pointwise:
            _product(weight, at, row_step, k_step, x, base, out_positions, first, count, y, target, out_positions, rows, depth, offsets,
                     slope, add, cols, overhang)  # fmt: skip
        else:
            step = (count + LANES - 1) // LANES * LANES + LANES * (
                1 - (count + LANES - 1) // LANES % 2
            )  # an odd number of vectors, for the cache
            im2col(x, base, cols, step, geo, first, first + count)
            a, c = weight.ctypes.data + 4 * at, y.ctypes.data + 4 * (target + first)
            multiply(
                a,
                row_step,
                k_step,
                cols.ctypes.data,
                step,
                c,
                out_positions,
                rows,
                count,
                depth,
                offsets,
                slope,
                add,
                overhang,
            )


def _strips(positions, depth, outputs, planes, pointwise):
    """(positions per strip, blocks of outputs): strips that fit the cache, and enough of both for all threads to end together."""
    wanted = 4 * threads.count()
    strip = _NARROW if pointwise else max(WIDTH, _STRIP_VALUES // depth // WIDTH * WIDTH)
    strip = min(strip, max(WIDTH, -(-positions * planes // wanted // WIDTH) * WIDTH))
    strips = -(-positions // strip) * planes
    blocks = 1 if strips >= wanted or outputs < 64 else 2
    return strip, blocks


def forward(x, weight, bias, y, geo, groups, relu=None, turned=False, add=False):
    """y = weight * x + bias. x (N, groups * C, H, W), weight (groups * O, C * kh * kw), y (N, groups * O, H', W').

    relu: the negative slope of a ReLU to apply while y is in registers, or None. turned: the weight is (groups * C, O), for a window of one value.
    add: add to what y holds.
    """
    slope = np.float32(1 if relu is None else relu)
    outputs, channels = y.shape[1] // groups, int(geo[0])
    depth = channels * int(geo[5] * geo[6])
    pointwise = _is_pointwise(geo)
    strip, blocks = _strips(int(geo[3] * geo[4]), depth, outputs, len(x) * groups, pointwise)
    items = len(x) * groups * -(-int(geo[3] * geo[4]) // strip) * blocks
    columns = depth * LANES if pointwise else depth * (strip + LANES)
    threads.run(_forward, items, geo, x, weight, bias if bias.size else 0, y, groups, outputs, strip, blocks, turned, pointwise, add, slope,
                scratch=columns + _OVERHANG)  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _col2im(cols, step, dx, base, geo, first_row, last_row, top, bottom):
    """Add the columns of output rows first_row..last_row to the picture's rows top..bottom; the picture begins at dx[base]."""
    channels, height, width, out_w, kh, kw = geo[0], geo[1], geo[2], geo[4], geo[5], geo[6]
    sh, sw, ph, pw, dh, dw = geo[7], geo[8], geo[9], geo[10], geo[11], geo[12]
    k = 0
    for c in range(channels):
        for i in range(kh):
            for j in range(kw):
                left, right = _inside(j, geo)
                for row in range(first_row, last_row):
                    y = row * sh - ph + i * dh
                    if y < top or y >= bottom:
                        continue
                    at = k * step + (row - first_row) * out_w + left
                    target = base + (c * height + y) * width + left * sw + j * dw - pw
                    _scatter_add(
                        cols,
                        np.uint64(at),
                        np.uint64(right - left),
                        dx,
                        np.uint64(target),
                        np.uint64(sw),
                    )
                k += 1


@threads.Job
def _backward(arguments, scratch):
    """Blocks of the picture's rows: the gradient of each from all the output rows that see it."""
    p = ints(arguments)
    geo, dy, weight, dx = (
        ints(p[FIRST]),
        floats(p[FIRST + 1]),
        floats(p[FIRST + 2]),
        floats(p[FIRST + 3]),
    )
    groups, outputs, rows, blocks, add, _, _ = _seven(p, FIRST + 4)
    overhang, cols = floats(scratch), floats(scratch + 4 * _OVERHANG)
    channels, height, width, out_h, out_w, kh, kw, sh = (
        geo[0],
        geo[1],
        geo[2],
        geo[3],
        geo[4],
        geo[5],
        geo[6],
        geo[7],
    )
    ph, dh = geo[9], geo[11]
    depth = channels * kh * kw
    none = np.zeros(depth, np.float32)
    while True:
        item = count_up(arguments)
        if item >= p[ITEMS]:
            return
        plane, block = item // blocks, item % blocks
        group = plane % groups
        top, bottom = height * block // blocks, height * (block + 1) // blocks
        base, source = plane * channels * height * width, plane * outputs * out_h * out_w
        for c in range(0 if add else channels):
            _clear(
                dx, np.uint64(base + (c * height + top) * width), np.uint64((bottom - top) * width)
            )
        first = (
            max(0, -((kh - 1) * dh - ph - top) // sh) // rows * rows
        )  # so that no sum's order depends on the blocks
        last = min(out_h, (bottom - 1 + ph) // sh + 1)
        for row in range(first, last, rows):
            end = min(last, row + rows)
            count = (end - row) * out_w
            step = (count + LANES - 1) // LANES * LANES
            _product(weight, group * outputs * depth, 1, depth, dy, source, out_h * out_w, row * out_w, count, cols, -row * out_w, step,
                     depth, outputs, none.ctypes.data, np.float32(1), 0, cols[depth * step :], overhang)  # fmt: skip
            _col2im(cols, step, dx, base, geo, row, end, top, bottom)


def _backward_by_columns(dy, weight, dx, geo, groups, add):
    outputs = len(weight) // groups
    height, out_w = int(geo[1]), int(geo[4])
    depth = weight.shape[1]
    rows = max(1, _STRIP_VALUES // (depth * out_w))
    blocks = min(
        height, threads.count() * (2 if height >= 64 else 1)
    )  # their margins are computed twice
    columns = depth * (rows * out_w + LANES) + outputs * LANES
    threads.run(
        _backward,
        len(dy) * groups * blocks,
        geo,
        dy,
        weight,
        dx,
        groups,
        outputs,
        rows,
        blocks,
        add,
        0,
        0,
        scratch=columns + _OVERHANG,
    )


@threads.Job
def _turn(arguments, scratch):
    """turned[g, c, o, k] = weight[g, o, c, size - 1 - k], a row g, c at a time."""
    p = ints(arguments)
    weight, turned = floats(p[FIRST]), floats(p[FIRST + 1])
    outputs, channels, size = p[FIRST + 2], p[FIRST + 3], p[FIRST + 4]
    row = count_up(arguments)
    while row < p[ITEMS]:
        g, c = row // channels, row % channels
        for o in range(outputs):
            source = ((g * outputs + o) * channels + c) * size + size - 1
            target = (row * outputs + o) * size
            for k in range(size):
                turned[target + k] = weight[source - k]
        row = count_up(arguments)


def backward(dy, weight, dx, geo, groups, add=False):
    """dx = the gradient of the input from that of the output, or with `add` dx += it; shapes as in `forward`.

    At stride 1 this is itself a convolution, of dy with the rotated, transposed weights; but where dy has by far the
    more channels, its columns would cost more than the product, and Caffe's way (product, then col2im) is the faster.
    """
    channels, height, width, out_h, out_w, kh, kw, sh, sw, ph, pw, dh, dw = (int(v) for v in geo)
    back_h, back_w = dh * (kh - 1) - ph, dw * (kw - 1) - pw
    outputs = len(weight) // groups
    none = np.empty(0, np.float32)
    if _is_pointwise(geo):
        back = geometry(outputs, (out_h, out_w), (height, width), (1, 1), (1, 1), (0, 0), (1, 1))
        forward(dy, weight, none, dx, back, groups, turned=True, add=add)
        return
    many_columns = (kh, kw) != (1, 1) and outputs >= 2 * channels
    if (sh, sw) != (1, 1) or back_h < 0 or back_w < 0 or many_columns:
        _backward_by_columns(dy, weight, dx, geo, groups, add)
        return
    turned = np.empty(groups * channels * outputs * kh * kw, np.float32)
    threads.run(_turn, groups * channels, weight, turned, outputs, channels, kh * kw)
    back = geometry(
        outputs, (out_h, out_w), (height, width), (kh, kw), (1, 1), (back_h, back_w), (dh, dw)
    )
    forward(dy, turned, none, dx, back, groups, add=add)


def weight_gradient(x, dy, dweight, geo, groups):
    """Add the weights' gradient to dweight (groups * O, C * kh * kw)."""
    outputs, channels = len(dweight) // groups, int(geo[0])
    positions, depth = int(geo[3] * geo[4]), dweight.shape[1]
    strip = max(1, min(positions, _STRIP_VALUES // depth))
    cols = np.empty(depth * strip, np.float32)
    for image in range(len(x)):
        for group in range(groups):
            o, c = group * outputs, group * channels
            source = np.ascontiguousarray(x[image, c : c + channels]).reshape(-1)
            slopes = dy[image, o : o + outputs].reshape(outputs, -1)
            for first in range(0, positions, strip):
                count = min(strip, positions - first)
                im2col(source, 0, cols, count, geo, first, first + count)
                dweight[o : o + outputs] += (
                    slopes[:, first : first + count] @ cols[: depth * count].reshape(depth, count).T
                )

"""Convolution by strips: the columns of a few output rows at a time stay in cache between im2col and sgemm.

Arrays are flat, C-contiguous float32. Every kernel treats one image and one group; `geometry` is int64:
(channels, height, width, out_height, out_width, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w,
dilation_h, dilation_w).
"""

import numba
import numpy as np

from . import threads
from .blas import gemm_strip

_STRIP_VALUES = 1 << 18  # columns per strip, in floats: about one core's level-2 cache
_NARROW = 1024  # output positions per strip where no columns are needed


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
def im2col(x, cols, geo, first_row, last_row):
    """Columns (channels * kernel_h * kernel_w, rows * out_width) of the output rows first_row..last_row of one image."""
    channels, height, width, _, out_w, kh, kw, sh, sw, ph, pw, dh, dw = geo
    count = (last_row - first_row) * out_w
    k = 0
    for c in range(channels):
        for i in range(kh):
            for j in range(kw):
                shift = j * dw - pw
                # output columns whose source lies inside the picture
                left = min(out_w, max(0, -(shift // sw)))
                right = max(left, min(out_w, (width - shift + sw - 1) // sw))
                for row in range(first_row, last_row):
                    y = row * sh - ph + i * dh
                    at = k * count + (row - first_row) * out_w
                    if y < 0 or y >= height:
                        for q in range(out_w):
                            cols[at + q] = 0
                        continue
                    source = (c * height + y) * width + shift
                    for q in range(left):
                        cols[at + q] = 0
                    _gather(x, np.uint64(source + left * sw), np.uint64(sw), cols, np.uint64(at + left), np.uint64(right - left))
                    for q in range(right, out_w):
                        cols[at + q] = 0
                k += 1


@numba.njit(cache=True, nogil=True)
def _forward_strip(x, weight, bias, y, cols, geo, outputs, first_row, last_row, pointwise, relu, slope):
    channels, height, width, out_h, out_w = geo[0], geo[1], geo[2], geo[3], geo[4]
    depth = channels * geo[5] * geo[6]
    start, count = first_row * out_w, (last_row - first_row) * out_w
    if pointwise:
        gemm_strip(x[start:], height * width, weight, depth, False, y[start:], out_h * out_w, count, outputs, depth)
    else:
        im2col(x, cols, geo, first_row, last_row)
        gemm_strip(cols, count, weight, depth, False, y[start:], out_h * out_w, count, outputs, depth)
    zero = np.float32(0)
    for o in range(outputs):
        row = y[o * out_h * out_w + start : o * out_h * out_w + start + count]
        if bias.size:
            for j in range(count):
                row[j] += bias[o]
        if relu:
            for j in range(count):
                v = row[j]
                row[j] = (zero if v < zero else v) + slope * (v if v < zero else zero)


def _rows_per_strip(geo, images):
    out_h, out_w = int(geo[3]), int(geo[4])
    depth = int(geo[0] * geo[5] * geo[6])
    rows = max(1, _NARROW // out_w) if _is_pointwise(geo) else max(1, _STRIP_VALUES // (depth * out_w))
    # at least two strips a thread, so that none waits long for another
    return min(rows, max(1, -(-out_h * images // (2 * threads.count()))))


def forward(x, weight, bias, y, geo, groups, relu=None):
    """y = weight * x + bias. x (N, groups * C, H, W), weight (groups * O, C * kh * kw), y (N, groups * O, H', W').

    relu: the negative slope of a ReLU to apply while y is in cache, or None.
    """
    slope = np.float32(relu or 0)
    images, outputs = len(x), len(weight) // groups
    channels, out_h = int(geo[0]), int(geo[3])
    depth, pointwise = weight.shape[1], _is_pointwise(geo)
    rows = _rows_per_strip(geo, images)
    strips = -(-out_h // rows)

    def work(first, last):
        cols = threads.scratch(0 if pointwise else depth * rows * int(geo[4]))
        for item in range(first, last):
            image, rest = divmod(item, groups * strips)
            group, strip = divmod(rest, strips)
            o, c = group * outputs, group * channels
            _forward_strip(
                x[image, c : c + channels].reshape(-1), weight[o : o + outputs].reshape(-1), bias[o : o + outputs],
                y[image, o : o + outputs].reshape(-1), cols, geo, outputs,
                strip * rows, min(out_h, strip * rows + rows), pointwise, relu is not None, slope,
            )  # fmt: skip

    threads.run(work, images * groups * strips)


@numba.njit(cache=True, nogil=True)
def _col2im(cols, dx, geo, first_row, last_row, top, bottom):
    """Add the columns of output rows first_row..last_row to the picture's rows top..bottom."""
    channels, height, width, _, out_w, kh, kw, sh, sw, ph, pw, dh, dw = geo
    count = (last_row - first_row) * out_w
    k = 0
    for c in range(channels):
        for i in range(kh):
            for j in range(kw):
                shift = j * dw - pw
                left = min(out_w, max(0, -(shift // sw)))
                right = max(left, min(out_w, (width - shift + sw - 1) // sw))
                for row in range(first_row, last_row):
                    y = row * sh - ph + i * dh
                    if y < top or y >= bottom:
                        continue
                    at = k * count + (row - first_row) * out_w
                    target = (c * height + y) * width + shift
                    _scatter_add(cols, np.uint64(at + left), np.uint64(right - left), dx, np.uint64(target + left * sw), np.uint64(sw))
                k += 1


@numba.njit(cache=True, nogil=True)
def _backward_rows(dy, weight, dx, cols, geo, outputs, rows, top, bottom):
    """The picture's gradient in its rows top..bottom, from all the output rows that see them."""
    channels, height, width, out_h, out_w, kh, kw, sh, _, ph, _, dh, _ = geo
    depth = channels * kh * kw
    for c in range(channels):
        dx[(c * height + top) * width : (c * height + bottom) * width] = 0
    first = max(0, -((kh - 1) * dh - ph - top) // sh)
    last = min(out_h, (bottom - 1 + ph) // sh + 1)
    for row in range(first, last, rows):
        end = min(last, row + rows)
        count = (end - row) * out_w
        gemm_strip(dy[row * out_w :], out_h * out_w, weight, depth, True, cols, count, count, depth, outputs)
        _col2im(cols, dx, geo, row, end, top, bottom)


def _backward_by_columns(dy, weight, dx, geo, groups):
    images, outputs = len(dy), len(weight) // groups
    channels, height, out_w = int(geo[0]), int(geo[1]), int(geo[4])
    depth = weight.shape[1]
    rows = max(1, _STRIP_VALUES // (depth * out_w))
    blocks = min(height, threads.count() * (2 if height >= 64 else 1))  # their margins are computed twice

    def work(first, last):
        cols = threads.scratch(depth * rows * out_w)
        for item in range(first, last):
            image, rest = divmod(item, groups * blocks)
            group, block = divmod(rest, blocks)
            o, c = group * outputs, group * channels
            _backward_rows(
                dy[image, o : o + outputs].reshape(-1), weight[o : o + outputs].reshape(-1),
                dx[image, c : c + channels].reshape(-1), cols, geo, outputs, rows,
                height * block // blocks, height * (block + 1) // blocks,
            )  # fmt: skip

    threads.run(work, images * groups * blocks)


@numba.njit(cache=True, nogil=True)
def _turn(weight, turned, groups, outputs, channels, size):
    """turned[g, c, o, k] = weight[g, o, c, size - 1 - k]."""
    for g in range(groups):
        for o in range(outputs):
            row = weight[g * outputs + o]
            for c in range(channels):
                for k in range(size):
                    turned[g * channels + c, o * size + k] = row[c * size + size - 1 - k]


def backward(dy, weight, dx, geo, groups):
    """dx = the gradient of the input from that of the output, shapes as in `forward`.

    At stride 1 this is itself a convolution, of dy with the rotated, transposed weights; but where dy has by far the
    more channels, its columns would cost more than the product, and Caffe's way (product, then col2im) is the faster.
    """
    channels, height, width, out_h, out_w, kh, kw, sh, sw, ph, pw, dh, dw = (int(v) for v in geo)
    back_h, back_w = dh * (kh - 1) - ph, dw * (kw - 1) - pw
    outputs = len(weight) // groups
    many_columns = (kh, kw) != (1, 1) and outputs >= 2 * channels
    if (sh, sw) != (1, 1) or back_h < 0 or back_w < 0 or many_columns:
        _backward_by_columns(dy, weight, dx, geo, groups)
        return
    turned = np.empty((groups * channels, outputs * kh * kw), np.float32)
    _turn(weight, turned, groups, outputs, channels, kh * kw)
    back = geometry(outputs, (out_h, out_w), (height, width), (kh, kw), (1, 1), (back_h, back_w), (dh, dw))
    forward(dy, turned, np.empty(0, np.float32), dx, back, groups)


def weight_gradient(x, dy, dweight, geo, groups):
    """Add the weights' gradient to dweight (groups * O, C * kh * kw)."""
    outputs, channels = len(dweight) // groups, int(geo[0])
    out_h, out_w = int(geo[3]), int(geo[4])
    depth = dweight.shape[1]
    rows = max(1, _STRIP_VALUES // (depth * out_w))
    cols = np.empty(depth * rows * out_w, np.float32)
    for image in range(len(x)):
        for group in range(groups):
            o, c = group * outputs, group * channels
            for row in range(0, out_h, rows):
                end = min(out_h, row + rows)
                count = (end - row) * out_w
                im2col(x[image, c : c + channels].reshape(-1), cols, geo, row, end)
                strip = dy[image, o : o + outputs].reshape(outputs, -1)[:, row * out_w : end * out_w]
                dweight[o : o + outputs] += strip @ cols[: depth * count].reshape(depth, count).T

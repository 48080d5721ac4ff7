"""MAX pooling over 3x3 windows, one or two values apart: its planes.

Their rows pass through small rings, where no window has an edge.
"""

from typing import Optional

import numpy as np

from .. import threads
from ..atomic import float32s, int8s, int32s, record
from ..compiled.later import numba
from ..vectors import LANES
from . import rows
from .window import Arguments, Window, next_plane, run

_AHEAD = 4  # rows of a ring: three, and the next


@numba.njit(nogil=True, inline="always")
def _rounded(count):
    """The values of whole vectors that hold so many."""
    return (count + LANES - 1) // LANES * LANES


@numba.njit(nogil=True)
def _copy(source, target, count):
    """Copy so many float32 from one address to another."""
    if count >= LANES:
        rows.copy_vectors(source, target, count)
        return
    for j in range(count):
        float32s(target)[j] = float32s(source)[j]


@numba.njit(nogil=True)
def _copy_codes(source, target, count):
    """Copy so many int8 as int32."""
    if count >= LANES:
        rows.copy_codes(source, target, count)
        return
    for j in range(count):
        int32s(target)[j] = int8s(source)[j]


def _forward_scratch(out_w: int, step: int) -> int:
    """The float32 values of memory that `_forward_plane` needs."""
    reach = -(-out_w // LANES) * LANES
    return step * reach + 2 * LANES + 4 + (2 * (_AHEAD + 1) + 2) * reach


@numba.njit(nogil=True)
def _forward_plane(x, y, mask, size, window, scratch):
    """The maxima of a plane's windows, and in mask (int8) which of its places was first to hold it.

    Args:
        x, y, mask: addresses of the planes.
        size: (height, width, out_h, out_w).
        scratch: the address of _forward_scratch(out_w, step) values.
    """
    (height, width, out_h, out_w), step = size, window.stride_w
    reach = _rounded(out_w)
    row_size = step * reach + 2 * LANES + 4
    row, ring = scratch, scratch + 4 * row_size
    codes, nothing = 4 * reach, ring + 8 * reach * _AHEAD
    spare = nothing + 8 * reach
    padded, empty = float32s(row), float32s(nothing)
    for j in range(row_size):
        padded[j] = rows.LOWEST
    for j in range(reach):
        empty[j] = rows.LOWEST
        int32s(nothing + codes)[j] = -1
    columns = min(width, row_size - window.pad_w)
    ready = 0
    for i in range(out_h):
        while ready < min(height, i * step + 3 - window.pad_h):
            _copy(x + 4 * ready * width, row + 4 * window.pad_w, columns)
            best = ring + 8 * reach * (ready % _AHEAD)
            if step == 1:
                rows.row_maxima_by_one(row, best, best + codes, out_w)
            else:
                rows.row_maxima_by_two(row, best, best + codes, out_w)
            ready += 1
        first = i * step - window.pad_h
        a, b, c = (
            _row_at(ring, nothing, 8 * reach, first, height),
            _row_at(ring, nothing, 8 * reach, first + 1, height),
            _row_at(ring, nothing, 8 * reach, first + 2, height),
        )
        start = i * out_w
        if start + reach <= out_h * out_w:
            rows.window_maxima(a, b, c, codes, y + 4 * start, mask + start, out_w)
        else:  # what follows is another thread's
            rows.window_maxima(a, b, c, codes, spare, spare + codes, out_w)
            _copy(spare, y + 4 * start, out_w)
            source, target = int8s(spare + codes), int8s(mask + start)
            for j in range(out_w):
                target[j] = source[j]


def _backward_scratch(width: int, step: int) -> int:
    """The float32 values of memory that `_backward_plane` needs."""
    return 2 * (_AHEAD + 1) * (4 + -(-(width + 2) // step) + LANES) + width + 1


@numba.njit(nogil=True)
def _backward_plane(dx, dy, mask, size, window, scratch, add, x, slope):
    """Each gradient goes to where its maximum lay: dx = them, or with `add` dx += them.

    As in Caffe, the gradients of one place are added in their windows' order.

    Args:
        dx, dy, mask: addresses of the planes.
        size: (height, width, out_h, out_w).
        scratch: the address of _backward_scratch(width, step) values.
        x: the address of the picture's values, for dx *= (1 where x > 0, else slope); or 0.
    """
    (height, width, out_h, out_w), step, pad = size, window.stride_w, window.pad_w
    # the windows that reach a row, and two before the first
    row_size = 4 + (width + pad + step - 1) // step + LANES
    codes, each = 4 * row_size, 8 * row_size
    nothing = scratch + each * _AHEAD + 4 * 2
    zeros = scratch + each * (_AHEAD + 1)
    for j in range(row_size * 2 * (_AHEAD + 1)):
        int32s(scratch)[j] = -1
    for j in range(width):
        float32s(zeros)[j] = 0
    shift = 4 * (pad // step)
    if not x:
        slope = np.float32(1)
    ready = 0
    for h in range(height):
        place = h + window.pad_h
        # a row is fetched before the one before it is used: what was just stored is slow to load
        while ready < min(out_h, (place + 1) // step + 1):
            row = scratch + each * (ready % _AHEAD) + 4 * 2
            _copy(dy + 4 * ready * out_w, row, out_w)
            _copy_codes(mask + ready * out_w, row + codes, out_w)
            ready += 1
        last = place // step
        own = (
            _row_at(scratch + 8, nothing, each, last, out_h) + shift,
            _row_at(scratch + 8, nothing, each, last - 1, out_h) + shift,
            _row_at(scratch + 8, nothing, each, last - 2, out_h) + shift,
        )
        target = dx + 4 * h * width
        start, values = target if add else zeros, x + 4 * h * width if x else zeros
        if step == 1:
            rows.gather_by_one(target, start, values, slope, codes, own[2], own[1], own[0], width)
        elif pad % 2 == 0:
            if place % 2 == 0:
                rows.gather_two_rows(target, start, values, slope, codes, own[1], own[0], 0, width)
            else:
                rows.gather_one_row(target, start, values, slope, codes, own[0], 0, 0, width)
        elif place % 2 == 0:
            rows.gather_two_rows_odd(target, start, values, slope, codes, own[1], own[0], 0, width)
        else:
            rows.gather_one_row_odd(target, start, values, slope, codes, own[0], 0, 0, width)


@numba.njit(nogil=True, inline="always")
def _row_at(ring, nothing, size, row, rows):
    """The address of a row in a ring, or of nothing if there is no such row."""
    return ring + size * (row % _AHEAD) if 0 <= row < rows else nothing


@threads.Task
def _forward(arguments, scratch):
    p = record(Arguments, threads.given(arguments))
    size, large, small = (
        (p.height, p.width, p.out_h, p.out_w),
        p.height * p.width,
        p.out_h * p.out_w,
    )
    plane = next_plane(arguments, p, -1)
    while plane >= 0:
        x, y = p.picture + 4 * plane * large, p.pooled + 4 * plane * small
        _forward_plane(x, y, p.mask + plane * small, size, p.window, scratch)
        plane = next_plane(arguments, p, plane)


@threads.Task
def _backward(arguments, scratch):
    p = record(Arguments, threads.given(arguments))
    size, large, small = (
        (p.height, p.width, p.out_h, p.out_w),
        p.height * p.width,
        p.out_h * p.out_w,
    )
    plane = next_plane(arguments, p, -1)
    while plane >= 0:
        dx, dy = p.picture + 4 * plane * large, p.pooled + 4 * plane * small
        x = p.passed + 4 * plane * large if p.passed else 0
        mask = p.mask + plane * small
        _backward_plane(dx, dy, mask, size, p.window, scratch, p.add != 0, x, np.float32(p.slope))
        plane = next_plane(arguments, p, plane)


def fits(window: Window) -> bool:
    """Whether this is a window for the functions here."""
    steps = window.stride_h, window.stride_w
    return window[:2] == (3, 3) and steps in ((1, 1), (2, 2)) and max(window[4:]) < 3


def max_forward(x: np.ndarray, y: np.ndarray, mask: np.ndarray, window: Window) -> None:
    """pooling.max_forward, for a mask of int8."""
    scratch = _forward_scratch(y.shape[2], window.stride_w)
    run(_forward, x, y, mask, window, scratch=scratch)


def max_backward(
    dy: np.ndarray,
    mask: np.ndarray,
    dx: np.ndarray,
    window: Window,
    add: bool,
    passed: Optional[np.ndarray],
    slope: threads.Number,
) -> None:
    """pooling.max_backward, for a mask of int8."""
    scratch = _backward_scratch(dx.shape[2], window.stride_w)
    run(_backward, dx, dy, mask, window, add, passed, slope, scratch)

"""What all kinds of pooling have in common: the window, and what their tasks are given."""

from typing import NamedTuple, Optional

import numpy as np

from .. import threads
from ..compiled.later import numba

_TURNS = 16  # of each thread, so that all end together


class Window(NamedTuple):
    """The window, its steps, and the padding around the picture, in values."""

    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int


@numba.njit(nogil=True, error_model="numpy")
def span(j_offset, stride, width, out_w):
    """Output columns whose source at this offset lies inside the picture."""
    left = min(out_w, max(0, -(j_offset // stride)))
    return left, max(left, min(out_w, (width - j_offset + stride - 1) // stride))


@numba.njit(nogil=True, error_model="numpy")
def reach(window, width, out_w):
    """The window's columns that lie in the picture for any output column.

    A window may be far wider than the picture.
    """
    first = max(0, window.pad_w - (out_w - 1) * window.stride_w)
    return first, min(window.kernel_w, width + window.pad_w)


class Arguments(NamedTuple):
    """The picture, or its gradient, and the pooled one.

    together: planes that a thread takes at once. passed: the values of the picture, whose gradient
    passes a ReLU of this slope; None without one.
    """

    picture: np.ndarray
    pooled: np.ndarray
    mask: Optional[np.ndarray]
    add: bool
    planes: int
    together: int
    height: int
    width: int
    out_h: int
    out_w: int
    window: Window
    passed: Optional[np.ndarray]
    slope: float


@numba.njit(nogil=True, error_model="numpy")
def next_plane(arguments, p, plane):
    """The plane that a thread does after this one, or -1 when all are taken. It begins with -1."""
    plane += 1
    if plane < p.planes and plane % p.together:
        return plane
    item = threads.take(arguments)
    return item * p.together if item >= 0 else -1


@numba.njit(nogil=True, inline="always")
def large(flat, p):
    """The picture's planes."""
    return flat[: p.planes * p.height * p.width].reshape(p.planes, p.height, p.width)


@numba.njit(nogil=True, inline="always")
def small(flat, p):
    """The pooled planes, or those of the mask."""
    return flat[: p.planes * p.out_h * p.out_w].reshape(p.planes, p.out_h, p.out_w)


def run(
    task: threads.Task,
    picture: np.ndarray,
    pooled: np.ndarray,
    mask: Optional[np.ndarray],
    window: Window,
    add: bool = False,
    passed: Optional[np.ndarray] = None,
    slope: threads.Number = 0.0,
    scratch: int = 0,
) -> None:
    """Run a task over the planes."""
    planes, height, width = picture.shape
    _, out_h, out_w = pooled.shape
    # small planes share cache lines, and the count of those taken: a thread does some in a row
    together = max(1, planes // (_TURNS * threads.count()))
    arguments = Arguments(picture, pooled, mask, add, planes, together, height, width, out_h, out_w,
                          window, passed, float(slope))  # fmt: skip
    threads.run(task, -(-planes // together), arguments, scratch)

"""Two-dimensional convolution and its data gradient, each by the quickest way for its shapes.

Arrays are C-contiguous float32 (N, channels, ...).
"""

from typing import Optional

import numpy as np

from . import direct, threads, winograd
from .geometry import Geometry, geometry

__all__ = ["Geometry", "backward", "forward", "geometry"]


def forward(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    y: np.ndarray,
    geo: Geometry,
    groups: int,
    relu: Optional[threads.Number] = None,
    turned: bool = False,
) -> None:
    """y = weight * x + bias.

    Args:
        x: (N, groups * C, H, W). weight: (groups * O, C * kh * kw), or with `turned` (groups * C,
        O), for a window of one value. bias: (groups * O,), or empty. y: (N, groups * O, H', W').
        relu: the negative slope of a ReLU to apply while y is in registers, or None.
    """
    slope = 1.0 if relu is None else float(relu)
    if winograd.pays(geo, y.shape[1] // groups):
        winograd.forward(x, weight, bias, y, geo, groups, slope)
        return
    weights = (direct.transposed if turned else direct.straight)(weight, groups)
    direct.forward(x, weights, bias, y, geo, groups, slope)


def backward(
    dy: np.ndarray,
    weight: np.ndarray,
    dx: np.ndarray,
    geo: Geometry,
    groups: int,
    add: bool = False,
    mask: Optional[np.ndarray] = None,
    slope: threads.Number = 0.0,
) -> None:
    """dx = the gradient of the input from that of the output, or with `add` dx += it.

    Shapes are as in `forward`. At stride 1 this is itself a convolution, of dy with the rotated,
    transposed weights; but where dy has by far the more channels, its columns would cost more than
    the product, and Caffe's way (product, then col2im) is the faster.

    Args:
        mask: the data of an in-place ReLU on the input, or None: what is written to dx has then
            passed that ReLU backward too. slope: its negative slope.
    """
    back_h = geo.dilation_h * (geo.kernel_h - 1) - geo.pad_h
    back_w = geo.dilation_w * (geo.kernel_w - 1) - geo.pad_w
    outputs, window = len(weight) // groups, geo.kernel_h * geo.kernel_w
    no_bias, act = np.empty(0, np.float32), 1.0 if mask is None else float(slope)
    back = Geometry(outputs, geo.out_h, geo.out_w, geo.height, geo.width, geo.kernel_h,
                    geo.kernel_w, 1, 1, back_h, back_w, geo.dilation_h, geo.dilation_w)  # fmt: skip
    strided = (geo.stride_h, geo.stride_w) != (1, 1)
    if winograd.pays(back, geo.channels) and not strided:
        winograd.forward(dy, weight, no_bias, dx, back, groups, act, add, turned=True, mask=mask)
        return
    many_columns = window != 1 and outputs >= 2 * geo.channels
    if strided or back_h < 0 or back_w < 0 or many_columns:
        direct.by_columns(dy, weight, dx, geo, groups, act, add, mask)
        return
    weights = direct.turned(weight, groups, geo.channels)
    direct.forward(dy, weights, no_bias, dx, back, groups, act, add, mask)

"""LRN's loops over five channels: their bits, whatever the number of channels and positions."""

import numpy as np
import pytest

from caffe_compat.kernels import lrn

REGION = lrn.Region(5, 0.3, 0.75, 2.0)


def around(rows):
    """For each channel, the sum of the rows of the five around it, in their order."""
    none = np.zeros((2, rows.shape[1]), np.float32)
    rows = np.concatenate([none, rows, none])
    return sum((rows[k : len(rows) - 4 + k] for k in range(1, 5)), rows[: len(rows) - 4])


def normalized(x, dy):
    """(y, dx), in the loops' own steps of float32."""
    share, factor = np.float32(0.3 / 5), np.float32(2 * 0.3 * 0.75 / 5)
    scale = np.float32(2) + share * around(x * x)
    root = np.float32(1) / np.sqrt(scale)
    power = root * np.sqrt(root)
    return x * power, dy * power - factor * x * around(dy * (x * power) / scale)


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("positions", [1, 15, 16, 512, 1037])
def test_five_channels_give_the_bits_of_the_formula(channels, positions, rng):
    x, dy = rng.normal(size=(2, channels, positions)).astype(np.float32)
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    lrn.lrn_forward(x, y, REGION)
    lrn.lrn_backward(x, dy, dx, REGION)
    wanted, gradient = normalized(x, dy)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(dx, gradient)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("slope", [0, 0.25])
def test_a_gradient_passes_a_relu_as_it_is_stored(slope, size, rng):
    region = REGION._replace(size=size)
    x, dy = rng.normal(size=(2, 6, 600)).astype(np.float32)
    dx, passed = np.empty_like(x), np.empty_like(x)
    lrn.lrn_backward(x, dy, dx, region)
    lrn.lrn_backward(x, dy, passed, region, slope)
    np.testing.assert_array_equal(passed, dx * np.where(x > 0, np.float32(1), np.float32(slope)))

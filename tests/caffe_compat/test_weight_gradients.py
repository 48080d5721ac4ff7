"""The kernels of weights' gradients, beside sums in double precision."""

from typing import Tuple

import numpy as np
import pytest

from caffe_compat.kernels import weights
from caffe_compat.kernels.geometry import Geometry, geometry


def shaped(
    channels: int, size: Tuple[int, int], kernel: Tuple[int, int], stride: int, pad: int, gap: int
) -> Geometry:
    out = [(s + 2 * pad - gap * (k - 1) - 1) // stride + 1 for s, k in zip(size, kernel)]
    return geometry(channels, size, (out[0], out[1]), kernel, (stride,) * 2, (pad,) * 2, (gap,) * 2)


def by_hand(x: np.ndarray, dy: np.ndarray, geo: Geometry, groups: int) -> np.ndarray:
    """The weights' gradient, one place of the kernel after the other, float64."""
    outputs = dy.shape[1] // groups
    padded = np.pad(
        x.astype(float), ((0, 0), (0, 0), *(((p, p + 50)) for p in (geo.pad_h, geo.pad_w)))
    )
    dw = np.zeros((groups, outputs, geo.channels, geo.kernel_h, geo.kernel_w))
    for i in range(geo.kernel_h):
        for j in range(geo.kernel_w):
            rows = np.arange(geo.out_h) * geo.stride_h + i * geo.dilation_h
            columns = np.arange(geo.out_w) * geo.stride_w + j * geo.dilation_w
            seen = padded[:, :, rows][:, :, :, columns]
            for g in range(groups):
                dw[g, :, :, i, j] = np.einsum(
                    "ncyx,noyx->oc",
                    seen[:, g * geo.channels : (g + 1) * geo.channels],
                    dy[:, g * outputs : (g + 1) * outputs].astype(float),
                )
    return dw.reshape(groups * outputs, -1)


@pytest.mark.parametrize("count", ["1", "3"])
@pytest.mark.parametrize(
    "images, channels, groups, outputs, size, kernel, stride, pad, gap",
    [
        (5, 20, 1, 50, (12, 12), (5, 5), 1, 0, 1),
        (4, 1, 1, 20, (28, 27), (5, 4), 1, 0, 1),
        (3, 4, 2, 3, (9, 11), (3, 2), 2, 1, 1),
        (2, 5, 1, 7, (13, 10), (3, 3), 1, 2, 2),
        (2, 40, 1, 24, (7, 9), (1, 1), 1, 0, 1),
        (1, 3, 3, 1, (40, 41), (11, 11), 4, 5, 1),
    ],
)  # fmt: skip
def test_gradients_of_convolutions(
    images, channels, groups, outputs, size, kernel, stride, pad, gap, count, rng, monkeypatch
):
    monkeypatch.setenv("CAFFE_COMPAT_THREADS", count)
    geo = shaped(channels, size, kernel, stride, pad, gap)
    x = rng.normal(size=(images, groups * channels, *size)).astype(np.float32)
    dy = rng.normal(size=(images, groups * outputs, geo.out_h, geo.out_w)).astype(np.float32)
    before = rng.normal(size=(groups * outputs, channels * kernel[0] * kernel[1]))
    dw = before.astype(np.float32)
    weights.convolved(x, dy, dw, geo, groups)
    wanted = before + by_hand(x, dy, geo, groups)
    assert np.linalg.norm(dw - wanted) < 1e-6 * np.linalg.norm(wanted)


@pytest.mark.parametrize(
    "items, rows, columns", [(1, 1, 1), (7, 5, 33), (64, 50, 803), (3, 37, 16)]
)
def test_sums_of_outer_products(items, rows, columns, rng):
    a, b = (rng.normal(size=(items, n)).astype(np.float32) for n in (rows, columns))
    c = np.ones((rows, columns), np.float32)
    weights.outer(a, b, c)
    wanted = 1 + a.T.astype(float) @ b
    assert np.linalg.norm(c - wanted) < 1e-6 * np.linalg.norm(wanted)


@pytest.mark.parametrize("channels, size", [(6, (15, 14)), (64, (40, 45))], ids=["few", "many"])
def test_gradients_are_the_same_to_the_bit_for_any_number_of_threads(
    channels, size, rng, monkeypatch
):
    geo = shaped(channels, size, (3, 3), 1, 1, 1)
    x, dy = (rng.normal(size=(2, n, *size)).astype(np.float32) for n in (channels, 30))
    a, b = (rng.normal(size=(9, n)).astype(np.float32) for n in (70, 45))
    found = []
    for count in ("1", "2", "5", "16"):
        monkeypatch.setenv("CAFFE_COMPAT_THREADS", count)
        dw, c = np.zeros((30, 9 * channels), np.float32), np.zeros((70, 45), np.float32)
        weights.convolved(x, dy, dw, geo, 1)
        weights.outer(a, b, c)
        found.append((dw, c))
    for dw, c in found[1:]:
        np.testing.assert_array_equal(dw, found[0][0])
        np.testing.assert_array_equal(c, found[0][1])

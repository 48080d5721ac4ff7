"""Pooling: forward window by window, backward against finite differences."""

import numpy as np
import pytest

from caffe_compat.kernels import pooling as kernels
from caffe_compat.layer_types.pooling import pooled_size
from tests.support.direct import direct_pooling
from tests.support.gradcheck import build, check_gradient, run

POOLINGS = {  # settings, kernel, stride, pad, size, output size
    "ceil": ("kernel_size: 3 stride: 2", (3, 3), (2, 2), (0, 0), (6, 8), (3, 4)),
    "same size": ("kernel_size: 3 stride: 1 pad: 1", (3, 3), (1, 1), (1, 1), (5, 6), (5, 6)),
    # along 6 the fourth window starts at 6, in the padding; along 5 it would start beyond that, and
    # is dropped
    "padded ceil": ("kernel_size: 2 stride: 2 pad: 1", (2, 2), (2, 2), (1, 1), (6, 5), (4, 3)),
    "last window dropped": (
        "kernel_size: 2 stride: 3 pad: 1",
        (2, 2),
        (3, 3),
        (1, 1),
        (5, 5),
        (2, 2),
    ),
    "oblong": (
        "kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2",
        (2, 3),
        (1, 2),
        (0, 0),
        (4, 7),
        (3, 3),
    ),
    "stride 3": ("kernel_size: 3 stride: 3", (3, 3), (3, 3), (0, 0), (7, 8), (3, 3)),
    "floor": ("kernel_size: 3 stride: 2 round_mode: FLOOR", (3, 3), (2, 2), (0, 0), (6, 8), (2, 3)),
}


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize("case", POOLINGS)
def test_pooling_forward(case, method, rng):
    settings, kernel, stride, pad, size, out = POOLINGS[case]
    x = rng.normal(size=(2, 3, *size))
    y = run(f'type: "Pooling" pooling_param {{ pool: {method} {settings} }}', x)
    assert y.shape[2:] == out
    np.testing.assert_allclose(
        y, direct_pooling(x.astype(np.float32), method, kernel, stride, pad, out), atol=1e-6
    )


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize("case", POOLINGS)
def test_pooling_gradient(case, method, rng):
    settings, *_, size, _ = POOLINGS[case]
    x = rng.permutation(2 * size[0] * size[1]).reshape(1, 2, *size) * 0.1  # no near-ties
    check_gradient(*build(f'type: "Pooling" pooling_param {{ pool: {method} {settings} }}', x))


@pytest.mark.parametrize("method, wanted", [("MAX", 11.0), ("AVE", 5.5)])
def test_global_pooling(method, wanted):
    y = run(
        f'type: "Pooling" pooling_param {{ pool: {method} global_pooling: true }}',
        np.arange(12).reshape(1, 1, 3, 4),
    )
    assert y.shape == (1, 1, 1, 1) and y[0, 0, 0, 0] == wanted


def test_first_of_equal_maxima_takes_the_gradient():
    # 1 5
    # 5 5
    layer, bottom, top = build(
        'type: "Pooling" pooling_param { kernel_size: 2 }', [[[[1, 5], [5, 5]]]]
    )
    layer.forward(bottom, top)
    top[0].diff[...] = 1
    layer.backward(top, [True], bottom)
    np.testing.assert_array_equal(bottom[0].diff[0, 0], [[0, 1], [0, 0]])


def test_second_top_of_max_pooling_says_where(rng):
    # 3 1 2 0
    # 0 9 1 7
    _, where = run(
        'type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }',
        [[[[3, 1, 2, 0], [0, 9, 1, 7]]]],
        tops=2,
    )
    np.testing.assert_array_equal(where[0, 0], [[5, 7]])


def test_negative_values_win_over_padding():
    y = run('type: "Pooling" pooling_param { kernel_size: 3 pad: 1 }', np.full((1, 1, 2, 2), -4.0))
    assert (y == -4).all()


@pytest.mark.slow
def test_a_maximum_in_a_window_of_thousands_of_places_gets_its_gradient():
    x = np.zeros((1, 1, 70, 75))
    x[0, 0, 68, 71] = 5
    layer, bottom, top = build(
        'type: "Pooling" pooling_param { kernel_size: 70 stride: 5 pad: 3 }', x
    )
    layer.forward(bottom, top)
    top[0].diff[...] = 1
    layer.backward(top, [True], bottom)
    seen = top[0].data == 5
    assert seen.any() and bottom[0].diff[0, 0, 68, 71] == seen.sum()


def pooled_slowly(x, dy, kernel, stride, pad, add):
    """(y, dx) of MAX pooling, window by window in their order; planes of float32."""
    y, dx = np.empty_like(dy), add.copy()
    for p, i, j in np.ndindex(*y.shape):
        best, where = np.float32(np.finfo(np.float32).min), None
        for k, m in np.ndindex(kernel, kernel):
            h, w = i * stride + k - pad, j * stride + m - pad
            if 0 <= h < x.shape[1] and 0 <= w < x.shape[2] and x[p, h, w] > best:
                best, where = x[p, h, w], (p, h, w)
        y[p, i, j] = best
        if where is not None:
            dx[where] += dy[p, i, j]
    return y, dx


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("pad", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(3, 3), (4, 40), (9, 17), (7, 64)])
def test_the_loops_of_max_pooling_give_the_bits_of_one_window_after_another(
    size, stride, pad, kernel, rng
):
    if pad >= kernel:
        pytest.skip("Caffe takes no such padding")
    out = [pooled_size(s, kernel, stride, pad) for s in size]
    x = rng.normal(size=(2, *size)).round(1).astype(np.float32)  # with ties
    x[0, : size[0] // 2] = np.nan
    dy, before = (rng.normal(size=(2, *s)).astype(np.float32) for s in (out, size))
    window = kernels.Window(kernel, kernel, stride, stride, pad, pad)
    y, mask = np.empty_like(dy), kernels.mask_like(dy, window)
    kernels.max_forward(x, y, mask, window)
    for add, passed in ((False, None), (True, None), (True, x)):
        dx = before.copy()
        kernels.max_backward(dy, mask, dx, window, add, passed, 0.25)
        wanted, gradient = pooled_slowly(
            x, dy, kernel, stride, pad, before if add else np.zeros_like(x)
        )
        if passed is not None:
            gradient = gradient * np.where(x > 0, np.float32(1), np.float32(0.25))
        np.testing.assert_array_equal(y, wanted)
        np.testing.assert_array_equal(dx, gradient)

"""Convolution: forward against nested loops, backward against finite differences."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from caffe_compat import ShapeError
from caffe_compat.kernels import convolution as kernels
from caffe_compat.kernels import cores, elementwise, gemm
from tests.support.gradcheck import build, check_gradient


def direct_convolution(x, w, b, stride, pad, dilation, group):
    """Four nested loops, in float64."""
    n, channels, height, width = x.shape
    outputs, per_group, kh, kw = w.shape
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    out = [
        (x.shape[2 + i] - dilation[i] * (k - 1) - 1) // stride[i] + 1
        for i, k in enumerate((kh, kw))
    ]
    y = np.zeros((n, outputs, *out))
    for o in range(outputs):
        first = o // (outputs // group) * per_group
        for i in range(out[0]):
            for j in range(out[1]):
                rows = i * stride[0] + dilation[0] * np.arange(kh)
                cols = j * stride[1] + dilation[1] * np.arange(kw)
                window = x[:, first : first + per_group][:, :, rows][..., cols]
                y[:, o, i, j] = (window * w[o]).sum((1, 2, 3)) + b[o]
    return y


CONVOLUTIONS = {
    "1x1": ("kernel_size: 1", (1, 1), (0, 0), (1, 1), 1),
    "3x3 padded": ("kernel_size: 3 pad: 1", (1, 1), (1, 1), (1, 1), 1),
    "5x5 stride 2": ("kernel_size: 5 stride: 2 pad: 2", (2, 2), (2, 2), (1, 1), 1),
    "groups": ("kernel_size: 3 group: 2", (1, 1), (0, 0), (1, 1), 2),
    "1x1 stride 2": ("kernel_size: 1 stride: 2", (2, 2), (0, 0), (1, 1), 1),
    "dilated": ("kernel_size: 3 dilation: 2 pad: 2", (1, 1), (2, 2), (2, 2), 1),
    "oblong": (
        "kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1",
        (2, 1),
        (0, 1),
        (1, 1),
        1,
    ),
    "more pad than kernel": ("kernel_size: 1 pad: 1", (1, 1), (1, 1), (1, 1), 1),
    "stride over kernel": ("kernel_size: 2 stride: 3", (3, 3), (0, 0), (1, 1), 1),
}


def convolution(settings, rng, outputs=4, channels=4, size=(7, 9), n=2):
    x = rng.normal(size=(n, channels, *size))
    return build(f'type: "Convolution" convolution_param {{ num_output: {outputs} {settings} '
                 f'weight_filler {{ type: "xavier" }} '
                 'bias_filler { type: "uniform" } }', x)  # fmt: skip


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution_forward(case, rng):
    settings, stride, pad, dilation, group = CONVOLUTIONS[case]
    layer, bottom, top = convolution(settings, rng)
    layer.forward(bottom, top)
    wanted = direct_convolution(
        bottom[0].data, layer.blobs[0].data, layer.blobs[1].data, stride, pad, dilation, group
    )
    np.testing.assert_allclose(top[0].data, wanted, atol=2e-6)


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution_gradient(case, rng):
    check_gradient(*convolution(CONVOLUTIONS[case][0], rng, size=(5, 6)))


@pytest.mark.parametrize("outputs, channels", [(2, 8), (8, 2)], ids=["rotated weights", "col2im"])
def test_both_ways_of_the_data_gradient_agree_with_finite_differences(outputs, channels, rng):
    check_gradient(*convolution("kernel_size: 3 pad: 1", rng, outputs, channels, (6, 5), 1))


def test_convolution_over_many_strips_is_the_direct_one(rng, monkeypatch):
    monkeypatch.setattr(cores, "level_2", lambda: 1)
    for settings, *rest in CONVOLUTIONS.values():
        layer, bottom, top = convolution(settings, rng, size=(19, 11))
        layer.forward(bottom, top)
        wanted = direct_convolution(bottom[0].data, layer.blobs[0].data, layer.blobs[1].data, *rest)
        np.testing.assert_allclose(top[0].data, wanted, atol=3e-6)


def test_convolution_data_gradient_is_the_adjoint_over_many_strips(rng, monkeypatch):
    # <y, Ax> = <A'y, x> for every setting
    monkeypatch.setattr(cores, "level_2", lambda: 1)
    for settings, *_ in CONVOLUTIONS.values():
        for outputs in (4, 16):
            layer, bottom, top = convolution(settings, rng, outputs=outputs, size=(70, 11), n=1)
            layer.blobs[1].data[...] = 0
            layer.forward(bottom, top)
            top[0].diff[...] = rng.normal(size=top[0].shape)
            layer.backward(top, [True], bottom)
            left = np.vdot(top[0].diff.astype(float), top[0].data)
            right = np.vdot(bottom[0].diff.astype(float), bottom[0].data)
            assert left == pytest.approx(right, rel=1e-4, abs=1e-2)


def test_convolution_without_bias(rng):
    layer, bottom, top = convolution("kernel_size: 3 bias_term: false", rng, size=(5, 6))
    assert len(layer.blobs) == 1
    check_gradient(layer, bottom, top)


def test_convolution_says_both_sizes_when_the_picture_is_too_small(rng):
    with pytest.raises(ShapeError, match="2x9.*3x3"):
        convolution("kernel_size: 3", rng, size=(2, 9))


def test_parameter_gradients_add_up_once_somebody_has_read_them(rng):
    layer, bottom, top = convolution("kernel_size: 3", rng, size=(5, 6))
    layer.forward(bottom, top)
    top[0].diff[...] = 1
    layer.backward(top, [True], bottom)
    once = layer.blobs[0].diff.copy()
    assert np.abs(once).max() > 0
    layer.backward(top, [True], bottom)
    np.testing.assert_allclose(layer.blobs[0].diff, 2 * once, rtol=1e-5)


WAYS = {  # groups, channels, outputs of a group, kernel, stride, pad, dilation
    "1x1": (1, 20, 13, 1, 1, 0, 1),
    "tiles": (2, 16, 18, 3, 1, 1, 1),
    "products": (1, 18, 5, 5, 1, 2, 1),
    "columns": (1, 3, 8, 7, 2, 3, 1),
    "many columns": (1, 8, 70, 5, 1, 2, 1),
    "gaps": (2, 4, 3, 2, 3, 1, 2),
}


def made(way, rng, size=(15, 37)):
    """(geometry, groups, x, weight, an output's gradient)"""
    groups, channels, outputs, kernel, stride, pad, dilation = WAYS[way]
    extent = dilation * (kernel - 1) + 1
    out = [(side + 2 * pad - extent) // stride + 1 for side in size]
    dy = rng.normal(size=(2, groups * outputs, *out)).astype(np.float32)
    weight = rng.normal(size=(groups * outputs, channels * kernel**2)).astype(np.float32)
    x = np.maximum(rng.normal(size=(2, groups * channels, *size)), 0).astype(np.float32)
    pairs = [(each, each) for each in (kernel, stride, pad, dilation)]
    return kernels.geometry(channels, size, out, *pairs), groups, x, weight, dy


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_gradient_passes_a_relu_as_it_is_stored(way, add, rng):
    geo, groups, x, weight, dy = made(way, rng)
    dx = rng.normal(size=x.shape).astype(np.float32)
    apart, wanted = dx.copy(), np.empty_like(dx)
    kernels.backward(dy, weight, apart, geo, groups, add)
    elementwise.relu_backward(x, apart, wanted, 0.25)
    kernels.backward(dy, weight, dx, geo, groups, add, mask=x, slope=0.25)
    np.testing.assert_array_equal(dx, wanted)


@pytest.mark.parametrize("way", WAYS)
def test_results_depend_neither_on_the_cache_nor_on_threads(way, rng, monkeypatch):
    geo, groups, x, weight, dy = made(way, rng, (70, 37))
    bias = rng.normal(size=len(weight)).astype(np.float32)
    found = set()
    for threads, level_2 in (("1", 1 << 21), ("2", 1 << 16), ("3", 1)):
        monkeypatch.setenv("CAFFE_COMPAT_THREADS", threads)
        monkeypatch.setattr(cores, "level_2", lambda size=level_2: size)
        y, dx = np.empty_like(dy), np.empty_like(x)
        kernels.forward(x, weight, bias, y, geo, groups)
        kernels.backward(dy, weight, dx, geo, groups)
        found.add((y.tobytes(), dx.tobytes()))
    assert len(found) == 1


@pytest.mark.parametrize("way", WAYS)
def test_what_lies_beside_the_arrays_counts_nothing_and_stays(way, rng):
    geo, groups, x, weight, dy = made(way, rng)
    y, dx = np.empty_like(dy), np.empty_like(x)
    whole = [np.full(array.size + 800, np.nan, np.float32) for array in (x, weight, dy, y, dx)]
    inner = [flat[400:-400].reshape(a.shape) for flat, a in zip(whole, (x, weight, dy, y, dx))]
    for each, array in zip(inner, (x, weight, dy)):
        each[...] = array
    nothing = np.empty(0, np.float32)
    for a, b, c, d, e in ((x, weight, dy, y, dx), inner):
        kernels.forward(a, b, nothing, d, geo, groups)
        kernels.backward(c, b, e, geo, groups)
    np.testing.assert_array_equal(inner[3], y)
    np.testing.assert_array_equal(inner[4], dx)
    assert all(np.isnan(flat[:400]).all() and np.isnan(flat[-400:]).all() for flat in whole)


WIDTH = """
import hashlib, sys
from tests.support import processors
processors.of_lanes(int(sys.argv[1]))
import numpy as np
from caffe_compat.kernels import convolution, gemm
from tests.caffe_compat.test_convolution import WAYS, made
assert gemm.LANES == int(sys.argv[1])
found = hashlib.sha1()
for way in WAYS:
    rng = np.random.RandomState(1)
    geo, groups, x, weight, dy = made(way, rng, (22, 70))
    y, dx = np.empty_like(dy), np.ones_like(x)
    convolution.forward(x, weight, weight[:, 0].copy(), y, geo, groups, 0.25)
    convolution.backward(dy, weight, dx, geo, groups, True, mask=x, slope=0.5)
    found.update(y.tobytes() + dx.tobytes())
print(found.hexdigest())
"""


@pytest.mark.slow  # it compiles the loops for vectors of other lengths
@pytest.mark.skipif(not gemm.FUSED, reason="this processor rounds products and sums apart")
def test_results_are_the_same_to_the_bit_for_any_width_of_vectors(tmp_path):
    digests = set()
    for lanes in ("4", "8", "16"):
        command = [sys.executable, "-c", WIDTH, lanes]
        env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / lanes)}
        root = Path(__file__).parents[2]
        done = subprocess.run(command, env=env, cwd=root, capture_output=True, text=True)
        digests.add(done.stdout or done.stderr)
    assert len(digests) == 1 and len(digests.pop()) == 41

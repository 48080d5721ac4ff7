"""Winograd's convolution against products in float64, and what its results may depend on."""

import os
import subprocess
import sys

import numpy as np
import pytest

from caffe_compat.kernels import convolution, gemm, winograd
from caffe_compat.kernels.winograd import convolution as tiled

SHAPES = {  # images, groups, channels, outputs of a group, height, width, pad
    "whole tiles": (1, 1, 16, 16, 16, 16, 1),
    "cut tiles": (1, 1, 17, 25, 13, 70, 1),
    "no padding": (1, 1, 16, 20, 20, 15, 0),
    "wide padding": (1, 1, 16, 16, 9, 13, 2),
    "groups and images": (3, 2, 16, 18, 13, 14, 1),
    "many channels": (1, 1, 200, 16, 14, 14, 1),
}


def made(name, rng):
    images, groups, channels, outputs, height, width, pad = SHAPES[name]
    x = rng.normal(size=(images, groups * channels, height, width)).astype(np.float32)
    weight = rng.normal(size=(groups * outputs, channels * 9)).astype(np.float32)
    size = height + 2 * pad - 2, width + 2 * pad - 2
    y = np.full((images, groups * outputs, *size), np.nan, np.float32)
    geo = convolution.geometry(channels, (height, width), size, (3, 3), (1, 1), (pad, pad), (1, 1))
    assert winograd.pays(geo, outputs)
    return x, weight, y, geo, groups


def exact(x, weight, pad, groups):
    """The convolution in float64."""
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    weight = weight.astype(float).reshape(groups, -1, x.shape[1] // groups, 3, 3)
    parts = np.split(windows, groups, 1)
    found = [np.einsum("nchwij,ocij->nohw", *each, optimize=True) for each in zip(parts, weight)]
    return np.concatenate(found, 1)


def exact_back(dy, weight, pad, groups):
    """The gradient of the input in float64: a convolution with rotated windows."""
    outputs = len(weight) // groups
    turned = weight.reshape(groups, outputs, -1, 9)[..., ::-1].transpose(0, 2, 1, 3)
    return exact(dy, turned.reshape(-1, outputs * 9), 2 - pad, groups)


def error(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.fixture(params=["small", "large"])
def way(request, monkeypatch):
    """Both ways: by all tiles and a few weights at a time, and by all weights and a few tiles."""
    if request.param == "large":
        monkeypatch.setattr(tiled, "_SMALL", 0)


@pytest.mark.parametrize("name", SHAPES)
def test_convolution_is_the_exact_one_to_single_precision(name, rng, way):
    x, weight, y, geo, groups = made(name, rng)
    bias = rng.normal(size=len(weight)).astype(np.float32)
    convolution.forward(x, weight, bias, y, geo, groups)
    wanted = exact(x, weight, geo.pad_h, groups) + bias[:, None, None]
    assert error(y, wanted) < 1e-6
    convolution.forward(x, weight, bias, y, geo, groups, relu=0.25)
    assert error(y, np.where(wanted > 0, wanted, 0.25 * wanted)) < 1e-6


@pytest.mark.parametrize("name", SHAPES)
def test_data_gradient_is_the_exact_one_to_single_precision(name, rng, way):
    x, weight, y, geo, groups = made(name, rng)
    dy = rng.normal(size=y.shape).astype(np.float32)
    dx = np.full_like(x, np.nan)
    convolution.backward(dy, weight, dx, geo, groups)
    wanted = exact_back(dy, weight, geo.pad_h, groups)
    assert error(dx, wanted) < 1e-6
    convolution.backward(dy, weight, dx, geo, groups, add=True)
    assert error(dx, 2 * wanted) < 1e-6


def test_what_lies_beside_the_arrays_counts_nothing_and_stays(rng, way):
    x, weight, y, geo, groups = made("cut tiles", rng)
    whole = [np.full(array.size + 800, np.nan, np.float32) for array in (x, weight, y)]
    inner = [flat[400:-400].reshape(array.shape) for flat, array in zip(whole, (x, weight, y))]
    inner[0][...], inner[1][...] = x, weight
    convolution.forward(inner[0], inner[1], np.empty(0, np.float32), inner[2], geo, groups)
    assert error(inner[2], exact(x, weight, 1, groups)) < 1e-6
    assert all(np.isnan(flat[:400]).all() and np.isnan(flat[-400:]).all() for flat in whole)


def test_results_do_not_depend_on_strips_threads_or_the_batch(rng, monkeypatch):
    x, weight, y, geo, groups = made("groups and images", rng)
    nothing = np.empty(0, np.float32)
    convolution.forward(x, weight, nothing, y, geo, groups)
    for threads, tiles, small in (("1", 16, 1 << 30), ("2", 32, 0), ("3", 64, 0)):
        monkeypatch.setattr(tiled, "_SMALL", small)
        monkeypatch.setenv("CAFFE_COMPAT_THREADS", threads)
        monkeypatch.setattr(tiled, "_TILES", tiles)
        again = np.empty_like(y)
        convolution.forward(x, weight, nothing, again, geo, groups)
        np.testing.assert_array_equal(again, y)
    alone = np.empty_like(y[1:2])
    convolution.forward(x[1:2], weight, nothing, alone, geo, groups)
    np.testing.assert_array_equal(alone, y[1:2])


@pytest.mark.parametrize(
    "change",
    [{"stride_h": 2}, {"dilation_w": 2}, {"kernel_h": 5}, {"channels": 8}, {"out_h": 4}],
    ids=["stride", "dilation", "window", "few channels", "few tiles"],
)
def test_other_convolutions_go_the_direct_way(change, rng):
    geo = made("whole tiles", rng)[3]
    assert not winograd.pays(geo._replace(**change), 16)
    assert not winograd.pays(geo, 15)


OTHER = """
import hashlib, sys
from tests.support import processors
lanes = processors.narrow() if sys.argv[1] == "narrow" else 0
import numpy as np
from caffe_compat.kernels import convolution, gemm
assert gemm.LANES == lanes or not lanes
rng = np.random.RandomState(0)
x, weight = (np.float32(rng.normal(size=shape)) for shape in ((1, 20, 15, 29), (24, 180)))
y = np.empty((1, 24, 15, 29), np.float32)
geo = convolution.geometry(20, (15, 29), (15, 29), (3, 3), (1, 1), (1, 1), (1, 1))
convolution.forward(x, weight, np.zeros(24, np.float32), y, geo, 1, relu=0.5)
print(hashlib.sha1(y.tobytes()).hexdigest())
"""


@pytest.mark.slow  # it compiles the loops for another processor
@pytest.mark.skipif(gemm.LANES < 8 or not gemm.FUSED, reason="no wider vectors to compare with")
def test_results_are_the_same_to_the_bit_for_other_widths_of_vectors(tmp_path):
    digests = []
    for width in ("wide", "narrow"):
        env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        command = [sys.executable, "-c", OTHER, width]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        digests.append(done.stdout)
    assert digests[0] == digests[1] and len(digests[0]) == 41

"""No kernel reads memory that is freed: glibc fills it with ones, which are NaN as float32."""

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
from caffe_compat.kernels import convolution

rng = np.random.RandomState(0)
bad = []
for outputs, channels, kernel, stride, pad in {cases}:
    side = (9 + 2 * pad - kernel) // stride + 1
    geo = convolution.Geometry(
        channels, 9, 9, side, side, kernel, kernel, stride, stride, pad, pad, 1, 1
    )
    weight = rng.normal(size=(outputs, channels * kernel * kernel)).astype(np.float32)
    x, dx = rng.normal(size=(2, 1, channels, 9, 9)).astype(np.float32)
    y = np.zeros((1, outputs, side, side), np.float32)
    convolution.forward(x, weight, np.zeros(0, np.float32), y, geo, 1)
    convolution.backward(y, weight, dx, geo, 1)
    if not np.isfinite([np.abs(y).max(), np.abs(dx).max()]).all():
        bad.append((outputs, channels, kernel, stride, pad))
print(bad)
"""
# (outputs, channels, kernel, stride, pad): each way that a backward pass goes, with arrays that are
# large enough for glibc to fill them
CASES = [(8, 8, 1, 1, 0), (32, 32, 3, 1, 1), (64, 32, 3, 1, 1), (32, 32, 3, 2, 0)]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's memory")
def test_a_convolution_reads_no_memory_that_is_freed(monkeypatch):
    monkeypatch.setenv("MALLOC_PERTURB_", "255")
    program = PROGRAM.format(cases=CASES)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr

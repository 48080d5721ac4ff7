"""Windows that PyTorch's own pooling lacks, in GPU mode beside the CPU."""

import numpy as np
import pytest

from caffe_compat.layer_types import load_twins
from tests.support.gradcheck import build

pytestmark = pytest.mark.usefixtures("gpu_mode")


@pytest.mark.parametrize("method, tops", [("MAX", 2), ("AVE", 1)])
@pytest.mark.parametrize(
    "window, size",
    [
        ("kernel_size: 3 pad: 2 stride: 2", (7, 6)),  # more padding than half a window
        ("kernel_size: 3 pad: 2 stride: 2", (8, 5)),
        ("kernel_size: 1 stride: 3", (5, 7)),  # a last window beyond the picture
        ("kernel_h: 4 kernel_w: 2 pad_h: 3 pad_w: 0 stride_h: 3 stride_w: 2", (9, 7)),
    ],
)
def test_a_window_is_that_of_the_cpu(window, size, method, tops, rng):
    load_twins()
    text = f'type: "Pooling" pooling_param {{ pool: {method} {window} }}'
    x = rng.randint(0, 4, (2, 3, *size))  # so that some tie
    found = []
    for on_gpu in (False, True):
        layer, bottom, top = build(text, x, tops=tops)
        layer.ran_on_gpu = on_gpu
        (layer.forward_gpu if on_gpu else layer.forward)(bottom, top)
        top[0].diff[...] = np.arange(top[0].count).reshape(top[0].shape) % 7
        (layer.backward_gpu if on_gpu else layer.backward)(top, [True], bottom)
        found.append([*(t.data.copy() for t in top), bottom[0].diff.copy()])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)

"""MAX pooling over NaN: a real Caffe's backward pass would break memory there."""

from typing import Any

import numpy as np
import pytest

from deepdream.dream import passes
from deepdream.dream.empty_windows import empty_windows

NET = """
input: "data" input_shape { dim: 1 dim: 1 dim: 8 dim: 8 }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
%s
layer { name: "conv" type: "Convolution" bottom: "pool" top: "conv"
        convolution_param { num_output: 1 kernel_size: 1 weight_filler { value: 1 } } }
"""
IN_PLACE = 'layer { name: "relu" type: "ReLU" bottom: "pool" top: "pool" }'


@pytest.fixture(params=["", IN_PLACE], ids=["plain", "relu in place"])
def pooling(request: Any, caffe: Any, tmp_path: Any) -> Any:
    (tmp_path / "net.prototxt").write_text(NET % request.param)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    net.blobs["data"].data[...] = np.arange(64).reshape(1, 1, 8, 8)
    return net


def test_a_window_of_nan_is_found_before_a_real_caffe_goes_back(pooling: Any, caffe: Any) -> None:
    pooling.forward()
    assert not empty_windows(pooling, 2)
    pooling.blobs["data"].data[0, 0, :2, :2] = np.nan
    pooling.forward()
    last = list(pooling._layer_names).index("conv")
    assert empty_windows(pooling, last) == (caffe.__name__ == "caffe")


def test_the_gradient_is_not_a_number_then(pooling: Any, caffe: Any) -> None:
    if caffe.__name__ != "caffe":
        pytest.skip("only a real Caffe breaks memory there")
    pooling.blobs["data"].data[...] = np.nan
    pooling.forward()
    assert np.isnan(passes.backward(pooling, {"conv": np.ones((1, 1, 4, 4))})).all()

    def sum_of_all(dst: Any) -> None:
        dst.diff[...] = 1

    assert np.isnan(passes.backward_from(pooling, "conv", sum_of_all)).all()

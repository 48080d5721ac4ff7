"""Convolution: forward against nested loops, backward against finite differences."""

import numpy as np
import pytest

from caffe_compat import ShapeError
from caffe_compat.kernels import convolution as kernels
from caffe_compat.kernels import elementwise
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
    from caffe_compat.kernels import convolution as kernel

    monkeypatch.setattr(kernel, "_STRIP_VALUES", 500)
    for settings, *rest in CONVOLUTIONS.values():
        layer, bottom, top = convolution(settings, rng, size=(19, 11))
        layer.forward(bottom, top)
        wanted = direct_convolution(bottom[0].data, layer.blobs[0].data, layer.blobs[1].data, *rest)
        np.testing.assert_allclose(top[0].data, wanted, atol=3e-6)


def test_convolution_data_gradient_is_the_adjoint_over_many_strips(rng, monkeypatch):
    # <y, Ax> = <A'y, x> for every setting
    from caffe_compat.kernels import convolution as kernel

    monkeypatch.setattr(kernel, "_STRIP_VALUES", 500)
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


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize(
    "groups, channels, outputs, kernel, stride, pad",
    [
        (1, 20, 13, 1, 1, 0),
        (2, 16, 18, 3, 1, 1),
        (1, 6, 5, 5, 1, 2),
        (1, 3, 8, 7, 2, 3),
    ],
    ids=["1x1", "tiles", "products", "columns"],
)
def test_a_gradient_passes_a_relu_as_it_is_stored(
    groups, channels, outputs, kernel, stride, pad, add, rng
):
    height, width = 15, 37
    size = [(side + 2 * pad - kernel) // stride + 1 for side in (height, width)]
    dy = rng.normal(size=(2, groups * outputs, *size)).astype(np.float32)
    weight = rng.normal(size=(groups * outputs, channels * kernel**2)).astype(np.float32)
    x = np.maximum(rng.normal(size=(2, groups * channels, height, width)), 0).astype(np.float32)
    pair = [(each, each) for each in (kernel, stride, pad, 1)]
    geo = kernels.geometry(channels, (height, width), size, *pair)
    dx = rng.normal(size=x.shape).astype(np.float32)
    apart, wanted = dx.copy(), np.empty_like(dx)
    kernels.backward(dy, weight, apart, geo, groups, add)
    elementwise.relu_backward(x, apart, wanted, 0.25)
    kernels.backward(dy, weight, dx, geo, groups, add, mask=x, slope=0.25)
    np.testing.assert_array_equal(dx, wanted)

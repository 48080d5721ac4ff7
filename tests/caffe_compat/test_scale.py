"""BatchNorm, Scale, Bias and Reshape, and shared parameters.

Forward against a direct formula, backward against finite differences.
"""

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.proto.caffe_pb2 import TRAIN
from tests.support.gradcheck import build, check_gradient, run

OF_THE_BATCH = (
    'type: "BatchNorm" '
    "batch_norm_param { use_global_stats: false eps: 0.1 moving_average_fraction: 0.9 }"
)


def test_batch_norm_of_the_batch(rng):
    x = rng.normal(2, 3, (3, 4, 2, 5)).astype(np.float32)
    y = run(OF_THE_BATCH, x)
    mean, variance = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 0.1), rtol=1e-4, atol=1e-5)


def test_batch_norm_as_stored_divides_by_the_weight(rng):
    layer, bottom, top = build(
        'type: "BatchNorm" batch_norm_param { eps: 0.5 }', rng.normal(size=(2, 3, 4, 4))
    )
    for blob, values in zip(layer.blobs, ([2, -4, 6], [8, 2, 4], [2])):
        blob.data[...] = values
    layer.forward(bottom, top)
    mean, variance = (np.reshape(v, (1, 3, 1, 1)) for v in ([1, -2, 3], [4, 1, 2]))
    np.testing.assert_allclose(
        top[0].data, (bottom[0].data - mean) / np.sqrt(variance + 0.5), rtol=1e-5
    )


def test_batch_norm_keeps_running_sums(rng):
    x = rng.normal(2, 3, (4, 2, 3, 3)).astype(np.float32)
    layer, bottom, top = build(OF_THE_BATCH, x, phase=TRAIN)
    for _ in range(2):
        layer.forward(bottom, top)
    mean, variance, count = x.mean((0, 2, 3)), x.var((0, 2, 3)), 36
    np.testing.assert_allclose(layer.blobs[2].data, [1.9])
    np.testing.assert_allclose(layer.blobs[0].data, 1.9 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.blobs[1].data, 1.9 * variance * count / (count - 1), rtol=1e-5)


@pytest.mark.parametrize("text", [OF_THE_BATCH, 'type: "BatchNorm" batch_norm_param { eps: 0.5 }'])
@pytest.mark.parametrize("in_place", [False, True])
def test_batch_norm_gradient(text, in_place, rng):
    if in_place:
        x = rng.normal(size=(3, 2, 2, 2)).astype(np.float32)
        apart, (a,), (top,) = build(text, x)
        inside, blobs, tops = build(text, x, in_place=True)
        for layer, bottom, tops_ in ((apart, [a], [top]), (inside, blobs, tops)):
            layer.forward(bottom, tops_)
            tops_[0].diff[...] = np.arange(24).reshape(x.shape)
            layer.backward(tops_, [True], bottom)
        np.testing.assert_array_equal(blobs[0].diff, a.diff)
    else:
        check_gradient(*build(text, rng.normal(size=(3, 2, 2, 2))), params=False)


SCALES = [
    ("axis: 1", (3,), (1, 3, 1, 1)),
    ("axis: 0 num_axes: 2", (2, 3), (2, 3, 1, 1)),
    ("axis: -1", (5,), (1, 1, 1, 5)),
    ("axis: 2 num_axes: -1", (4, 5), (1, 1, 4, 5)),
    ("num_axes: 0", (), (1, 1, 1, 1)),
]


@pytest.mark.parametrize("settings, shape, repeated", SCALES)
@pytest.mark.parametrize("in_place", [False, True])
def test_scale_and_bias(settings, shape, repeated, in_place, rng):
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    text = (
        f'type: "Scale" scale_param {{ {settings} bias_term: true '
        'filler { type: "uniform" } bias_filler { type: "uniform" } }'
    )
    layer, bottom, top = build(text, x, in_place=in_place)
    assert [b.shape for b in layer.blobs] == [shape, shape]
    layer.forward(bottom, top)
    gain, offset = (b.data.reshape(repeated) for b in layer.blobs)
    # a GPU multiplies and adds with one rounding: sums near zero differ by one of the product's
    np.testing.assert_allclose(top[0].data, x * gain + offset, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("settings", [s[0] for s in SCALES])
def test_scale_gradient(settings, rng):
    text = (
        f'type: "Scale" scale_param {{ {settings} bias_term: true '
        'filler { type: "uniform" min: 0.5 } }'
    )
    check_gradient(*build(text, rng.uniform(0.5, 1, (2, 3, 4, 5))))


def test_scale_gradient_in_place(rng):
    text = 'type: "Scale" scale_param { bias_term: true filler { type: "constant" value: 0.5 } }'
    x = rng.normal(size=(2, 3, 2, 2)).astype(np.float32)
    layer, bottom, top = build(text, x, in_place=True)
    layer.forward(bottom, top)
    dy = rng.normal(size=x.shape).astype(np.float32)
    top[0].diff[...] = dy
    layer.backward(top, [True], bottom)
    np.testing.assert_allclose(bottom[0].diff, dy * 0.5)
    np.testing.assert_allclose(layer.blobs[0].diff, (dy * x).sum((0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(layer.blobs[1].diff, dy.sum((0, 2, 3)), rtol=1e-4)


@pytest.mark.parametrize("kind", ["Scale", "Bias"])
def test_two_bottoms_gradient(kind, rng):
    text = f'type: "{kind}" {kind.lower()}_param {{ axis: 0 }}'
    check_gradient(*build(text, rng.uniform(0.5, 1, (2, 3, 4)), rng.uniform(0.5, 1, (2, 3))))


def test_bias_gradient(rng):
    check_gradient(
        *build('type: "Bias" bias_param { filler { type: "uniform" } }', rng.normal(size=(2, 3, 4)))
    )


def test_a_scale_of_another_shape_is_refused(rng):
    with pytest.raises(
        caffe.ShapeError,
        match=r'"layer": its values have the shape \(2, 4\), but its bottom \(2, 3, 4\) has \(2, '
        r"3\) there",
    ):
        build('type: "Scale" scale_param { axis: 0 }', np.zeros((2, 3, 4)), np.zeros((2, 4)))
    with pytest.raises(caffe.ShapeError, match="3 axes from axis 1 on"):
        build('type: "Scale" scale_param { num_axes: 3 }', np.zeros((2, 3, 4)))


@pytest.mark.parametrize("settings, shape", [
    ("shape { dim: 0 dim: -1 }", (2, 60)),
    ("shape { dim: 6 dim: -1 } axis: 1 num_axes: 2", (2, 6, 2, 5)),
    ("shape { dim: 1 } axis: -1 num_axes: 0", (2, 3, 4, 5, 1)),
    ("shape { dim: -1 } axis: -2", (2, 3, 4, 5)),
])  # fmt: skip
def test_reshape(settings, shape, rng):
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    text = f'type: "Reshape" reshape_param {{ {settings} }}'
    if settings.endswith("axis: -2"):
        shape = (2, 3, 4, 5)
    y = run(text, x)
    assert y.shape == shape and np.array_equal(y.ravel(), x.ravel())
    check_gradient(*build(text, x))


@pytest.mark.parametrize("settings, message", [
    ("shape { dim: 7 dim: -1 }", "do not make"),
    ("shape { dim: -1 dim: -1 }", "one -1 at most"),
    ("shape { dim: 4 dim: 0 dim: 0 dim: 0 dim: 0 }", "no 0 after the last axis"),
    ("shape { dim: 2 } axis: 9", "do not lie within"),
])  # fmt: skip
def test_reshapes_that_cannot_be_are_refused(settings, message):
    with pytest.raises(caffe.ShapeError, match=message):
        run(f'type: "Reshape" reshape_param {{ {settings} }}', np.zeros((2, 3, 4)))


SHARED = """
force_backward: true
layer {{ name: "data" type: "Input" top: "data"
  input_param {{ shape {{ dim: 1 dim: 3 dim: 4 dim: 4 }} }} }}
layer {{ name: "a" type: "Convolution" bottom: "data" top: "a" param {{ name: "w" }}
  convolution_param {{ num_output: 3 kernel_size: 1
         weight_filler {{ type: "uniform" }} }} }}
layer {{ name: "b" type: "Convolution" bottom: "a" top: "b" param {{ name: "w" {mode} }}
         convolution_param {{ num_output: {outputs} kernel_size: 1 }} }}
"""


def shared(tmp_path, outputs=3, mode=""):
    (tmp_path / "net.prototxt").write_text(SHARED.format(outputs=outputs, mode=mode))
    return caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)


def test_parameters_of_one_name_share_their_memory_and_gradient(tmp_path, rng):
    net = shared(tmp_path)
    net.params["b"][0].data[0, 1] = 7
    assert net.params["a"][0].data[0, 1, 0, 0] == 7
    net.blobs["data"].data[...] = rng.normal(size=(1, 3, 4, 4))
    net.forward()
    net.blobs["b"].diff[...] = 1
    net.backward()
    first, second = net.blobs["data"].data[0].reshape(3, -1), net.blobs["a"].data[0].reshape(3, -1)
    wanted = net.blobs["a"].diff[0].reshape(3, -1) @ first.T + np.ones((3, 16)) @ second.T
    np.testing.assert_allclose(net.params["a"][0].diff[..., 0, 0], wanted, rtol=1e-4)
    assert net.params["b"][0].diff.ctypes.data == net.params["a"][0].diff.ctypes.data


def test_parameters_of_one_name_and_other_shapes_are_refused(tmp_path):
    with pytest.raises(
        caffe.ShapeError,
        match=r'"b" shares the parameter "w" with layer "a", but has shape \(4, 3, 1, 1\) and '
        r"that \(3, 3, 1, 1\)",
    ):
        shared(tmp_path, outputs=4)
    with pytest.raises(caffe.ShapeError, match="PERMISSIVE"):
        shared(tmp_path, outputs=4, mode="share_mode: PERMISSIVE")

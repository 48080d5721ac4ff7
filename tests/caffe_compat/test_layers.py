"""Every layer: forward against a direct formula, backward against finite differences."""

import numpy as np
import pytest
from gradcheck import build, check_gradient, run

from caffe_compat import ShapeError
from caffe_compat.errors import PrototxtError, UnknownLayerTypeError
from caffe_compat.layers import LAYERS, register
from caffe_compat.proto.caffe_pb2 import TRAIN


def direct_convolution(x, w, b, stride, pad, dilation, group):
    """Four nested loops, in float64."""
    n, channels, height, width = x.shape
    outputs, per_group, kh, kw = w.shape
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    out = [(x.shape[2 + i] - dilation[i] * (k - 1) - 1) // stride[i] + 1 for i, k in enumerate((kh, kw))]
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
    "oblong": ("kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1", (2, 1), (0, 1), (1, 1), 1),
    "more pad than kernel": ("kernel_size: 1 pad: 1", (1, 1), (1, 1), (1, 1), 1),
    "stride over kernel": ("kernel_size: 2 stride: 3", (3, 3), (0, 0), (1, 1), 1),
}


def convolution(settings, rng, outputs=4, channels=4, size=(7, 9), n=2):
    x = rng.normal(size=(n, channels, *size))
    return build(f'type: "Convolution" convolution_param {{ num_output: {outputs} {settings} weight_filler {{ type: "xavier" }} '
                 'bias_filler { type: "uniform" } }', x)  # fmt: skip


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution_forward(case, rng):
    settings, stride, pad, dilation, group = CONVOLUTIONS[case]
    layer, bottom, top = convolution(settings, rng)
    layer.forward(bottom, top)
    wanted = direct_convolution(bottom[0].data, layer.blobs[0].data, layer.blobs[1].data, stride, pad, dilation, group)
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


def test_relu_keeps_the_positive():
    np.testing.assert_array_equal(run('type: "ReLU"', [[-1.5, 0, 2]]), [[0, 0, 2]])


def test_relu_with_negative_slope():
    np.testing.assert_allclose(run('type: "ReLU" relu_param { negative_slope: 0.1 }', [[-2.0, 3]]), [[-0.2, 3]])


@pytest.mark.parametrize("slope", [0, 0.25])
def test_relu_gradient(slope, rng):
    x = rng.uniform(0.1, 1, (2, 5)) * rng.choice([-1, 1], (2, 5))
    check_gradient(*build(f'type: "ReLU" relu_param {{ negative_slope: {slope} }}', x))


def test_relu_in_place_has_the_same_gradient(rng):
    x = rng.normal(size=(3, 4)).astype(np.float32)
    apart, (a,), (top,) = build('type: "ReLU"', x)
    inside, blobs, tops = build('type: "ReLU"', x, in_place=True)
    for layer, bottom, tops_ in ((apart, [a], [top]), (inside, blobs, tops)):
        layer.forward(bottom, tops_)
        tops_[0].diff[...] = 1
        layer.backward(tops_, [True], bottom)
    np.testing.assert_array_equal(blobs[0].diff, a.diff)


def direct_pooling(x, method, kernel, stride, pad, out):
    """MAX or AVE as Caffe defines them, window by window."""
    y = np.zeros((*x.shape[:2], *out))
    size = x.shape[2:]
    for i in range(out[0]):
        for j in range(out[1]):
            start = [a * s - p for a, s, p in zip((i, j), stride, pad)]
            end = [min(a + k, n + p) for a, k, n, p in zip(start, kernel, size, pad)]
            area = np.prod([e - a for a, e in zip(start, end)])
            window = x[:, :, max(start[0], 0) : min(end[0], size[0]), max(start[1], 0) : min(end[1], size[1])]
            y[:, :, i, j] = window.max((2, 3)) if method == "MAX" else window.sum((2, 3)) / area
    return y


POOLINGS = {  # settings, kernel, stride, pad, size, output size
    "ceil": ("kernel_size: 3 stride: 2", (3, 3), (2, 2), (0, 0), (6, 8), (3, 4)),
    "same size": ("kernel_size: 3 stride: 1 pad: 1", (3, 3), (1, 1), (1, 1), (5, 6), (5, 6)),
    # along 6 the fourth window starts at 6, in the padding; along 5 it would start beyond it, and is dropped
    "padded ceil": ("kernel_size: 2 stride: 2 pad: 1", (2, 2), (2, 2), (1, 1), (6, 5), (4, 3)),
    "last window dropped": ("kernel_size: 2 stride: 3 pad: 1", (2, 2), (3, 3), (1, 1), (5, 5), (2, 2)),
    "oblong": ("kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2", (2, 3), (1, 2), (0, 0), (4, 7), (3, 3)),
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
    np.testing.assert_allclose(y, direct_pooling(x.astype(np.float32), method, kernel, stride, pad, out), atol=1e-6)


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize("case", POOLINGS)
def test_pooling_gradient(case, method, rng):
    settings, *_, size, _ = POOLINGS[case]
    x = rng.permutation(2 * size[0] * size[1]).reshape(1, 2, *size) * 0.1  # no near-ties
    check_gradient(*build(f'type: "Pooling" pooling_param {{ pool: {method} {settings} }}', x))


@pytest.mark.parametrize("method, wanted", [("MAX", 11.0), ("AVE", 5.5)])
def test_global_pooling(method, wanted):
    y = run(f'type: "Pooling" pooling_param {{ pool: {method} global_pooling: true }}', np.arange(12).reshape(1, 1, 3, 4))
    assert y.shape == (1, 1, 1, 1) and y[0, 0, 0, 0] == wanted


def test_first_of_equal_maxima_takes_the_gradient():
    # 1 5
    # 5 5
    layer, bottom, top = build('type: "Pooling" pooling_param { kernel_size: 2 }', [[[[1, 5], [5, 5]]]])
    layer.forward(bottom, top)
    top[0].diff[...] = 1
    layer.backward(top, [True], bottom)
    np.testing.assert_array_equal(bottom[0].diff[0, 0], [[0, 1], [0, 0]])


def test_second_top_of_max_pooling_says_where(rng):
    # 3 1 2 0
    # 0 9 1 7
    _, where = run('type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }', [[[[3, 1, 2, 0], [0, 9, 1, 7]]]], tops=2)
    np.testing.assert_array_equal(where[0, 0], [[5, 7]])


def test_negative_values_win_over_padding():
    y = run('type: "Pooling" pooling_param { kernel_size: 3 pad: 1 }', np.full((1, 1, 2, 2), -4.0))
    assert (y == -4).all()


@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_lrn_across_channels(beta, rng):
    x = rng.normal(size=(2, 7, 3, 5)).astype(np.float32) * 3
    y = run(f'type: "LRN" lrn_param {{ local_size: 5 alpha: 0.3 beta: {beta} k: 2 }}', x)
    padded = np.pad(x.astype(float) ** 2, ((0, 0), (2, 2), (0, 0), (0, 0)))
    total = sum(padded[:, i : i + 7] for i in range(5))
    np.testing.assert_allclose(y, x * (2 + 0.3 / 5 * total) ** -beta, rtol=2e-6)


def test_lrn_within_channel(rng):
    x = rng.normal(size=(2, 3, 5, 4)).astype(np.float32) * 3
    y = run('type: "LRN" lrn_param { local_size: 3 alpha: 0.3 beta: 0.75 norm_region: WITHIN_CHANNEL }', x)
    average = direct_pooling(x.astype(float) ** 2, "AVE", (3, 3), (1, 1), (1, 1), (5, 4))
    np.testing.assert_allclose(y, x * (1 + 0.3 * average) ** -0.75, rtol=2e-6)


@pytest.mark.parametrize("region", ["ACROSS_CHANNELS", "WITHIN_CHANNEL"])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_lrn_gradient(region, beta, rng):
    x = rng.normal(size=(1, 5, 3, 4))
    check_gradient(*build(f'type: "LRN" lrn_param {{ local_size: 3 alpha: 0.5 beta: {beta} norm_region: {region} }}', x))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_concat(axis, rng):
    a, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    y = run(f'type: "Concat" concat_param {{ axis: {axis} }}', a, b)
    np.testing.assert_array_equal(y, np.concatenate([a, b], axis).astype(np.float32))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_concat_gradient(axis, rng):
    check_gradient(*build(f'type: "Concat" concat_param {{ axis: {axis} }}', rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 2, 3))))


def test_concat_says_which_shapes_differ(rng):
    with pytest.raises(ShapeError, match=r"\(1, 2, 3\).*\(1, 2, 4\)"):
        run('type: "Concat"', np.zeros((1, 2, 3)), np.zeros((1, 2, 4)))


def test_split_shares_data_and_adds_diffs(rng):
    layer, bottom, top = build('type: "Split"', rng.normal(size=(2, 3)), tops=3)
    layer.forward(bottom, top)
    assert all(np.shares_memory(t.data, bottom[0].data) for t in top)
    for i, t in enumerate(top):
        t.diff[...] = i + 1
    layer.backward(top, [True], bottom)
    assert (bottom[0].diff == 6).all()


def test_dropout_does_nothing_in_test_phase(rng):
    x = rng.normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_array_equal(run('type: "Dropout"', x), x)
    check_gradient(*build('type: "Dropout"', x))


def test_dropout_drops_and_scales_in_train_phase():
    y = run('type: "Dropout" dropout_param { dropout_ratio: 0.75 }', np.ones((100, 100)), phase=TRAIN)
    assert set(np.unique(y)) == {0, 4}
    assert y.mean() == pytest.approx(1, abs=0.1)


def test_dropout_passes_the_gradient_of_what_it_kept():
    layer, bottom, top = build('type: "Dropout"', np.ones((20, 20)), phase=TRAIN)
    layer.forward(bottom, top)
    top[0].diff[...] = 1
    layer.backward(top, [True], bottom)
    np.testing.assert_array_equal(bottom[0].diff, top[0].data)


@pytest.mark.parametrize("transpose", ["false", "true"])
def test_inner_product(transpose, rng):
    x = rng.normal(size=(2, 3, 4)).astype(np.float32)
    layer, bottom, top = build(f'type: "InnerProduct" inner_product_param {{ num_output: 5 transpose: {transpose} '
                               'weight_filler { type: "xavier" } bias_filler { type: "uniform" } }', x)  # fmt: skip
    layer.forward(bottom, top)
    w = layer.blobs[0].data if transpose == "true" else layer.blobs[0].data.T
    np.testing.assert_allclose(top[0].data, x.reshape(2, 12) @ w + layer.blobs[1].data, rtol=1e-5)
    check_gradient(layer, bottom, top)


def test_inner_product_along_a_later_axis(rng):
    layer, bottom, top = build('type: "InnerProduct" inner_product_param { num_output: 2 axis: 2 bias_term: false '
                               'weight_filler { type: "xavier" } }', rng.normal(size=(2, 3, 4)))  # fmt: skip
    assert top[0].shape == (2, 3, 2) and len(layer.blobs) == 1
    check_gradient(layer, bottom, top)


def test_inner_product_says_both_sizes():
    layer, bottom, top = build('type: "InnerProduct" inner_product_param { num_output: 2 }', np.zeros((1, 4, 16, 16)))
    bottom[0].reshape(1, 4, 20, 16)
    with pytest.raises(ShapeError, match="Input size incompatible with inner product parameters: K_ is 1024 .* 1280"):
        layer.reshape(bottom, top)


@pytest.mark.parametrize("axis", [1, -1])
def test_softmax(axis, rng):
    x = rng.normal(size=(2, 3, 4)).astype(np.float32) * 5
    y = run(f'type: "Softmax" softmax_param {{ axis: {axis} }}', x)
    e = np.exp(x.astype(float))
    np.testing.assert_allclose(y, e / e.sum(axis, keepdims=True), rtol=1e-5)
    check_gradient(*build(f'type: "Softmax" softmax_param {{ axis: {axis} }}', x))


def test_softmax_of_large_scores_stays_finite():
    np.testing.assert_allclose(run('type: "Softmax"', [[1000.0, 1000.0]]), [[0.5, 0.5]])


ELTWISE = {
    "SUM": lambda a, b, c: a + b + c,
    "PROD": lambda a, b, c: a * b * c,
    "MAX": lambda a, b, c: np.maximum(np.maximum(a, b), c),
}


@pytest.mark.parametrize("operation", ELTWISE)
def test_eltwise(operation, rng):
    a, b, c = values = (rng.permutation(36).reshape(3, 3, 4) / 9.0 + 0.1).astype(np.float32)
    text = f'type: "Eltwise" eltwise_param {{ operation: {operation} }}'
    np.testing.assert_allclose(run(text, a, b, c), ELTWISE[operation](a, b, c), rtol=1e-6)
    check_gradient(*build(text, *values))


def test_eltwise_maximum_gives_ties_to_the_second_then_the_first():
    #  ties:          all three   first and third   second and third
    layer, bottom, top = build('type: "Eltwise" eltwise_param { operation: MAX }', [[1.0, 1, 0]], [[1.0, 0, 1]], [[1.0, 1, 1]])
    layer.forward(bottom, top)
    top[0].diff[...] = 1
    layer.backward(top, [True] * 3, bottom)
    np.testing.assert_array_equal([b.diff[0] for b in bottom], [[0, 1, 0], [1, 0, 1], [0, 0, 0]])


def test_eltwise_sum_with_coefficients(rng):
    text = 'type: "Eltwise" eltwise_param { coeff: 2 coeff: -1 }'
    np.testing.assert_allclose(run(text, [[1.0, 2]], [[5.0, 7]]), [[-3, -3]])
    check_gradient(*build(text, rng.normal(size=(2, 3)), rng.normal(size=(2, 3))))


def test_eltwise_product_gradient_by_division(rng):
    text = 'type: "Eltwise" eltwise_param { operation: PROD stable_prod_grad: false }'
    check_gradient(*build(text, rng.uniform(1, 2, (2, 3)), rng.uniform(1, 2, (2, 3))))


def test_eltwise_says_which_shapes_differ():
    with pytest.raises(ShapeError, match=r"\(1, 2\).*\(2, 1\)"):
        run('type: "Eltwise"', np.zeros((1, 2)), np.zeros((2, 1)))


@pytest.mark.parametrize(
    "settings, shape", [("", (2, 60)), ("axis: 2", (2, 3, 20)), ("axis: 1 end_axis: 2", (2, 12, 5)), ("axis: 0 end_axis: 1", (6, 4, 5))]
)
def test_flatten(settings, shape, rng):
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    y = run(f'type: "Flatten" flatten_param {{ {settings} }}', x)
    np.testing.assert_array_equal(y, x.reshape(shape))


def test_flatten_gradient(rng):
    check_gradient(*build('type: "Flatten"', rng.normal(size=(2, 3, 2))))


def test_input_takes_its_shapes_from_the_prototxt():
    _, _, top = build('type: "Input" input_param { shape { dim: 2 dim: 3 } shape { dim: 4 } }', tops=2)
    assert [t.shape for t in top] == [(2, 3), (4,)]


def test_unknown_type_offers_the_near_name_and_lists_the_known():
    with pytest.raises(UnknownLayerTypeError, match='Did you mean "Convolution".*Concat, Convolution, Dropout'):
        run('type: "Convolutoin"', [0])


def test_registering_a_type_twice_fails():
    with pytest.raises(ValueError, match="ReLU.*twice"):
        register(LAYERS["ReLU"])


@pytest.mark.parametrize(
    "text, bottoms, message",
    [
        ('type: "Convolution" convolution_param { num_output: 1 }', 1, "kernel is given 0 times"),
        ('type: "Convolution" convolution_param { num_output: 1 kernel_size: 3 kernel_h: 2 kernel_w: 2 }', 1, "either kernel_h"),
        ('type: "Convolution" convolution_param { num_output: 3 kernel_size: 1 group: 2 }', 1, "multiples of group 2"),
        ('type: "Pooling" pooling_param { kernel_size: 2 pad: 2 }', 1, "smaller than the kernel"),
        ('type: "Pooling" pooling_param { kernel_size: 2 pool: STOCHASTIC }', 1, "STOCHASTIC"),
        ('type: "Pooling"', 1, "at least 1"),
        ('type: "LRN" lrn_param { local_size: 4 }', 1, "must be odd"),
        ('type: "Eltwise"', 1, "takes 2 or more"),
        ('type: "ReLU"', 2, "2 bottom blobs but takes 1"),
        ('type: "Eltwise" eltwise_param { coeff: 1 }', 2, "1 coefficients"),
        ('type: "Softmax" softmax_param { axis: 7 }', 1, "axis 7"),
    ],
)
def test_bad_settings_name_the_layer_and_the_reason(text, bottoms, message):
    with pytest.raises(PrototxtError, match=f'"layer".*{message}'):
        run(text, *[np.zeros((1, 2, 5, 5))] * bottoms)

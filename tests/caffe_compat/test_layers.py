"""The smaller layers: forward against a direct formula, backward against finite differences.

Convolution and pooling have files of their own.
"""

import numpy as np
import pytest

from caffe_compat import ShapeError
from caffe_compat.errors import PrototxtError, UnknownLayerTypeError
from caffe_compat.layer_types import LAYERS, register
from caffe_compat.proto.caffe_pb2 import TRAIN
from tests.support.direct import direct_pooling
from tests.support.gradcheck import build, check_gradient, run


def test_relu_keeps_the_positive():
    np.testing.assert_array_equal(run('type: "ReLU"', [[-1.5, 0, 2]]), [[0, 0, 2]])


def test_relu_with_negative_slope():
    np.testing.assert_allclose(
        run('type: "ReLU" relu_param { negative_slope: 0.1 }', [[-2.0, 3]]), [[-0.2, 3]]
    )


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


@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_lrn_across_channels(beta, rng):
    x = rng.normal(size=(2, 7, 3, 5)).astype(np.float32) * 3
    y = run(f'type: "LRN" lrn_param {{ local_size: 5 alpha: 0.3 beta: {beta} k: 2 }}', x)
    padded = np.pad(x.astype(float) ** 2, ((0, 0), (2, 2), (0, 0), (0, 0)))
    total = sum(padded[:, i : i + 7] for i in range(5))
    np.testing.assert_allclose(y, x * (2 + 0.3 / 5 * total) ** -beta, rtol=2e-6)


def test_lrn_within_channel(rng):
    x = rng.normal(size=(2, 3, 5, 4)).astype(np.float32) * 3
    y = run(
        'type: "LRN" lrn_param { local_size: 3 alpha: 0.3 beta: 0.75 norm_region: WITHIN_CHANNEL }',
        x,
    )
    average = direct_pooling(x.astype(float) ** 2, "AVE", (3, 3), (1, 1), (1, 1), (5, 4))
    np.testing.assert_allclose(y, x * (1 + 0.3 * average) ** -0.75, rtol=2e-6)


@pytest.mark.parametrize("region", ["ACROSS_CHANNELS", "WITHIN_CHANNEL"])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_lrn_gradient(region, beta, rng):
    x = rng.normal(size=(1, 5, 3, 4))
    check_gradient(
        *build(
            f'type: "LRN" lrn_param {{ local_size: 3 alpha: 0.5 beta: {beta} norm_region: '
            f"{region} }}",
            x,
        )
    )


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_concat(axis, rng):
    a, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    y = run(f'type: "Concat" concat_param {{ axis: {axis} }}', a, b)
    np.testing.assert_array_equal(y, np.concatenate([a, b], axis).astype(np.float32))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_concat_gradient(axis, rng):
    check_gradient(
        *build(
            f'type: "Concat" concat_param {{ axis: {axis} }}',
            rng.normal(size=(2, 2, 3)),
            rng.normal(size=(2, 2, 3)),
        )
    )


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
    y = run(
        'type: "Dropout" dropout_param { dropout_ratio: 0.75 }', np.ones((100, 100)), phase=TRAIN
    )
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
    layer, bottom, top = build(f'type: "InnerProduct" inner_product_param {{ num_output: 5 '
                               f'transpose: {transpose} '
                               'weight_filler { type: "xavier" } bias_filler { type: "uniform" } '
                               '}', x)  # fmt: skip
    layer.forward(bottom, top)
    w = layer.blobs[0].data if transpose == "true" else layer.blobs[0].data.T
    np.testing.assert_allclose(top[0].data, x.reshape(2, 12) @ w + layer.blobs[1].data, rtol=1e-5)
    check_gradient(layer, bottom, top)


def test_inner_product_along_a_later_axis(rng):
    text = (
        'type: "InnerProduct" inner_product_param { num_output: 2 axis: 2 bias_term: false '
        'weight_filler { type: "xavier" } }'
    )
    layer, bottom, top = build(text, rng.normal(size=(2, 3, 4)))
    assert top[0].shape == (2, 3, 2) and len(layer.blobs) == 1
    check_gradient(layer, bottom, top)


def test_inner_product_says_both_sizes():
    layer, bottom, top = build(
        'type: "InnerProduct" inner_product_param { num_output: 2 }', np.zeros((1, 4, 16, 16))
    )
    bottom[0].reshape(1, 4, 20, 16)
    with pytest.raises(
        ShapeError,
        match="Input size incompatible with inner product parameters: K_ is 1024 .* 1280",
    ):
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
    layer, bottom, top = build(
        'type: "Eltwise" eltwise_param { operation: MAX }',
        [[1.0, 1, 0]],
        [[1.0, 0, 1]],
        [[1.0, 1, 1]],
    )
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
    "settings, shape",
    [
        ("", (2, 60)),
        ("axis: 2", (2, 3, 20)),
        ("axis: 1 end_axis: 2", (2, 12, 5)),
        ("axis: 0 end_axis: 1", (6, 4, 5)),
    ],
)
def test_flatten(settings, shape, rng):
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    y = run(f'type: "Flatten" flatten_param {{ {settings} }}', x)
    np.testing.assert_array_equal(y, x.reshape(shape))


def test_flatten_gradient(rng):
    check_gradient(*build('type: "Flatten"', rng.normal(size=(2, 3, 2))))


def test_input_takes_its_shapes_from_the_prototxt():
    _, _, top = build(
        'type: "Input" input_param { shape { dim: 2 dim: 3 } shape { dim: 4 } }', tops=2
    )
    assert [t.shape for t in top] == [(2, 3), (4,)]


def test_unknown_type_offers_the_near_name_and_lists_the_known():
    with pytest.raises(
        UnknownLayerTypeError,
        match='Did you mean "Convolution".*Concat, ContrastiveLoss, Convolution',
    ):
        run('type: "Convolutoin"', [0])


def test_registering_a_type_twice_fails():
    with pytest.raises(ValueError, match="ReLU.*twice"):
        register(LAYERS["ReLU"])


@pytest.mark.parametrize(
    "text, bottoms, message",
    [
        ('type: "Convolution" convolution_param { num_output: 1 }', 1, "kernel is given 0 times"),
        (
            'type: "Convolution" convolution_param { num_output: 1 kernel_size: 3 kernel_h: 2 '
            "kernel_w: 2 }",
            1,
            "either kernel_h",
        ),
        (
            'type: "Convolution" convolution_param { num_output: 3 kernel_size: 1 group: 2 }',
            1,
            "multiples of group 2",
        ),
        ('type: "Pooling" pooling_param { kernel_size: 2 pad: 2 }', 1, "smaller than the kernel"),
        (
            'type: "Pooling" pooling_param { kernel_size: 2 pad: 1 pool: STOCHASTIC }',
            1,
            "takes no padding",
        ),
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


WEIGHTED = [
    'type: "Convolution" convolution_param { num_output: 5 kernel_size: 1',
    'type: "Deconvolution" convolution_param { num_output: 5 kernel_size: 1',
    'type: "InnerProduct" inner_product_param { num_output: 5',
]


@pytest.mark.parametrize("text", WEIGHTED)
def test_weights_in_another_shape_are_the_same_values(text, rng):
    layer, bottom, top = build(
        text + ' weight_filler { type: "xavier" } }', rng.normal(size=(1, 8, 1, 1))
    )
    layer.forward(bottom, top)
    wanted = top[0].data.copy()
    for shape in ((8, 5), (1, 1, 5, 8), (40,)):
        layer.blobs[0].reshape(*shape)
        layer.forward(bottom, top)
        np.testing.assert_array_equal(top[0].data, wanted)


@pytest.mark.parametrize("text", WEIGHTED)
@pytest.mark.parametrize("number", [0, 1])
def test_more_or_fewer_weights_than_a_layer_takes_are_an_error(number, text, rng):
    layer, bottom, top = build(text + "}", rng.normal(size=(1, 8, 1, 1)))
    layer.blobs[number].reshape(7, 8)
    with pytest.raises(ShapeError, match=rf"parameter {number} has shape \(7, 8\), but the layer"):
        layer.forward(bottom, top)


WITHOUT_PASS = [
    'type: "ReLU"',
    'type: "Dropout"',
    'type: "Split"',
    'type: "LRN"',
    'type: "Pooling" pooling_param { kernel_size: 2 }',
    'type: "Pooling" pooling_param { pool: AVE kernel_size: 2 }',
    'type: "Convolution" convolution_param { num_output: 4 kernel_size: 1 }',
    'type: "Deconvolution" convolution_param { num_output: 4 kernel_size: 1 }',
]


@pytest.mark.parametrize("text", WITHOUT_PASS)
@pytest.mark.parametrize("which", [0, 1])
def test_a_blob_reshaped_since_the_last_forward_pass_has_no_gradient_to_give(which, text, rng):
    layer, bottom, top = build(text, rng.normal(size=(1, 4, 6, 6)))
    layer.forward(bottom, top)
    (bottom, top)[which][0].reshape(3, 4, 8, 8)
    top[0].diff[...] = bottom[0].diff[...] = 1
    layer.backward(top, [True], bottom)
    assert not bottom[0].diff.any()
    assert not any(blob.diff.any() for blob in layer.blobs)

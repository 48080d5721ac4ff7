"""What the smaller layers compute, against direct formulas.

The parity tests compare their other settings with a real Caffe.
"""

import numpy as np
import pytest

from caffe_compat import ShapeError
from caffe_compat.errors import CaffeError, PrototxtError, UnknownLayerTypeError
from caffe_compat.proto.caffe_pb2 import TRAIN
from tests.support.gradcheck import build, run

FORMULAS = {
    'type: "AbsVal"': np.abs,
    'type: "BNLL"': lambda x: np.log(1 + np.exp(x)),
    'type: "Clip" clip_param { min: -1 max: 0.5 }': lambda x: np.clip(x, -1, 0.5),
    'type: "ELU" elu_param { alpha: 2 }': lambda x: np.where(x > 0, x, 2 * (np.exp(x) - 1)),
    'type: "Exp" exp_param { base: 2 scale: 3 shift: 1 }': lambda x: 2.0 ** (1 + 3 * x),
    'type: "Log" log_param { base: 10 scale: 2 shift: 7 }': lambda x: np.log10(2 * x + 7),
    'type: "Power" power_param { power: 3 scale: 2 shift: 1 }': lambda x: (2 * x + 1) ** 3,
    'type: "Power" power_param { power: 0 }': np.ones_like,
    'type: "PReLU" prelu_param { channel_shared: true }': lambda x: np.where(x > 0, x, x / 4),
    'type: "Sigmoid"': lambda x: 1 / (1 + np.exp(-x)),
    'type: "Swish" swish_param { beta: 2 }': lambda x: x / (1 + np.exp(-2 * x)),
    'type: "TanH"': np.tanh,
    'type: "Threshold" threshold_param { threshold: 0.5 }': lambda x: x > 0.5,
    'type: "MVN"': lambda x: (x - x.mean((2, 3), keepdims=True)) / x.std((2, 3), keepdims=True),
    'type: "MVN" mvn_param { across_channels: true normalize_variance: false '
    '}': lambda x: x - x.mean((1, 2, 3), keepdims=True),
    'type: "Reduction" reduction_param { operation: ASUM axis: 1 coeff: 2 '
    '}': lambda x: 2 * np.abs(x).sum((1, 2, 3)),
    'type: "Reduction" reduction_param { operation: SUMSQ }': lambda x: np.square(x).sum(),
    'type: "Reduction" reduction_param { operation: MEAN axis: 2 }': lambda x: x.mean((2, 3)),
    'type: "Tile" tile_param { axis: 2 tiles: 3 }': lambda x: np.tile(x, (1, 1, 3, 1)),
    'type: "ArgMax"': lambda x: x.reshape(2, -1).argmax(1).reshape(2, 1, 1, 1),
    'type: "ArgMax" argmax_param { axis: 1 out_max_val: true }': lambda x: x.max(1, keepdims=True),
    'type: "SPP" spp_param { pyramid_height: 1 pool: AVE }': lambda x: x.mean(
        (2, 3), keepdims=True
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_formula(text, rng):
    x = rng.uniform(-3, 3, (2, 3, 4, 5))
    np.testing.assert_allclose(
        run(text, x), FORMULAS[text](x.astype(np.float64)), rtol=1e-5, atol=1e-5
    )


def test_arg_max_lists_places_then_values():
    np.testing.assert_array_equal(
        run('type: "ArgMax" argmax_param { top_k: 2 out_max_val: true }', [[1, 9, 3, 7]]).reshape(
            2, 2
        ),
        [[1, 3], [9, 7]],
    )


def test_slice_and_concat_are_each_others_inverse(rng):
    x = rng.normal(size=(2, 6, 3)).astype(np.float32)
    parts = run('type: "Slice" slice_param { slice_point: 1 slice_point: 4 }', x, tops=3)
    assert [p.shape[1] for p in parts] == [1, 3, 2]
    np.testing.assert_array_equal(run('type: "Concat"', *parts), x)


def test_crop_takes_the_size_of_its_second_bottom(rng):
    x = rng.normal(size=(1, 2, 6, 7)).astype(np.float32)
    np.testing.assert_array_equal(
        run('type: "Crop" crop_param { offset: 1 offset: 2 }', x, np.zeros((1, 5, 3, 4))),
        x[:, :, 1:4, 2:6],
    )


def test_batch_reindex_repeats_items(rng):
    x = rng.normal(size=(3, 2)).astype(np.float32)
    np.testing.assert_array_equal(run('type: "BatchReindex"', x, [2, 0, 2]), x[[2, 0, 2]])


def test_filter_takes_all_items_at_first_and_then_those_selected(rng):
    x = rng.normal(size=(4, 2)).astype(np.float32)
    layer, bottom, top = build('type: "Filter"', x, [0, 1, 0, 1])
    assert top[0].shape == (4, 2)
    layer.reshape(bottom, top)
    layer.forward(bottom, top)
    np.testing.assert_array_equal(top[0].data, x[[1, 3]])


def test_embed_looks_rows_up():
    layer, bottom, top = build('type: "Embed" embed_param { num_output: 2 input_dim: 3 }', [[2, 0]])
    layer.blobs[0].data[...], layer.blobs[1].data[...] = [[1, 2], [3, 4], [5, 6]], [10, 20]
    layer.forward(bottom, top)
    np.testing.assert_array_equal(top[0].data, [[[15, 26], [11, 22]]])


def test_deconvolution_is_the_transpose_of_convolution(rng):
    settings = "kernel_size: 3 stride: 2 pad: 1 bias_term: false weight_filler { type: 'gaussian' }"
    x, y = (
        rng.normal(size=(1, 2, 7, 9)).astype(np.float32),
        rng.normal(size=(1, 4, 4, 5)).astype(np.float32),
    )
    down, bottom, top = build(
        f'type: "Convolution" convolution_param {{ num_output: 4 {settings} }}', x
    )
    up, (small,), (large,) = build(
        f'type: "Deconvolution" convolution_param {{ num_output: 2 {settings} }}', y
    )
    up.blobs[0].data[...] = down.blobs[0].data
    down.forward(bottom, top)
    up.forward([small], [large])
    # <conv x, y> = <x, deconv y>
    np.testing.assert_allclose((top[0].data * y).sum(), (x * large.data).sum(), rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 4, 6), (1, 4, 3, 4, 5)])
def test_convolution_over_other_numbers_of_axes_repeats_the_two_dimensional_one(shape, rng):
    # axes of length 1 change nothing; three axes with a kernel of 1 on the first are slices, each a
    # convolution over two
    x = rng.normal(size=shape).astype(np.float32)
    flat = len(shape) == 3
    kernel = (
        "kernel_size: 3 pad: 1"
        if flat
        else "kernel_size: 1 kernel_size: 3 kernel_size: 3 pad: 0 pad: 1 pad: 1"
    )
    layer, bottom, top = build(
        f'type: "Convolution" convolution_param {{ num_output: 2 {kernel} weight_filler {{ type: '
        f'"gaussian" }} }}',
        x,
    )
    layer.forward(bottom, top)
    for i in [None] if flat else range(shape[2]):
        plane = x[:, :, None] if flat else x[:, :, i]
        kernel = "kernel_h: 1 kernel_w: 3 pad_h: 0 pad_w: 1" if flat else "kernel_size: 3 pad: 1"
        two, b, t = build(
            f'type: "Convolution" convolution_param {{ num_output: 2 {kernel} }}', plane
        )
        two.blobs[0].data[...] = layer.blobs[0].data.reshape(two.blobs[0].shape)
        two.forward(b, t)
        np.testing.assert_allclose(
            top[0].data if flat else top[0].data[:, :, i],
            t[0].data[:, :, 0] if flat else t[0].data,
            rtol=1e-5,
            atol=1e-5,
        )


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


LABELS = np.array([2, 0, 1])
LOSSES = {
    'type: "SoftmaxWithLoss"': lambda x: -np.log(softmax(x)[range(3), LABELS]).mean(),
    'type: "SoftmaxWithLoss" loss_param { ignore_label: 1 }': lambda x: (
        -np.log(softmax(x)[range(2), LABELS[:2]]).mean()
    ),
    'type: "SoftmaxWithLoss" loss_param { normalization: NONE }': lambda x: (
        -np.log(softmax(x)[range(3), LABELS]).sum()
    ),
    'type: "MultinomialLogisticLoss"': lambda x: (
        -np.log(np.maximum(x[range(3), LABELS], 1e-20)).mean()
    ),
    'type: "HingeLoss"': lambda x: (
        np.maximum(0, 1 + x * np.where(np.arange(4) == LABELS[:, None], -1, 1)).sum() / 3
    ),
    'type: "Accuracy"': lambda x: (x.argmax(1) == LABELS).mean(),
    'type: "Accuracy" accuracy_param { top_k: 4 }': lambda x: 1,
}


@pytest.mark.parametrize("text", LOSSES)
def test_loss_of_labels(text, rng):
    x = rng.uniform(0.1, 0.9, (3, 4))
    np.testing.assert_allclose(run(text, x, LABELS), LOSSES[text](x), rtol=1e-5)


def test_euclidean_loss():
    np.testing.assert_allclose(
        run('type: "EuclideanLoss"', [[1, 2], [3, 4]], [[1, 0], [0, 4]]), (4 + 9) / 4
    )


def test_contrastive_loss():
    # distances 5 (together) and 1 (apart, margin 3)
    a, b = np.array([[3, 4.0], [1, 0]]).reshape(2, 2, 1, 1), np.zeros((2, 2, 1, 1))
    np.testing.assert_allclose(
        run('type: "ContrastiveLoss" contrastive_loss_param { margin: 3 }', a, b, [1, 0]),
        (25 + 4) / 4,
        rtol=1e-6,
    )


def test_sigmoid_cross_entropy_loss(rng):
    x, t = rng.normal(size=(3, 4)), rng.uniform(size=(3, 4))
    p = 1 / (1 + np.exp(-x))
    wanted = -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum() / 3
    np.testing.assert_allclose(run('type: "SigmoidCrossEntropyLoss"', x, t), wanted, rtol=1e-5)


def test_infogain_with_the_identity_is_the_softmax_loss(rng):
    x = rng.normal(size=(3, 4))
    np.testing.assert_allclose(
        run('type: "InfogainLoss"', x, LABELS, np.eye(4)),
        run('type: "SoftmaxWithLoss"', x, LABELS),
        rtol=1e-6,
    )


def test_accuracy_of_each_class_counts_ties_against_the_label():
    x = [[1, 1], [3, 0], [0, 3]]
    accuracy, per_class = run('type: "Accuracy"', x, [0, 0, 1], tops=2)
    np.testing.assert_allclose(accuracy, 2 / 3)
    np.testing.assert_allclose(per_class, [0.5, 1])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_lstm_by_hand_begins_anew_where_cont_is_zero(rng):
    # one stream, T = 3, D = 2; the second step begins a new sequence
    x = rng.normal(size=(3, 1, 4))
    layer, bottom, top = build(
        'type: "LSTM" recurrent_param { num_output: 2 weight_filler { type: "gaussian" } }',
        x,
        [[0], [0], [1]],
    )
    w_x, b, w_h = (blob.data.astype(float) for blob in layer.blobs)
    layer.forward(bottom, top)
    for step, cont in enumerate([0, 0, 1]):
        h, c = (np.zeros(2), np.zeros(2)) if not cont else (h, c)  # noqa: F821
        i, f, o, g = np.split(w_x @ x[step, 0] + b + w_h @ h, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(top[0].data[step, 0], h, rtol=1e-4, atol=1e-6)


def test_a_recurrent_layer_goes_on_where_the_last_pass_ended(rng):
    x = rng.normal(size=(4, 1, 3)).astype(np.float32)
    text = 'type: "RNN" recurrent_param { num_output: 2 weight_filler { type: "gaussian" } }'
    whole, b, t = build(text, x, np.ones((4, 1)))
    whole.forward(b, t)
    half, b2, t2 = build(text, x[:2], np.ones((2, 1)))
    for own, other in zip(half.blobs, whole.blobs):
        own.data[...] = other.data
    parts = []
    for part in (x[:2], x[2:]):
        b2[0].data[...] = part
        half.forward(b2, t2)
        parts.append(t2[0].data.copy())
    np.testing.assert_allclose(np.concatenate(parts), t[0].data, rtol=1e-5, atol=1e-6)


def test_stochastic_pooling_expects_the_sum_of_squares_over_the_sum_when_testing():
    x = np.array([[1, 2], [3, 0]]).reshape(1, 1, 2, 2)
    assert run(
        'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 }', x
    ).item() == pytest.approx(14 / 6)


def test_stochastic_pooling_chooses_by_share_when_training():
    x = np.tile(np.array([[1, 3], [0, 0]]), (1, 1, 1, 2000)).reshape(1, 1, 2, 4000)
    layer, bottom, top = build(
        'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }',
        x,
        phase=TRAIN,
    )
    layer.forward(bottom, top)
    assert set(np.unique(top[0].data)) == {1, 3}
    assert 0.7 < (top[0].data == 3).mean() < 0.8
    top[0].diff[...] = 1
    layer.backward(top, [True], bottom)
    assert (
        bottom[0].diff.sum() == 2000
        and (bottom[0].diff * bottom[0].data).sum() == top[0].data.sum()
    )


def test_dummy_data_draws_anew_in_each_pass():
    text = (
        'type: "DummyData" dummy_data_param { shape { dim: 3 } data_filler { type: "gaussian" } '
        'data_filler { type: "constant" value: 2 } }'
    )
    layer, bottom, top = build(text, tops=2)
    first = top[0].data.copy()
    layer.forward(bottom, top)
    assert (first != top[0].data).all() and (top[1].data == 2).all()


def test_memory_data_goes_round(rng):
    layer, bottom, top = build(
        'type: "MemoryData" memory_data_param { batch_size: 2 channels: 1 height: 1 width: 1 }',
        tops=2,
    )
    with pytest.raises(CaffeError, match="set_input_arrays"):
        layer.forward(bottom, top)
    layer.set_arrays(
        np.arange(4, dtype=np.float32).reshape(4, 1, 1, 1),
        np.arange(4, dtype=np.float32).reshape(4, 1, 1, 1),
    )
    seen = []
    for _ in range(3):
        layer.forward(bottom, top)
        seen.append(top[1].data.ravel().tolist())
    assert seen == [[0, 1], [2, 3], [0, 1]]


@pytest.mark.parametrize(
    ("text", "bottoms", "message"),
    [
        ('type: "Slice" slice_param { slice_point: 4 }', [(2, 3)], "needs 0 slice points"),
        ('type: "Crop" crop_param { axis: 1 }', [(1, 2, 3), (1, 2, 9)], "does not lie within"),
        ('type: "Tile"', [(2, 3)], "must be at least 1"),
        ('type: "BatchReindex"', [(2, 3), (1, 2)], "one axis"),
        ('type: "Filter"', [(2, 3), (3,)], "selector is for 3 items"),
        ('type: "Embed" embed_param { num_output: 2 }', [(2,)], "input_dim 0"),
        ('type: "ArgMax" argmax_param { top_k: 7 }', [(2, 3)], "from 1 to 3"),
        ('type: "Clip" clip_param { min: 2 max: 1 }', [(2, 3)], "min not above max"),
        ('type: "Log" log_param { base: -3 }', [(2, 3)], "base must be positive"),
        ('type: "Log" log_param { base: 1 }', [(2, 3)], "base 1"),
        ('type: "PReLU"', [(3,)], "two axes"),
        ('type: "EuclideanLoss"', [(2, 3), (2, 4)], "differ in size"),
        ('type: "HingeLoss"', [(2, 3), (3,)], "number of items"),
        ('type: "SoftmaxWithLoss"', [(2, 3), (2, 2)], "4 labels"),
        ('type: "Accuracy" accuracy_param { top_k: 9 }', [(2, 3), (2,)], "9 but there are 3"),
        ('type: "ContrastiveLoss"', [(2, 3), (2, 3), (2, 2)], "one value for each"),
        ('type: "InfogainLoss"', [(2, 3), (2,)], "third bottom"),
        ('type: "LSTM" recurrent_param { num_output: 2 }', [(2, 3, 4), (3, 2)], "cont"),
        ('type: "LSTM"', [(2, 3, 4), (2, 3)], "num_output"),
        (
            'type: "Eltwise" eltwise_param { operation: PROD coeff: 1 coeff: 1 }',
            [(2,), (2,)],
            "takes no coefficients",
        ),
        ('type: "SPP" spp_param { pyramid_height: 5 }', [(1, 1, 9, 9)], "too small"),
        ('type: "SPP"', [(1, 1, 9, 9)], "pyramid_height"),
        (
            'type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 1 pad: 2 }',
            [(1, 1, 2, 2)],
            "leaves nothing",
        ),
        (
            'type: "Convolution" convolution_param { num_output: 1 kernel_size: 1 kernel_size: 2 '
            "kernel_size: 3 }",
            [(1, 1, 9, 9)],
            "given 3 times",
        ),
        (
            'type: "Im2col" convolution_param { kernel_size: 9 }',
            [(1, 1, 5, 5)],
            "smaller than its 9x9",
        ),
    ],
)
def test_what_does_not_fit_names_the_layer_and_both_values(text, bottoms, message):
    with pytest.raises((PrototxtError, ShapeError), match=f'"layer".*{message}'):
        build(text, *(np.zeros(shape) for shape in bottoms))


@pytest.mark.parametrize(
    "text",
    [
        'type: "SoftmaxWithLoss"',
        'type: "HingeLoss"',
        'type: "Accuracy"',
        'type: "MultinomialLogisticLoss"',
    ],
)
def test_a_label_that_names_no_class_is_refused(text):
    with pytest.raises(ShapeError, match='"layer".*label.*0 to 2'):
        run(text, np.zeros((1, 3)), [3])


@pytest.mark.parametrize("kind", ["HDF5Output", "WindowData"])
def test_layers_that_are_not_here_are_refused_with_the_way_round(kind):
    with pytest.raises(UnknownLayerTypeError, match=f"{kind}.*net.blobs"):
        build(f'type: "{kind}"')

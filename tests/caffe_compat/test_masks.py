"""In-place ReLUs whose backward pass other layers do: nobody sees a difference."""

import sys

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.kernels import elementwise
from caffe_compat.layer_types import python

CONVOLUTION = (
    'layer {{ name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}" convolution_param {{ '
    "num_output: {2} kernel_size: {3} pad: {4} "
    'weight_filler {{ type: "gaussian" std: 0.3 }} }} }}\n'
    'layer {{ name: "relu_{0}" type: "ReLU" bottom: "{0}" top: "{0}" '
    "relu_param {{ negative_slope: {5} }} }}\n"
)
POOLING = (
    'layer {{ name: "{0}" type: "Pooling" bottom: "{1}" top: "{0}" '
    "pooling_param {{ kernel_size: 3 stride: {2} pad: {3} }} }}\n"
)
LRN = 'layer {{ name: "{0}" type: "LRN" bottom: "{1}" top: "{0}" lrn_param {{ alpha: 0.2 }} }}\n'
# each kind of layer reads an in-place ReLU; "split" has three readers, the last one of which adds
RELUS = ["pooled", "normed", "split", "reduced", "one", "two", "three"]


def text(slope, batch):
    def convolution(name, bottom, outputs, kernel, pad=0):
        return CONVOLUTION.format(name, bottom, outputs, kernel, pad, slope)

    return "".join(
        [
            'force_backward: true layer { name: "data" type: "Input" top: "data" '
            f"input_param {{ shape {{ dim: {batch} dim: 3 dim: 19 dim: 22 }} }} }}\n",
            convolution("pooled", "data", 4, 3),
            POOLING.format("pool", "pooled", 2, 0),
            convolution("normed", "pool", 16, 3, 1),
            LRN.format("norm", "normed"),
            convolution("split", "norm", 16, 1),
            POOLING.format("pool2", "split", 1, 1),
            convolution("one", "split", 5, 1),
            convolution("reduced", "split", 16, 1),
            convolution("two", "reduced", 16, 3, 1),
            convolution("three", "pool2", 3, 5, 2),
            'layer { name: "all" type: "Concat" bottom: "one" bottom: "two" bottom: "three" '
            'top: "all" }\n',
            convolution("end", "all", 2, 1),
        ]
    )


@pytest.fixture
def make(tmp_path):
    def call(slope=0.0, batch=1, more=""):
        path = tmp_path / "net.prototxt"
        path.write_text(text(slope, batch) + more)
        caffe.set_random_seed(5)
        net = caffe.Net(str(path), caffe.TEST)
        net.blobs["data"].data[...] = np.random.RandomState(0).normal(size=net.blobs["data"].shape)
        return net

    return call


@pytest.fixture
def relus(monkeypatch):
    """How often a ReLU's own backward pass ran."""
    calls = []
    plain = elementwise.relu_backward
    monkeypatch.setattr(
        elementwise, "relu_backward", lambda *given: (calls.append(1), plain(*given))
    )
    return calls


def passes(net, spans, end=None):
    """{blob: diff} after a forward pass to `end`, and backward passes over these spans."""
    net.forward(end=end)
    for blob in net.blobs.values():
        blob.diff[...] = 0
    top = net.blobs[net.top_names[spans[0][0]][0]]
    top.diff[...] = np.random.RandomState(1).normal(size=top.shape)
    for start, stop in spans:
        net.backward(start=start, end=stop)
    return {name: blob.diff.copy() for name, blob in net.blobs.items()}


INPUT = (
    'force_backward: true layer { name: "data" type: "Input" top: "data" '
    "input_param { shape { dim: 2 dim: 4 dim: 6 dim: 6 } } }\n"
)
RELU = 'layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }\n'
MADE, TOP = CONVOLUTION.format("a", "data", 4, 1, 0, 0), CONVOLUTION.format("top", "a", 2, 1, 0, 0)


def gradient(tmp_path, layers, watch):
    """The input's, in a net of these layers; watch: without masks."""
    path = tmp_path / "net.prototxt"
    path.write_text("".join([INPUT, *layers]))
    caffe.set_random_seed(5)
    net = caffe.Net(str(path), caffe.TRAIN)
    if watch:
        net.before_backward(lambda number: None)
    net.blobs["data"].data[...] = np.random.RandomState(0).normal(size=net.blobs["data"].shape)
    net.forward()
    net.blobs["top"].diff[...] = np.random.RandomState(1).normal(size=net.blobs["top"].shape)
    net.backward()
    return net.blobs["data"].diff.copy()


def test_a_layer_of_two_bottoms_leaves_the_sum_of_a_split_s_diff_to_the_relu(tmp_path):
    pair = (
        'layer { name: "pair" type: "Convolution" bottom: "a" bottom: "data" top: "one" '
        'top: "two" convolution_param { num_output: 3 kernel_size: 1 '
        'weight_filler { type: "xavier" } } }\n'
    )
    found, wanted = (gradient(tmp_path, [MADE, pair, TOP], watch) for watch in (False, True))
    np.testing.assert_array_equal(found, wanted)


def test_a_layer_that_works_in_place_on_a_relu_s_top_comes_between(tmp_path):
    # BatchNorm's gradient mixes all values of a channel
    norm = 'layer { name: "norm" type: "BatchNorm" bottom: "a" top: "a" }\n'
    found, wanted = (gradient(tmp_path, [MADE, norm, TOP], watch) for watch in (False, True))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    "maker",
    [
        'layer { name: "a" type: "Reshape" bottom: "data" top: "a" '
        "reshape_param { shape { dim: 0 dim: 4 dim: 9 dim: 4 } } }",
        'layer { name: "a" type: "Split" bottom: "data" top: "b" top: "a" }',
    ],
)
def test_a_relu_on_another_blob_s_memory_passes_the_same_gradient(maker, tmp_path, relus):
    layers = [maker, RELU, TOP]
    found = gradient(tmp_path, layers, False)
    assert len(relus) == 1  # that of the top
    np.testing.assert_array_equal(found, gradient(tmp_path, layers, True))


def test_a_reader_that_wants_no_gradient_does_not_keep_another_from_the_relu_s_work(
    tmp_path, relus
):
    reader = CONVOLUTION.format("b", "a", 2, 1, 0, 0).replace(
        'top: "b"', 'top: "b" propagate_down: false', 1
    )
    loss = 'layer { name: "loss" type: "EuclideanLoss" bottom: "b" bottom: "top" top: "loss" }\n'
    layers = [MADE, reader, TOP, loss]
    path = tmp_path / "net.prototxt"
    path.write_text("".join([INPUT.replace("force_backward: true", ""), *layers]))
    net = caffe.Net(str(path), caffe.TRAIN)
    net.forward()
    net.backward()
    assert len(relus) == 2  # of b and of top, which the loss reads


@pytest.mark.parametrize("slope", [0, 0.3])
@pytest.mark.parametrize("batch", [1, 2])
def test_every_layer_that_can_does_the_work_of_the_relu_below_it(slope, batch, make, relus):
    net, watched = make(slope, batch), make(slope, batch)
    found = passes(net, [("end", "data")])
    assert not relus
    watched.after_backward(lambda number: None)
    for name, diff in passes(watched, [("end", "data")]).items():
        np.testing.assert_array_equal(found[name], diff, err_msg=name)
    assert len(relus) == len(RELUS)


@pytest.mark.parametrize("stop", ["all", "pool", "norm", "pool2", "relu_three", "split"])
def test_a_pass_that_ends_above_a_relu_leaves_its_diff_as_it_came(stop, make, relus):
    net, watched = make(), make()
    watched.before_backward(lambda number: None)
    for span in ([("end", stop)], [("end", stop), (stop, "data")]):
        wanted = passes(watched, span)
        for name, diff in passes(net, span).items():
            np.testing.assert_array_equal(diff, wanted[name], err_msg=name)


def test_a_relu_that_another_layer_did_before_runs_where_a_pass_begins_with_it(make):
    net, watched = make(), make()
    watched.before_backward(lambda number: None)
    for span in ([("end", "data")], [("relu_three", "data")]):
        wanted = passes(watched, span)
        for name, diff in passes(net, span).items():
            np.testing.assert_array_equal(diff, wanted[name], err_msg=name)


def test_a_reader_that_cannot_add_leaves_the_sum_to_the_relu(make, relus):
    more = LRN.format("low", "end") + POOLING.format("high", "end", 1, 1)
    net = make(more=more)
    passes(net, [("high", "data")])
    assert len(relus) == 1 and not net.blobs["end"].diff[net.blobs["end"].data <= 0].any()


@pytest.mark.parametrize("end", ["pooled", "normed", "split"])
def test_layers_that_no_forward_pass_has_reached_are_no_exception(end, make):
    net, watched = make(0.3), make(0.3)
    watched.before_backward(lambda number: None)
    wanted = passes(watched, [("end", "data")], end)
    for name, diff in passes(net, [("end", "data")], end).items():
        np.testing.assert_array_equal(diff, wanted[name], err_msg=name)


def test_a_splits_gradients_that_somebody_looks_at_are_summed_before_they_pass(make, relus):
    net = make()
    held = [blob.diff for name, blob in net.blobs.items() if "_split_" in name]
    net.forward()
    net.blobs["end"].diff[...] = 1
    net.backward()
    assert len(held) == 3 and len(relus) == 2  # of split and, where the pass begins, of end
    positive = net.blobs["split"].data > 0
    np.testing.assert_array_equal(net.blobs["split"].diff, sum(held) * positive)


def test_a_net_with_a_layer_that_may_look_runs_every_relu(make, relus, monkeypatch):
    class Same(caffe.Layer):
        def setup(self, bottom, top):
            pass

        def reshape(self, bottom, top):
            top[0].reshape(*bottom[0].shape)

        forward = backward = lambda self, *given: None

    monkeypatch.setattr(sys.modules[__name__], "Same", Same, raising=False)
    monkeypatch.setattr(python, "_allowed", True)
    more = (
        'layer { name: "python" type: "Python" bottom: "end" top: "python" '
        f'python_param {{ module: "{__name__}" layer: "Same" }} }}'
    )
    net = make(more=more)
    net.forward()
    net.backward()
    assert len(relus) > len(RELUS)

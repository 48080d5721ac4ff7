"""pycaffe's API beyond forward and backward: what programs of its time read, call and write."""

from collections import OrderedDict

import numpy as np
import pytest

import caffe_compat as caffe
from tests.support import gpu

TRAINING = """
name: "small"
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 4 dim: 2 dim: 5 dim: 5 } shape { dim: 4 }
  data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 3
  weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label"
  top: "loss" loss_weight: 2 }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"
  include { phase: TEST } }
"""


@pytest.fixture
def make(tmp_path):
    def call(text=TRAINING, phase=caffe.TRAIN, **options):
        path = tmp_path / "net.prototxt"
        path.write_text(str(text))
        return caffe.Net(str(path), phase, **options)

    return call


@pytest.fixture
def net(make):
    return make()


def test_names_and_layers(net):
    assert net._layer_names == ["data", "conv", "relu", "ip", "loss"]
    assert [layer.type for layer in net.layers] == [
        "DummyData",
        "Convolution",
        "ReLU",
        "InnerProduct",
        "SoftmaxWithLoss",
    ]
    assert list(net.layer_dict) == net._layer_names and np.shares_memory(
        net.layer_dict["ip"].blobs[0].data, net.params["ip"][0].data
    )
    assert (net.inputs, net.outputs) == ([], ["loss"])
    assert net.top_names == OrderedDict(
        [
            ("data", ["data", "label"]),
            ("conv", ["conv"]),
            ("relu", ["conv"]),
            ("ip", ["ip"]),
            ("loss", ["loss"]),
        ]
    )
    assert net.blob_loss_weights == OrderedDict(
        [("data", 0), ("label", 0), ("conv", 0), ("ip", 0), ("loss", 2)]
    )


def test_the_loss_is_weighted(net):
    weighted = net._forward(0, len(net.layers) - 1)
    assert weighted == pytest.approx(2 * float(net.blobs["loss"].data))


def test_a_step_down_the_gradient_lowers_the_loss(make):
    net = make(
        TRAINING.replace(
            'data_filler { type: "gaussian" }', 'data_filler { type: "constant" value: 0.7 }'
        )
    )
    before = float(net.forward()["loss"])
    net.clear_param_diffs()
    net.backward()
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] -= 0.1 * blob.diff
    assert float(net.forward()["loss"]) < before


def test_parameter_gradients_against_finite_differences(make):
    net = make(
        TRAINING.replace(
            'data_filler { type: "gaussian" }', 'data_filler { type: "constant" value: 0.7 }'
        )
    )
    net.forward()
    weight = net.params["ip"][0]
    net.backward()
    analytic = weight.diff[2].copy()
    for i in range(4):
        values = []
        for step in (0.01, -0.02):
            weight.data[2, i] += step
            values.append(2 * float(net.forward()["loss"]))  # the loss's weight is 2
        weight.data[2, i] += 0.01
        assert analytic[i] == pytest.approx((values[0] - values[1]) / 0.02, rel=2e-2, abs=1e-4)


@gpu.on_cpu
def test_cleared_gradients_are_zero_in_arrays_taken_before(net):
    net.forward()
    net.backward()
    diff = net.params["conv"][0].diff
    assert np.abs(diff).max() > 0
    net.clear_param_diffs()
    assert (diff == 0).all()


def test_a_learning_rate_of_zero_computes_no_gradient(make):
    net = make(
        TRAINING.replace('top: "ip"', 'top: "ip" param { lr_mult: 0 } param { lr_mult: 1 }', 1)
    )
    net.forward()
    net.backward()
    assert (net.params["ip"][0].diff == 0).all() and (net.params["ip"][1].diff != 0).any()


def test_propagate_down_stops_the_gradient(make):
    net = make(TRAINING.replace('top: "ip"', 'top: "ip" propagate_down: false', 1))
    net.forward()
    net.backward()
    assert (
        (net.blobs["conv"].diff == 0).all()
        and (net.params["conv"][0].diff == 0).all()
        and (net.params["ip"][0].diff != 0).any()
    )


def test_propagate_down_true_asks_for_a_gradient_that_nobody_needs(make):
    net = make(TRAINING.replace('top: "conv"', 'top: "conv" propagate_down: true', 1))
    net.forward()
    net.backward()
    assert (net.blobs["data"].diff != 0).any()


def test_propagate_down_needs_a_value_for_each_bottom(make):
    with pytest.raises(
        caffe.PrototxtError, match='"ip" has 1 bottoms but 2 values of propagate_down'
    ):
        make(
            TRAINING.replace('top: "ip"', 'top: "ip" propagate_down: true propagate_down: true', 1)
        )


def test_a_loss_without_a_top_gets_one(make):
    net = make(TRAINING.replace('top: "loss"', ""))
    assert list(net.blobs)[-1] == "(automatic)" and net.outputs == []
    net.forward()
    net.backward()
    assert (net.params["conv"][0].diff != 0).any()


WEIGHED = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
"""
READ = 'layer { name: "r" type: "ReLU" bottom: "%s" top: "z" }'


@pytest.mark.parametrize("readers", [1, 2])
def test_a_loss_weight_counts_as_the_first_reader_of_its_blob(readers, make):
    net = make(
        WEIGHED
        + 'layer { name: "y" type: "Power" bottom: "x" top: "y" loss_weight: 3 }'
        + "".join(f'layer {{ name: "s{i}" type: "Silence" bottom: "y" }}' for i in range(readers))
    )
    assert net.top_names["y_y_0_split"] == [f"y_y_0_split_{i}" for i in range(readers + 1)]
    assert net.bottom_names["s0"] == ["y_y_0_split_1"]
    assert net.outputs == ["y_y_0_split_0"]
    assert list(net.blob_loss_weights.values()) == [0, 0, 3] + [0] * readers
    net.blobs["x"].data[...] = 1
    assert net._forward(0, len(net.layers) - 1) == 18


def test_a_loss_whose_weight_a_split_takes_over_weighs_one_besides(make):
    loss = 'layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "x" top: "l" %s }'
    net = make(WEIGHED + loss % "loss_weight: 0.5" + READ % "l")
    assert net.blob_loss_weights["l"] == 1 and net.blob_loss_weights["l_l_0_split_0"] == 0.5
    assert "l_l_0_split_0" not in make(WEIGHED + loss % "" + READ % "l").blobs


def test_a_layer_keeps_no_loss_weight_where_a_split_takes_one_over(make):
    weights = "slice_param { axis: 1 } loss_weight: 1 loss_weight: 2 loss_weight: 3"
    tops = 'top: "a" top: "b" top: "c"'
    net = make(
        WEIGHED + f'layer {{ name: "s" type: "Slice" bottom: "x" {tops} {weights} }}' + READ % "b"
    )
    given = {name: weight for name, weight in net.blob_loss_weights.items() if weight}
    assert given == {"b_s_1_split_0": 2}


def test_loss_weights_must_be_one_for_each_top(make):
    with pytest.raises(caffe.PrototxtError, match='"loss" has 1 tops but 2 values of loss_weight'):
        make(TRAINING.replace("loss_weight: 2", "loss_weight: 2 loss_weight: 0"))


def test_share_with_uses_the_other_nets_memory(make, net):
    other = make()
    net.share_with(other)
    other.params["ip"][0].data[...] = 5
    assert (net.params["ip"][0].data == 5).all() and net.params["ip"][0].diff is not other.params[
        "ip"
    ][0].diff


def test_share_with_refuses_other_shapes(make, net):
    with pytest.raises(caffe.WeightsError, match='"ip" parameter 0'):
        net.share_with(make(TRAINING.replace("num_output: 5", "num_output: 6")))


def test_hdf5_round_trip(make, net, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = str(tmp_path / "w.h5")
    net.forward()
    net.backward()
    net.save_hdf5(path, write_diff=True)
    with h5py.File(path) as f:
        np.testing.assert_array_equal(f["diff/ip/0"][...], net.params["ip"][0].diff)
    for load in ("load_hdf5", "copy_from"):
        other = make()
        getattr(other, load)(path)
        np.testing.assert_array_equal(other.params["conv"][0].data, net.params["conv"][0].data)


def test_hdf5_that_does_not_fit_or_is_none(make, net, tmp_path):
    pytest.importorskip("h5py")
    path = tmp_path / "w.h5"
    net.save_hdf5(str(path))
    with pytest.raises(
        caffe.WeightsError, match=r'"ip" parameter 0 has shape \(5, 27\) but the net has \(6, 27\)'
    ):
        make(TRAINING.replace("num_output: 5", "num_output: 6")).load_hdf5(str(path))
    with pytest.importorskip("h5py").File(path, "a") as f:
        del f["data/ip/1"]
    with pytest.raises(caffe.WeightsError, match='"ip" has no parameter 1, but the net has 2'):
        net.load_hdf5(str(path))
    path.write_bytes(path.read_bytes()[:99])
    with pytest.raises(caffe.WeightsError, match="HDF5"):
        net.load_hdf5(str(path))


def test_set_input_arrays(make):
    net = make(
        'layer { name: "d" type: "MemoryData" top: "data" top: "label" memory_data_param { '
        "batch_size: 2 channels: 1 height: 2 width: 2 } }"
    )
    data = np.arange(16, dtype=np.float32).reshape(4, 1, 2, 2)
    net.set_input_arrays(data, np.arange(4, dtype=np.float32))
    assert net.forward()["label"].ravel().tolist() == [0, 1]
    np.testing.assert_array_equal(net.forward()["data"], data[2:])
    with pytest.raises(ValueError, match="multiple"):
        net.set_input_arrays(data[:3], np.zeros(3, np.float32))


MEMORY = """
layer { name: "d" type: "MemoryData" top: "x" top: "y"
  memory_data_param { batch_size: 1 channels: 1 height: 1 width: 2 } }
"""


def test_tops_of_memory_data_lie_over_the_arrays(make):
    net = make(MEMORY)
    data = np.arange(4, dtype=np.float32).reshape(2, 1, 1, 2)
    net.set_input_arrays(data, np.arange(2, dtype=np.float32))
    batches = [net.forward()["x"] for _ in range(3)]
    assert [batch.ravel().tolist() for batch in batches] == [[0, 1], [2, 3], [0, 1]]
    data *= 2
    assert net.blobs["x"].data.ravel().tolist() == [0, 2]
    batches[1][...] = 7
    assert data[1].ravel().tolist() == [7, 7]


def test_a_layer_in_place_on_memory_data_leaves_read_only_arrays_alone(make):
    net = make(MEMORY + 'layer { name: "r" type: "ReLU" bottom: "x" top: "x" }')
    data = np.float32([-1, 1]).reshape(1, 1, 1, 2)
    data.flags.writeable = False
    net.set_input_arrays(data, np.zeros(1, np.float32))
    assert net.forward()["x"].ravel().tolist() == [0, 1]
    assert data.ravel().tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (np.zeros((2, 1, 2, 3)), np.zeros(2, "f"), "data array must be float32, not float64"),
        (np.zeros((2, 1, 2, 3), "f"), np.zeros(2), "labels array must be float32, not float64"),
        (np.zeros((2, 1, 3, 2), "f").swapaxes(2, 3), np.zeros(2, "f"), "data array must be C cont"),
        (np.zeros((4, 1, 2, 3), "f")[::2], np.zeros(2, "f"), "data array must be C contiguous"),
        (np.zeros((2, 1, 2, 3), "f"), np.zeros((4, 1, 1, 1), "f")[::2], "labels array must be C"),
        (np.zeros((2, 2, 2, 3), "f"), np.zeros(2, "f"), "takes data of shape .N, 1, 2, 3., not .2"),
        (np.zeros((2, 6), "f"), np.zeros(2, "f"), "takes data of shape .N, 1, 2, 3., not .2, 6."),
        (np.zeros((2, 1, 2, 3), "f"), np.zeros((2, 1), "f"), "takes labels of shape .N, 1, 1, 1."),
        (np.zeros((4, 1, 2, 3), "f"), np.zeros(2, "f"), "4 items need as many labels, not 2"),
        (np.zeros((3, 1, 2, 3), "f"), np.zeros(3, "f"), "3 items do not make batches of 2"),
        ([[0.0]], np.zeros(2, "f"), "data must be a NumPy array, not list"),
    ],
)  # fmt: skip
def test_an_input_array_that_does_not_suit_is_refused_for_its_own_cause(
    make, data, labels, message
):
    net = make(
        'layer { name: "d" type: "MemoryData" top: "data" top: "label" memory_data_param { '
        "batch_size: 2 channels: 1 height: 2 width: 3 } }"
    )
    with pytest.raises(RuntimeError, match=message):  # as pycaffe's
        net.set_input_arrays(data, labels)


def test_labels_of_one_axis_need_not_be_contiguous(make):
    net = make(
        'layer { name: "d" type: "MemoryData" top: "data" top: "label" memory_data_param { '
        "batch_size: 2 channels: 1 height: 1 width: 1 } }"
    )
    net.set_input_arrays(np.zeros((2, 1, 1, 1), "f"), np.arange(4, dtype="f")[::2])
    assert net.forward()["label"].ravel().tolist() == [0, 2]


def test_set_input_arrays_needs_memory_data(net):
    with pytest.raises(caffe.CaffeError, match="MemoryData"):
        net.set_input_arrays(np.zeros((4, 2, 5, 5), np.float32), np.zeros(4, np.float32))


DEPLOY = """
force_backward: true
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
"""


@pytest.mark.parametrize("later", ["forward", "reshape"])
def test_a_weights_gradient_that_a_later_pass_made_impossible_is_missed_aloud(later, make):
    net = make(DEPLOY, caffe.TEST)
    weights = net.params["ip"][0]
    net.forward(data=np.ones((2, 3)))
    net.backward(ip=np.ones((2, 2)))
    getattr(net, later)()
    with pytest.warns(RuntimeWarning, match="right after the backward pass, or once before it"):
        assert not weights.diff.any()
    net.backward()
    getattr(net, later)()
    assert (weights.diff == 2).all()


def test_in_phase_train_every_backward_pass_adds_the_weights_gradients(make):
    net = make(DEPLOY, caffe.TRAIN)
    for _ in range(2):
        net.forward(data=np.ones((2, 3)))
        net.backward(ip=np.ones((2, 2)))
    net.forward(data=np.zeros((2, 3)))
    assert (net.params["ip"][0].diff == 4).all()


def test_forward_backward_all_goes_by_batches(make, rng):
    net = make(DEPLOY, caffe.TEST)
    x, g = rng.normal(size=(5, 3)).astype(np.float32), rng.normal(size=(5, 2)).astype(np.float32)
    outs, diffs = net.forward_backward_all(data=x, ip=g)
    w = net.params["ip"][0].data
    np.testing.assert_allclose(outs["ip"], x @ w.T, rtol=1e-5)
    np.testing.assert_allclose(diffs["data"], g @ w, rtol=1e-5)


def test_a_filter_passes_all_items_on_until_its_first_forward_pass(make):
    inputs = 'input: "x" input_shape { dim: 3 dim: 2 } input: "s" input_shape { dim: 3 }'
    text = inputs + 'layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "y" }'
    net = make(text, caffe.TEST)
    assert net.blobs["y"].data.shape == (3, 2)
    net.blobs["s"].data[...] = [0, 1, 0]
    assert net.forward()["y"].shape == (1, 2)


def test_callbacks_see_every_layer(net):
    seen = []
    net.before_forward(lambda i: seen.append(("before", i)))
    net.after_forward(lambda i: seen.append(("after", i)))
    net.after_backward(lambda i: seen.append(("back", i)))
    net.forward()
    net.backward()
    assert seen == [step for i in range(5) for step in (("before", i), ("after", i))] + [
        ("back", i) for i in reversed(range(5))
    ]


def test_about_says_what_a_result_depends_on(monkeypatch):
    monkeypatch.setenv("CAFFE_COMPAT_THREADS", "3")
    about = caffe.about()
    assert (about["name"], about["version"], about["threads"]) == (
        "caffe_compat", caffe.__version__, 3,
    )  # fmt: skip
    assert about["arithmetic"] in ("fused", "separate")
    assert len(about) == (7 if gpu.wanted() else 4)

"""Net: building, partial passes, liveness of arrays."""

import gc
import weakref

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat import limits
from netfile.system import memory
from tests.support import gpu
from tests.support.nets import BRANCHED, written


def test_blobs_and_params_have_caffes_names_and_order(net):
    assert list(net.blobs) == [
        "data", "conv", "conv_relu_0_split_0", "conv_relu_0_split_1", "left", "right", "both",
        "fc", "prob",
    ]  # fmt: skip
    assert [(name, [p.shape for p in blobs]) for name, blobs in net.params.items()] == [
        ("conv", [(4, 3, 3, 3), (4,)]), ("left", [(2, 4, 1, 1), (2,)]), ("fc", [(5, 252), (5,)]),
    ]  # fmt: skip
    assert list(net._layer_names) == [
        "data",
        "conv",
        "relu",
        "conv_relu_0_split",
        "left",
        "right",
        "both",
        "fc",
        "prob",
    ]
    assert (net.inputs, net.outputs) == (["data"], ["prob"])


def test_every_bundled_net_builds_with_its_published_shapes(tmp_path):
    from netfile.system.places import ROOT

    net = caffe.Net(str(ROOT / "prototxt/bvlc_googlenet/deploy.prototxt"), caffe.TEST)
    assert net.params["inception_4c/5x5"][0].shape == (64, 24, 5, 5)
    assert net.blobs["inception_4c/output"].shape == (10, 512, 14, 14)
    assert net.blobs["pool5/7x7_s1"].shape == (10, 1024, 1, 1)
    assert "inception_3a/output_inception_3a/output_0_split_3" in net.blobs
    assert "pool2/3x3_s2_pool2/3x3_s2_0_split_0" in net.blobs
    assert len(net.params) == 58


def test_forward_returns_the_outputs_and_the_blobs_asked_for(net):
    out = net.forward(blobs=["conv"])
    assert set(out) == {"prob", "conv"}
    assert out["prob"].sum() == pytest.approx(1, rel=1e-5)
    assert np.shares_memory(out["conv"], net.blobs["conv"].data)


def test_forward_takes_inputs_by_name(net, rng):
    x = rng.normal(size=(1, 3, 8, 9)).astype(np.float32)
    by_name = net.forward(data=x)["prob"].copy()
    net.blobs["data"].data[...] = x
    np.testing.assert_array_equal(net.forward()["prob"], by_name)


def test_partial_forward_leaves_the_rest_alone(net):
    net.forward()
    before = net.blobs["both"].data.copy()
    net.blobs["data"].data[...] = 0
    assert set(net.forward(end="right")) == {"right"}
    np.testing.assert_array_equal(net.blobs["both"].data, before)
    net.forward(start="left")
    assert not np.array_equal(net.blobs["both"].data, before)


def test_forward_in_two_parts_is_forward_in_one(net):
    whole = net.forward()["prob"].copy()
    net.forward(end="relu")
    np.testing.assert_array_equal(net.forward(start="conv_relu_0_split")["prob"], whole)


def test_a_conv_as_end_stops_before_its_in_place_relu(net):
    net.forward(end="conv")
    assert net.blobs["conv"].data.min() < 0
    net.forward(end="relu")
    assert net.blobs["conv"].data.min() == 0


def test_a_relu_run_along_with_its_conv_gives_the_same_bits(net, monkeypatch):
    together = net.forward(blobs=["conv"])
    together = {name: together[name].copy() for name in ("conv", "prob")}
    assert net._passes.relu_after
    monkeypatch.setattr(net._passes, "relu_after", {})
    for name, data in net.forward(blobs=["conv"]).items():
        np.testing.assert_array_equal(data, together[name])


@gpu.on_cpu
def test_whole_backward_matches_finite_differences(net, rng):
    w = rng.normal(size=(1, 5)).astype(np.float32)
    net.forward()
    gradient = net.backward(prob=w)["data"].copy()
    x = net.blobs["data"].data
    for index in [(0, 0, 0, 0), (0, 1, 4, 5), (0, 2, 7, 8)]:
        kept = x[index]
        values = []
        for step in (2e-2, -2e-2):
            x[index] = kept + step
            values.append(float((net.forward()["prob"].astype(float) * w).sum()))
        x[index] = kept
        assert gradient[index] == pytest.approx((values[0] - values[1]) / 4e-2, rel=0.05, abs=2e-4)


def test_partial_backward_starts_from_the_diff_of_its_blob(net):
    net.forward(end="conv")
    net.blobs["conv"].diff[...] = net.blobs["conv"].data
    out = net.backward(start="conv")
    assert set(out) == {"data"} and np.abs(out["data"]).max() > 0
    assert set(net.backward(start="right", end="conv")) == {"data"}
    assert set(net.backward(diffs=["left"], end="left")) == {"conv_relu_0_split_0", "left"}


def test_backward_visits_side_branches_with_the_diffs_they_hold(net):
    net.forward()
    net.blobs["left"].diff[...] = 0
    net.blobs["right"].diff[...] = 1
    alone = net.backward(start="right")["data"].copy()
    net.blobs["left"].diff[...] = 1  # stale
    net.blobs["right"].diff[...] = 1
    assert not np.array_equal(net.backward(start="right")["data"], alone)


def test_partial_backward_stops_at_its_end(net):
    net.forward()
    net.blobs["both"].diff[...] = 1
    net.backward(start="both", end="left")
    assert net.blobs["conv_relu_0_split_0"].diff.any()
    assert not net.blobs["conv"].diff.any() and not net.blobs["data"].diff.any()


def test_backward_past_layers_that_never_ran_gives_zero(net):
    net.forward(end="conv")
    net.blobs["right"].diff[...] = 1
    net.backward(start="right", end="right")
    assert not net.blobs["conv_relu_0_split_1"].diff.any()


def test_without_force_backward_a_deploy_net_has_no_gradient(tmp_path, rng):
    net = caffe.Net(written(tmp_path, BRANCHED.replace("force_backward: true", "")), caffe.TEST)
    net.blobs["data"].data[...] = rng.normal(size=(1, 3, 8, 9))
    net.forward()
    assert not net.backward(prob=np.ones((1, 5)))["data"].any()


def test_input_reshape_flows_through_a_partial_pass_although_fc_lies_behind(net):
    net.blobs["data"].reshape(1, 3, 12, 20)
    net.forward(end="both")
    assert net.blobs["both"].shape == (1, 6, 10, 18)
    with pytest.raises(caffe.ShapeError, match='"fc".*K_ is 252.*1080'):
        net.reshape()


@gpu.on_cpu
def test_arrays_stay_live_views_over_passes_and_smaller_shapes(net, rng):
    view = net.blobs["conv"].data[0, 0]
    weights = net.params["conv"][0].data
    net.forward()
    first = view.copy()
    weights *= 2
    net.forward()
    assert not np.array_equal(view, first)
    memory = net.blobs["data"].data
    net.blobs["data"].reshape(1, 3, 6, 6)
    assert np.shares_memory(net.blobs["data"].data, memory)
    net.blobs["data"].reshape(1, 3, 8, 9)
    assert np.shares_memory(net.blobs["data"].data, memory)


def test_passes_repeat_to_the_bit(net):
    first = net.forward()["prob"].copy()
    gradient = net.backward(prob=np.ones((1, 5)))["data"].copy()
    np.testing.assert_array_equal(net.forward()["prob"], first)
    np.testing.assert_array_equal(net.backward(prob=np.ones((1, 5)))["data"], gradient)


def test_unknown_layer_names_get_the_nearest(net):
    with pytest.raises(caffe.LayerNameError, match="did you mean .*right"):
        net.forward(end="rihgt")


def test_wrong_inputs_are_named(net):
    with pytest.raises(caffe.CaffeError, match=r"\['dota'\].*\['data'\]"):
        net.forward(dota=np.zeros(1))
    with pytest.raises(caffe.ShapeError, match="1 items.* 2 were given"):
        net.forward(data=np.zeros((2, 3, 8, 9)))


def test_results_do_not_depend_on_the_number_of_threads_beyond_rounding(net, monkeypatch):
    wanted = net.forward()["prob"].copy()
    for threads in ("1", "3"):
        monkeypatch.setenv("CAFFE_COMPAT_THREADS", threads)
        np.testing.assert_allclose(net.forward()["prob"], wanted, rtol=1e-6)


def test_forward_all_runs_batches_and_fills_up_the_last(tmp_path, rng):
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "relu" type: "ReLU" bottom: "data" top: "out" }
    """
    net = caffe.Net(written(tmp_path, text), caffe.TEST)
    x = rng.normal(size=(5, 3)).astype(np.float32)
    out = net.forward_all(blobs=["data"], data=x)
    assert set(out) == {"out", "data"}
    np.testing.assert_array_equal(out["out"], np.maximum(x, 0))
    np.testing.assert_array_equal(out["data"], x)


def test_a_net_that_is_dropped_frees_its_weights_at_once(tmp_path):
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
            inner_product_param { num_output: 2 } }
    """
    gc.disable()
    try:
        net = caffe.Net(written(tmp_path, text), caffe.TEST)
        weights = weakref.ref(net._parts.params["fc"][0])  # a handle is gone at once in any case
        net.forward()
        assert weights() is not None
        del net
        assert weights() is None
    finally:
        gc.enable()


def test_outputs_are_sorted_by_name_as_in_caffe(tmp_path):
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 } } }
    layer { name: "z" type: "ReLU" bottom: "data" top: "zoom" }
    layer { name: "a" type: "ReLU" bottom: "data" top: "age" }
    """
    assert caffe.Net(written(tmp_path, text), caffe.TEST).outputs == ["age", "zoom"]


def test_too_few_addresses_are_told_before_openblas_asks_for_them_without_end(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: memory.Free(10**7, memory.ADDRESS_SPACE))
    for needed in (limits.START, limits.LOOPS):
        with pytest.raises(MemoryError, match="0.01 GB are left by ulimit -v; raise"):
            limits.check_start(needed)


def test_memory_that_is_not_of_addresses_is_enough_sooner(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: memory.Free(3 * 10**8, "available in this machine"))
    limits.check_start(limits.START)
    monkeypatch.setattr(memory, "free", lambda: memory.Free(10**8, "available in this machine"))
    with pytest.raises(MemoryError, match="takes 0.20 GB"):
        limits.check_start(limits.START)

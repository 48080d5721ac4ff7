"""Nets in GPU mode beside themselves in CPU mode."""

import pickle
import weakref
from pathlib import Path

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat import devices
from caffe_compat.errors import DeviceError, DeviceMemoryError, ShapeError
from caffe_compat.layer_types import registry
from caffe_compat.synced_memory import HEAD_AT_GPU
from tests.support.nets import BRANCHED, written
from tests.support.training import FIXED, SMALL

pytestmark = pytest.mark.usefixtures("gpu_mode")


def step(net, end):
    """One step of a dream, as the notebook makes it: (the end's values, the input's gradient)."""
    net.forward(end=end)
    net.blobs[end].diff[...] = net.blobs[end].data
    net.backward(start=end)
    return net.blobs[end].data.copy(), net.blobs["data"].diff.copy()


@pytest.mark.parametrize("end", ["both", "left", "conv", "prob"])
def test_a_step_is_that_of_the_cpu(net, end):
    there = step(net, end)
    caffe.set_mode_cpu()
    for ours, theirs in zip(there, step(net, end)):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-7)


def test_two_steps_from_one_state_are_equal_to_the_bit(net):
    for ours, again in zip(step(net, "both"), step(net, "both")):
        np.testing.assert_array_equal(ours, again)


def test_values_stay_on_the_device_until_they_are_read(net):
    net.forward(end="both")
    blobs = net._parts.blobs
    assert all(blobs[name].blocks[0].there.head == HEAD_AT_GPU for name in ("conv", "both"))


def test_the_mode_may_change_between_the_passes(net):
    wanted = step(net, "both")[1]
    net.forward(end="both")
    net.blobs["both"].diff[...] = net.blobs["both"].data
    caffe.set_mode_cpu()
    net.backward(start="both")  # where the forward pass ran
    np.testing.assert_array_equal(net.blobs["data"].diff, wanted)


def test_passes_that_are_repeated_on_the_cpu_take_account_of_those_on_the_device(net):
    caffe.set_mode_cpu()
    wanted = [step(net, "both") for _ in range(3)][-1]
    caffe.set_mode_gpu()
    net.blobs["data"].data[...] *= 2
    step(net, "both")
    net.blobs["data"].data[...] /= 2
    caffe.set_mode_cpu()
    for _ in range(3):
        for ours, theirs in zip(step(net, "both"), wanted):
            np.testing.assert_array_equal(ours, theirs)


def test_partial_passes_read_what_the_program_wrote(net):
    net.forward()
    net.blobs["left"].data[...] = 2
    net.forward(start="both", end="both")
    whole = net.blobs["both"].data.copy()
    channels = net.blobs["left"].channels
    assert (whole[:, :channels] == 2).all() and not (whole[:, channels:] == 2).all()


def test_gradients_of_weights_are_those_of_the_cpu(net):
    def gradients():
        net.forward()
        net.blobs["prob"].diff[...] = np.arange(net.blobs["prob"].count).reshape(
            net.blobs["prob"].data.shape
        )
        net.backward()
        return [b.diff.copy() for blobs in net.params.values() for b in blobs]

    there = gradients()
    net.clear_param_diffs()
    caffe.set_mode_cpu()
    for ours, theirs in zip(there, gradients()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_split_that_was_looked_into_sums_as_before(net):
    wanted = step(net, "both")[1]
    splits = [name for name in net.blobs if "_split_" in name]
    assert splits
    held = [net.blobs[name].diff for name in splits]  # so that they stay apart
    for array in held:
        array[...] = 0
    for _ in range(2):
        np.testing.assert_allclose(step(net, "both")[1], wanted, rtol=1e-5, atol=1e-8)
    assert any(net.blobs[name].diff.any() for name in splits)


@pytest.mark.parametrize("write", ["mutable_gpu_diff", "set_gpu_diff", "gpu_diff"])
def test_a_splits_top_has_a_gradient_of_its_own_once_it_is_looked_at_on_the_device(net, write):
    wanted = step(net, "both")[1]
    name = next(name for name in net.blobs if "_split_" in name)
    top = net._parts.blobs[name]
    if write == "set_gpu_diff":
        top.set_gpu_diff(top.gpu_data.clone())
    else:
        assert getattr(top, write).any()  # what the last pass would have left there
    assert top.on_look is None
    np.testing.assert_allclose(step(net, "both")[1], wanted, rtol=1e-5, atol=1e-8)


def test_another_size_and_back(net):
    wanted = step(net, "both")
    given = net.blobs["data"].data.copy()
    net.blobs["data"].reshape(1, 3, 16, 12)
    net.blobs["data"].data[...] = 1
    assert step(net, "both")[0].shape[2:] != wanted[0].shape[2:]
    net.blobs["data"].reshape(*given.shape)
    net.blobs["data"].data[...] = given
    for ours, again in zip(step(net, "both"), wanted):
        np.testing.assert_array_equal(ours, again)


INCEPTION = """
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param {
  shape { dim: 1 dim: 3 dim: 13 dim: 10 } } }
layer { name: "one" type: "Convolution" bottom: "data" top: "one" convolution_param {
  num_output: 6 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "one" top: "one" }
layer { name: "norm" type: "LRN" bottom: "one" top: "norm" lrn_param { local_size: 3 alpha: 0.5 } }
layer { name: "left" type: "Convolution" bottom: "norm" top: "left" convolution_param {
  num_output: 5 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool" pooling_param {
  kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "both" type: "Concat" bottom: "left" bottom: "pool" top: "both" }
layer { name: "mean" type: "Pooling" bottom: "both" top: "mean" pooling_param {
  pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "mean" top: "fc" inner_product_param {
  num_output: 4 weight_filler { type: "xavier" } } }
"""


def test_fast_gives_the_same_but_for_rounding(tmp_path, rng):
    net = caffe.Net(written(tmp_path, INCEPTION), caffe.TEST)
    net.blobs["data"].data[...] = rng.normal(size=(1, 3, 13, 10))
    wanted = step(net, "fc")
    caffe.set_fast()
    try:
        ours = step(net, "fc")
        layout = [net._parts.blobs[name].gpu_data.stride()[1] for name in ("one", "norm", "both")]
    finally:
        caffe.set_fast(False)
    assert layout == [1, 1, 1]  # channels_last from the first convolution on
    for again in (ours, step(net, "fc")):
        for a, b in zip(again, wanted):
            np.testing.assert_allclose(a, b, rtol=2e-2, atol=1e-3)
    np.testing.assert_array_equal(net.params["one"][0].data.shape, (6, 3, 3, 3))


def test_a_type_without_a_pass_of_its_own_runs_on_the_host_and_says_so_once(
    tmp_path, capfd, monkeypatch
):
    for name in ("forward_gpu", "backward_gpu"):
        monkeypatch.setattr(registry.LAYERS["Softmax"], name, getattr(registry.Layer, name))
    monkeypatch.setattr(registry, "_said", set())
    monkeypatch.setattr("caffe_compat.glog._level", 0)
    net = caffe.Net(written(tmp_path, BRANCHED), caffe.TEST)
    for _ in range(2):
        net.forward()
    lines = [line for line in capfd.readouterr().err.splitlines() if "Softmax" in line]
    assert len(lines) == 1 and "] Softmax layers have no GPU code: they run on the CPU" in lines[0]
    assert net.blobs["prob"].data.sum() == pytest.approx(1, rel=1e-5)


def fails(message, kind=RuntimeError, kept=None):
    """A pass that raises this; `kept` gets a weak reference to what it had on the device."""

    def forward(layer, bottom, top):
        work = bottom[0].gpu_data.clone()
        if kept is not None:
            kept.append(weakref.ref(work))
        raise kind(message)

    return forward


def test_what_the_device_lacks_is_done_on_the_host(net, capfd, monkeypatch):
    monkeypatch.setattr(registry, "_said", set())
    monkeypatch.setattr("caffe_compat.glog._level", 0)
    wanted = step(net, "both")
    lacks = fails("The operator 'aten::cat' is not implemented", NotImplementedError)
    monkeypatch.setattr(registry.LAYERS["Concat"], "forward_gpu", lacks)
    for ours, there in zip(step(net, "both"), wanted):
        np.testing.assert_allclose(ours, there, rtol=1e-6)
    said = capfd.readouterr().err
    assert "Concat layers take what PyTorch's device lacks (The operator 'aten::cat' is" in said


def test_memory_that_is_short_leaves_the_net_usable(net, monkeypatch):
    wanted = step(net, "both")
    given = net.blobs["data"].data.copy()
    layer = registry.LAYERS["Concat"]
    monkeypatch.setattr(devices, "free", lambda: (3000, 10**9))
    net._parts.blobs["data"].mutable_gpu_data  # noqa: B018  the device alone has them
    kept = []
    lacks = fails("CUDA out of memory. Tried to allocate 1.00 GiB", kept=kept)
    with monkeypatch.context() as short:
        short.setattr(layer, "forward_gpu", lacks)
        with pytest.raises(DeviceMemoryError, match=r'layer "both".*1.07 GB.*about \dx\d fit') as e:
            net.forward()
    # the error is still there, and what the layer had is not
    assert e.value.asked == 2**30 and len(kept) == 1 and kept[0]() is None
    np.testing.assert_array_equal(net.blobs["data"].data, given)
    for ours, before in zip(step(net, "both"), wanted):
        np.testing.assert_array_equal(ours, before)


def test_errors_of_the_device_name_the_layer(net, monkeypatch):
    layer = registry.LAYERS["Concat"]
    monkeypatch.setattr(layer, "forward_gpu", fails("CUDA error: device lost"))
    with pytest.raises(DeviceError, match=r'layer "both" \(Concat\): the GPU failed'):
        net.forward()
    monkeypatch.setattr(layer, "forward_gpu", fails("sizes do not match"))
    with pytest.raises(ShapeError, match=r'layer "both" \(Concat\) cannot work with bottoms'):
        net.forward()


def test_what_a_result_depends_on_is_told(net):
    assert {"device", "pytorch", "fast"} <= set(caffe.about())
    caffe.set_mode_cpu()
    assert "device" not in caffe.about()


def test_what_a_pass_returns_is_a_dict_of_arrays_that_come_when_they_are_looked_at(net):
    for look in (
        lambda out: out["both"],
        lambda out: dict(out)["both"],
        lambda out: {**out}["both"],
        lambda out: next(iter(out.values())),
        lambda out: out.get("both"),
        lambda out: out.pop("both"),
        lambda out: out.copy()["both"],
        lambda out: dict(out.items())["both"],
        lambda out: pickle.loads(pickle.dumps(out))["both"],
    ):
        out = net.forward(end="both")
        assert isinstance(out, dict) and list(out) == ["both"]
        assert net._parts.blobs["both"].blocks[0].there.head == HEAD_AT_GPU
        assert isinstance(look(out), np.ndarray)
        assert net._parts.blobs["both"].blocks[0].there.head != HEAD_AT_GPU


def test_a_training_stays_on_the_device(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(SMALL)
    Path("solver.prototxt").write_text(f'{FIXED} net: "net.prototxt" momentum: 0.9')
    caffe.set_random_seed(5)
    solver = caffe.SGDSolver("solver.prototxt")
    solver.step(3)
    (known, *_), history = solver._learnable, solver._history[0]
    sides = [*known.blob.blocks, history.blocks[0]]
    assert all(block.there.head == HEAD_AT_GPU for block in sides)
    caffe.set_mode_cpu()
    caffe.set_random_seed(5)
    again = caffe.SGDSolver("solver.prototxt")
    again.step(3)
    for ours, theirs in zip(solver._learnable, again._learnable):
        np.testing.assert_allclose(ours.blob.data, theirs.blob.data, rtol=1e-5, atol=1e-7)

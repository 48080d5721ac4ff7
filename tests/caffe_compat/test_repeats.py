"""Passes that are done again in one call give the same to the bit; others run by the layers."""

import ctypes
import importlib
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.kernels.threads import running
from caffe_compat.kernels.threads.team import Team
from caffe_compat.layer_types.convolution import Convolution
from caffe_compat.synced_memory import SYNCED
from tests.support import gpu, nets
from tests.support.repeating import MODULE, made, step

pytestmark = pytest.mark.skipif(gpu.wanted(), reason="on the CPU")


@pytest.fixture
def make(tmp_path):
    return partial(made, tmp_path)


@pytest.fixture
def layers_run(monkeypatch):
    """The names of the convolutions that have run forward by themselves."""
    found, forward = [], Convolution.forward

    def noted(self, bottom, top, relu=None):
        found.append(self.name)
        forward(self, bottom, top, relu)

    monkeypatch.setattr(Convolution, "forward", noted)
    return found


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("end", ["all", "head", "side"])
def test_steps_on_the_same_memory_are_repeated_and_the_same_to_the_bit(lean, end, make, layers_run):
    plain, net = make(repeats=False), make()
    wanted = [step(plain, seed, end) for seed in range(6)]
    layers_run.clear()
    with net.lean() if lean else nullcontext():
        assert [step(net, seed, end) for seed in range(6)] == wanted
    assert layers_run.count("stem") == 2


def test_weights_that_were_changed_in_place_count(make, layers_run):
    plain, net = make(repeats=False), make()
    for seed in range(4):
        for each in (plain, net):
            for blobs in each.params.values():
                blobs[0].data[...] *= 1.1
        assert step(net, seed) == step(plain, seed)
    assert layers_run.count("stem") == 4 + 2


def test_another_net_s_weights_count(make):
    plain, net, other = make(repeats=False), make(), make()
    for blobs in other.params.values():
        blobs[0].data[...] += 0.25
    for each in (plain, net):
        for seed in range(3):
            step(each, seed)
        each.share_with(other)
    assert step(net, 7) == step(plain, 7)


def test_weights_that_a_program_puts_into_a_layer_count(make):
    plain, net, other = make(repeats=False), make(), make()
    number = list(net._layer_names).index("a")
    other.params["a"][0].data[...] *= 3
    for each in (plain, net):
        for seed in range(3):
            step(each, seed)
        each.layers[number].blobs[0] = other.layers[number].blobs[0]
    assert step(net, 7) == step(plain, 7)


def test_a_layer_that_a_program_puts_into_a_net_counts(make):
    plain, net, other = make(repeats=False), make(), make()
    number = list(net._layer_names).index("up")
    other.params["up"][0].data[...] *= 3
    for each in (plain, net):
        for seed in range(3):
            step(each, seed)
        each.layers[number] = other.layers[number]
    assert step(net, 7) == step(plain, 7)


def test_a_bias_that_a_program_takes_away_is_missed(make):
    net = make()
    for seed in range(3):
        step(net, seed)
    net.params["a"][1].reshape(0)
    with pytest.raises(caffe.ShapeError, match="parameter 1 has shape"):
        step(net, 3)


def test_a_shape_that_a_program_gives_a_top_is_put_right_by_each_pass(make):
    net = make()
    for _ in range(4):
        net.blobs["head"].reshape(1, 7)
        assert net.forward()["head"].shape == (1, 5)


def test_weights_that_a_device_has_too_are_looked_at_again(make, layers_run):
    net = make()
    for seed in range(3):
        step(net, seed)
    layers_run.clear()
    net._parts.params["a"][0].data_block.there.head = SYNCED
    step(net, 3)
    assert layers_run


def test_a_pass_on_the_cpu_after_one_on_the_device_runs_the_layers(make):
    net = make()
    for seed in range(3):
        step(net, seed)
    for layer in net._parts.layers:
        layer.ran_on_gpu = True
    net.forward(end="head")
    assert not any(layer.on_gpu for layer in net._parts.layers[:-1])


def test_gradients_of_weights_are_those_of_the_repeated_pass(make):
    plain, net = make(repeats=False), make()
    for seed in range(4):
        assert step(net, seed) == step(plain, seed)
    assert plain.params["a"][0].diff.any()
    for name, blobs in plain.params.items():
        for ours, theirs in zip(net.params[name], blobs):
            assert np.array_equal(ours.diff, theirs.diff), name
    # now that they are looked at, every pass adds to them
    assert step(net, 9) == step(plain, 9)
    assert np.array_equal(net.params["a"][0].diff, plain.params["a"][0].diff)


def test_functions_around_the_layers_are_called(make):
    net, seen = make(), []
    for seed in range(3):
        step(net, seed)
    net.after_forward(seen.append)
    net.after_backward(seen.append)
    step(net, 3, "side")
    assert len(seen) == 2 * len(net.layers)


def test_another_number_of_threads_counts(make, layers_run, monkeypatch):
    net = make()
    for seed in range(3):
        monkeypatch.setenv("CAFFE_COMPAT_THREADS", "2")
        expected = step(net, seed)
    layers_run.clear()
    monkeypatch.setenv("CAFFE_COMPAT_THREADS", "1")
    assert step(net, 2) == expected and layers_run


@pytest.mark.parametrize(
    "layer",
    [
        'layer { name: "end" type: "TanH" bottom: "all" top: "end" }',
        'layer { name: "end" type: "Pooling" bottom: "all" top: "end" top: "places" '
        "pooling_param { kernel_size: 2 } }",
        'layer { name: "end" type: "Deconvolution" bottom: "all" top: "end" '
        "convolution_param { num_output: 2 kernel_size: 2 } }",
        'layer { name: "flat" type: "Flatten" bottom: "all" top: "flat" } '
        'layer { name: "end" type: "LRN" bottom: "all" top: "end" '
        "lrn_param { norm_region: WITHIN_CHANNEL } }",
        'layer { name: "end" type: "Convolution" bottom: "all" top: "end" '
        "convolution_param { num_output: 7 kernel_size: 3 axis: 2 } }",
        'layer { name: "end" type: "InnerProduct" bottom: "all" top: "end" '
        "inner_product_param { num_output: 7 axis: 2 } }",
    ],
)
def test_layers_that_compute_by_other_means_run(layer, make, layers_run):
    plain, net = make(MODULE + layer, repeats=False), make(MODULE + layer)
    wanted = [step(plain, seed, "end") for seed in range(4)]
    layers_run.clear()
    assert [step(net, seed, "end") for seed in range(4)] == wanted
    assert layers_run.count("stem") == 4


def test_a_split_s_diff_is_in_the_memory_that_it_was_given_last(make):
    # a Flatten's Split is not merged, and what is kept holds arrays of its tops' diffs
    flat = MODULE + 'layer { name: "flat" type: "Flatten" bottom: "pool" top: "flat" }'
    plain, net = make(flat, repeats=False), make(flat)
    for each in (plain, net):
        step(each, 1, "side")
    with plain.lean(), net.lean():
        for _ in range(4):
            assert step(net, 2) == step(plain, 2)


def test_memory_that_is_not_found_is_an_error_and_the_next_pass_runs(make, monkeypatch):
    net = make()
    wanted = [step(net, seed) for seed in range(3)][-1]
    with monkeypatch.context() as patch:
        patch.setattr(Team, "do_all", lambda self, row: _write(row, -1))
        with pytest.raises(MemoryError, match="compiled loop"):
            step(net, 2)
    assert step(net, 2) == wanted


def _write(address, number):
    ctypes.c_int64.from_address(address).value = number


def test_a_net_that_runs_in_the_middle_of_a_pass_is_not_repeated_with_it(make, monkeypatch):
    # as a signal's handler can run one
    plain, net, other = make(repeats=False), make(), make(repeats=False)
    wanted = [step(plain, seed) for seed in range(4)]
    disturb(monkeypatch, lambda: step(other, 3))
    found = [step(net, seed) for seed in range(3)]
    monkeypatch.undo()
    expected = step(other, 8)
    other.blobs["data"].data[...] = 0
    assert [*found, step(net, 3)] == wanted
    assert other.blobs["head"].data.tobytes() in expected


def test_a_net_that_runs_in_the_middle_of_a_convolution_leaves_its_memory_alone(make, monkeypatch):
    plain, other = make(repeats=False), make(repeats=False)
    wanted = step(plain, 1)
    disturb(monkeypatch, lambda: step(other, 3))
    assert step(plain, 1) == wanted


def disturb(monkeypatch, work):
    """Let this happen while a convolution has borrowed memory, but not again within it."""
    forward = importlib.import_module("caffe_compat.kernels.direct.forward")
    packed, busy = forward.packed, []

    def disturbed(*arguments):
        given = packed(*arguments)
        if not busy:
            busy.append(True)
            work()
            busy.clear()
        return given

    monkeypatch.setattr(forward, "packed", disturbed)


def test_a_pass_that_borrows_much_memory_is_not_kept(make, monkeypatch, layers_run):
    net = make()
    monkeypatch.setattr(running, "_LENT", 1000)
    for seed in range(3):
        step(net, seed)
    assert layers_run.count("stem") == 3 and net._passes.repeats._scratch._lent.size <= 1000


def test_a_pass_that_is_kept_holds_little_memory_of_its_own(make):
    net = make(nets.bundled("bvlc_googlenet"))
    net.blobs["data"].reshape(1, 3, 64, 64)
    with net.lean():
        for seed in range(3):
            step(net, seed, "inception_3a/output")
        scratch = net._passes.repeats._scratch
        assert 0 < scratch._own.nbytes + scratch._lent.nbytes < 4 << 20
        assert len(net._passes.repeats._done) == 2
    assert not net._passes.repeats._done


def test_a_reshape_in_between_makes_a_backward_pass_run(make):
    plain, net = make(repeats=False), make()
    found = []
    for each in (plain, net):
        for seed in range(3):
            step(each, seed, "norm")
        shapes = {name: blob.shape for name, blob in each._parts.blobs.items()}
        each.blobs["data"].reshape(1, 3, 9, 11)
        each.reshape()
        for name, shape in shapes.items():
            each._parts.blobs[name].reshape(*shape)
        each.blobs["norm"].diff[...] = 1
        each.backward(start="norm")
        found.append(each.blobs["data"].diff.tobytes())
    assert not any(found[0]) and found[0] == found[1]


def test_passes_at_another_size_are_forgotten(make):
    net = make()
    for _ in range(3):
        step(net, 0, "all")
    net.blobs["data"].reshape(1, 3, 9, 11)
    for _ in range(3):
        step(net, 0, "norm")
    assert {span.first for span in net._passes.repeats._done} == {0, 3}


@pytest.mark.parametrize("name", ["positive", "drop", "pool"])
def test_a_gradient_of_zero_above_a_blob_of_another_shape_is_repeated_too(name, make):
    net = make()
    step(net)
    bottom = net.blobs[net.bottom_names[name][0]]
    net.blobs[name].reshape(1, 2, 3, 4)
    for _ in range(4):
        bottom.diff[...] = 7
        net.backward(start=name, end=name)
        assert not bottom.diff.any()


def test_a_layer_that_was_fitted_to_other_shapes_runs(make):
    plain, net = make(repeats=False), make()
    for each in (plain, net):
        for seed in range(3):
            step(each, seed, "a")
        blobs = each._parts.blobs
        shapes = {name: blob.shape for name, blob in blobs.items()}
        blobs[each.bottom_names["a"][0]].reshape(1, 16, 5, 6)
        each.forward(start="a", end="a")
        for name, shape in shapes.items():
            blobs[name].reshape(*shape)
        each.backward(start="a")
    assert net.blobs["data"].diff.tobytes() == plain.blobs["data"].diff.tobytes()

"""Passes that are done again in one call give the same to the bit; others run by the layers."""

import ctypes
import importlib
import random
from contextlib import ExitStack, nullcontext, suppress

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.kernels.threads import running
from caffe_compat.kernels.threads.team import Team
from caffe_compat.layer_types.convolution import Convolution
from caffe_compat.synced_memory import SYNCED
from tests.support import gpu, nets

pytestmark = pytest.mark.skipif(gpu.wanted(), reason="on the CPU")

# every kind of layer whose passes are tasks alone, in an inception module with a Split and a Concat
MODULE = """
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 16 dim: 18 } } }
layer { name: "stem" type: "Convolution" bottom: "data" top: "stem"
  convolution_param { num_output: 16 kernel_size: 7 stride: 2 pad: 3
    weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "stem" top: "stem" }
layer { name: "norm" type: "LRN" bottom: "stem" top: "norm" lrn_param { local_size: 5 } }
layer { name: "a" type: "Convolution" bottom: "norm" top: "a"
  convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu_a" type: "ReLU" bottom: "a" top: "a" }
layer { name: "b" type: "Pooling" bottom: "norm" top: "b"
  pooling_param { kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "c" type: "LRN" bottom: "norm" top: "c" }
layer { name: "all" type: "Concat" bottom: "a" bottom: "b" bottom: "c" top: "all" }
layer { name: "up" type: "Deconvolution" bottom: "all" top: "up"
  convolution_param { num_output: 8 kernel_size: 2 stride: 2 bias_term: false
    weight_filler { type: "xavier" } } }
layer { name: "positive" type: "ReLU" bottom: "up" top: "positive"
  relu_param { negative_slope: 0.1 } }
layer { name: "drop" type: "Dropout" bottom: "positive" top: "drop" }
layer { name: "pool" type: "Pooling" bottom: "drop" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "head" type: "InnerProduct" bottom: "pool" top: "head"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "side" type: "InnerProduct" bottom: "pool" top: "side"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""
NAMES = ("data", "norm", "a", "all", "positive", "head", "side")


@pytest.fixture
def make(tmp_path):
    def call(text=MODULE, repeats=True):
        caffe.set_random_seed(5)
        net = caffe.Net(nets.written(tmp_path, text), caffe.TEST)
        if not repeats:
            net._passes.repeats._can_keep = lambda members, span: False
        return net

    return call


@pytest.fixture
def layers_run(monkeypatch):
    """The names of the convolutions that have run forward by themselves."""
    found, forward = [], Convolution.forward

    def noted(self, bottom, top, relu=None):
        found.append(self.name)
        forward(self, bottom, top, relu)

    monkeypatch.setattr(Convolution, "forward", noted)
    return found


def step(net, seed=0, end="head"):
    data, top = net.blobs["data"], net.blobs[end]
    data.data[...] = np.random.RandomState(seed).normal(size=data.shape)
    net.forward(end=end)
    top.diff[...] = top.data
    net.backward(start=end)
    return top.data.tobytes() + data.diff.tobytes()


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


# what a program may do between passes, of which later ones must take account


def _step(net, chance):
    return step(net, chance.randrange(9), chance.choice(["all", "head", "side", "norm"]))


def _forward(net, chance):
    net.blobs["data"].data[...] = chance.random()
    return [net.forward(end=chance.choice(["a", "all"])) and 0]


def _forward_from_the_middle(net, chance):
    net.forward(start="a", end="all")


def _backward_to_the_middle(net, chance):
    step(net, 1, "all")
    net.blobs["all"].diff[...] = chance.random()
    net.backward(start="all", end=chance.choice(["relu_a", "norm"]))


def _backward_again(net, chance):
    step(net, 1, "head")
    net.blobs["head"].diff[...] = chance.random()
    net.backward(start="head")


def _backward_from_the_split(net, chance):
    step(net, 1, "all")
    net.backward(start="norm_norm_0_split")
    return net.blobs["data"].diff.tobytes()


def _forward_from_another_shape(net, chance):
    net.blobs["norm"].reshape(1, 16, 5, chance.choice([5, 6]))
    net.blobs["norm"].data[...] = chance.random()
    net.forward(start="a", end="head")
    return net.blobs["head"].data.tobytes()


def _look_at_weights_gradient(net, chance):
    return net.params[chance.choice(["stem", "head"])][chance.choice([0, 1])].diff.tobytes()


def _reshape(net, chance):
    net.blobs["data"].reshape(1, 3, *chance.choice([(16, 18), (20, 18), (13, 9)]))


def _look(net, chance):
    return net.blobs[chance.choice(NAMES)].data.tobytes()


def _look_at_diff(net, chance):
    return net.blobs[chance.choice(NAMES)].diff.tobytes()


def _look_at_split(net, chance):
    return net.blobs[next(name for name in net.blobs if "_split_1" in name)].diff.tobytes()


def _clear(net, chance):
    for blob in net.blobs.values():
        with suppress(caffe.CaffeError):
            blob.diff[...] = 0


def _change_weights(net, chance):
    net.params["stem"][0].data[...] *= 1 + chance.random() / 8


def _enter(net, chance):
    net.contexts.enter_context(net.lean())


def _leave(net, chance):
    net.contexts.close()


def _merge(net, chance):
    net._passes.merge_splits()


DEEDS = [_step] * 12 + [
    _forward,
    _forward_from_the_middle,
    _backward_to_the_middle,
    _backward_again,
    _backward_from_the_split,
    _forward_from_another_shape,
    _look_at_weights_gradient,
    _reshape,
    _look,
    _look_at_diff,
    _look_at_split,
    _clear,
    _change_weights,
    _enter,
    _enter,
    _leave,
    _merge,
]


def result(deed, net, number):
    try:
        return deed(net, random.Random(number))
    except caffe.CaffeError as e:
        return str(e)


@pytest.mark.filterwarnings("ignore:the gradient of the last backward pass")
@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_program_does_between_passes_they_are_the_same_to_the_bit(seed, make):
    both, chance = (make(repeats=False), make()), random.Random(seed)
    with ExitStack() as stack:
        for net in both:
            net.contexts = stack.enter_context(ExitStack())
        for _ in range(60):
            deed, number = chance.choice(DEEDS), chance.random()
            for _ in range(chance.choice([1, 1, 4])):
                wanted, found = (result(deed, net, number) for net in both)
                assert found == wanted, deed

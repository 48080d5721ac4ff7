"""Passes that hold no more than they need give the same to the bit, and hold less."""

import gc
import os
import random
import sys
from collections import Counter

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.layer_types.registry import LAYERS
from scripts.soak import interrupts
from tests.caffe_compat.lean.steps import TWO_HEADS, picture, step
from tests.support import cases, nets

SIZES = [None, (18, 20), (24, 30), (9, 11)]


@pytest.mark.parametrize("ends", [["all"], ["head"], ["side", "head"], ["norm"], ["b"], ["sum"]])
def test_lean_steps_are_those_of_other_nets_to_the_bit(ends, make):
    plain, lean = make(), make()
    with lean.lean():
        for seed, size in enumerate(SIZES):
            for _ in range(2):
                assert step(lean, ends, seed, size) == step(plain, ends, seed, size)


def test_a_pass_in_spans_from_two_blobs_is_the_same_to_the_bit(make):
    plain, lean = make(), make()
    with lean.lean():
        for seed in range(3):
            for net in (plain, lean):
                picture(net, seed)
                net.forward(end="side")
                net.blobs["side"].diff[...] = 1
                net.blobs["a"].diff[...] = 0
                returned = net.backward(start="side", end="b")
                net.blobs["a"].diff[...] += net.blobs["a"].data
                net.backward(start="relu_a")
                if net is plain:
                    expected = {name: diff.copy() for name, diff in returned.items()}
            for name, diff in expected.items():
                assert np.array_equal(returned[name], diff), name
            assert lean.blobs["data"].diff.tobytes() == plain.blobs["data"].diff.tobytes()
            # Splits that somebody has looked at add up in another order from then on
            assert step(lean, ["head"], seed) == step(plain, ["head"], seed)


def test_a_batch_is_the_same_to_the_bit(make):
    text = TWO_HEADS.replace("dim: 1 dim: 3", "dim: 3 dim: 3")
    plain, lean = make(text), make(text)
    with lean.lean():
        for seed in range(3):
            assert step(lean, ["head"], seed) == step(plain, ["head"], seed)


@pytest.mark.parametrize("text", [nets.caffenet, nets.squeezenet])
def test_whole_nets_are_the_same_to_the_bit(text, make):
    plain, lean = make(text()), make(text())
    with lean.lean():
        assert step(lean, ["prob"]) == step(plain, ["prob"])
        assert step(lean, ["pool1"]) == step(plain, ["pool1"])


SINGLE = [
    name
    for name, case in cases.LAYERS.items()
    if LAYERS[case["kind"]].lean_reads is not None
    or case["kind"] in ("Dropout", "Eltwise", "Pooling")
    if len(case["shapes"][0]) == 4 and set(case["shapes"]) == {case["shapes"][0]}
    if case["force"] and case["backward"] and not case["whole"]
]


@pytest.mark.parametrize("name", SINGLE)
def test_every_layer_between_two_is_the_same_to_the_bit(name, make):
    case = cases.LAYERS[name]
    n, channels, *size = case["shapes"][0]
    shape = " ".join(f"dim: {d}" for d in (n, channels, *size))
    source = f"input_param {{ shape {{ {shape} }} }}"
    inputs = [f"in{i}" for i in range(len(case["shapes"]))]
    tops = inputs[:1] if case["in_place"] else [f"out{i}" for i in range(case["tops"])]
    named = " ".join([f'bottom: "{i}"' for i in inputs] + [f'top: "{t}"' for t in tops])
    text = "\n".join(
        [
            "force_backward: true",
            f'layer {{ name: "data" type: "Input" top: "data" {source} }}',
            *(
                f'layer {{ name: "{i}" type: "Convolution" bottom: "data" top: "{i}" '
                f"convolution_param {{ num_output: {channels} kernel_size: 1 "
                'weight_filler { type: "xavier" } } }'
                for i in inputs
            ),
            f'layer {{ name: "it" {named} {case["body"]} }}',
            f'layer {{ name: "end" type: "Power" bottom: "{tops[0]}" top: "end" }}',
        ]
    )
    plain, lean = make(text), make(text)
    with lean.lean():
        for seed in range(2):
            caffe.set_random_seed(7)
            found = step(lean, ["end"], seed)
            caffe.set_random_seed(7)
            assert found == step(plain, ["end"], seed)


def test_values_that_are_looked_at_are_those_of_the_last_pass(make):
    plain, lean = make(), make()
    with lean.lean():
        for net in (plain, lean):
            step(net, ["head"], 1)
            picture(net, 2)  # the input has changed since
        for name in ("mixed", "norm", "all", "stem_relu_0_split_0", "pool", "head", "b"):
            assert np.array_equal(lean.blobs[name].data, plain.blobs[name].data), name
            assert np.array_equal(lean.blobs["data"].data, plain.blobs["data"].data)
    for name, blob in plain.blobs.items():
        assert np.array_equal(lean.blobs[name].data, blob.data), name


def test_arrays_that_were_looked_at_stay_live(make):
    plain, lean = make(), make()
    with lean.lean():
        step(lean, ["head"])
        norm = lean.blobs["norm"].data
        step(lean, ["head"], 3)
    step(plain, ["head"], 3)
    assert np.array_equal(norm, plain.blobs["norm"].data)


def test_what_a_program_has_written_outlives_a_look_at_other_values(make):
    net = make()
    with net.lean():
        step(net, ["head"])
        net.blobs["head"].data[...] = 7
        assert np.isfinite(net.blobs["norm"].data).all()
        assert (net.blobs["head"].data == 7).all()


def test_a_gradient_that_is_gone_is_an_error_and_kept_from_then_on(make):
    plain, lean = make(), make()
    step(plain, ["head"])
    with lean.lean(keep=["all"]):
        step(lean, ["head"])
        assert np.array_equal(lean.blobs["all"].diff, plain.blobs["all"].diff)
        with pytest.raises(caffe.CaffeError, match=r"was given up in a lean pass.*keep="):
            lean.blobs["norm"].diff  # noqa: B018
        for _ in range(2):
            with pytest.raises(caffe.CaffeError, match="look at the bottom's diff"):
                lean.blobs["pool_pool_0_split_0"].diff  # noqa: B018
        step(lean, ["head"])
        assert np.array_equal(lean.blobs["norm"].diff, plain.blobs["norm"].diff)
    assert not lean.blobs["mixed"].diff.any()


def test_a_backward_pass_after_the_context_has_all_it_reads(make):
    plain, lean = make(), make()
    with lean.lean():
        step(lean, ["head"])
    step(plain, ["head"])
    for net in (plain, lean):
        net.blobs["head"].diff[...] = 2
        net.backward(start="head")
    assert lean.blobs["data"].diff.tobytes() == plain.blobs["data"].diff.tobytes()


def test_two_backward_passes_of_one_forward_pass(make):
    plain, lean = make(), make()
    with lean.lean():
        for net in (plain, lean):
            step(net, ["head"])
            net.blobs["head"].diff[...] = 1
            net.backward(start="head")
        assert lean.blobs["data"].diff.tobytes() == plain.blobs["data"].diff.tobytes()


def test_functions_around_the_layers_see_all_blobs(make):
    plain, lean = make(), make()
    seen = {}
    for net in (plain, lean):
        seen[net] = []
        net.after_forward(lambda i, net=net: seen[net].append(net.blobs["norm"].data.tobytes()))
    with lean.lean():
        for net in (plain, lean):
            step(net, ["head"])
    assert seen[lean] == seen[plain]


def test_gradients_of_weights_are_refused_once_and_computed_from_then_on(make):
    plain, lean = make(), make()
    assert not plain.params["a"][0].diff.any()
    step(plain, ["head"])
    with lean.lean():
        step(lean, ["head"])
        with pytest.raises(caffe.CaffeError, match="gradient of these weights was not computed"):
            lean.params["a"][0].diff  # noqa: B018
        step(lean, ["head"])
        assert np.array_equal(lean.params["a"][0].diff, plain.params["a"][0].diff)


def test_a_net_that_draws_numbers_cannot_compute_values_again(make):
    lean = make(
        TWO_HEADS + 'layer { name: "noise" type: "DummyData" top: "noise" dummy_data_param {'
        'shape { dim: 1 dim: 4 dim: 6 dim: 7 } data_filler { type: "gaussian" } } }\n'
        'layer { name: "end" type: "Eltwise" bottom: "head" bottom: "noise" top: "end" }'
    )
    with lean.lean():
        step(lean, ["end"])
        with pytest.raises(caffe.CaffeError, match=r"cannot be computed again.*lean\(keep="):
            lean.blobs["mixed"].data  # noqa: B018


def test_a_blob_to_be_kept_that_is_not_there_is_refused(make):
    with pytest.raises(caffe.CaffeError, match='the net has no blob "conv9"'):
        make().lean(keep=["stem", "conv9"])


def test_a_net_that_is_dropped_within_the_context_goes_without_a_word(make, monkeypatch):
    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    net = make()
    context = net.lean()
    context.__enter__()
    step(net, ["head"])
    del net, context
    gc.collect()
    assert not said


def test_less_memory_is_held_and_all_of_it_given_back(make):
    net, end = make(nets.bundled("bvlc_googlenet")), "inception_4c/output"
    lean, blobs = net._passes.lean, net._parts.blobs
    with net.lean():
        for _ in range(2):
            step(net, [end])
        room = lean._arena.capacity
        held = {name for name, blob in blobs.items() if blob.data_block.seen}
        diffs = {name for name, blob in blobs.items() if blob.diff_block.seen}
    last = list(net._layer_names).index(end)
    tops = {top for name in list(net._layer_names)[: last + 1] for top in net.top_names[name]}
    assert room < 0.35 * 2 * sum(blobs[name].count for name in tops if "_split_" not in name)
    within = set(net.bottom_names[end])
    splits = {name for name in blobs if name.startswith(f"{end}_")}
    assert held <= {"data", end} | within | splits and diffs == {"data", end}
    assert not len(lean._arena) and not lean._arena.capacity


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_goes_on_in_the_context(make):
    net = make()
    with net.lean():
        expected = [step(net, ["head"], seed) for seed in (0, 1)]
        step(net, ["head"], 0)
        child = os.fork()
        if child == 0:
            os._exit(0 if step(net, ["head"], 1) == expected[1] else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert step(net, ["head"], 1) == expected[1]


def test_interrupts_leave_a_lean_net_right():
    passes = interrupts.Passes()
    generator = random.Random(3)
    with passes.net.lean():
        found = Counter(what for _ in range(30) for what in passes.interrupt(generator))
    assert found["interrupted"] and set(found) == {"interrupted"}
    assert passes.step() == passes.wanted

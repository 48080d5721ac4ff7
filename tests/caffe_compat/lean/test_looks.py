"""What programs ask a lean net for, and Splits that they look into: as in other nets."""

import gc
import os
import signal
import threading
import weakref

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.layer_types.lrn import LRN
from tests.caffe_compat.lean.steps import TWO_HEADS, picture, step

NORMS = [f"norm_norm_0_split_{i}" for i in range(3)]
ONE_SPLIT = """
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 12 dim: 14 } } }
layer { name: "stem" type: "Convolution" bottom: "data" top: "stem"
  convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "norm" type: "LRN" bottom: "stem" top: "norm" lrn_param { alpha: 5 } }
layer { name: "sum" type: "Eltwise" bottom: "norm" bottom: "stem" top: "sum" }
"""


def test_diffs_that_a_backward_pass_is_asked_for_are_kept(make):
    plain, lean = make(), make()
    with lean.lean():
        for net in (plain, lean):
            step(net, ["head"])
        for _ in range(2):
            expected = plain.backward(diffs=["norm"], start="head")
            found = lean.backward(diffs=["norm"], start="head")
            assert np.array_equal(found["norm"], expected["norm"])


def test_blobs_that_a_forward_pass_is_asked_for_are_not_computed_again(make):
    noise = (
        'layer { name: "noise" type: "DummyData" top: "noise" dummy_data_param {'
        'shape { dim: 1 dim: 4 dim: 6 dim: 7 } data_filler { type: "gaussian" } } }\n'
    )
    net = make(noise + TWO_HEADS)  # which cannot be
    picture(net)
    with net.lean():
        assert net.forward(blobs=["mixed"], end="head")["mixed"].any()


def test_a_gradient_that_is_kept_outlives_the_next_forward_pass(make):
    plain, lean = make(), make()
    with lean.lean():
        for net in (plain, lean):
            step(net, ["head"])
        with pytest.raises(caffe.CaffeError, match="was given up"):
            lean.blobs["norm"].diff  # noqa: B018
        for net in (plain, lean):
            step(net, ["head"])
            net.forward(end="head")
        assert np.array_equal(lean.blobs["norm"].diff, plain.blobs["norm"].diff)


def test_what_was_looked_at_in_one_context_is_given_up_in_the_next(make):
    net = make()
    for look in (True, False):
        with net.lean():
            step(net, ["head"])
            if look:
                net.blobs["norm"].data  # noqa: B018
            assert net._parts.blobs["norm"].data_block.seen == look


def test_a_backward_pass_from_above_the_last_forward_pass_is_refused(make):
    net = make()
    with net.lean():
        step(net, ["head"])
        net.forward(end="norm")
        with pytest.raises(caffe.CaffeError, match=r'"head" reads .* given up; run it forward'):
            net.backward(start="head")


def test_values_that_are_gone_are_new_after_a_change_of_size(make):
    net = make()
    with net.lean():
        step(net, ["head"])
        net.blobs["data"].reshape(1, 3, 20, 22)
        net.reshape()
        norm = net.blobs["norm"].data
        assert norm.shape == (1, 16, 20, 22) and not norm.any()


def test_splits_that_were_separate_before_stay_so_and_merge_as_in_other_nets(make):
    plain, lean = make(), make()
    for net in (plain, lean):
        step(net, ["head"])
        assert net.blobs[NORMS[0]].diff.any()

    def separate():
        return [[not split.active for split in n._passes.splits.values()] for n in (plain, lean)]

    with lean.lean():
        for seed in range(3):
            assert step(lean, ["head"], seed) == step(plain, ["head"], seed)
            assert separate()[0] == separate()[1] and any(separate()[0])
    for net in (plain, lean):
        net._merge_splits()
        assert not net.blobs[NORMS[0]].diff.any()
    assert step(lean, ["head"]) == step(plain, ["head"]) and not any(sum(separate(), []))


def test_gradients_of_splits_that_a_pass_separates_lie_in_the_arena(make, lends):
    net = make()
    with net.lean():
        step(net, ["head"])
        names = list(net._layer_names)
        net._backward(names.index("head"), names.index("b"))  # which looks at none of them
        arena, blobs = net._passes.lean._arena, net._parts.blobs
        assert blobs[NORMS[2]].diff_block in arena and blobs["norm"].diff_block not in arena


def test_a_split_that_a_pass_separates_has_room_in_the_next_one(make, lends):
    readers = "".join(
        f'layer {{ name: "r{i}" type: "Pooling" bottom: "norm" top: "r{i}" '
        "pooling_param { kernel_size: 3 stride: 4 } }\n"
        for i in range(9)
    )
    named = " ".join(f'bottom: "r{i}"' for i in range(9))
    head = ONE_SPLIT.partition('layer { name: "sum"')[0]
    net = make(f'{head}{readers}layer {{ name: "end" type: "Concat" {named} top: "end" }}')
    names = list(net._layer_names)
    with net.lean():
        step(net, ["end"])
        net._backward(names.index("end"), names.index("r0"))
        del lends[:]
        step(net, ["end"])
        assert lends and all(lends)


def test_readers_that_cannot_add_read_the_values_of_this_pass_and_hold_none_after_it(make):
    plain, lean = make(ONE_SPLIT), make(ONE_SPLIT)
    with lean.lean():
        for seed in range(3):
            assert step(lean, ["sum"], seed) == step(plain, ["sum"], seed)
            lean.blobs["stem"].data  # noqa: B018  (which the reader reads, and is moved by this)
        arena = weakref.ref(lean._passes.lean._arena._values.base)
    gc.collect()
    assert arena() is None


def test_a_reader_that_was_interrupted_reads_the_values_of_the_next_pass(make, monkeypatch):
    plain, lean = make(ONE_SPLIT), make(ONE_SPLIT)
    backward = LRN.backward

    def interrupted(*given):
        backward(*given)
        raise KeyboardInterrupt

    with lean.lean():
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(LRN, "backward", interrupted)
            step(lean, ["sum"])
        lean.blobs["stem"].data  # noqa: B018  (which the reader reads, and is moved by this)
        assert step(lean, ["sum"], 1) == step(plain, ["sum"], 1)


def test_a_splits_gradients_are_zero_after_the_context(make):
    net = make()
    with net.lean():
        step(net, ["side", "head"])
    assert net.blobs["head"].diff.any()
    assert not net.blobs["pool_pool_0_split_0"].diff.any()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_that_is_forked_while_a_thread_runs_the_net_leaves_the_context(make):
    net, held, done = make(), threading.Event(), threading.Event()

    def hold():
        with net._passes.lock:
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    with net.lean():
        step(net, ["head"])
        holder.start()
        held.wait()
        child = os.fork()
        if child:
            status = os.waitpid(child, 0)[1]
            done.set()
            holder.join()
        else:
            signal.alarm(10)  # a hang ends here
    if not child:
        os._exit(0 if not net._passes.lean._depth else 1)
    assert status == 0

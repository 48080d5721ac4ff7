"""What anything leaves in a net's diffs never reaches a later request."""

import gc
import sys
import weakref

import numpy as np
import pytest

import deepdream
from deepdream.dream import class_pictures, objectives, passes
from deepdream.studies import compare

# a backward pass from A runs the sibling branch too, whose diff only a pass from B writes
A, B = "inception_3b/5x5_reduce", "inception_4c/output"
SMALL = np.full((12, 14, 3), 90, np.float32)


def dream(net, picture, end=A, **settings):
    rng = np.random.RandomState(4)
    return deepdream.deepdream(net, picture, 2, 2, end=end, rng=rng, **settings)


def first_channel(dst):
    dst.diff[:, 0] = dst.data[:, 0]


def match(net, picture):
    deepdream.match(net, picture, B, lambda x: 2 * x, evaluations=3)


def partial_backward(net, picture):
    net.forward(end=B)
    deepdream.partial_backward(net, {B: net.blobs[B].data.copy()}, B, to="pool1")


def partial_backward_uncleared(net, picture):
    net.forward(end=B)
    deepdream.partial_backward(net, {B: net.blobs[B].data.copy()}, B, clear=False)


def classes(net, picture):
    method = class_pictures.Method((class_pictures.Octave(1.0, 2, (4.0, 4.0), (0, 0)),), noise=20)
    class_pictures.visualise(net, "fc", 1, (32, 32), [3, 4], method)


def a_layer(net, picture):
    dream(net, picture, end=B)


def an_objective_of_two_layers(net, picture):
    dream(net, picture, objective=objectives.l2(B) + objectives.channel("conv1", 1))


def a_layer_then_a_small_guide(net, picture):
    # the guide makes every blob small; what lies beyond it in memory comes back as the octaves grow
    dream(net, picture, end=B)
    deepdream.guide_features(net, SMALL, B)


def compared(net, picture):
    state = deepdream.preprocess(net, picture)
    compare.from_state(net, B, objectives.objective_L2, state)


def its_own_backward(net, picture):
    net.forward(end=B)
    net.blobs[B].diff[...] = net.blobs[B].data
    net.backward(start=B)


def its_own_backward_with_an_earlier_dream(net, picture):
    dream(net, picture)
    its_own_backward(net, picture)


def every_diff_written(net, picture):
    net.blobs["data"].reshape(1, 3, 96, 96)
    net.forward(end=B)
    for blob in net.blobs.values():
        blob.diff[...] = 3


def every_diff_held(net, picture):
    net.blobs["data"].reshape(1, 3, 160, 160)
    net.forward(end=B)
    net.held = [blob.diff for blob in net.blobs.values()]


OTHERS = [
    match,
    its_own_backward,
    its_own_backward_with_an_earlier_dream,
    every_diff_written,
    every_diff_held,
    partial_backward,
    partial_backward_uncleared,
    classes,
    a_layer,
    an_objective_of_two_layers,
    a_layer_then_a_small_guide,
    compared,
]


@pytest.fixture
def fresh(small, caffe):
    return deepdream.load_net(small, caffe)


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.__name__)
def test_a_dream_after_another_target_is_that_of_a_fresh_net(other, net, fresh, picture):
    expected = dream(fresh, picture)
    assert np.array_equal(dream(net, picture), expected)
    other(net, picture)
    assert np.array_equal(dream(net, picture), expected)


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.__name__)
def test_an_objective_after_another_target_is_that_of_a_fresh_net(other, net, fresh, picture):
    objective = objectives.l2(A) + 0.5 * objectives.channel("pool1", 2)
    expected = dream(fresh, picture, objective=objective)
    other(net, picture)
    assert np.array_equal(dream(net, picture, objective=objective), expected)


def test_from_a_state_after_another_target_is_that_of_a_fresh_net(net, fresh, picture):
    state = deepdream.preprocess(net, picture)
    _, expected = compare.from_state(fresh, A, objectives.objective_L2, state)
    a_layer(net, picture)
    _, gradient = compare.from_state(net, A, objectives.objective_L2, state)
    assert np.array_equal(gradient, expected)


def test_a_function_that_writes_one_channel_gets_clean_others(net, fresh, picture):
    expected = dream(fresh, picture, objective=first_channel)
    dream(net, picture)
    assert np.array_equal(dream(net, picture, objective=first_channel), expected)


def test_a_function_that_writes_one_place_gives_the_same_dream_twice(net, picture):
    def one_place(dst):
        dst.diff[:, 0, 2, 3] = 1

    expected = dream(net, picture, objective=one_place)
    assert np.array_equal(dream(net, picture, objective=one_place), expected)


def test_a_pass_between_two_steps_does_not_reach_the_second(net, fresh, picture):
    def two_steps(net, between):
        net.blobs["data"].reshape(1, 3, 60, 80)
        net.blobs["data"].data[0] = deepdream.preprocess(net, picture)
        for _ in range(2):
            deepdream.make_step(net, end=A, jitter=0)
            between(net, picture)
        return net.blobs["data"].data.copy()

    expected = two_steps(fresh, lambda net, picture: None)
    assert np.array_equal(two_steps(net, its_own_backward), expected)


def test_the_weights_of_losses_stay(caffe, tmp_path):
    # a net keeps them in the diffs of its losses
    text = """layer { name: "data" type: "Input" top: "data"
                      input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
              layer { name: "loss" type: "EuclideanLoss" bottom: "data" bottom: "label" top: "loss"
                      loss_weight: 0.5 }
              layer { name: "a" type: "Power" bottom: "data" top: "a" }"""
    label = text.split('layer { name: "loss"')[0].replace('"data"', '"label"')
    path = tmp_path / "net.prototxt"
    path.write_text(f"force_backward: true {label} {text}")
    net = caffe.Net(str(path), caffe.TEST)
    net.blobs["data"].data[...] = 1
    expected = net.forward()["loss"].copy(), net.blobs["loss"].diff.copy()
    deepdream.partial_backward(net, {"a": np.zeros_like(net.blobs["a"].data)})
    assert (net.forward()["loss"], net.blobs["loss"].diff) == expected
    assert expected[1] == 0.5


def test_within_one_target_diffs_stay(net, picture):
    # as in the notebook: what the first step wrote is still there at the second
    seen = []

    def one_channel_a_step(dst):
        seen.append(dst.diff[0].any(axis=(1, 2)).sum())
        dst.diff[:, len(seen)] = 1

    deepdream.deepdream(net, picture, 3, 1, end=B, objective=one_channel_a_step)
    assert seen == [0, 1, 2]


def test_within_one_target_the_methods_of_one_object_are_one_objective(net, picture):
    class Growing:
        seen = ()

        def objective(self, dst):
            self.seen += (int(dst.diff[0].any(axis=(1, 2)).sum()),)
            dst.diff[:, len(self.seen)] = 1

    growing = Growing()
    deepdream.deepdream(net, picture, 2, 1, end=B, objective=lambda dst: growing.objective(dst))
    growing.seen = ()
    for _ in range(3):
        deepdream.make_step(net, end=B, objective=growing.objective)
    assert growing.seen == (0, 1, 2)


def test_an_objective_is_not_kept(net, picture):
    # it may hold the net, or a guide's features
    def own(dst):
        dst.diff[...] = net.blobs[A].data

    deepdream.deepdream(net, picture, 1, 1, end=A, objective=own)
    alive = weakref.ref(own)
    del own
    gc.collect()
    assert alive() is None


def test_a_new_nets_diffs_are_not_looked_at(small, caffe, picture, monkeypatch):
    # looking would give the diffs of a Split's tops memory of their own
    sharing = sys.modules.get("caffe_compat.net.sharing")
    if sharing is None:
        pytest.skip("a real Caffe does not tell")
    looks = []
    monkeypatch.setattr(sharing.MergedSplit, "separate", lambda split: looks.append(split))
    dream(deepdream.load_net(small, caffe), picture)
    assert looks == []


def test_a_request_sums_in_a_new_nets_order_whatever_arrays_a_program_holds(net, picture):
    if "caffe_compat" not in sys.modules:
        pytest.skip("a real Caffe has one order")
    every_diff_held(net, picture)
    splits = net._passes.splits.values()
    assert not any(split.active for split in splits)
    passes.new_request(net)
    assert splits and all(split.active for split in splits)

"""Memory that blobs share, as seen from outside: everything looks as if they did not."""

import numpy as np
import pytest

import caffe_compat as caffe

NET = """
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 2 dim: 6 dim: 7 } } }
layer { name: "stem" type: "Convolution" bottom: "data" top: "stem"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "gaussian" } } }
layer { name: "a" type: "Convolution" bottom: "stem" top: "a"
  convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "gaussian" } } }
layer { name: "b" type: "Pooling" bottom: "stem" top: "b"
  pooling_param { kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "c" type: "TanH" bottom: "stem" top: "c" }
layer { name: "all" type: "Concat" bottom: "a" bottom: "b" bottom: "c" top: "all" }
layer { name: "end" type: "Convolution" bottom: "all" top: "end"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "gaussian" } } }
"""
SPLITS = [f"stem_stem_0_split_{i}" for i in range(3)]


@pytest.fixture
def make(tmp_path):
    def call(text=NET):
        path = tmp_path / "net.prototxt"
        path.write_text(text)
        caffe.set_random_seed(5)
        net = caffe.Net(str(path), caffe.TEST)
        net.blobs["data"].data[...] = np.random.RandomState(0).normal(size=net.blobs["data"].shape)
        return net

    return call


def step(net, hold=False):
    held = [net.blobs[name].diff for name in SPLITS] if hold else []
    net.forward()
    net.blobs["end"].diff[...] = net.blobs["end"].data
    net.backward()
    assert not held or not any(split.active for split in net._passes.splits.values())
    return {name: blob.diff.copy() for name, blob in net.blobs.items()}


def test_merged_gradients_are_those_of_separate_memory(make):
    merged, apart = make(), make()
    merged_diffs = step(merged)
    for name, diff in step(apart, hold=True).items():
        atol = 1e-6 * max(1, np.abs(diff).max())  # sums of other orders cancel otherwise
        np.testing.assert_allclose(merged_diffs[name], diff, 1e-5, atol, err_msg=name)


def test_the_diffs_of_a_split_add_up_after_the_fact_and_in_later_passes(make):
    net = make()
    for _ in range(2):
        diffs = step(net)
        np.testing.assert_allclose(
            sum(diffs[name] for name in SPLITS), diffs["stem"], rtol=1e-5, atol=1e-6
        )
        assert all(diffs[name].any() for name in SPLITS)


def test_gradients_that_wait_are_of_the_layer_s_own_bottom(make):
    # of two readers that cannot add one is given a spare blob, which other layers are given too
    layers = ["stem data", "a stem", "b stem", "c a", "d a"]
    text = NET[: NET.index("layer {", NET.index("layer {") + 1)] + "".join(
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" '
        'inner_product_param { num_output: 8 weight_filler { type: "xavier" } } } '
        for name, bottom in map(str.split, layers)
    )
    late, soon = make(text), make(text)
    for blobs in soon.params.values():
        assert not blobs[0].diff.any()  # from now on each pass adds to it at once
    for net in (late, soon):
        net.forward()
        for name in "bcd":
            net.blobs[name].diff[...] = np.arange(8)
        net.backward()
    for name, blobs in soon.params.items():
        np.testing.assert_array_equal(late.params[name][0].diff, blobs[0].diff, err_msg=name)


@pytest.mark.parametrize("shapes", [[(1, 2, 5, 5)], [(1, 2, 9, 9), (1, 2, 6, 7)]])
def test_a_gradient_that_waits_is_lost_when_its_blobs_are_reshaped(shapes, make):
    net = make()
    step(net)
    for shape in shapes:
        net.blobs["data"].reshape(*shape)
    with pytest.warns(RuntimeWarning, match="another shape"):
        assert not net.params["stem"][0].diff.any()
    assert net.params["a"][0].diff.any()


def test_looking_at_a_splits_diff_does_not_add_to_parameters_gradients(make):
    net = make()
    net.params["a"][0].diff[...] = 0
    net.forward()
    net.blobs["end"].diff[...] = 1
    net.backward()
    before = net.params["a"][0].diff.copy()
    net.blobs[SPLITS[0]].diff  # noqa: B018
    np.testing.assert_array_equal(net.params["a"][0].diff, before)


def test_a_pass_that_ends_between_a_split_and_its_readers_leaves_the_splits_bottom_alone(make):
    net = make()
    net.forward()
    net.blobs["end"].diff[...] = 1
    net.backward(end="a")
    assert not net.blobs["stem"].diff.any() and net.blobs[SPLITS[0]].diff.any()


def test_diffs_may_be_looked_at_after_a_reshape_that_not_every_reader_can_follow(make):
    ip = (
        'layer { name: "ip" type: "InnerProduct" bottom: "stem" top: "ip" '
        "inner_product_param { num_output: 2 } }\n"
    )
    net = make(NET.replace('layer { name: "all"', ip + 'layer { name: "all"'))
    net.forward()
    net.backward()
    net.blobs["data"].reshape(1, 2, 9, 9)
    net.forward(end="c")
    for blob in net.blobs.values():
        blob.diff[...] = 0
    net.blobs["c"].diff[...] = 1
    net.backward(start="c")
    assert net.blobs["data"].diff.any()


def test_setting_all_diffs_to_zero_leaves_the_splits_as_they_were(make):
    # what many programs do before they look at another layer; gradients must be the same to the bit
    plain, cleared = make(), make()
    for blob in cleared.blobs.values():
        blob.diff[...] = 0
    np.testing.assert_array_equal(step(plain)["data"], step(cleared)["data"])
    for _ in range(2):
        for blob in cleared.blobs.values():
            blob.diff[...] = 0
        cleared.forward()
        cleared.backward()
        assert all(split.active for split in cleared._passes.splits.values())


def test_a_pass_in_two_spans_adds_what_the_first_one_left_in_a_split(make):
    whole, spans = step(make())["data"], make()
    for blob in spans.blobs.values():
        blob.diff[...] = 0
    spans.forward()
    spans.blobs["end"].diff[...] = spans.blobs["end"].data
    spans.backward(end="b")
    spans.backward(start="a")
    np.testing.assert_allclose(spans.blobs["data"].diff, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("part", [(), (0,), (0, 1, 2)])
def test_an_array_of_a_splits_diff_that_is_held_stays_live(part, make):
    net = make()
    held = net.blobs[SPLITS[1]].diff[part]
    step(net)
    assert np.any(held)
    np.testing.assert_array_equal(held, net.blobs[SPLITS[1]].diff[part])


def test_a_concat_is_its_bottoms_in_one_stretch_of_memory(make):
    net = make()
    net.forward()
    assert np.shares_memory(net.blobs["all"].data, net.blobs["b"].data)
    np.testing.assert_array_equal(
        net.blobs["all"].data, np.concatenate([net.blobs[n].data for n in "abc"], 1)
    )


def test_arrays_taken_before_a_pass_are_live_after_it_also_when_sizes_come_and_go(make):
    net = make()
    net.forward()
    held = {name: net.blobs[name].data for name in ("a", "b", "c", "all")}
    net.blobs["data"].reshape(1, 2, 4, 5)
    net.forward()
    net.blobs["data"].reshape(1, 2, 6, 7)
    net.blobs["data"].data[...] = 3
    net.forward()
    for name, array in held.items():
        np.testing.assert_array_equal(array, net.blobs[name].data)


def test_growing_gives_new_memory_that_is_one_stretch_again(make):
    net = make()
    net.forward()
    net.blobs["data"].reshape(1, 2, 16, 17)
    net.forward()
    assert np.shares_memory(net.blobs["all"].data, net.blobs["c"].data)
    np.testing.assert_array_equal(
        net.blobs["all"].data, np.concatenate([net.blobs[n].data for n in "abc"], 1)
    )


def test_a_forward_pass_into_a_branch_leaves_the_concat_behind_it_alone(make):
    net = make()
    net.forward()
    before = net.blobs["all"].data.copy()
    net.blobs["data"].data[...] = 9
    net.forward(end="b")
    np.testing.assert_array_equal(net.blobs["all"].data, before)
    net.forward()
    np.testing.assert_array_equal(
        net.blobs["all"].data, np.concatenate([net.blobs[n].data for n in "abc"], 1)
    )


@pytest.mark.parametrize("in_place", ["all", "c"])
def test_layers_that_work_in_place_behind_a_concat_keep_it_apart(in_place, make):
    behind = f'layer {{ name: "relu" type: "ReLU" bottom: "{in_place}" top: "{in_place}" }}\n'
    text = NET.replace('layer { name: "end"', behind + 'layer { name: "end"')
    if (
        in_place == "c"
    ):  # a second reader of c would need a Split; in place behind the Concat it is refused
        with pytest.raises(caffe.PrototxtError, match="cannot work in place"):
            make(text)
        return
    net = make(text)
    net.forward()
    assert (net.blobs["c"].data < 0).any() and not (net.blobs["all"].data < 0).any()


def test_several_items_in_a_batch_are_copied(make):
    net = make(NET.replace("dim: 1 dim: 2", "dim: 2 dim: 2"))
    net.forward()
    assert not np.shares_memory(net.blobs["all"].data, net.blobs["a"].data)
    np.testing.assert_array_equal(
        net.blobs["all"].data, np.concatenate([net.blobs[n].data for n in "abc"], 1)
    )


HOLDINGS = {  # what a program keeps of a Split's diff, made from the array that it was given
    "the array": lambda diff: diff,
    "a slice": lambda diff: diff[0, 1:3],
    "a slice of a view": lambda diff: diff.reshape(4, -1).T[3:9, 1],
    "a view of other numbers": lambda diff: diff.view(np.int32)[:, ::2],
    "a memoryview": lambda diff: memoryview(diff[0]),
}


def clear(net):
    for blob in net.blobs.values():
        blob.diff[...] = 0


@pytest.mark.parametrize("kept", HOLDINGS)
def test_a_split_keeps_the_diff_of_which_somebody_holds_a_part(kept, make):
    net, apart = make(), make()
    held = HOLDINGS[kept](net.blobs[SPLITS[1]].diff)
    clear(net)
    diffs, wanted = step(net), step(apart, hold=True)
    assert not any(split.active for split in net._passes.splits.values())
    for name, diff in wanted.items():
        np.testing.assert_array_equal(diffs[name], diff, err_msg=name)
    np.testing.assert_array_equal(held, HOLDINGS[kept](net.blobs[SPLITS[1]].diff))
    assert np.any(held)


@pytest.mark.parametrize("kept", HOLDINGS)
def test_a_split_merges_again_once_all_that_was_held_is_dropped_and_zero(kept, make):
    net, fresh = make(), make()
    held = HOLDINGS[kept](net.blobs[SPLITS[1]].diff)
    step(net)
    del held
    clear(net)
    net.forward()
    net.blobs["end"].diff[...] = net.blobs["end"].data
    net.backward()
    assert all(split.active for split in net._passes.splits.values())
    gradient = net.blobs["data"].diff.copy()
    np.testing.assert_array_equal(gradient, step(fresh)["data"])


def test_an_array_held_while_another_is_dropped_keeps_the_memory(make):
    net = make()
    first, second = net.blobs[SPLITS[0]].diff, net.blobs[SPLITS[0]].diff[0]
    assert np.shares_memory(first, second)
    del first
    step(net)
    assert second.any()
    np.testing.assert_array_equal(second, net.blobs[SPLITS[0]].diff[0])


def test_an_array_of_memory_that_a_split_has_outgrown_holds_nothing(make):
    net = make()
    old = net.blobs[SPLITS[0]].diff
    net.blobs["data"].reshape(1, 2, 16, 17)
    net.forward()
    for _ in range(2):
        clear(net)
        net.backward()
    assert all(split.active for split in net._passes.splits.values())
    assert old.shape == (1, 4, 6, 7)

"""Objectives agree with their gradients, compose, and follow masks; partial backward passes."""

import numpy as np
import pytest

import deepdream
from deepdream.dream import nearest, passes
from deepdream.dream import objectives as o

A, B, C = "inception_3b/1x1", "inception_3b/5x5_reduce", "inception_4c/output"


@pytest.fixture
def filled(net, rng):
    """The small net with a picture of 24x28 in it."""
    net.blobs["data"].reshape(1, 3, 24, 28)
    net.blobs["data"].data[...] = rng.uniform(-100, 120, (1, 3, 24, 28))
    return net


MASK = np.linspace(0, 1, 12)[:, None] * np.ones((1, 10))
SINGLE = {
    "l2": lambda rng: o.l2(C),
    "l2 within": lambda rng: o.l2(C).within(MASK),
    "channel": lambda rng: o.channel(C, 3),
    "channels within": lambda rng: o.channel(C, 3, 7).within(MASK),
    "neuron": lambda rng: o.neuron(C, 2),
    "neuron at": lambda rng: o.neuron(C, 2, 1, 0).within(MASK),
    "strongest": lambda rng: o.strongest(C),
    "strongest of some, within": lambda rng: o.strongest(C, 3).within(MASK),
    "score": lambda rng: o.score(C, 4),
    "score within": lambda rng: o.score(C, 4).within(MASK),
    "guide": lambda rng: o.guide(C, rng.normal(0, 30, (10, 3, 4)), rng.normal(0, 30, (10, 2, 2))),
    "guide within": lambda rng: o.guide(C, rng.normal(0, 30, (10, 3, 4))).within(MASK),
    "sum over layers": lambda rng: (
        0.7 * o.l2(C) - 0.3 * o.l2(A) + 2 * o.channel("conv1", 1).within(MASK)
    ),
    "before and after in-place layers": lambda rng: o.l2(B) + 0.5 * o.channel("conv1", 2),
    "twice one layer": lambda rng: o.l2(C) - 20 * o.channel(C, 1),
}


@pytest.mark.parametrize("name", SINGLE)
def test_value_and_gradient_agree(name, filled, rng):
    objective = SINGLE[name](rng)
    source = filled.blobs["data"]
    start = source.data.copy()
    value, gradient = passes.gradient(filled, objective)
    gradient = gradient.astype(float).copy()
    for _ in range(4):
        # along the gradient, where the slope stands out from float32's rounding, and with noise
        direction = gradient / np.abs(gradient).max() + rng.normal(0, 0.3, gradient.shape)
        step = 0.02
        values = []
        for sign in (1, -1):
            source.data[...] = start + sign * step * direction
            values.append(passes.gradient(filled, objective)[0])
        source.data[...] = start
        slope = (values[0] - values[1]) / (2 * step)
        assert slope == pytest.approx(float((gradient * direction).sum()), rel=2e-2)


def test_the_strongest_of_the_first_channels_grows_at_each_place():
    x = np.array([[1, 5], [3, 2], [9, 9]], np.float32).reshape(1, 3, 1, 2)
    value, gradients = o.strongest(C, 2).value_and_gradients({C: x})
    assert value == 8 and gradients[C].reshape(3, 2).tolist() == [[0, 1], [1, 0], [0, 0]]
    assert o.strongest(C).value_and_gradients({C: x})[0] == 18
    for count in (-1, 0, 4):
        with pytest.raises(deepdream.TargetError, match=f"the strongest of {count} of them"):
            o.strongest(C, count).value_and_gradients({C: x})


def test_one_l2_is_the_notebooks_dream_to_the_bit(net, picture):
    settings = dict(iter_n=2, octave_n=2, end=C)
    plain = deepdream.deepdream(net, picture, rng=np.random.RandomState(4), **settings)
    composed = deepdream.deepdream(
        net, picture, rng=np.random.RandomState(4), objective=o.l2(C), **settings
    )
    assert np.array_equal(plain, composed)


def test_one_guide_is_the_notebooks_to_the_bit(net, picture):
    features = deepdream.guide_features(net, picture[:40, :50], C)
    settings = dict(iter_n=2, octave_n=2, end=C)
    plain = deepdream.deepdream(
        net,
        picture,
        rng=np.random.RandomState(4),
        objective=o.objective_guide(features),
        **settings,
    )
    composed = deepdream.deepdream(
        net, picture, rng=np.random.RandomState(4), objective=o.guide(C, features), **settings
    )
    assert np.array_equal(plain, composed)


def test_gradients_of_a_sum_are_the_sum_of_the_gradients(filled):
    parts = [0.7 * o.l2(C), -0.3 * o.l2(A), 5 * o.channel("conv1", 1), o.channel("pool1", 0, 2)]
    # each with the values that the forward pass of the sum leaves
    whole = passes.gradient(filled, parts[0] + parts[1] + parts[2] + parts[3])[1].copy()
    activations, end = passes.forward_values(filled, [C, A, "conv1", "pool1"])
    total = 0
    for part in parts:
        _, diffs = part.value_and_gradients(activations)
        total = total + passes.backward(filled, diffs, end).copy()
    np.testing.assert_allclose(whole, total, rtol=1e-4, atol=1e-5 * np.abs(whole).max())


def test_what_one_dream_leaves_behind_does_not_leak_into_the_next(filled):
    clean = passes.gradient(filled, o.l2(A))[1].copy()
    passes.gradient(filled, o.l2(C) + o.l2(B))
    assert np.array_equal(passes.gradient(filled, o.l2(A))[1], clean)


def test_repeated_passes_do_not_add_up(filled):
    objective = o.l2(A) - 0.5 * o.l2(B)  # neither is read by the other
    first = passes.gradient(filled, objective)[1].copy()
    assert np.array_equal(passes.gradient(filled, objective, clear=False)[1], first)


def test_masks_say_where(net, picture):
    left = np.zeros((6, 8))
    left[:, :4] = 1
    settings = dict(iter_n=1, octave_n=1, jitter=0, clip=False)
    changed = np.abs(
        deepdream.deepdream(net, picture, objective=o.l2(A).within(left), **settings) - picture
    ).mean(2)
    assert changed[:, 52:].max() < 0.1 * changed[:, :30].mean()


def test_masks_follow_the_jitter(net, picture):
    left = np.zeros((6, 8))
    left[:, :4] = 1
    settings = dict(iter_n=1, octave_n=1, jitter=20, clip=False)
    changed = 0
    for seed in range(6):
        settings["rng"] = np.random.RandomState(seed)
        dreamt = deepdream.deepdream(net, picture, objective=o.l2(A).within(left), **settings)
        changed = changed + np.abs(dreamt - picture).mean(2)
    assert changed[10:-10, 52:72].mean() < 0.05 * changed[10:-10, 8:28].mean()


def test_each_region_has_its_own_objective(filled):
    left = np.zeros((4, 4))
    left[:, :2] = 1
    both = passes.gradient(filled, o.channel(A, 0).within(left) + o.channel(A, 1).within(1 - left))[
        1
    ].copy()
    one = passes.gradient(filled, o.channel(A, 0).within(left))[1].copy()
    two = passes.gradient(filled, o.channel(A, 1).within(1 - left))[1].copy()
    np.testing.assert_allclose(both, one + two, rtol=1e-4, atol=1e-6 * np.abs(both).max())


def test_a_negative_weight_makes_less_of_it(net, picture):
    def strength(img):
        values, _ = passes.forward_values(net, [A])
        net.blobs["data"].reshape(1, 3, *img.shape[:2])
        net.blobs["data"].data[0] = deepdream.preprocess(net, img)
        values, _ = passes.forward_values(net, [A])
        return float((values[A].astype(float) ** 2).sum())

    before = strength(picture)
    settings = dict(iter_n=5, octave_n=1, rng=np.random.RandomState(0), end=A)
    assert strength(deepdream.deepdream(net, picture, objective=-1 * o.l2(A), **settings)) < before
    settings["rng"] = np.random.RandomState(0)
    assert strength(deepdream.deepdream(net, picture, objective=o.l2(A), **settings)) > before


def test_guides_in_blocks_are_the_same(rng, monkeypatch):
    x, y = rng.normal(size=(6, 50)).astype(np.float32), rng.normal(size=(6, 40)).astype(np.float32)
    whole = nearest.nearest(x, y)
    monkeypatch.setattr(nearest, "MOST_PRODUCTS", 300)
    blocks = nearest.nearest(x, y)
    assert np.array_equal(whole[0], blocks[0]) and np.allclose(whole[1], blocks[1], rtol=1e-5)


def test_what_is_not_there_is_named(filled):
    with pytest.raises(
        deepdream.TargetError, match='"inception_4c/output" has 10 channels, from 0 to 9, no 10'
    ):
        passes.gradient(filled, o.channel(C, 10))
    with pytest.raises(deepdream.TargetError, match="places .rows x columns., none at 30, 0"):
        passes.gradient(filled, o.neuron(C, 0, 30, 0))
    with pytest.raises(deepdream.TargetError, match='no layer "inception_9z"'):
        passes.gradient(filled, o.l2("inception_9z"))
    with pytest.raises(ValueError, match="a mask has the shape"):
        o.l2(C).within(np.zeros((3, 4, 3)))


# ---- partial backward


def reference(net, end, diff):
    """Caffe's own net.backward from one layer, on clean diffs."""
    for blob in net.blobs.values():
        blob.diff[...] = 0
    net.blobs[end].diff[...] = diff
    net.backward(start=end)
    return net.blobs["data"].diff.copy()


@pytest.mark.parametrize("end", ["conv1", "pool1", A, B, "inception_3b/output", C])
def test_from_one_blob_it_is_caffes_own(end, filled, rng):
    filled.forward(end=end)
    diff = rng.normal(size=filled.blobs[end].data.shape).astype(np.float32)
    expected = reference(filled, end, diff)
    assert np.array_equal(passes.backward(filled, {end: diff}, end), expected)


def test_after_an_in_place_layer_its_slope_counts(filled, rng):
    filled.forward(end=B)
    before = passes.backward(filled, {B: np.ones_like(filled.blobs[B].data)}, B).copy()
    filled.forward(end="inception_3b/output")
    positive = (filled.blobs[B].data > 0).astype(np.float32)
    after = passes.backward(filled, {B: np.ones_like(positive)}).copy()
    filled.forward(end=B)
    masked = passes.backward(filled, {B: positive}, B)
    assert not np.array_equal(before, after)
    np.testing.assert_allclose(after, masked, rtol=1e-5, atol=1e-7)


def test_to_any_blob(filled, rng):
    filled.forward(end=C)
    diff = rng.normal(size=filled.blobs[C].data.shape).astype(np.float32)
    whole = passes.backward(filled, {C: diff}).copy()
    half_way = passes.backward(filled, {C: diff}, to="pool1").copy()
    assert half_way.shape == filled.blobs["pool1"].data.shape
    np.testing.assert_allclose(
        passes.backward(filled, {"pool1": half_way}), whole, rtol=1e-5, atol=1e-7
    )


def test_to_a_blob_that_is_a_start_itself(filled):
    filled.forward(end=C)
    ones = np.ones_like(filled.blobs["pool1"].data)
    above = passes.backward(filled, {C: filled.blobs[C].data.copy()}, to="pool1").copy()
    both = passes.backward(filled, {C: filled.blobs[C].data.copy(), "pool1": ones}, to="pool1")
    np.testing.assert_allclose(both, above + 1, rtol=1e-5, atol=1e-6)


def test_a_blob_that_no_layer_makes(filled):
    filled.forward(end=C)
    with pytest.raises(deepdream.TargetError, match='no layer makes a blob "nowhere"'):
        passes.backward(filled, {C: 1}, to="nowhere")


def test_arithmetic_is_of_the_values(filled):
    a, b = o.l2(C), o.channel("conv1", 1)
    activations, _ = passes.forward_values(filled, [C, "conv1"])
    value_of = lambda objective: objective.value_and_gradients(activations)[0]  # noqa: E731
    assert value_of(2 * a - 0.5 * b) == pytest.approx(2 * value_of(a) - 0.5 * value_of(b))
    assert value_of(-a + b) == pytest.approx(value_of(b) - value_of(a))


def test_a_region_of_a_region_is_their_overlap(filled):
    left, top = np.zeros((8, 8)), np.zeros((8, 8))
    left[:, :4], top[:4] = 1, 1
    activations, _ = passes.forward_values(filled, [C])
    twice = o.l2(C).within(left).within(top).value_and_gradients(activations)
    once = o.l2(C).within(left * top).value_and_gradients(activations)
    assert twice[0] == pytest.approx(once[0]) and np.allclose(twice[1][C], once[1][C])

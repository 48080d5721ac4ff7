"""What a step and a dream do, beyond equality with the notebook."""

import numpy as np
import pytest

import deepdream
from deepdream.dream.octaves import octave_sizes


def start(net, picture):
    src = net.blobs["data"]
    src.reshape(1, 3, *picture.shape[:2])
    src.data[0] = deepdream.preprocess(net, picture)
    return src


def test_preprocess_and_deprocess_are_inverse(net, picture):
    x = deepdream.preprocess(net, picture)
    assert x.shape == (3, 60, 80) and x.dtype == np.float32
    np.testing.assert_array_equal(x[0], picture[..., 2] - 104)
    np.testing.assert_allclose(deepdream.deprocess(net, x), picture, atol=1e-4)


def test_a_step_raises_the_objective(net, picture):
    src = start(net, picture)
    values = []
    for _ in range(5):
        deepdream.make_step(net, jitter=0, rng=np.random.RandomState(0))
        values.append(float((net.blobs["inception_4c/output"].data.astype(float) ** 2).sum()))
    assert values == sorted(values) and values[-1] > 1.2 * values[0]
    assert src.data.min() >= -122 and src.data.max() <= 255 - 104


def test_a_step_changes_values_by_its_size_on_average(net, picture):
    src = start(net, picture)
    before = src.data.copy()
    deepdream.make_step(net, step_size=2.5, clip=False, rng=np.random.RandomState(0))
    assert np.abs(src.data - before).mean() == pytest.approx(2.5, rel=1e-4)


def test_a_custom_objective_is_any_function_that_writes_diff(net, picture):
    src = start(net, picture)

    def first_channel(dst):
        dst.diff[...] = 0
        dst.diff[:, 0] = 1

    before = src.data.copy()
    deepdream.make_step(net, objective=first_channel, rng=np.random.RandomState(0))
    assert not np.array_equal(src.data, before)


@pytest.mark.parametrize("value, error, words", [
    (0, deepdream.ZeroGradientError, "zero everywhere"),
    (np.nan, deepdream.NotFiniteError, "not a number"),
])  # fmt: skip
def test_no_gradient_says_so_and_leaves_the_picture(value, error, words, net, picture):
    src = start(net, picture)
    before = src.data.copy()

    def nothing(dst):
        dst.diff[...] = value

    with pytest.raises(error, match=f"inception_4c/output.*{words}"):
        deepdream.make_step(net, objective=nothing, rng=np.random.RandomState(0))
    np.testing.assert_array_equal(src.data, before)


@pytest.mark.parametrize("tiny, step_size", [(1e-44, 1e39), (1, 1e39)])
def test_a_step_that_is_not_a_number_leaves_the_picture(tiny, step_size, net, picture):
    net.blobs["data"].reshape(1, 3, 60, 80)
    net.blobs["data"].data[0] = before = deepdream.preprocess(net, picture)

    def objective(dst):
        dst.diff[...] = tiny

    with pytest.raises(deepdream.NotFiniteError, match="a step of .* is not a number"):
        deepdream.make_step(
            net, end="data", objective=objective, step_size=step_size, clip=False, jitter=0
        )
    assert np.array_equal(net.blobs["data"].data[0], before)


def test_progress_counts_octaves_and_steps(net, picture):
    seen = []
    deepdream.deepdream(net, picture, 2, 2, report=seen.append, rng=np.random.RandomState(0))
    assert [(p.octave, p.octaves, p.step, p.steps, p.size) for p in seen] == [
        (1, 2, 1, 2, (43, 57)),
        (1, 2, 2, 2, (43, 57)),
        (2, 2, 1, 2, (60, 80)),
        (2, 2, 2, 2, (60, 80)),
    ]


def watched(net, picture, **settings):
    """(the dream, [(picture, full picture)] after each step)."""
    seen = []

    def keep(p):
        seen.append((p.picture, p.full_picture))

    rng = np.random.RandomState(0)
    return deepdream.deepdream(net, picture, 2, 3, report=keep, rng=rng, **settings), seen


def test_progress_has_the_picture_at_the_size_of_its_octave_and_at_full_size(net, picture):
    result, seen = watched(net, picture)
    small, full = zip(*seen)
    assert [p.shape for p in small[::2]] == [(31, 41, 3), (43, 57, 3), (60, 80, 3)]
    assert {p.shape for p in full} == {(60, 80, 3)}
    assert {p.dtype for p in small + full} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(small[-1], result)
    np.testing.assert_array_equal(full[-1], result)
    changes = [np.abs(p - picture).mean() for p in full]
    assert changes == sorted(changes) and changes[0] > 0.5


def test_looking_at_a_dream_does_not_change_it(net, picture):
    result, _ = watched(net, picture)
    unseen = deepdream.deepdream(net, picture, 2, 3, rng=np.random.RandomState(0))
    np.testing.assert_array_equal(result, unseen)


def test_a_picture_of_progress_is_the_callers_own(net, picture):
    def spoil(p):
        p.picture[...] = 0
        p.full_picture[...] = 0

    spoilt, clean = (
        deepdream.deepdream(net, picture, 1, 2, report=report, rng=np.random.RandomState(0))
        for report in (spoil, None)
    )
    np.testing.assert_array_equal(spoilt, clean)


def test_progress_of_no_running_dream_has_no_picture():
    with pytest.raises(AttributeError, match="not of a running dream"):
        deepdream.Progress(1, 1, 1, 1, (4, 4)).picture  # noqa: B018


def test_a_net_is_asked_about_its_layers_and_sizes(net, picture):
    asked = []
    net.preflight = lambda end, sizes: asked.append((end, list(sizes)))
    settings = dict(iter_n=0, octave_n=2)
    deepdream.deepdream(net, picture, end="conv1", **settings)
    assert asked == [("conv1", [(60, 80), (43, 57)])]
    objective = deepdream.l2("conv1") + deepdream.l2("pool1")
    deepdream.deepdream(net, picture, objective=objective, **settings)
    deepdream.guide_features(net, picture, "pool1")
    assert [end for end, _ in asked[1:]] == ["conv1", "pool1", "pool1"]
    assert asked[-1] == ("pool1", [(60, 80)])
    with pytest.raises(deepdream.TargetError, match="zero everywhere"):
        deepdream.match(net, picture, "conv1", lambda x: 0 * x, octave_n=2)
    assert asked[4] == ("conv1", [(60, 80), (43, 57)])


def test_a_net_that_cannot_be_asked_is_not(net, picture):
    del net.preflight
    assert deepdream.deepdream(net, picture, 1, 1).shape == (60, 80, 3)


def test_octave_sizes_are_the_notebooks():
    assert octave_sizes(575, 1024, 4, 1.4) == [(575, 1024), (411, 731), (294, 522), (210, 373)]


@pytest.mark.parametrize("size", [(575, 1024), (427, 640), (101, 77), (63, 250)])
@pytest.mark.parametrize("scale", [1.4, 1.1, 2.0, 1.5])
def test_octave_sizes_are_scipys(size, scale):
    from scipy import ndimage

    x = np.zeros((1, *size), np.float32)
    for expected in octave_sizes(*size, 4, scale):
        assert x.shape[1:] == expected
        x = ndimage.zoom(x, (1, 1.0 / scale, 1.0 / scale), order=1)


def test_a_guide_of_another_size_is_taken(net, picture, rng):
    guide = np.float32(rng.randint(0, 256, (33, 90, 3)))
    end = "inception_3b/output"
    features = deepdream.guide_features(net, guide, end)
    assert features.shape == (12, 8, 22)
    deepdream.deepdream(net, picture, 1, 2, end=end, objective=deepdream.objective_guide(features))


def test_guide_objective_takes_the_nearest_feature():
    class Blob:
        data = np.float32(
            [[[[1, 0]], [[0, 2]]]]
        )  # at (0, 0) the vector (1, 0), at (0, 1) the vector (0, 2)
        diff = np.zeros((1, 2, 1, 2), np.float32)

    guide = np.float32([[[3, 0]], [[0, 5]]])  # vectors (3, 0) and (0, 5)
    deepdream.objective_guide(guide)(Blob)
    np.testing.assert_array_equal(Blob.diff[0, :, 0, :], [[3, 0], [0, 5]])


def test_a_prior_makes_the_dream_smoother(net, picture):
    def roughness(prior):
        dreamt = deepdream.deepdream(net, picture, 4, 1, prior=prior, rng=np.random.RandomState(0))
        return float((np.diff(dreamt, axis=0) ** 2).sum() + (np.diff(dreamt, axis=1) ** 2).sum())

    assert roughness(0.5 * deepdream.priors.tv(2)) < 0.9 * roughness(None)

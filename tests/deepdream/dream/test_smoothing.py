"""Smoothed gradients: pyramids that come together again, steps that still go uphill."""

import numpy as np
import pytest
from scipy.ndimage import convolve1d

from deepdream.dream import smoothing
from deepdream.dream.octaves import deepdream
from deepdream.dream.preprocess import preprocess
from deepdream.dream.step import make_step


def noise(*shape, seed=0):
    return np.random.RandomState(seed).normal(0, 1e-7, shape).astype(np.float32)


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (5, 64), (1, 1), (3, 40)])
def test_a_pyramid_is_put_together_to_what_it_was(size):
    values = noise(3, *size)
    pyramid = smoothing.split(values, 4)
    np.testing.assert_allclose(smoothing.merged(pyramid), values, atol=1e-12)


def test_a_pyramid_halves_and_stops_before_a_side_of_one():
    shapes = [level.shape for level in smoothing.split(noise(3, 9, 20), 8)]
    assert shapes == [(3, 9, 20), (3, 5, 10), (3, 3, 5)]


def test_a_flat_picture_lies_in_the_rest_alone():
    *levels, rest = smoothing.split(np.full((1, 16, 12), 5, np.float32), 3)
    assert all(np.abs(level).max() < 1e-5 for level in levels)
    assert np.allclose(rest, 5)


def test_the_laplacian_gives_fine_and_coarse_the_same_strength():
    def strengths(values):
        return [np.abs(level).mean() for level in smoothing.split(values, 3)]

    rough = noise(1, 64, 64)
    before, after = strengths(rough), strengths(smoothing.Laplacian(3)(rough))
    assert before[0] / before[-1] > 10 and after[0] / after[-1] < 2


def test_a_gradient_of_zero_stays_zero():
    assert not smoothing.Laplacian()(np.zeros((3, 20, 20), np.float32)).any()


def test_the_gaussian_takes_the_checkerboard_away_and_leaves_the_mean():
    board = np.indices((20, 20)).sum(0) % 2 + np.zeros((3, 1, 1), np.float32)
    smooth = smoothing.Gaussian(2.0)(board)
    assert smooth.dtype == board.dtype and abs(smooth.mean() - 0.5) < 1e-3
    assert smooth.std() < 0.05 * board.std()


def test_natural_colours_leave_brightness_and_weaken_hues():
    brightness = np.ones((3, 1, 1), np.float32) * noise(1, 8, 8)
    hue = np.float32([1, 0, -1]).reshape(3, 1, 1) * noise(1, 8, 8)
    natural = smoothing.Natural()
    np.testing.assert_allclose(natural(brightness), brightness, rtol=1e-5)
    np.testing.assert_allclose(natural(hue), 0.4 * hue, rtol=1e-5, atol=1e-13)
    np.testing.assert_allclose(smoothing.Natural(1)(hue), 0.16 * hue, rtol=1e-5, atol=1e-13)
    np.testing.assert_array_equal(natural(noise(1, 8, 8)), noise(1, 8, 8))  # a grey net's


def test_natural_colours_of_few_places_at_once_are_those_of_all(monkeypatch):
    monkeypatch.setattr(smoothing, "_PLACES", 7)
    sizes, matmul = [], np.matmul
    monkeypatch.setattr(np, "matmul", lambda a, b, out: sizes.append(b.shape) or matmul(a, b, out))
    g, natural = noise(2, 3, 5, 6), smoothing.Natural()
    wanted = np.einsum("cd,ndhw->nchw", natural.matrix(), g)
    np.testing.assert_allclose(natural(g), wanted, rtol=1e-4, atol=1e-13)
    assert [shape[-1] for shape in sizes] == [7, 7, 7, 7, 2]


def test_natural_colours_do_the_same_to_bgr_and_rgb():
    g = noise(2, 3, 7, 9)
    natural = smoothing.Natural()
    np.testing.assert_allclose(natural(g[:, ::-1]), natural(g)[:, ::-1], rtol=1e-4, atol=1e-13)
    assert natural(g).dtype == g.dtype


def test_a_chain_works_from_left_to_right():
    g = noise(3, 16, 16)
    wanted = smoothing.Natural()(smoothing.Laplacian(2)(g))
    np.testing.assert_array_equal(smoothing.named("laplacian:2+natural")(g), wanted)


@pytest.mark.parametrize(
    "smooth",
    [smoothing.Gaussian(1.5), smoothing.Laplacian(3), smoothing.Natural()],
    ids=["gaussian", "laplacian", "natural"],
)
def test_a_smoothed_gradient_still_points_uphill(smooth):
    for seed in range(20):
        g = noise(3, 19, 24, seed=seed)
        assert (g * smooth(g)).sum() > 0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        ("gaussian", smoothing.Gaussian()),
        ("gaussian:2.5", smoothing.Gaussian(2.5)),
        ("laplacian", smoothing.Laplacian()),
        ("laplacian:3", smoothing.Laplacian(3)),
        ("natural", smoothing.Natural()),
        ("natural:0.7", smoothing.Natural(0.7)),
        ("laplacian+natural", smoothing.Chain((smoothing.Laplacian(), smoothing.Natural()))),
    ],
)
def test_names_of_smoothings(text, wanted):
    assert smoothing.named(text) == wanted


@pytest.mark.parametrize(
    "text", ["median", "gaussian:", "gaussian:0", "gaussian:nan", "gaussian:1e9", "laplacian:1.5",
             "laplacian:0", "laplacian:99", "laplacian:", "gauss\x1bian", "natural:0",
             "natural:inf", "natural:nan", "laplacian+", "+", "+".join(["natural"] * 5)],
)  # fmt: skip
def test_other_texts_are_refused_with_what_can_be_written(text):
    with pytest.raises(ValueError, match="write gaussian, gaussian:DEVIATION"):
        smoothing.named(text)


def test_a_dream_with_a_smoothing_has_less_of_the_finest_level(net):
    photo = np.random.RandomState(0).uniform(0, 255, (40, 52, 3)).astype(np.float32)

    def fine(smooth):
        made = deepdream(
            net, photo, 3, 1, end="conv1", rng=np.random.RandomState(1), smoothing=smooth
        )
        change = (made - photo).transpose(2, 0, 1)
        return smoothing.split(change, 2)[0].std() / change.std()

    assert fine(smoothing.Gaussian(2.0)) < 0.7 * fine(None)


def test_a_step_smooths_each_channel_of_its_gradient(net, picture):
    """A smoothing that changes nothing leaves the step as it is, and gets all channels."""
    seen = []

    def nothing(g):
        seen.append(g.shape)
        return g

    steps = []
    for how in (None, nothing):
        net.blobs["data"].reshape(1, *picture.transpose(2, 0, 1).shape)
        net.blobs["data"].data[0] = preprocess(net, picture)
        make_step(net, end="conv1", rng=np.random.RandomState(4), smoothing=how)
        steps.append(net.blobs["data"].data.copy())
    assert seen == [steps[0].shape[1:]]
    np.testing.assert_array_equal(*steps)


@pytest.mark.parametrize("size", [(2, 2), (5, 4), (6, 9), (37, 52)])
def test_the_pyramid_blurs_as_scipy_does_to_the_bit(size, rng):
    def blurred(values):
        for axis in (-1, -2):
            values = convolve1d(values, np.float32([1, 4, 6, 4, 1]) / 16, axis=axis, mode="mirror")
        return values

    values = np.float32(rng.normal(0, 60, (1, *size)))
    coarse = smoothing._halved(values, np.empty)
    np.testing.assert_array_equal(coarse, blurred(values)[:, ::2, ::2])
    apart = np.zeros_like(values)
    apart[:, ::2, ::2] = coarse
    enlarged = smoothing._enlarged(coarse, (0, slice(0, size[0])), values.shape)
    np.testing.assert_array_equal(enlarged, 4 * blurred(apart)[0])

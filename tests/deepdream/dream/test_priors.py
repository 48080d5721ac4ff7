"""Priors: gradients are derivatives; Yosinski's operations do what the paper says."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from deepdream.dream import priors

SHAPE = (2, 3, 4, 5)
PRIORS = {
    "tv 2": priors.tv(),
    "tv 1": priors.tv(1),
    "tv 3": priors.tv(3),
    "alpha 6": priors.alpha_norm(),
    "l2": priors.l2_norm(),
    "sum": 0.5 * priors.tv(2) + 1e-3 * priors.alpha_norm(4),
}


@pytest.mark.parametrize("name", PRIORS)
def test_gradients_are_derivatives(name, rng):
    prior = PRIORS[name]
    x = rng.normal(0, 2, SHAPE)

    def value(flat):
        return prior.value_and_gradient(flat.reshape(SHAPE))[0]

    def gradient(flat):
        return prior.value_and_gradient(flat.reshape(SHAPE))[1].ravel()

    assert check_grad(value, gradient, x.ravel()) < 1e-4 * np.linalg.norm(gradient(x.ravel()))


def test_total_variation_by_hand():
    # 0 2
    # 1 5   differences: right 2, 4; down 1, 3
    x = np.array([[0.0, 2.0], [1.0, 5.0]]).reshape(1, 1, 2, 2)
    assert priors.tv(2).value_and_gradient(x)[0] == 4 + 16 + 1 + 9
    assert priors.tv(1).value_and_gradient(x)[0] == pytest.approx(
        np.sqrt(4 + 1) + 4 + 3, abs=2e-3
    )  # 1e-3 is the smoothing's


def test_norms_by_hand():
    x = np.array([1.0, -2.0]).reshape(1, 1, 1, 2)
    assert priors.alpha_norm(6).value_and_gradient(x)[0] == 1 + 64
    assert priors.l2_norm().value_and_gradient(x)[1].tolist() == [[[[2, -4]]]]


def test_the_border_has_no_difference_beyond_it():
    assert priors.tv(2).value_and_gradient(np.full((1, 3, 4, 4), 9.0))[0] == 0


def test_the_papers_four_settings():
    settings = [
        (y.decay, y.blur, y.every, y.small_norm, y.small_contribution)
        for y in priors.YOSINSKI.values()
    ]
    assert settings == [
        (0, 0.5, 4, 50, None),
        (0.3, 0, 0, 20, None),
        (1e-4, 1, 4, None, None),
        (0, 0.5, 4, None, 90),
    ]


def test_decay_shrinks(rng):
    x = rng.normal(size=SHAPE).astype(np.float32)
    before = x.copy()
    priors.Yosinski(decay=0.25)(x, x, 1)
    np.testing.assert_allclose(x, 0.75 * before)


def test_blur_comes_at_every_nth_step_and_within_each_channel(rng):
    x = rng.normal(size=SHAPE).astype(np.float32)
    before = x.copy()
    blur = priors.Yosinski(blur=1.0, every=3)
    blur(x, x, 1)
    blur(x, x, 2)
    assert np.array_equal(x, before)
    blur(x, x, 3)
    assert x.std() < before.std()
    np.testing.assert_allclose(x.mean((2, 3)), before.mean((2, 3)), atol=0.35)


def test_the_smallest_are_set_to_zero():
    x = np.arange(1, 11, dtype=np.float32).reshape(1, 1, 2, 5).repeat(3, 1)
    priors.Yosinski(small_norm=50)(x, x, 1)
    assert (x[0, 0] == 0).ravel().tolist() == [True] * 5 + [False] * 5
    x = np.ones((1, 3, 2, 5), np.float32)
    gradient = np.arange(10, dtype=np.float32).reshape(1, 1, 2, 5)
    priors.Yosinski(small_contribution=90)(x, gradient, 1)
    assert (x[0, 0] != 0).ravel().tolist() == [False] * 9 + [True]

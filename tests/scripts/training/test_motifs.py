"""The picture generator."""

import numpy as np
import pytest

from scripts.training.motifs.canvas import (
    box,
    disc,
    ellipse,
    inside,
    palette,
    smooth_noise,
    triangle,
)
from scripts.training.motifs.sampler import NAMES, batch, picture


@pytest.mark.parametrize("label", range(len(NAMES)), ids=NAMES)
def test_every_class_draws_a_picture(label):
    x = picture(np.random.default_rng(label), label, 48)
    assert x.shape == (3, 48, 48) and x.dtype == np.uint8
    assert x.std() > 8


def test_a_seed_gives_the_same_pictures():
    (a, labels), (b, _) = batch(5, 4, 32), batch(5, 4, 32)
    np.testing.assert_array_equal(a, b)
    assert labels.shape == (4,) and not np.array_equal(batch(6, 4, 32)[0], a)


def test_a_dumbbell_can_be_drawn_without_its_arm():
    label = NAMES.index("dumbbell")
    held, bare = (picture(np.random.default_rng(3), label, 64, arm=arm) for arm in (True, False))
    assert not np.array_equal(held, bare)


@pytest.mark.parametrize("shape", [
    lambda u, v: disc(u, v, 0.1, 0, 0.5), lambda u, v: ellipse(u, v, 0.1, 0, 0.5, 0.4), lambda u, v: box(u, v, 0.1, 0, 0.5, 0.4),
    lambda u, v: triangle(u, v, (-0.5, -0.5), (0.7, 0), (-0.5, 0.5)), lambda u, v: triangle(u, v, (-0.5, 0.5), (0.7, 0), (-0.5, -0.5)),
])  # fmt: skip
def test_shapes_are_negative_inside(shape):
    assert shape(0.1, 0.0) < 0 < shape(0.9, 0.9)
    assert (
        inside(np.float32(shape(0.1, 0.0)), 0.05)
        > 0.9
        > 0.1
        > inside(np.float32(shape(0.9, 0.9)), 0.05)
    )


def test_noise_is_normalised():
    x = smooth_noise(np.random.default_rng(0), 64, 1.5, 2)
    assert x.shape == (2, 64, 64)
    np.testing.assert_allclose(x.mean((1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std((1, 2)), 1, rtol=1e-3)


def test_palette_colours_are_apart():
    colours = palette(np.random.default_rng(0), 3)
    assert min(np.abs(a - b).sum() for i, a in enumerate(colours) for b in colours[:i]) > 0.5

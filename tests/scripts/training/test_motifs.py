"""The pictures that the default model learns from."""

from typing import Any, Callable

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
def test_every_class_draws_a_picture(label: int) -> None:
    x = picture(np.random.default_rng(label), label, 48)
    assert x.shape == (3, 48, 48) and x.dtype == np.uint8
    assert x.std() > 8


def test_a_seed_gives_the_same_pictures() -> None:
    (a, labels), (b, _) = batch(5, 4, 32), batch(5, 4, 32)
    np.testing.assert_array_equal(a, b)
    assert labels.shape == (4,) and not np.array_equal(batch(6, 4, 32)[0], a)


def test_a_dumbbell_can_be_drawn_without_its_arm() -> None:
    label = NAMES.index("dumbbell")
    held, bare = (picture(np.random.default_rng(3), label, 64, arm=arm) for arm in (True, False))
    assert not np.array_equal(held, bare)


SHAPES = {
    "disc": lambda u, v: disc(u, v, 0.1, 0, 0.5),
    "ellipse": lambda u, v: ellipse(u, v, 0.1, 0, 0.5, 0.4),
    "box": lambda u, v: box(u, v, 0.1, 0, 0.5, 0.4),
    "triangle": lambda u, v: triangle(u, v, (-0.5, -0.5), (0.7, 0), (-0.5, 0.5)),
    "triangle reversed": lambda u, v: triangle(u, v, (-0.5, 0.5), (0.7, 0), (-0.5, -0.5)),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_shapes_are_negative_inside(shape: Callable[[float, float], Any]) -> None:
    within, without = shape(0.1, 0.0), shape(0.9, 0.9)
    assert within < 0 < without
    assert inside(within, 0.05) > 0.9 and inside(without, 0.05) < 0.1


def test_noise_is_normalised() -> None:
    x = smooth_noise(np.random.default_rng(0), 64, 1.5, 2)
    assert x.shape == (2, 64, 64)
    np.testing.assert_allclose(x.mean((1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std((1, 2)), 1, rtol=1e-3)


def test_palette_colours_are_apart() -> None:
    colours = palette(np.random.default_rng(0), 3)
    assert min(np.abs(a - b).sum() for i, a in enumerate(colours) for b in colours[:i]) > 0.5

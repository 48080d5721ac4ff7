"""Shared fixtures. DEEPDREAM_TEST_ENGINE chooses the engine that tests of `deepdream` run on: compat (default) or caffe."""

import os

import numpy as np
import pytest
from PIL import Image

from deepdream.nets import engine as engines


@pytest.fixture(scope="session")
def caffe():
    return engines.load(os.environ.get("DEEPDREAM_TEST_ENGINE", "compat"))


@pytest.fixture
def rng():
    return np.random.RandomState(7)


@pytest.fixture
def photo(tmp_path, rng):
    """Path of a small colourful PNG, 120 wide and 90 high."""
    x, y = np.meshgrid(np.linspace(0, 9, 120), np.linspace(0, 7, 90))
    waves = (
        np.stack([np.sin(x + y), np.cos(x * 2), np.sin(y * 3)], 2) * 90
        + 128
        + rng.uniform(-20, 20, (90, 120, 3))
    )
    path = tmp_path / "photo.png"
    Image.fromarray(waves.astype(np.uint8)).save(path)
    return path

"""Fixtures of all tests.

DEEPDREAM_TEST_ENGINE chooses the engine that tests of netfile, net_surgery and deepdream run on:
compat (the default), caffe, or none: where there is neither, tests that need an engine are skipped.
DEEPDREAM_TEST_MODE=gpu has it compute in GPU mode.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepdream.nets import engine as engines
from tests.support import gpu


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before there are several processes: compile the engine's loops, which each of them would.

    They are as many as the cores, so a BLAS with threads of its own would only make them wait.
    """
    starts_others = getattr(session.config.option, "numprocesses", None)
    if starts_others:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if starts_others and os.environ.get("DEEPDREAM_TEST_ENGINE", "compat") == "compat":
        import_module("caffe_compat.net.build")  # and with it all loops
        import_module("caffe_compat.kernels.threads").prepare()


@pytest.fixture(scope="session")
def caffe() -> Any:
    """The engine module."""
    name = os.environ.get("DEEPDREAM_TEST_ENGINE", "compat")
    if name == "none":
        pytest.skip("needs an engine")
    engine = engines.load(name)
    if gpu.wanted():
        gpu.choose(os.environ.__setitem__)
        engine.set_mode_gpu()
    return engine


@pytest.fixture
def rng() -> np.random.RandomState:
    return np.random.RandomState(7)


@pytest.fixture
def photo(tmp_path: Path, rng: np.random.RandomState) -> Path:
    """Path of a small colourful PNG, 120 wide and 90 high."""
    x, y = np.meshgrid(np.linspace(0, 9, 120), np.linspace(0, 7, 90))
    waves = np.stack([np.sin(x + y), np.cos(x * 2), np.sin(y * 3)], 2) * 90
    noisy = waves + 128 + rng.uniform(-20, 20, waves.shape)
    path = tmp_path / "photo.png"
    Image.fromarray(noisy.astype(np.uint8)).save(path)
    return path

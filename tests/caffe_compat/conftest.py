"""A net with two branches, with which the tests of nets begin; and the mode they run in."""

import os
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest

import caffe_compat as caffe
from tests.support import gpu
from tests.support.nets import BRANCHED


@pytest.fixture(autouse=gpu.wanted(), scope="session")
def mode() -> Iterator[None]:
    """GPU mode for all tests here, where it is wanted."""
    gpu.choose(os.environ.__setitem__)
    caffe.set_mode_gpu()
    yield
    caffe.set_mode_cpu()


@pytest.fixture
def net(tmp_path: Path, rng: np.random.RandomState) -> Any:
    """BRANCHED with seeded weights and input; its prototxt is `net.prototxt` in tmp_path."""
    path = tmp_path / "net.prototxt"
    path.write_text(BRANCHED)
    caffe.set_random_seed(1)
    net = caffe.Net(str(path), caffe.TEST)
    net.blobs["data"].data[...] = rng.normal(size=(1, 3, 8, 9))
    return net

"""A net with two branches, with which the tests of nets begin."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caffe_compat as caffe
from tests.support.nets import BRANCHED


@pytest.fixture
def net(tmp_path: Path, rng: np.random.RandomState) -> Any:
    """BRANCHED with seeded weights and input; its prototxt is `net.prototxt` in tmp_path."""
    path = tmp_path / "net.prototxt"
    path.write_text(BRANCHED)
    caffe.set_random_seed(1)
    net = caffe.Net(str(path), caffe.TEST)
    net.blobs["data"].data[...] = rng.normal(size=(1, 3, 8, 9))
    return net

"""The layers that read files, on a real Caffe and here: every batch of every set."""

import sys
from typing import Dict, Tuple

import numpy as np
import pytest

import caffe_compat
from tests.support import datasets
from tests.support.real_caffe import CAFFE_PYTHON, run_clean

pytestmark = pytest.mark.caffe
Arrays = Dict[str, np.ndarray]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Arrays, Arrays]:
    folder = tmp_path_factory.mktemp("readers")
    datasets.write_all(folder, caffe_compat, np.random.RandomState(3))
    for python, engine in ((sys.executable, "caffe_compat"), (CAFFE_PYTHON, "caffe")):
        run = run_clean([python, "tests/parity/readers.py", engine, str(folder)])
        assert run.returncode == 0, run.stderr[-3000:]
    return dict(np.load(folder / "caffe_compat.npz")), dict(np.load(folder / "caffe.npz"))


@pytest.mark.parametrize("name", datasets.READERS)
def test_every_batch_is_caffes(name: str, recorded: Tuple[Arrays, Arrays]) -> None:
    ours, theirs = recorded
    keys = [key for key in theirs if key.startswith(name + "|")]
    assert len(keys) == 24
    for key in keys:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)


def test_one_seed_gives_one_training(recorded: Tuple[Arrays, Arrays]) -> None:
    ours, theirs = recorded
    keys = [key for key in theirs if key.startswith("seeded|")]
    assert len(keys) == 6 * 6 and set(keys) <= set(ours)
    for key in keys:
        difference = np.linalg.norm(ours[key] - theirs[key])
        assert difference < 1e-5 * np.linalg.norm(theirs[key]), key

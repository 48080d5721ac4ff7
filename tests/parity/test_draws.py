"""Random numbers of one seed, on a real Caffe and here: the same, to the bit."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.real_caffe import CAFFE_PYTHON, run_clean

pytestmark = pytest.mark.caffe


def test_fillers_and_dropout_draw_caffes_numbers(tmp_path: Path) -> None:
    found = []
    for python, engine in ((sys.executable, "caffe_compat"), (CAFFE_PYTHON, "caffe")):
        file = tmp_path / f"{engine}.npz"
        run = run_clean([python, "tests/parity/draws.py", engine, str(file)])
        assert run.returncode == 0, run.stderr[-3000:]
        found.append(dict(np.load(file)))
    ours, theirs = found
    assert set(ours) == set(theirs) and len(theirs) == 2 * 39
    for key, values in theirs.items():
        np.testing.assert_array_equal(ours[key], values, err_msg=key)

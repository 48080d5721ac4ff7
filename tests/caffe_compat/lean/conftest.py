"""Nets of lean passes, whose lent memory holds no numbers."""

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.net.lean.arena import Arena
from tests.caffe_compat.lean.steps import TWO_HEADS
from tests.support import nets


@pytest.fixture(autouse=True)
def lends(monkeypatch):
    """Whether there was a place, each time that memory was asked for.

    Whoever reads what nobody has written gets NaN.
    """
    found, lend = [], Arena.lend

    def spoilt(self, block, wish):
        found.append(lend(self, block, wish))
        if found[-1]:
            block.values[...] = np.nan
        return found[-1]

    monkeypatch.setattr(Arena, "lend", spoilt)
    return found


@pytest.fixture
def make(tmp_path):
    def call(text=TWO_HEADS):
        caffe.set_random_seed(5)
        return caffe.Net(nets.written(tmp_path, text), caffe.TEST)

    return call

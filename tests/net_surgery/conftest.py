"""Nets to operate on, with seeded weights, on the engine that the run was started for."""

import pytest

from tests.support.operating import Bench


@pytest.fixture
def bench(caffe, tmp_path):
    return Bench(caffe, tmp_path)

"""Nets to operate on, with seeded weights, on the engine under test."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.operating import Bench


@pytest.fixture
def bench(caffe: Any, tmp_path: Path) -> Bench:
    return Bench(caffe, tmp_path)

"""GPU mode for the tests here: on a device that is there, else on PyTorch's CPU."""

from typing import Iterator

import pytest

import caffe_compat as caffe
from tests.support import gpu


@pytest.fixture
def gpu_mode(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """GPU mode while the test runs."""
    pytest.importorskip("torch")
    gpu.choose(monkeypatch.setenv)
    caffe.set_mode_gpu()
    yield
    if not gpu.wanted():
        caffe.set_mode_cpu()

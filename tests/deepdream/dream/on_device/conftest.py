"""GPU mode for the tests here, and counts of what is copied."""

from typing import Any, List

import numpy as np
import pytest

from tests.support import gpu

SMALL = 2000  # values: those of a mask over a layer, and no picture's or activations'


@pytest.fixture(autouse=True)
def gpu_mode(caffe: Any, monkeypatch: Any) -> Any:
    """GPU mode while a test runs, on PyTorch's CPU where there is no GPU."""
    pytest.importorskip("torch")
    if caffe.__name__ != "caffe_compat":
        pytest.skip("of the built-in engine")
    gpu.choose(monkeypatch.setenv)
    caffe.set_mode_gpu()
    yield
    caffe.set_mode_cpu()


@pytest.fixture
def copied(monkeypatch: Any) -> List[int]:
    """Grows by the number of values of each copy between host and device, beyond a few."""
    devices = pytest.importorskip("caffe_compat.devices")
    torch = pytest.importorskip("torch")
    counts: List[int] = []

    def count(of: Any, values: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            size = np.size(values(args))
            if size > SMALL:
                counts.append(int(size))
            return of(*args, **kwargs)

        return call

    # an array is either given, to go there, or filled
    monkeypatch.setattr(devices, "to_host", count(devices.to_host, lambda args: args[1]))
    monkeypatch.setattr(devices, "to_device", count(devices.to_device, lambda args: args[0]))
    tensor = torch.Tensor
    monkeypatch.setattr(tensor, "new_tensor", count(tensor.new_tensor, lambda args: args[1]))
    monkeypatch.setattr(tensor, "cpu", count(tensor.cpu, lambda args: np.empty(args[0].shape)))
    return counts

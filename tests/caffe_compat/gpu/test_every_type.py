"""Every layer type in GPU mode beside its own passes on the CPU, on the parity tests' settings."""

import sys
from pathlib import Path
from typing import Any, Dict, Iterator

import numpy as np
import pytest

import caffe_compat as caffe
from tests.parity.record import record_layer
from tests.support import cases

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("gpu_mode")]
Arrays = Dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The Python layer of the cases may run."""
    monkeypatch.setitem(sys.modules, "doubling", cases.doubling(caffe))
    caffe.allow_python_layers()
    yield
    caffe.allow_python_layers(False)


def recorded(folder: Path, name: str) -> Arrays:
    out: Arrays = {}
    caffe.set_random_seed(3)
    record_layer(caffe, folder, name, cases.LAYERS[name], out)
    return out


def compare(ours: Arrays, theirs: Arrays, tolerance: float) -> None:
    assert list(ours) == list(theirs)
    for key, value in theirs.items():
        if value.dtype.kind != "U":
            norm: Any = np.linalg.norm(value) or 1
            assert np.linalg.norm(ours[key] - value) / norm < tolerance, key


# of sums of 3456 products: against float64, the host's tiles are 8e-7 off, and PyTorch's CPU
# 1.1e-6 where it has AVX2 alone
TOLERANCES = {"Convolution by tiles, many channels": 2e-6}


@pytest.mark.parametrize("name", cases.LAYERS)
def test_a_layer_gives_what_it_gives_on_the_cpu(name: str, tmp_path: Path) -> None:
    there = recorded(tmp_path, name)
    again = recorded(tmp_path, name)
    caffe.set_mode_cpu()
    compare(there, recorded(tmp_path, name), TOLERANCES.get(name, 1e-6))
    compare(again, there, 1e-30)  # to the bit

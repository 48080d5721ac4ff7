"""Other processors than this one: what they compute, beside what this one does, to the bit.

tests/parity/processors.py computes it, in a process of each.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict

import numpy as np
import pytest

from caffe_compat.kernels import vectors
from caffe_compat.kernels.compiled.processor import PROCESSOR
from tests.support import cases
from tests.support.real_caffe import ROOT

ARM64 = ROOT / ".arm64" / "bin" / "python"
Arrays = Dict[str, np.ndarray]
# x86's: the name and the features that numba compiles for
FUSED = {
    "8 values, fused": ("haswell", "+avx,+avx2,+fma,+sse4.2"),
    "4 values, fused": ("haswell", "+fma"),
}
SEPARATE = ("nehalem", "+sse2")
# NumPy has exponentials, logarithms and powers of its own for each processor, and its BLAS products
NOT_OURS = {
    "BNLL", "ContrastiveLoss", "ELU", "Exp", "InfogainLoss", "LSTM", "LSTMUnit", "Log",
    "MultinomialLogisticLoss", "Power", "RNN", "Sigmoid", "SigmoidCrossEntropyLoss", "Softmax",
    "SoftmaxWithLoss", "Swish", "TanH",
}  # fmt: skip
CASES_NOT_OURS = {"Convolution of three axes", "LRN within"}
needs_x86 = pytest.mark.skipif(not PROCESSOR.x86, reason="this processor is no x86")
needs_fused = pytest.mark.skipif(not vectors.FUSED, reason="this processor has no fused products")


class Computed:
    """Results of processors, all with the weights that the first of them wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.here = self.on(sys.executable)

    def on(self, python: str, **settings: str) -> Arrays:
        file = self._folder / "found.npz"
        command = [python, "tests/parity/processors.py", str(self._folder), str(file)]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        done = subprocess.run(
            command, cwd=ROOT, env={**clean, **settings}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        with np.load(file) as found:
            return dict(found)

    def on_x86(self, name: str, features: str) -> Arrays:
        return self.on(
            sys.executable,
            NUMBA_CPU_NAME=name,
            NUMBA_CPU_FEATURES=features,
            NUMBA_CACHE_DIR=str(self._folder / "loops"),
        )


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Computed:
    return Computed(tmp_path_factory.mktemp("processors"))


def error(found: np.ndarray, wanted: np.ndarray) -> float:
    """The norm of the difference over that of what is wanted; 0 where they are equal to the bit."""
    if found.dtype.kind == "U" or np.array_equal(found, wanted, equal_nan=True):
        return float((found != wanted).any()) if found.dtype.kind == "U" else 0.0
    return float(np.linalg.norm((found - wanted).ravel()) / np.linalg.norm(wanted.ravel()))


def differing(found: Arrays, wanted: Arrays) -> Dict[str, float]:
    """{name: error} of the arrays that are not equal to the bit."""
    assert found.keys() == wanted.keys()
    errors = {name: error(found[name], wanted[name]) for name in wanted if name != "about"}
    return {name: value for name, value in errors.items() if value}


@pytest.mark.slow  # it compiles all loops for another processor
@needs_x86
@needs_fused
@pytest.mark.parametrize("width", FUSED)
def test_every_layer_and_a_dream_are_the_same_for_narrower_vectors(
    width: str, computed: Computed
) -> None:
    lanes = int(width[0])
    if lanes >= vectors.LANES:
        pytest.skip(f"this processor has vectors of {vectors.LANES} values")
    found = computed.on_x86(*FUSED[width])
    assert found["about"].tolist() == [lanes, 1]
    assert not differing(found, computed.here)


@pytest.mark.slow
@needs_x86
def test_a_processor_without_fused_products_differs_by_rounding_alone(computed: Computed) -> None:
    found = computed.on_x86(*SEPARATE)
    assert found["about"].tolist() == [4, 0]
    errors = differing(found, computed.here)
    assert bool(errors) == vectors.FUSED and max(errors.values(), default=0) < 3e-6, errors


@pytest.mark.arm64
@needs_fused
def test_an_arm64_computes_the_same_bits(computed: Computed) -> None:
    assert ARM64.exists(), f"no {ARM64}: run make arm64"
    found = computed.on(str(ARM64), NUMBA_CACHE_DIR=str(ROOT / ".arm64" / "loops"))
    assert found["about"].tolist() == [4, 1]
    errors = differing(found, computed.here)
    ours = {name for name in errors if not _is_numpys(name)}
    assert not ours and max(errors.values(), default=0) < 1e-6, errors


def _is_numpys(name: str) -> bool:
    """Whether an array is of a layer that NumPy computes, and not of a step or a dream."""
    named = name.split("|")[0]
    case = cases.LAYERS.get(named)
    return case is not None and (case["kind"] in NOT_OURS or named in CASES_NOT_OURS)

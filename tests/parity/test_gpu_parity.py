"""caffe_compat in GPU mode against a real Caffe: the same weights and inputs in both.

Tolerances are those of test_parity.py for whole nets, and 1e-5 for layers: a device sums in an
order of its own.
"""

import sys
from pathlib import Path
from typing import Dict, Iterator, Tuple

import numpy as np
import pytest

import caffe_compat as caffe
from tests.parity import record, training
from tests.support import cases, gpu
from tests.support.real_caffe import CAFFE_PYTHON, run_clean
from tests.support.training import TRAININGS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not Path(CAFFE_PYTHON).exists(), reason="no real Caffe: make caffe"),
]
Arrays = Dict[str, np.ndarray]
NETS = ("bvlc_googlenet", "squeezenet_v1.1", "v1 files", "shared weights")


@pytest.fixture(scope="module", autouse=True)
def gpu_mode() -> Iterator[None]:
    """GPU mode for this engine, in this process."""
    pytest.importorskip("torch")
    with pytest.MonkeyPatch.context() as patch:
        gpu.choose(patch.setenv)
        patch.setitem(sys.modules, "doubling", cases.doubling(caffe))
        caffe.set_mode_gpu()
        yield
        caffe.set_mode_cpu()
        caffe.allow_python_layers(False)


def beside_caffe(program: str, folder: Path, *arguments: str) -> Arrays:
    """What a program of this folder records on a real Caffe."""
    command = [CAFFE_PYTHON, f"tests/parity/{program}", "caffe", str(folder), *arguments]
    run = run_clean(command)
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(np.load(folder / "caffe.npz"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Arrays, Arrays]:
    """(this engine's arrays, Caffe's), by the same keys."""
    folder = tmp_path_factory.mktemp("gpu")
    ours = record.record(caffe, folder, NETS)
    return ours, beside_caffe("record.py", folder, *NETS)


def error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Norm of the difference over the norm of what Caffe gives."""
    assert ours.shape == theirs.shape
    return float(np.linalg.norm((ours - theirs).ravel()) / (np.linalg.norm(theirs.ravel()) or 1))


def errors(recorded: Tuple[Arrays, Arrays], name: str, *whats: str) -> Dict[str, float]:
    """The errors of a case's arrays of these kinds, by their keys; there must be some."""
    ours, theirs = recorded
    keys = [k for k in theirs if k.startswith(name + "|") and any(what in k for what in whats)]
    assert keys and set(keys) <= set(ours)
    return {key: error(ours[key], theirs[key]) for key in keys}


@pytest.mark.parametrize("name", cases.LAYERS)
def test_a_layer_is_caffes(name: str, recorded: Tuple[Arrays, Arrays]) -> None:
    found = errors(recorded, name, "|forward|", "|backward|", "|weights|")
    assert max(found.values()) < 1e-5, found


@pytest.mark.parametrize("name", NETS)
def test_every_blob_of_a_net_is_caffes(name: str, recorded: Tuple[Arrays, Arrays]) -> None:
    found = errors(recorded, name, "|forward|")
    assert max(found.values()) < 1e-5, max(found, key=found.__getitem__)


def test_gradients_of_nets_are_caffes_but_for_flips(recorded: Tuple[Arrays, Arrays]) -> None:
    found = [
        value
        for name in NETS
        for value in errors(recorded, name, "|backward|", "|weights|").values()
    ]
    assert np.median(found) < 1e-5 and max(found) < 0.05


@pytest.mark.parametrize("name", TRAININGS)
def test_every_step_of_a_training_is_caffes(name: str, trained: Tuple[Arrays, Arrays]) -> None:
    ours, theirs = trained
    keys = [key for key in theirs if key.startswith(name + "|")]
    assert keys
    assert max(error(ours[key], theirs[key]) for key in keys) < 1e-5


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Arrays, Arrays]:
    """The trainings' arrays, of this engine and of Caffe."""
    folder = tmp_path_factory.mktemp("training")
    ours: Arrays = {}
    caffe.set_random_seed(3)
    training.record(caffe, "caffe_compat", folder, ours)
    return ours, beside_caffe("training.py", folder)

"""caffe_compat's solvers against a real Caffe's: the same nets, weights and batches, step by step.

Each engine trains in its own process (tests/parity/training.py), and goes on from the other's
snapshots.
"""

import sys
from pathlib import Path
from typing import Dict, Tuple

import numpy as np
import pytest

from caffe_compat.solvers.updates import RULES
from tests.support import training
from tests.support.real_caffe import CAFFE_PYTHON, run_clean

pytestmark = pytest.mark.caffe
Arrays = Dict[str, np.ndarray]
MOST = 1e-5  # relative, of each array after each step


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    engines = ((sys.executable, "caffe_compat"), (CAFFE_PYTHON, "caffe"))
    for other in (False, True):
        for (python, engine), (_, its) in zip(engines, engines[::-1]):
            arguments = [engine, str(folder), *([its] if other else [])]
            run = run_clean([python, "tests/parity/training.py", *arguments])
            assert run.returncode == 0, run.stderr[-3000:]
    return folder


def recorded(folder: Path, ours: str, theirs: str) -> Tuple[Arrays, Arrays]:
    pair = dict(np.load(folder / f"{ours}.npz")), dict(np.load(folder / f"{theirs}.npz"))
    assert set(pair[0]) == set(pair[1])
    return pair


def worst(pair: Tuple[Arrays, Arrays], name: str) -> float:
    """The largest error of a training's arrays, relative to the norm of Caffe's."""
    ours, theirs = pair
    keys = [key for key in theirs if key.startswith(name + "|")]
    assert keys, name
    return max(
        float(np.linalg.norm(ours[k] - theirs[k]) / (np.linalg.norm(theirs[k]) or 1)) for k in keys
    )


@pytest.mark.parametrize("name", training.TRAININGS)
def test_every_step_is_caffes(name: str, folder: Path) -> None:
    pair = recorded(folder, "caffe_compat", "caffe")
    assert worst(pair, name) < MOST


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
@pytest.mark.parametrize("name", ["SGD momentum", "AdaDelta", "multistep", "SGD normed"])
def test_each_engine_goes_on_from_the_others_snapshot(name: str, form: str, folder: Path) -> None:
    without = recorded(folder, "caffe_compat", "caffe")
    restored = recorded(folder, "caffe_compat-from-caffe", "caffe-from-caffe_compat")
    assert worst(restored, f"{name} {form}") < MOST
    for key in without[1]:
        if key.startswith(f"{name} on|"):
            same = restored[0][key.replace(f"{name} on|", f"{name} {form}|")]
            assert np.linalg.norm(same - without[1][key]) <= MOST * np.linalg.norm(same) + 1e-12


def test_every_update_rule_is_compared() -> None:
    compared = {case["solver"][: -len("Solver")] for case in training.TRAININGS.values()}
    assert set(RULES) <= compared

"""caffe_compat against a real Caffe: the same weights and inputs in both, each in its own process.

CAFFE_PYTHON names a Python that can `import caffe` (by default .caffe/bin/python, from `make caffe`).

Tolerances are relative to the norm of the whole array. Both engines compute in float32 and sum in different orders:
single layers agree to a few units in the last place, 1e-6, and whole nets to 1e-5. Through a whole net a ReLU or a
maximum whose inputs are equal but for that rounding can choose otherwise; such a flip moves gradients by per cents.
So gradients of whole nets must agree to 1e-5 in the median over all passes, and every pass is printed.
"""

import os
import subprocess
import sys
from pathlib import Path

import cases
import nets
import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
CAFFE_PYTHON = os.environ.get("CAFFE_PYTHON", str(HERE.parents[1] / ".caffe" / "bin" / "python"))
pytestmark = pytest.mark.caffe


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(caffe_compat's arrays, Caffe's arrays), by the same keys."""
    assert Path(CAFFE_PYTHON).exists(), f"no real Caffe at {CAFFE_PYTHON}: make caffe, or set CAFFE_PYTHON"
    folder = tmp_path_factory.mktemp("parity")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for python, engine in ((sys.executable, "caffe_compat"), (CAFFE_PYTHON, "caffe")):
        command = [python, str(HERE / "record.py"), engine, str(folder)]
        run = subprocess.run(command, env={**clean, "GLOG_minloglevel": "2"}, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[-3000:]
    return tuple(dict(np.load(folder / f"{engine}.npz")) for engine in ("caffe_compat", "caffe"))


def error(found, wanted):
    """Norm of the difference over the norm of what Caffe gives."""
    assert found.shape == wanted.shape
    return float(np.linalg.norm((found - wanted).ravel()) / (np.linalg.norm(wanted.ravel()) or 1))


def keys(recorded, name, what):
    ours, theirs = recorded
    found = [k for k in theirs if k.startswith(name + "|") and what in k]
    assert sorted(found) == sorted(k for k in ours if k.startswith(name + "|") and what in k)
    return found


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer(name, recorded):
    ours, theirs = recorded
    assert list(ours[name + "|names"]) == list(theirs[name + "|names"])
    for what in ("|forward|", "|backward|", "|weights|"):
        for key in keys(recorded, name, what):
            assert error(ours[key], theirs[key]) < 1e-6, key


@pytest.mark.parametrize("name", nets.NETS)
def test_net_has_caffes_names_and_shapes(name, recorded):
    ours, theirs = recorded
    for what in ("names", "layers", "params"):
        assert list(ours[f"{name}|{what}"]) == list(theirs[f"{name}|{what}"])


@pytest.mark.parametrize("name", nets.NETS)
def test_every_blob_of_a_net(name, recorded):
    ours, theirs = recorded
    for key in keys(recorded, name, "|forward|"):
        assert error(ours[key], theirs[key]) < 1e-5, key


def test_gradients_of_nets(recorded):
    ours, theirs = recorded
    errors = {key: error(ours[key], theirs[key]) for name in nets.NETS for key in keys(recorded, name, "|backward|data")}
    for key, value in errors.items():
        print(f"{value:.1e}  {key}")
    assert np.median(list(errors.values())) < 1e-5
    assert max(errors.values()) < 0.05, "more than a flip"


def test_every_layer_type_is_compared():
    from caffe_compat import layer_type_list

    compared = {case["body"].split('"')[1] for case in cases.LAYERS.values()} | {"Input", "Split"}
    assert compared == set(layer_type_list())


def test_worst_error_by_layer_type(recorded, capsys):
    ours, theirs = recorded
    worst = {}
    for name, case in cases.LAYERS.items():
        kind = case["body"].split('"')[1]
        for column, what in enumerate(("|forward|", "|backward|", "|weights|")):
            values = [error(ours[k], theirs[k]) for k in keys(recorded, name, what)]
            row = worst.setdefault(kind, [0.0, 0.0, 0.0])
            row[column] = max([row[column], *values])
    with capsys.disabled():
        print("\nworst relative error    forward   backward  weights")
        for kind, row in sorted(worst.items()):
            print(f"{kind:22}  " + "  ".join(f"{v:8.1e}" for v in row))
    assert max(max(row) for row in worst.values()) < 1e-6

"""caffe_compat against a real Caffe: the same weights and inputs in both, each in its own process.

CAFFE_PYTHON names a Python that can `import caffe` (by default .caffe/bin/python, from `make caffe`).

Tolerances are relative to the norm of the whole array. Both engines compute in float32 and sum in different orders:
single layers agree to a few units in the last place, 1e-6, and whole nets to 1e-5. Through a whole net a ReLU or a
maximum whose inputs are equal but for that rounding can choose otherwise; such a flip moves gradients by per cents.
So gradients of whole nets must agree to 1e-5 in the median; those that do not are counted and printed, with the number of
values that one engine has at zero and the other above it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support import cases, nets

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs" / "engine.md"
CAFFE_PYTHON = os.environ.get("CAFFE_PYTHON", str(HERE.parents[1] / ".caffe" / "bin" / "python"))
pytestmark = pytest.mark.caffe


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(caffe_compat's arrays, Caffe's arrays), by the same keys."""
    assert Path(CAFFE_PYTHON).exists(), (
        f"no real Caffe at {CAFFE_PYTHON}: make caffe, or set CAFFE_PYTHON"
    )
    folder = tmp_path_factory.mktemp("parity")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for python, engine in ((sys.executable, "caffe_compat"), (CAFFE_PYTHON, "caffe")):
        command = [python, str(HERE / "record.py"), engine, str(folder)]
        run = subprocess.run(
            command, env={**clean, "GLOG_minloglevel": "2"}, capture_output=True, text=True
        )
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


@pytest.mark.parametrize("name", [*nets.NETS, *nets.BUILT])
def test_net_has_caffes_names_and_shapes(name, recorded):
    ours, theirs = recorded
    for what in ("names", "layers", "params") + (("blobs",) if name in nets.BUILT else ()):
        assert list(ours[f"{name}|{what}"]) == list(theirs[f"{name}|{what}"])


@pytest.mark.parametrize("name", nets.NETS)
def test_every_blob_of_a_net(name, recorded):
    ours, theirs = recorded
    for key in keys(recorded, name, "|forward|"):
        assert error(ours[key], theirs[key]) < 1e-5, key


def signs_that_differ(ours, theirs, prefix):
    """(values that one engine has at zero and the other above, all values) of the blobs in front of a gradient."""
    blobs = [k for k in theirs if k.startswith(prefix + "forward|")]
    flips = sum(int(((ours[k] > 0) != (theirs[k] > 0)).sum()) for k in blobs)
    return flips, sum(theirs[k].size for k in blobs)


@pytest.mark.parametrize("what", ["|backward|", "|weights|"])
def test_gradients_of_nets(what, recorded, capsys):
    ours, theirs = recorded
    errors = {
        key: error(ours[key], theirs[key])
        for name in nets.NETS
        for key in keys(recorded, name, what)
    }
    above = {key: value for key, value in errors.items() if value > 1e-5}
    with capsys.disabled():
        print(f"\n{len(errors)} {what.strip('|')} arrays of whole nets: {np.median(list(errors.values())):.1e} in the median, "
              f"{len(above)} ({100 * len(above) / len(errors):.0f} %) over 1e-5, the worst of them:")  # fmt: skip
        for key, value in sorted(above.items(), key=lambda item: -item[1])[:6]:
            flips, total = signs_that_differ(ours, theirs, key.split(what)[0] + "|")
            print(
                f"  {value:.1e}  {key}: {flips} of {total} values at zero in one engine and above it in the other"
            )
    assert np.median(list(errors.values())) < 1e-5
    assert max(errors.values()) < 0.05, "more than a flip"


def test_every_layer_type_is_compared():
    from caffe_compat.layer_types.registry import LAYERS

    compared = {case["body"].split('"')[1] for case in cases.LAYERS.values()} | {"Input", "Split"}
    assert compared == set(LAYERS) == set(documented())


def documented():
    """{layer type: [forward, backward, weights]} of the table in docs/engine.md."""
    rows = re.findall(
        r"^\| (\w+) \| ([-0-9.e]+) \| ([-0-9.e]+) \| ([-0-9.e]+) \|$", DOCS.read_text(), re.M
    )
    return {kind: [float(v) for v in values] for kind, *values in rows}


def test_the_documented_worst_errors_are_the_measured_ones(recorded, capsys):
    ours, theirs = recorded
    worst = {}
    for name, case in cases.LAYERS.items():
        kind = case["body"].split('"')[1] if name not in ("Input", "Split") else name
        for column, what in enumerate(("|forward|", "|backward|", "|weights|")):
            values = [error(ours[k], theirs[k]) for k in keys(recorded, name, what)]
            row = worst.setdefault(kind, [0.0, 0.0, 0.0])
            row[column] = max([row[column], *values])
    with capsys.disabled():
        print("\nworst relative error | forward | data gradient | weight gradient")
        for kind, row in sorted(worst.items()):
            print(f"| {kind} | " + " | ".join(f"{v:.1e}" for v in row) + " |")
    told = documented()
    assert set(told) == set(worst)
    for kind, row in worst.items():
        # other processors sum in another order: a few units in the last place are not another figure
        assert all(found <= max(4 * value, 5e-7) for found, value in zip(row, told[kind])), (
            kind,
            row,
            told[kind],
        )

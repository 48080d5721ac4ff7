"""Snapshots: written, restored, damaged, and of another net."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.proto import caffe_pb2
from tests.support.damage import damaged
from tests.support.training import FIXED, SMALL


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
@pytest.mark.parametrize("kind", ["SGDSolver", "AdamSolver"])
def test_a_restored_training_goes_on_to_the_bit(solver, form, kind):
    settings = f"{FIXED} momentum: 0.9 snapshot_format: {form} snapshot_diff: true"
    s = solver(settings, kind)
    s.step(3)
    s.snapshot()
    s.step(3)
    again = solver(settings, kind)
    again.net.params["fc"][0].data[...] = 5
    end = ".h5" if form == "HDF5" else ""
    again.restore(f"solver_iter_3.solverstate{end}")
    assert again.iter == 3
    again.step(3)
    np.testing.assert_array_equal(s.net.params["fc"][0].data, again.net.params["fc"][0].data)


def test_solve_resumes_from_a_state(solver):
    s = solver(f"{FIXED} max_iter: 4 snapshot: 2")
    s.solve()
    again = solver(f"{FIXED} max_iter: 4 snapshot: 2")
    again.solve("solver_iter_2.solverstate")
    np.testing.assert_array_equal(s.net.params["fc"][0].data, again.net.params["fc"][0].data)


def test_gradients_are_in_a_snapshot_that_wants_them(solver):
    s = solver(f"{FIXED} snapshot_diff: true")
    s.step(1)
    s.snapshot()
    net = caffe_pb2.NetParameter.FromString(Path("solver_iter_1.caffemodel").read_bytes())
    stored = next(layer for layer in net.layer if layer.name == "fc").blobs[0]
    np.testing.assert_array_equal(stored.diff, s.net.params["fc"][0].diff.ravel())
    np.testing.assert_array_equal(stored.data, s.net.params["fc"][0].data.ravel())


def test_a_state_of_another_solver_or_net_is_refused(solver):
    solver().snapshot()
    with pytest.raises(caffe.WeightsError, match="history of 2 blobs.*keeps 4"):
        solver(kind="AdamSolver").restore("solver_iter_0.solverstate")
    wide = SMALL.replace("num_output: 3", "num_output: 5")
    Path("wide.prototxt").write_text(wide)
    with pytest.raises(caffe.WeightsError, match=r'blob 0.*\(3, 3\).*"fc" \(5, 3\)'):
        solver(net='net: "wide.prototxt"').restore("solver_iter_0.solverstate")


def test_a_damaged_state_is_refused_in_one_line(solver, rng):
    s = solver()
    s.snapshot()
    s = solver()
    state = Path("solver_iter_0.solverstate").read_bytes()
    for number in range(60):
        Path("damaged.solverstate").write_bytes(damaged(state, rng))
        try:
            s.restore("damaged.solverstate")
        except (caffe.CaffeError, caffe.MissingFileError) as e:
            assert "\n" not in str(e), number
    for wrong in ("net.prototxt", "solver_iter_0.caffemodel"):
        with pytest.raises(caffe.CaffeError, match=wrong):
            s.restore(wrong)
    Path("text.h5").write_text("no HDF5")
    with pytest.raises(caffe.WeightsError, match="text.h5"):
        s.restore("text.h5")
    with pytest.raises(caffe.MissingFileError, match="nowhere"):
        s.restore("nowhere")


@pytest.mark.parametrize(
    "name, value, why",
    [
        ("iter", None, "holds no solver state.*iter"),
        ("iter", [1, 2], "iter has 2 values, not one"),
        ("iter", [-3], "says iteration -3"),
        ("history", 3, "holds no solver state"),
        ("history/0", b"text", "holds no solver state"),
        ("history/0", h5py.Empty("f"), "holds no solver state"),
        ("history/0", (10**14,), "blob 0 takes 400,000.0 GB"),
    ],
)
def test_hdf5_states_that_are_none_are_refused(name, value, why, solver):
    s = solver(f"{FIXED} snapshot_format: HDF5")
    s.snapshot()
    with h5py.File("solver_iter_0.solverstate.h5", "a") as f:
        del f[name]
        if isinstance(value, tuple):
            f.create_dataset(name, value, "f4", chunks=(9,))
        elif value is not None:
            f[name] = value
    with pytest.raises(caffe.CaffeError, match=why) as caught:
        s.restore("solver_iter_0.solverstate.h5")
    assert "iter_0" in str(caught.value) and "\n" not in str(caught.value)


def test_a_state_whose_weights_are_gone_says_so(solver):
    s = solver()
    s.snapshot()
    os.remove("solver_iter_0.caffemodel")
    with pytest.raises(caffe.MissingFileError, match="solver_iter_0.caffemodel"):
        s.restore("solver_iter_0.solverstate")

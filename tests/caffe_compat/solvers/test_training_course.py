"""Solvers: what pycaffe's programs do with them, step after step."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import caffe_compat as caffe
from tests.support import gpu
from tests.support.training import FIXED, SMALL


def test_solve_runs_to_max_iter_and_learns(solver):
    s = solver(f"{FIXED} max_iter: 50 momentum: 0.9 snapshot_after_train: false")
    s.net.forward()
    before = float(s.net.blobs["loss"].data)
    assert s.iter == 0
    s.solve(None)
    assert s.iter == 50 and set(os.listdir()) == {"net.prototxt", "solver.prototxt"}
    assert float(s.net.blobs["loss"].data) < before / 2


@gpu.on_cpu
def test_an_update_alone_subtracts_the_rate_times_the_gradient(solver):
    s = solver()
    weights = s.net.layers[1].blobs[0].data
    weights[...] = 0
    s.net.layers[1].blobs[0].diff[...] = 1
    s.apply_update()
    assert s.iter == 1
    np.testing.assert_allclose(weights, -0.01, rtol=1e-6)


def test_nets_outlive_their_solver(solver):
    s = solver(f"{FIXED} test_iter: 2 test_interval: 5")
    nets = [s.net, *s.test_nets]
    del s
    assert len(nets) == 2
    assert all(np.isfinite(net.forward()["loss"]).all() for net in nets)


def test_a_snapshot_is_two_files_named_by_prefix_and_iteration(solver):
    s = solver(f'{FIXED} snapshot_prefix: "model"')
    s.step(3)
    s.snapshot()
    assert {"model_iter_3.caffemodel", "model_iter_3.solverstate"} <= set(os.listdir())


def test_snapshots_go_beside_the_solver_where_no_prefix_is_given(solver):
    os.mkdir("into")
    Path("into/my.prototxt").write_text(f'net: "net.prototxt" {FIXED}')
    caffe.SGDSolver("into/my.prototxt").snapshot()
    assert "my_iter_0.solverstate" in os.listdir("into")
    s = solver(f'{FIXED} snapshot_prefix: "into"')
    s.snapshot()
    assert "solver_iter_0.solverstate" in os.listdir("into")


def test_tests_and_snapshots_come_when_they_are_due(solver):
    s = solver(f"{FIXED} test_iter: 2 test_interval: 2 snapshot: 3 max_iter: 5")
    tested = []
    s.test_nets[0].before_forward(lambda i: tested.append(s.iter) if i == 0 else None)
    s.solve()
    assert tested == [0, 0, 2, 2, 4, 4]
    kept = sorted(re.findall(r"iter_(\d)\.solverstate", " ".join(os.listdir())))
    assert kept == ["3", "5"]


def test_the_first_test_can_be_left_out(solver):
    s = solver(f"{FIXED} test_iter: 1 test_interval: 2 test_initialization: false")
    tested = []
    s.test_nets[0].before_forward(lambda i: tested.append(s.iter) if i == 0 else None)
    s.step(3)
    assert tested == [2]


def test_a_step_of_several_passes_takes_the_mean_of_their_gradients(solver):
    several, one = solver(f"{FIXED} iter_size: 3"), solver()
    several.step(2)
    one.step(2)
    np.testing.assert_allclose(
        several.net.params["fc"][0].data, one.net.params["fc"][0].data, rtol=1e-5
    )


def test_a_test_sees_the_weights_of_its_time(solver):
    s = solver(f"{FIXED} test_iter: 1 test_interval: 1 test_initialization: false")
    s.step(2)
    s.net.params["fc"][0].data[...] = 7
    s.step(1)  # tests before it updates
    assert s.test_nets[0].params["fc"][0].data.max() == s.net.params["fc"][0].data.max()


def test_callbacks_run_before_each_iteration_and_before_each_update(solver):
    s = solver()
    seen = []
    s.add_callback(
        lambda: seen.append(("start", s.iter)),
        lambda: seen.append(("ready", float(np.abs(s.net.params["fc"][0].diff).sum()) > 0)),
    )
    s.add_callback()  # where Caffe adds its communicator of GPUs
    s.step(2)
    assert seen == [("start", 0), ("ready", True), ("start", 1), ("ready", True)]
    with pytest.raises(TypeError, match="two functions"):
        s.add_callback(print)


def test_the_log_has_caffes_lines(solver, monkeypatch, capsys):
    monkeypatch.setenv("GLOG_minloglevel", "0")
    s = solver(
        f"{FIXED} display: 2 max_iter: 4 test_iter: 3 test_interval: 4 test_compute_loss: true "
        "average_loss: 2 clip_gradients: 0.1"
    )
    s.solve()
    log = capsys.readouterr().err
    said = [line.split("] ", 1)[1] for line in log.splitlines()]
    assert all(
        re.match(r"I\d{4} \d\d:\d\d:\d\d\.\d{6} \d+ \S+:\d+\] ", x) for x in log.splitlines()
    )
    for wanted in (
        r"Solving small", r"Learning Rate Policy: fixed", r"Iteration 0, Testing net \(#0\)",
        r"Test loss: [\d.]+", r"    Test net output #0: accuracy = [01]$",
        r"    Test net output #1: loss = ([\d.]+) \(\* 1 = \1 loss\)",
        r"Iteration 2 \([\d.e+]+ iter/s, [\d.e-]+s/2 iters\), loss = [\d.]+",
        r"    Train net output #0: loss = ([\d.]+) \(\* 1 = \1 loss\)", r"Iteration 2, lr = 0.01",
        r"Gradient clipping: scaling down gradients \(L2 norm [\d.]+ > 0.1\) by scale factor",
        r"Snapshotting solver state to binary proto file solver_iter_4.solverstate",
        r"Iteration 4, loss = [\d.]+", r"Optimization Done.",
    ):  # fmt: skip
        assert any(re.match(wanted, line) for line in said), wanted


def test_the_log_can_be_silent(solver, capsys):
    solver(f"{FIXED} display: 1").step(2)
    assert capsys.readouterr().err == ""


def test_shown_losses_are_means_of_the_last_ones(solver, monkeypatch, capsys):
    s = solver(f"{FIXED} momentum: 0.9")
    losses = []
    for _ in range(8):
        s.step(1)
        losses.append(float(s.net.blobs["loss"].data))
    monkeypatch.setenv("GLOG_minloglevel", "0")
    solver(f"{FIXED} momentum: 0.9 display: 1 average_loss: 3").step(8)
    shown = [float(x) for x in re.findall(r"iters\), loss = ([\d.]+)", capsys.readouterr().err)]
    means = [np.mean(losses[max(0, i - 2) : i + 1]) for i in range(8)]
    np.testing.assert_allclose(shown, means, rtol=1e-5)


def test_settings_can_be_looked_at_and_the_rate_changed(solver):
    s = solver(f"{FIXED} max_iter: 9 display: 3")
    assert (s.param.max_iter, s.param.display, s.param.layer_wise_reduce) == (9, 3, True)
    s.param.base_lr = 0.5
    assert s.lr == 0.5
    with pytest.raises(AttributeError):
        s.param.max_iter = 3
    with pytest.raises(AttributeError):
        s.iter = 3


def test_weights_that_the_file_names_are_loaded(solver):
    solver().net.save("start.caffemodel")
    s = solver(f'{FIXED} random_seed: 9 weights: "start.caffemodel"')
    again = caffe.Net("net.prototxt", "start.caffemodel", caffe.TRAIN)
    np.testing.assert_array_equal(s.net.params["fc"][0].data, again.params["fc"][0].data)


def test_states_choose_layers_of_the_nets(solver):
    text = SMALL.replace("include { phase: TEST }", 'include { stage: "scored" }')
    Path("net.prototxt").write_text(text)
    s = solver(
        f'{FIXED} test_iter: 1 test_iter: 1 test_interval: 1 test_state {{ stage: "scored" }} '
        "test_state { level: 2 }"
    )
    assert ["accuracy" in net.blobs for net in (s.net, *s.test_nets)] == [False, True, False]


def test_nets_may_stand_in_the_solvers_file(solver):
    s = solver(
        f"{FIXED} test_iter: 1 test_interval: 3 test_net_param {{ {SMALL} }}",
        net=f"train_net_param {{ {SMALL} }}",
    )
    assert "accuracy" in s.test_nets[0].blobs and "accuracy" not in s.net.blobs


def test_gradients_do_not_leak_from_one_iteration_into_the_next(solver):
    s = solver(f"{FIXED} iter_size: 2")
    s.step(1)
    once = s.net.params["fc"][1].diff.copy()
    s.net.params["fc"][1].diff[...] = 1e6
    s.step(1)
    assert np.abs(s.net.params["fc"][1].diff).max() < 2 * np.abs(once).max()


def test_batch_statistics_are_no_solvers_to_change(solver):
    bn = 'layer { name: "bn" type: "BatchNorm" bottom: "fc" top: "fc" }\n'
    Path("net.prototxt").write_text(
        SMALL.replace('layer { name: "loss"', bn + 'layer { name: "loss"')
    )
    s = solver(f"{FIXED} weight_decay: 0.5 momentum: 0.9")
    s.step(3)
    weight = 1 + 0.999 + 0.999**2
    np.testing.assert_allclose(s.net.params["bn"][2].data, weight, rtol=1e-6)
    taught = bn.replace(" }", " param { lr_mult: 1 } }")
    Path("net.prototxt").write_text(
        SMALL.replace('layer { name: "loss"', taught + 'layer { name: "loss"')
    )
    with pytest.raises(caffe.PrototxtError, match='"bn".*lr_mult 1'):
        solver()

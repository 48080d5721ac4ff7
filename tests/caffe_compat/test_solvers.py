"""Solvers: what pycaffe's programs do with them, and what they refuse."""

import copy
import os
import re
from pathlib import Path
from typing import Any, List, Sequence

import numpy as np
import pytest
from google.protobuf import text_format

import caffe_compat as caffe
from caffe_compat.proto import caffe_pb2
from caffe_compat.solvers import policies
from caffe_compat.solvers.updates import RULES
from tests.support.damage import damaged

NET = """
name: "small"
layer { name: "data" type: "DummyData" top: "data" top: "label"
        dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 }
                           data_filler { type: "constant" value: 1 }
                           data_filler { type: "constant" value: 2 } } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy"
        include { phase: TEST } }
"""
FIXED = 'base_lr: 0.01 lr_policy: "fixed"'


@pytest.fixture(autouse=True)
def quiet_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own, where the net is, and logs nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLOG_minloglevel", "2")
    Path("net.prototxt").write_text(NET)


def solver(settings: str = FIXED, kind: str = "SGDSolver", net: str = 'net: "net.prototxt"') -> Any:
    """A solver of the small net."""
    Path("solver.prototxt").write_text(f"{net}\n{settings}\n")
    caffe.set_random_seed(2)
    return getattr(caffe, kind)("solver.prototxt")


# ---- as in pycaffe's own tests


def test_solve_runs_to_max_iter_and_learns():
    s = solver(f"{FIXED} max_iter: 50 momentum: 0.9 snapshot_after_train: false")
    s.net.forward()
    before = float(s.net.blobs["loss"].data)
    assert s.iter == 0
    s.solve(None)
    assert s.iter == 50 and set(os.listdir()) == {"net.prototxt", "solver.prototxt"}
    assert float(s.net.blobs["loss"].data) < before / 2


def test_an_update_alone_subtracts_the_rate_times_the_gradient():
    s = solver()
    weights = s.net.layers[1].blobs[0].data
    weights[...] = 0
    s.net.layers[1].blobs[0].diff[...] = 1
    s.apply_update()
    assert s.iter == 1
    np.testing.assert_allclose(weights, -0.01, rtol=1e-6)


def test_nets_outlive_their_solver():
    s = solver(f"{FIXED} test_iter: 2 test_interval: 5")
    nets = [s.net, *s.test_nets]
    del s
    assert len(nets) == 2
    assert all(np.isfinite(net.forward()["loss"]).all() for net in nets)


def test_a_snapshot_is_two_files_named_by_prefix_and_iteration():
    s = solver(f'{FIXED} snapshot_prefix: "model"')
    s.step(3)
    s.snapshot()
    assert {"model_iter_3.caffemodel", "model_iter_3.solverstate"} <= set(os.listdir())


def test_snapshots_go_beside_the_solver_where_no_prefix_is_given():
    os.mkdir("into")
    Path("into/my.prototxt").write_text(f'net: "net.prototxt" {FIXED}')
    caffe.SGDSolver("into/my.prototxt").snapshot()
    assert "my_iter_0.solverstate" in os.listdir("into")
    s = solver(f'{FIXED} snapshot_prefix: "into"')
    s.snapshot()
    assert "solver_iter_0.solverstate" in os.listdir("into")


# ---- the course of a training


def test_tests_and_snapshots_come_when_they_are_due():
    s = solver(f"{FIXED} test_iter: 2 test_interval: 2 snapshot: 3 max_iter: 5")
    tested = []
    s.test_nets[0].before_forward(lambda i: tested.append(s.iter) if i == 0 else None)
    s.solve()
    assert tested == [0, 0, 2, 2, 4, 4]
    kept = sorted(re.findall(r"iter_(\d)\.solverstate", " ".join(os.listdir())))
    assert kept == ["3", "5"]


def test_a_test_sees_the_weights_of_its_time():
    s = solver(f"{FIXED} test_iter: 1 test_interval: 1 test_initialization: false")
    s.step(2)
    s.net.params["fc"][0].data[...] = 7
    s.step(1)  # tests before it updates
    assert s.test_nets[0].params["fc"][0].data.max() == s.net.params["fc"][0].data.max()


def test_callbacks_run_before_each_iteration_and_before_each_update():
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


def test_the_log_has_caffes_lines(monkeypatch, capsys):
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


def test_the_log_can_be_silent(capsys):
    solver(f"{FIXED} display: 1").step(2)
    assert capsys.readouterr().err == ""


def test_shown_losses_are_means_of_the_last_ones(monkeypatch, capsys):
    monkeypatch.setenv("GLOG_minloglevel", "0")
    s = solver(f"{FIXED} display: 1 average_loss: 2")
    losses = []
    for _ in range(3):
        s.step(1)
        losses.append(float(s.net.blobs["loss"].data))
    s.step(0)
    capsys.readouterr()
    s = solver(f"{FIXED} display: 1 average_loss: 2")
    s.step(3)
    shown = [float(x) for x in re.findall(r"iters\), loss = ([\d.]+)", capsys.readouterr().err)]
    means = [losses[0], np.mean(losses[:2]), np.mean(losses[1:])]
    np.testing.assert_allclose(shown, means, rtol=1e-5)


def test_settings_can_be_looked_at_and_the_rate_changed():
    s = solver(f"{FIXED} max_iter: 9 display: 3")
    assert (s.param.max_iter, s.param.display, s.param.layer_wise_reduce) == (9, 3, True)
    s.param.base_lr = 0.5
    assert s.lr == 0.5
    with pytest.raises(AttributeError):
        s.param.max_iter = 3
    with pytest.raises(AttributeError):
        s.iter = 3


def test_weights_that_the_file_names_are_loaded():
    solver().net.save("start.caffemodel")
    s = solver(f'{FIXED} random_seed: 9 weights: "start.caffemodel"')
    again = caffe.Net("net.prototxt", "start.caffemodel", caffe.TRAIN)
    np.testing.assert_array_equal(s.net.params["fc"][0].data, again.params["fc"][0].data)


def test_states_choose_layers_of_the_nets():
    text = NET.replace("include { phase: TEST }", 'include { stage: "scored" }')
    Path("net.prototxt").write_text(text)
    s = solver(
        f'{FIXED} test_iter: 1 test_iter: 1 test_interval: 1 test_state {{ stage: "scored" }} '
        "test_state { level: 2 }"
    )
    assert ["accuracy" in net.blobs for net in (s.net, *s.test_nets)] == [False, True, False]


def test_nets_may_stand_in_the_solvers_file():
    s = solver(
        f"{FIXED} test_iter: 1 test_interval: 3 test_net_param {{ {NET} }}",
        net=f"train_net_param {{ {NET} }}",
    )
    assert "accuracy" in s.test_nets[0].blobs and "accuracy" not in s.net.blobs


def test_gradients_do_not_leak_from_one_iteration_into_the_next():
    s = solver(f"{FIXED} iter_size: 2")
    s.step(1)
    once = s.net.params["fc"][1].diff.copy()
    s.net.params["fc"][1].diff[...] = 1e6
    s.step(1)
    assert np.abs(s.net.params["fc"][1].diff).max() < 2 * np.abs(once).max()


def test_batch_statistics_are_no_solvers_to_change():
    bn = 'layer { name: "bn" type: "BatchNorm" bottom: "fc" top: "fc" }\n'
    Path("net.prototxt").write_text(
        NET.replace('layer { name: "loss"', bn + 'layer { name: "loss"')
    )
    s = solver(f"{FIXED} weight_decay: 0.5 momentum: 0.9")
    s.step(3)
    weight = 1 + 0.999 + 0.999**2
    np.testing.assert_allclose(s.net.params["bn"][2].data, weight, rtol=1e-6)
    taught = bn.replace(" }", " param { lr_mult: 1 } }")
    Path("net.prototxt").write_text(
        NET.replace('layer { name: "loss"', taught + 'layer { name: "loss"')
    )
    with pytest.raises(caffe.PrototxtError, match='"bn".*lr_mult 1'):
        solver()


# ---- rates


@pytest.mark.parametrize(
    "settings, iteration, rate",
    [
        ('lr_policy: "fixed"', 9, 0.2),
        ('lr_policy: "step" gamma: 0.5 stepsize: 3', 7, 0.05),
        ('lr_policy: "exp" gamma: 0.5', 3, 0.025),
        ('lr_policy: "inv" gamma: 0.5 power: 2', 2, 0.05),
        ('lr_policy: "poly" power: 2 max_iter: 10', 5, 0.05),
        ('lr_policy: "sigmoid" gamma: 1 stepsize: 4', 4, 0.1),
        ('lr_policy: "exp" gamma: 1e30', 2000, np.inf),
    ],
)
def test_a_policy_gives_the_rate_of_its_formula(settings, iteration, rate):
    p = text_format.Parse(f"base_lr: 0.2 {settings}", caffe_pb2.SolverParameter())
    step = policies.step_at(p, iteration, 0)
    assert float(policies.rate(p, iteration, step)) == pytest.approx(rate, rel=1e-6)


def test_a_multistep_rate_falls_at_each_value():
    s = solver('base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 3')
    rates = []
    for _ in range(5):
        rates.append(s.lr)
        s.step(1)
    assert rates == [1, 1, 0.5, 0.25, 0.25]


# ---- updates


def updates(kind: str, gradients: Sequence[float], **settings: float) -> List[float]:
    """What a rule subtracts for gradients one after the other, at rate 0.1."""
    rule = RULES[kind](caffe_pb2.SolverParameter(**settings))
    history = [np.zeros(1, np.float32) for _ in range(rule.histories)]
    out = []
    for t, g in enumerate(gradients):
        g = np.array([g], np.float32)
        rule.update(g, np.float32(0.1), history, t)
        out.append(float(g[0]))
    return out


def test_update_rules_by_hand():
    near = lambda *values: pytest.approx(values, rel=1e-5)  # noqa: E731
    # h: 0.2, then 0.5 * 0.2 + 0.1 * 4
    assert updates("SGD", [2, 4], momentum=0.5) == near(0.2, 0.5)
    # 1.5 h' - 0.5 h with the same h
    assert updates("Nesterov", [2, 4], momentum=0.5) == near(0.3, 0.65)
    # 2 / sqrt(4), then 4 / sqrt(4 + 16)
    assert updates("AdaGrad", [2, 4], delta=0) == near(0.1, 0.1 * 4 / 20**0.5)
    # h: 0.5 * 4, then 0.5 * 2 + 0.5 * 16
    assert updates("RMSProp", [2, 4], rms_decay=0.5, delta=0) == near(
        0.1 * 2 / 2**0.5, 0.1 * 4 / 9**0.5
    )
    # h = 2, s = 0: u = 2 sqrt(1 / 3); then h = 9, s = 0.5 u²
    u = 2 * (1 / 3) ** 0.5
    assert updates("AdaDelta", [2, 4], momentum=0.5, delta=1) == near(
        0.1 * u, 0.1 * 4 * ((1 + 0.5 * u * u) / 10) ** 0.5
    )
    # the first step is the rate: bias corrections undo (1 - b1) and (1 - b2)
    assert updates("Adam", [2], momentum=0.9, momentum2=0.99, delta=0) == near(0.1)


@pytest.mark.parametrize(
    "kind, settings, why",
    [
        ("AdaGradSolver", "momentum: 0.9", "momentum is 0.9.*AdaGrad"),
        ("RMSPropSolver", "momentum: 0.9", "momentum is 0.9.*RMSProp"),
        ("RMSPropSolver", "rms_decay: 1", "rms_decay is 1"),
    ],
)
def test_a_rule_refuses_what_it_has_not(kind, settings, why):
    with pytest.raises(caffe.CaffeError, match=f"solver.prototxt: {why}"):
        solver(f"{FIXED} {settings}", kind)


@pytest.mark.parametrize("kind", ["SGDSolver", "AdamSolver"])
def test_a_diverging_training_goes_on_with_what_is_not_a_number(kind):
    s = solver('base_lr: 1e30 lr_policy: "fixed" clip_gradients: 1e38', kind)
    s.step(4)
    s.net.params["fc"][0].data[...] = np.nan
    s.step(2)
    assert np.isnan(s.net.params["fc"][0].data).all() and s.iter == 6


# ---- snapshots


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
@pytest.mark.parametrize("kind", ["SGDSolver", "AdamSolver"])
def test_a_restored_training_goes_on_to_the_bit(form, kind):
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


def test_solve_resumes_from_a_state():
    s = solver(f"{FIXED} max_iter: 4 snapshot: 2")
    s.solve()
    again = solver(f"{FIXED} max_iter: 4 snapshot: 2")
    again.solve("solver_iter_2.solverstate")
    np.testing.assert_array_equal(s.net.params["fc"][0].data, again.net.params["fc"][0].data)


def test_gradients_are_in_a_snapshot_that_wants_them():
    s = solver(f"{FIXED} snapshot_diff: true")
    s.step(1)
    s.snapshot()
    net = caffe_pb2.NetParameter.FromString(Path("solver_iter_1.caffemodel").read_bytes())
    stored = next(layer for layer in net.layer if layer.name == "fc").blobs[0]
    np.testing.assert_array_equal(stored.diff, s.net.params["fc"][0].diff.ravel())
    np.testing.assert_array_equal(stored.data, s.net.params["fc"][0].data.ravel())


def test_a_state_of_another_solver_or_net_is_refused():
    solver().snapshot()
    with pytest.raises(caffe.WeightsError, match="history of 2 blobs.*keeps 4"):
        solver(kind="AdamSolver").restore("solver_iter_0.solverstate")
    wide = NET.replace("num_output: 3", "num_output: 5")
    Path("wide.prototxt").write_text(wide)
    with pytest.raises(caffe.WeightsError, match=r'blob 0.*\(3, 3\).*"fc" \(5, 3\)'):
        solver(net='net: "wide.prototxt"').restore("solver_iter_0.solverstate")


def test_a_damaged_state_is_refused_in_one_line(rng):
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


def test_a_state_whose_weights_are_gone_says_so():
    s = solver()
    s.snapshot()
    os.remove("solver_iter_0.caffemodel")
    with pytest.raises(caffe.MissingFileError, match="solver_iter_0.caffemodel"):
        s.restore("solver_iter_0.solverstate")


# ---- files that cannot be meant


@pytest.mark.parametrize(
    "text, why",
    [
        (FIXED, "needs one of net, net_param, train_net, train_net_param"),
        (f'net: "net.prototxt" train_net: "net.prototxt" {FIXED}', "net and train_net are given"),
        (f'net: "gone.prototxt" {FIXED}', "no such prototxt: gone.prototxt"),
        (f'net: "net.prototxt" {FIXED} warmup: 3', "a solver has no field warmup"),
        (f'net: "net.prototxt" {FIXED} test_iter: 3', "test_interval is 0"),
        (f'train_net: "net.prototxt" {FIXED} test_iter: 3 test_interval: 1', "for 0 test nets"),
        (f'net: "net.prototxt" {FIXED} test_iter: -1 test_interval: 1', "test_iter is -1"),
        (f'net: "net.prototxt" {FIXED} test_interval: -1', "test_interval is -1"),
        (f'net: "net.prototxt" {FIXED} test_iter: 1 test_interval: 1 test_state {{}} '
         "test_state {}", "test_state is given 2 times for 1"),
        (f'net: "net.prototxt" {FIXED} max_iter: -4', "max_iter is -4"),
        (f'net: "net.prototxt" {FIXED} iter_size: 0', "iter_size is 0"),
        (f'net: "net.prototxt" {FIXED} average_loss: 0', "average_loss is 0"),
        (f'net: "net.prototxt" {FIXED} regularization_type: "L3"', 'regularization_type is "L3"'),
        ('net: "net.prototxt" lr_policy: "cosine"', 'lr_policy is "cosine"'),
        ('net: "net.prototxt" lr_policy: "step" gamma: 1', "stepsize of 1 or more, not 0"),
        ('net: "net.prototxt" lr_policy: "exp" gamma: -1', "gamma of 0 or more, not -1"),
        (f'net: "net.prototxt" {FIXED} snapshot: 1 snapshot_prefix: "no/where"', "no is no folder"),
        (f'net: "net.prototxt" {FIXED} type: "SGD" solver_type: ADAM', "both type"),
        (f'net: "net.prototxt" {FIXED} weights: "gone.caffemodel"', "gone.caffemodel"),
        (f"net_param {{ layer {{ type: 'Nothing' }} }} {FIXED}", "unknown type"),
        (f'net: "net.prototxt" {FIXED} snapshot_prefix: "a\\000b"', "has a zero byte"),
        ("net: {", "syntax error"),
        ("\x00\x01\x02", "solver.prototxt"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_meant_is_refused_in_one_line(text, why):
    Path("solver.prototxt").write_text(text)
    with pytest.raises((caffe.CaffeError, caffe.MissingFileError), match=re.escape(why)) as caught:
        caffe.SGDSolver("solver.prototxt")
    assert "\n" not in str(caught.value)


def test_a_rate_is_needed_by_the_first_update():
    s = solver("base_lr: 0.1")
    with pytest.raises(caffe.CaffeError, match="lr_policy is not given"):
        s.step(1)


def test_an_unknown_type_names_those_that_are_known():
    with pytest.raises(caffe.CaffeError, match='type "Adamax"; known: SGD, Nesterov'):
        solver(f'{FIXED} type: "Adamax"', "get_solver")
    assert type(solver(f'{FIXED} type: "Adam"', "get_solver")) is caffe.AdamSolver


def test_shared_parameters_must_agree_on_their_rates():
    shared = NET.replace(
        'layer { name: "loss"',
        'layer { name: "fc2" type: "InnerProduct" bottom: "data" top: "fc2" param { name: "w" '
        "lr_mult: 2 } inner_product_param { num_output: 3 } }\n"
        'layer { name: "quiet" type: "Silence" bottom: "fc2" }\nlayer { name: "loss"',
    ).replace('top: "fc"\n', 'top: "fc" param { name: "w" lr_mult: 1 }\n')
    Path("net.prototxt").write_text(shared)
    with pytest.raises(caffe.PrototxtError, match='"fc2".*lr_mult 2.*1'):
        solver()


def test_a_folder_that_cannot_be_written_to_stops_nothing_else():
    s = solver(f'{FIXED} snapshot_prefix: "gone/model"')
    s.step(1)
    with pytest.raises(OSError):
        s.snapshot()
    s.step(1)
    assert s.iter == 2


def test_solvers_cannot_be_copied_and_several_gpus_are_refused():
    with pytest.raises(RuntimeError):
        copy.copy(solver())
    with pytest.raises(caffe.CaffeError, match="NCCL"):
        caffe.NCCL(solver(), "uid")
    assert caffe.has_nccl() is False


def test_a_net_that_no_solver_trains_keeps_no_history():
    net = caffe.Net("net.prototxt", caffe.TEST)
    net.forward()
    net.backward()
    assert net._parts.params["fc"][0].diff_is_new

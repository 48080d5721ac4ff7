"""Solvers' files that cannot be meant."""

import copy
import re
from pathlib import Path

import pytest

import caffe_compat as caffe
from tests.support.training import FIXED, SMALL


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


def test_a_rate_is_needed_by_the_first_update(solver):
    s = solver("base_lr: 0.1")
    with pytest.raises(caffe.CaffeError, match="lr_policy is not given"):
        s.step(1)


def test_an_unknown_type_names_those_that_are_known(solver):
    with pytest.raises(caffe.CaffeError, match='type "Adamax"; known: SGD, Nesterov'):
        solver(f'{FIXED} type: "Adamax"', "get_solver")
    assert type(solver(f'{FIXED} type: "Adam"', "get_solver")) is caffe.AdamSolver


def test_shared_parameters_must_agree_on_their_rates(solver):
    shared = SMALL.replace(
        'layer { name: "loss"',
        'layer { name: "fc2" type: "InnerProduct" bottom: "data" top: "fc2" param { name: "w" '
        "lr_mult: 2 } inner_product_param { num_output: 3 } }\n"
        'layer { name: "quiet" type: "Silence" bottom: "fc2" }\nlayer { name: "loss"',
    ).replace('top: "fc"\n', 'top: "fc" param { name: "w" lr_mult: 1 }\n')
    Path("net.prototxt").write_text(shared)
    with pytest.raises(caffe.PrototxtError, match='"fc2".*lr_mult 2.*1'):
        solver()


def test_a_folder_that_cannot_be_written_to_stops_nothing_else(solver):
    s = solver(f'{FIXED} snapshot_prefix: "gone/model"')
    s.step(1)
    with pytest.raises(OSError):
        s.snapshot()
    s.step(1)
    assert s.iter == 2


def test_solvers_cannot_be_copied_and_several_gpus_are_refused(solver):
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

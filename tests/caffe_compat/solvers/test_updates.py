"""Learning rates and update rules, by hand."""

from pathlib import Path
from typing import List, Sequence

import numpy as np
import pytest
from google.protobuf import text_format

import caffe_compat as caffe
from caffe_compat.proto import caffe_pb2
from caffe_compat.solvers import policies
from caffe_compat.solvers.updates import RULES
from tests.support.training import FIXED, SMALL


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


def test_a_multistep_rate_falls_at_each_value(solver):
    s = solver('base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 3')
    rates = []
    for _ in range(5):
        rates.append(s.lr)
        s.step(1)
    assert rates == [1, 1, 0.5, 0.25, 0.25]


def test_the_steps_of_a_multistep_rate_are_in_the_state(solver):
    settings = 'base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 1 stepvalue: 2'
    s = solver(settings)
    s.step(4)
    s.snapshot()
    again = solver(settings)
    again.restore("solver_iter_4.solverstate")
    assert again.lr == s.lr == 0.25


def test_a_later_layer_may_say_the_rate_of_a_shared_parameter(solver):
    shared = SMALL.replace(
        'layer { name: "loss"',
        'layer { name: "fc2" type: "InnerProduct" bottom: "data" top: "fc2" param { name: "w" '
        "lr_mult: 0 } inner_product_param { num_output: 3 } }\n"
        'layer { name: "quiet" type: "Silence" bottom: "fc2" }\nlayer { name: "loss"',
    ).replace('top: "fc"\n', 'top: "fc" param { name: "w" }\n')
    Path("net.prototxt").write_text(shared)
    s = solver()
    before = s.net.params["fc"][0].data.copy()
    s.step(2)
    np.testing.assert_array_equal(s.net.params["fc"][0].data, before)
    assert s.net.params["fc"][1].data.any()


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
def test_a_rule_refuses_what_it_has_not(solver, kind, settings, why):
    with pytest.raises(caffe.CaffeError, match=f"solver.prototxt: {why}"):
        solver(f"{FIXED} {settings}", kind)


@pytest.mark.parametrize("kind", ["SGDSolver", "AdamSolver"])
def test_a_diverging_training_goes_on_with_what_is_not_a_number(solver, kind):
    s = solver('base_lr: 1e30 lr_policy: "fixed" clip_gradients: 1e38', kind)
    s.step(4)
    s.net.params["fc"][0].data[...] = np.nan
    s.step(2)
    assert np.isnan(s.net.params["fc"][0].data).all() and s.iter == 6

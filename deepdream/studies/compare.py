"""Two engines on one dream: one records it, the other is held against the recording, step by step."""

import time
from dataclasses import dataclass, replace
from typing import List

import numpy as np

from ..dream.octaves import Progress
from ..dream.passes import backward_from
from ..request import job as jobs

# two correct engines sum in different orders: 1e-5 of the norm is far above that, and far below any fault's
TOLERANCE = 1e-5
# the noise that stands for rounding, relative to each value of a state: one or two of its last bits
LAST_BITS = 2e-7
# how much more than such noise may move the gradient, before it is more than rounding
MARGIN = 5


@dataclass(frozen=True)
class Step:
    """How far two engines are apart at one step of one dream.

    From the same state: `activation` and `gradient`, norm of the difference over the norm of the reference's;
    `rounding`, how far the second engine's own gradient moves, likewise, when the last bits of the state change;
    `apart`, the share of gradient values that differ by over a thousandth of the gradient's root mean square; `update`, the mean
    difference of the pixels' change, in grey levels. Running freely: `drift`, the mean difference of the pixels, in grey levels.
    """

    octave: int
    step: int
    size: tuple
    activation: float
    gradient: float
    rounding: float
    apart: float
    update: float
    drift: float


@dataclass(frozen=True)
class Comparison:
    """Every step, the two finished pictures, float32 RGB (H, W, 3), and what the second engine's run was."""

    steps: List[Step]
    reference: np.ndarray
    result: np.ndarray
    seconds: float


def record(job, writer, recipe, report=None):
    """Dream, and keep every step in a recording.Writer; `recipe` is stored with it."""
    started = time.monotonic()
    writer.start(job.pixels, job.target.guide)
    result = _run(job, writer.step, report)
    writer.finish(result, recipe, seconds=round(time.monotonic() - started, 3))


def follow(job, recording, report=None):
    """Run `job`, the same dream on another engine, freely and then from each recorded state: a Comparison.

    report: called with a Progress after every step of the free run, and twice for every recorded state.
    """
    # the pixels that the reference saw: two JPEG decoders need not agree
    job = replace(
        job,
        pixels=recording.array("pixels"),
        target=replace(job.target, guide=recording.array("guide")),
    )
    started = time.monotonic()
    drifts: List[float] = []

    def drift(progress, state, activation, gradient):
        drifts.append(float(np.abs(state - recording.step(len(drifts))["state"]).mean()))

    result = _run(job, drift, report)
    objective, rng = jobs.objective(job), np.random.RandomState(0)
    steps = []
    for number, facts in enumerate(recording.steps):
        recorded = recording.step(number)
        state = recorded["state"]
        activation, gradient = (
            array.copy() for array in from_state(job.net, job.end, objective, state)
        )
        nearby = np.float32(state * (1 + LAST_BITS * rng.standard_normal(state.shape)))
        _, moved = from_state(job.net, job.end, objective, nearby)
        steps.append(
            _compared(
                facts,
                recorded,
                activation,
                gradient,
                _relative(moved, gradient),
                job.dream.step_size,
                drifts[number],
            )
        )
        for _ in range(2 if report else 0):
            report(
                Progress(
                    facts["octave"],
                    job.dream.octaves,
                    facts["step"],
                    job.dream.iterations,
                    tuple(facts["size"]),
                )
            )
    return Comparison(steps, recording.array("result"), result, time.monotonic() - started)


def from_state(net, end, objective, state):
    """(activation of `end`, gradient of the input) of one pass from `state`, (3, h, w), which is the shifted input itself."""
    src = net.blobs["data"]
    src.reshape(1, *state.shape)
    src.data[0] = state
    net.forward(end=end)
    gradient = backward_from(net, end, objective)
    return net.blobs[end].data[0], gradient[0]


def _run(job, on_step, report):
    """The job's one picture; on_step(progress, state, activation, gradient) is called after every step."""
    net = job.net
    seen = {}

    def watched(objective):
        def watching(dst):
            seen["state"], seen["activation"] = net.blobs["data"].data[0].copy(), dst.data[0].copy()
            objective(dst)

        return watching

    def after(progress):
        on_step(progress, seen["state"], seen["activation"], net.blobs["data"].diff[0])
        if report:
            report(progress)

    (picture,) = jobs.pictures(job, after, watched)
    return picture


def _compared(facts, recorded, activation, gradient, rounding, step_size, drift):
    wanted = recorded["gradient"]
    rms = np.sqrt(np.mean(np.square(wanted, dtype=np.float64))) or 1.0
    update = (
        step_size
        * np.abs(gradient / np.abs(gradient).mean() - wanted / np.abs(wanted).mean()).mean()
    )
    return Step(
        facts["octave"], facts["step"], tuple(facts["size"]),
        activation=_relative(activation, recorded["activation"]),
        gradient=_relative(gradient, wanted),
        rounding=rounding,
        apart=float((np.abs(gradient - wanted) > 1e-3 * rms).mean()),
        update=float(update),
        drift=drift,
    )  # fmt: skip


def _relative(found, wanted):
    difference = np.linalg.norm(np.float64(found - wanted).ravel())
    return float(difference / (np.linalg.norm(np.float64(wanted).ravel()) or 1.0))


def verdict(comparison):
    """(word, sentences): "equal", "agree" or "differ", and the numbers that say so.

    Engines agree if the activations do, to TOLERANCE, and the gradients do in the median; or, since a gradient jumps where a ReLU's
    input or two values of a maximum are equal but for rounding, and a large picture has such a place at every step, if they are
    apart no further than rounding alone (`rounding`) moves them: by MARGIN at most in the mean; and at their best step, which a fault
    would move like all others, by no more than TOLERANCE, or MARGIN times rounding's lower quartile.
    """
    steps = comparison.steps
    pictures = float(np.abs(comparison.result - comparison.reference).mean())
    if not steps:
        return (
            ("differ", "No step was taken, yet the pictures differ.")
            if pictures
            else ("equal", "No step was taken, and the pictures are equal.")
        )
    gradients, rounding = (
        np.array([s.gradient for s in steps]),
        np.array([s.rounding for s in steps]),
    )
    activation = max(s.activation for s in steps)
    if not (gradients.any() or activation or pictures):
        return (
            "equal",
            f"Equal to the bit: every activation, gradient and pixel of all {len(steps)} steps.",
        )
    median = np.median(gradients)
    as_rounding = gradients.mean() <= MARGIN * rounding.mean() and gradients.min() <= max(
        TOLERANCE, MARGIN * np.quantile(rounding, 0.25)
    )
    agree = activation <= TOLERANCE and (median <= TOLERANCE or as_rounding)
    numbers = (
        f"From the same state, the activations differ by {activation:.1e} of their norm at worst, and the gradient by {median:.1e} in the "
        f"median of {len(steps)} steps, {gradients.mean():.1e} in the mean; {(gradients > TOLERANCE).sum()} steps are over {TOLERANCE:.0e}. "
        f"Changing the last bits of the same states moves the second engine's own gradient by {np.median(rounding):.1e} in the median, "
        f"{rounding.mean():.1e} in the mean. Left to themselves, the two dreams part: by {steps[-1].drift:.2g} grey levels at the last step, "
        f"{pictures:.2g} in the finished pictures."
    )
    return ("agree" if agree else "differ"), numbers

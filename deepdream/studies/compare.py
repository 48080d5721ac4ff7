"""Two engines on one dream: one records it, the other is compared with the recording."""

import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..dream.lean import lean
from ..dream.octaves import BYTES_PER_PIXEL as BYTES_OF_A_DREAM
from ..dream.octaves import Progress
from ..dream.passes import backward_from
from ..dream.preprocess import input_blob, unscaled
from ..errors import RecordingError, Size
from ..request import making
from ..request.target import Guide
from .recording import Recording, Writer

# two correct engines sum in different orders: 1e-5 of the norm is far above that, and far below
# what any fault gives
TOLERANCE = 1e-5
# the noise that stands for rounding, relative to each value of a state: one or two of its last bits
LAST_BITS = 2e-7
# how much further than such noise moves the gradient two engines may be apart before it is more
# than rounding
MARGIN = 5

# of memory beside the net: the dream's own, two steps in float64, and what is between them
BYTES_PER_PIXEL = BYTES_OF_A_DREAM + 220

Report = Callable[[Progress], None]
OnStep = Callable[[Progress, np.ndarray, np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Step:
    """How far apart two engines are at one step of one dream.

    From the same state: `activation` and `gradient`, norm of the difference over the norm of the
    reference's array; `rounding`, how far the second engine's own gradient moves, likewise, when
    the last bits of the state change; `apart`, the share of gradient values that differ by over a
    thousandth of the gradient's root mean square; `update`, the mean difference of the pixels'
    change, in grey levels. Running freely: `drift`, the mean difference of the pixels, in grey
    levels.
    """

    octave: int
    step: int
    size: Size
    activation: float
    gradient: float
    rounding: float
    apart: float
    update: float
    drift: float


@dataclass(frozen=True)
class Comparison:
    """Every step, and the two finished pictures, float32 RGB (H, W, 3).

    seconds: what the second engine's two runs took.
    """

    steps: List[Step]
    reference: np.ndarray
    result: np.ndarray
    seconds: float


def record(job: Any, writer: Writer, recipe: str, report: Optional[Report] = None) -> None:
    """Dream, and keep every step in a Writer; `recipe` is stored with it."""
    started = time.monotonic()
    writer.start(job.pixels, *(guide.picture for guide in job.target.guides))
    result = _run(job, writer.step, report)
    writer.finish(result, recipe, seconds=round(time.monotonic() - started, 3))


def follow(job: Any, recording: Recording, report: Optional[Report] = None) -> Comparison:
    """Run `job`, the same dream on another engine: freely, and then from each recorded state.

    report: called with a Progress after every step of the free run, and twice for every recorded
    state.
    """
    # the pixels that the reference saw: two JPEG decoders may differ
    if not callable(job.objective()):  # a recording comes from anywhere
        raise RecordingError(
            f"{recording.folder}: is not of one layer with one guide at most, and no other can be "
            "compared"
        )
    guide = recording.array("guide")
    target = replace(job.target, guides=() if guide is None else (Guide(guide),))
    job = replace(job, pixels=recording.array("pixels"), target=target)
    started = time.monotonic()
    drifts: List[float] = []

    def drift(progress: Progress, state: np.ndarray, *_: np.ndarray) -> None:
        apart = unscaled(job.net, state - recording.step(len(drifts))["state"])
        drifts.append(float(np.abs(apart).mean()))

    result = _run(job, drift, report)
    objective, rng = job.objective(), np.random.RandomState(0)
    steps = []
    for number, facts in enumerate(recording.steps):
        recorded = recording.step(number)
        state = recorded["state"]
        passed = from_state(job.net, job.end, objective, state)
        activation, gradient = (array.copy() for array in passed)
        nearby = (state * (1 + LAST_BITS * rng.standard_normal(state.shape))).astype(np.float32)
        _, moved = from_state(job.net, job.end, objective, nearby)
        rounding = _relative(moved, gradient)
        step_size = job.dream.step_size
        steps.append(
            _compared(facts, recorded, activation, gradient, rounding, step_size, drifts[number])
        )
        if report:
            at, of = (facts["octave"], job.dream.octaves), (facts["step"], job.dream.iterations)
            for _ in range(2):
                report(Progress(*at, *of, tuple(facts["size"])))
    reference = recording.array("result")
    assert reference is not None and result is not None
    return Comparison(steps, reference, result, time.monotonic() - started)


@lean
def from_state(
    net: Any, end: str, objective: Callable[[Any], None], state: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """(activation of `end`, gradient of the input) of one pass from a state, all live.

    state: (C, h, w), the shifted input itself.
    """
    src = input_blob(net)
    src.reshape(1, *state.shape)
    src.data[0] = state
    net.forward(end=end)
    gradient = backward_from(net, end, objective)
    return net.blobs[end].data[0], gradient[0]


def _run(job: Any, on_step: OnStep, report: Optional[Report]) -> np.ndarray:
    """The job's one picture; on_step gets (progress, state, activation, gradient) of each step."""
    src = input_blob(job.net)
    seen: Dict[str, np.ndarray] = {}

    def watched(objective: Callable[[Any], None]) -> Callable[[Any], None]:
        def watching(dst: Any) -> None:
            seen["state"], seen["activation"] = src.data[0].copy(), dst.data[0].copy()
            objective(dst)

        return watching

    def after(progress: Progress) -> None:
        on_step(progress, seen["state"], seen["activation"], src.diff[0])
        if report:
            report(progress)

    picture: np.ndarray
    (picture,) = making.pictures(job, after, watched)
    return picture


def _compared(
    facts: Dict[str, Any],
    recorded: Dict[str, np.ndarray],
    activation: np.ndarray,
    gradient: np.ndarray,
    rounding: float,
    step_size: float,
    drift: float,
) -> Step:
    expected = recorded["gradient"]
    rms = np.sqrt(np.mean(np.square(expected, dtype=np.float64))) or 1.0
    # by how much each moves the pixels, in mean sizes of its own gradient
    moves = gradient / np.abs(gradient).mean() - expected / np.abs(expected).mean()
    return Step(
        facts["octave"],
        facts["step"],
        tuple(facts["size"]),
        activation=_relative(activation, recorded["activation"]),
        gradient=_relative(gradient, expected),
        rounding=rounding,
        apart=float((np.abs(gradient - expected) > 1e-3 * rms).mean()),
        update=float(step_size * np.abs(moves).mean()),
        drift=drift,
    )


def _relative(array: np.ndarray, expected: np.ndarray) -> float:
    difference = np.linalg.norm(np.float64(array - expected).ravel())
    return float(difference / (np.linalg.norm(np.float64(expected).ravel()) or 1.0))


@dataclass(frozen=True)
class Check:
    """One of the measures that decide whether two engines agree."""

    measured: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether it is within its limit, which no NaN is."""
        return self.measured <= self.limit


@dataclass(frozen=True)
class Checks:
    """What the verdict on a comparison with steps is made of.

    Engines agree if their activations do, to TOLERANCE (`activation`, at the worst step), and the
    gradients do in the median (`median`). A gradient jumps where a ReLU's input, or two values of a
    maximum, are equal except for rounding, and a large picture has such a place at every step. So
    they also agree if their gradients are no further apart than rounding alone (`Step.rounding`)
    moves them: on average, by at most MARGIN times that (`mean`); and at their best step, which a
    fault would move like all others, by at most TOLERANCE, or MARGIN times the lower quartile of
    rounding (`best`).
    """

    activation: Check
    median: Check
    mean: Check
    best: Check

    @property
    def as_rounding(self) -> bool:
        """Whether the gradients are no further apart than rounding moves them."""
        return self.mean.holds and self.best.holds

    @property
    def agree(self) -> bool:
        return self.activation.holds and (self.median.holds or self.as_rounding)


def checks(steps: Sequence[Step]) -> Checks:
    """The measures of a comparison's steps, of which there is at least one."""
    gradients = np.array([step.gradient for step in steps])
    rounding = np.array([step.rounding for step in steps])
    least = max(TOLERANCE, float(MARGIN * np.quantile(rounding, 0.25)))
    return Checks(
        activation=Check(float(np.max([step.activation for step in steps])), TOLERANCE),
        median=Check(float(np.median(gradients)), TOLERANCE),
        mean=Check(float(gradients.mean()), float(MARGIN * rounding.mean())),
        best=Check(float(gradients.min()), least),
    )


def over(steps: Sequence[Step]) -> int:
    """At how many steps the gradients differ by more than TOLERANCE, or by no number."""
    return sum(not step.gradient <= TOLERANCE for step in steps)


def verdict(comparison: Comparison) -> Tuple[str, str]:
    """(word, sentences): "equal", "agree" (see Checks) or "differ", and the numbers behind it."""
    steps = comparison.steps
    pictures = float(np.abs(comparison.result - comparison.reference).mean())
    if not steps:
        if pictures:
            return "differ", "No step was taken, yet the pictures differ."
        return "equal", "No step was taken, and the pictures are equal."
    found = checks(steps)
    if not (any(step.gradient for step in steps) or found.activation.measured or pictures):
        every = "the one step" if len(steps) == 1 else f"all {len(steps)} steps"
        return (
            "equal",
            f"Equal to the bit: every activation, gradient and pixel of {every}.",
        )
    rounding = np.array([step.rounding for step in steps])
    numbers = (
        f"From the same state, the activations differ by {found.activation.measured:.1e} of their "
        f"norm at worst, and the gradient by {found.median.measured:.1e} in the median of "
        f"{len(steps)} steps, {found.mean.measured:.1e} in the mean; {over(steps)} steps are over "
        f"{TOLERANCE:.0e}. Changing the last bits of the same states moves the second engine's own "
        f"gradient by {np.median(rounding):.1e} in the median, {rounding.mean():.1e} in the mean. "
        f"Left to themselves, the two dreams part: by {steps[-1].drift:.2g} grey levels at the "
        f"last step, {pictures:.2g} in the finished pictures."
    )
    return ("agree" if found.agree else "differ"), numbers

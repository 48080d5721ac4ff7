"""The page that `deepdream compare` writes."""

from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy as np

from . import page
from .compare import MARGIN, TOLERANCE, Check, Checks, Comparison, Step, checks, over, verdict
from .plot import Level, plot
from .recording import Recording

_LIMIT = f"{TOLERANCE:.0e}"
_WORDS = {
    "equal": "Equal to the bit.",
    "agree": "The engines agree.",
    "differ": "The engines differ.",
}
_CHECKS_CAPTION = (
    "What the verdict is made of: engines agree if the first line holds, and with it either the "
    "second or both of the last two. All are shares of the reference's norm, from the same state."
)
_HOW_TO_READ = f"""
<p>The first plot takes every state that the reference went through and gives it to the other engine
for one forward and one backward pass. That tests the engine: errors cannot accumulate. The dashed
line, at {_LIMIT}, is the limit of every activation, and of the gradients' <em>median</em> (dotted);
it is no limit of a single gradient.</p>
<p>For a gradient can jump at a near-tie: where a ReLU's input is zero except for rounding, or two
values of a maximum are equal except for rounding, two engines may choose differently, and both are
right; the activations stay as close as ever. How often that happens is measured: &ldquo;own
rounding&rdquo; compares the second engine with itself, with one or two of the last bits of every
input value changed. Two correct engines are about that far apart; a faulty one is further off at
every step, or in its activations.</p>
<p>The second plot lets the other engine dream by itself from the same picture and seed. There
rounding grows from step to step, between any two engines that sum in different orders, so it shows
how repeatable a dream is, and is no test.</p>
"""
_STEP_COLUMNS = (
    "step",
    "size",
    "activation error",
    "gradient error",
    "own rounding",
    "values apart",
    "update",
    "drift",
)
_STEPS_CAPTION = (
    "Errors are norms of the difference over norms of the reference's array, from the same state; "
    "own rounding is that of the second engine's gradient and its own, the state's last bits "
    "changed. Values apart: the share of the gradient's values that differ by over a thousandth of "
    "its root mean square. Update: mean difference of what the step adds to the pixels, in grey "
    "levels. Drift: that of the pixels before the step, running freely."
)


def render(recording: Recording, comparison: Comparison, recipe: Dict[str, Any]) -> str:
    """The page as text. recipe: of the second engine's run, as in the recording."""
    before = recording.recipe
    names = [_engine_name(before), _engine_name(recipe)]
    height, width = comparison.reference.shape[:2]
    end = before["settings"]["end"]
    about = f"{width}x{height} pixels, {before['model']['name']}, {end}, seed {before['seed']}"
    body = [
        *_verdict(comparison),
        "<h2>Left to themselves</h2>",
        page.row([*_pictures(comparison, names), *_sources(recording)]),
        "<h2>Step by step</h2>",
        *_plots(comparison.steps),
        "<h2>What was run</h2>",
        page.table(
            "Both runs: the engines, and the versions of what they run on.",
            ["", f"reference: {names[0]}", names[1]],
            _environment(recording, comparison, recipe),
        ),
        "<h2>Settings</h2>",
        page.table("Of both runs.", ["setting", "value"], _settings(before)),
    ]
    if comparison.steps:
        body += [
            "<h2>Every step</h2>",
            "<details><summary>the numbers behind the plots</summary>",
            page.table(_STEPS_CAPTION, _STEP_COLUMNS, map(_step_row, comparison.steps)),
            "</details>",
        ]
    return page.page(f"{names[0]} and {names[1]}, one dream", about, body)


def _engine_name(recipe: Dict[str, Any]) -> str:
    engine = recipe["engine"]
    name = {"caffe": "Caffe"}.get(engine["name"], engine["name"])
    return f"{name} {engine['version']}" + (f" on GPU {engine['gpu']}" if "gpu" in engine else "")


def _verdict(comparison: Comparison) -> Iterable[str]:
    word, numbers = verdict(comparison)
    if word == "equal" or not comparison.steps:
        return [page.verdict(word, _WORDS[word], numbers)]
    found = checks(comparison.steps)
    bound = (
        ""
        if found.best.limit == TOLERANCE
        else f", at most {MARGIN} times own rounding's lower quartile"
    )
    rows = [
        _check_row("activation, at the worst step", found.activation),
        _check_row("gradient, in the median", found.median),
        _check_row(f"gradient, in the mean, at most {MARGIN} times own rounding's", found.mean),
        _check_row(f"gradient, at the best step{bound}", found.best),
    ]
    return [
        page.verdict(word, _WORDS[word], _why(found, comparison.steps)),
        page.table(_CHECKS_CAPTION, ["", "measured", "limit", "holds"], rows),
    ]


def _check_row(what: str, check: Check) -> Tuple[str, ...]:
    return what, f"{check.measured:.1e}", f"{check.limit:.1e}", "yes" if check.holds else "no"


def _why(found: Checks, steps: Sequence[Step]) -> str:
    """What decided between agreeing and differing, in words."""
    activation, median = found.activation, found.median
    if not activation.holds:
        return (
            f"Given the same states, their activations differ by {activation.measured:.1e} of the "
            f"norm at the worst step, which is over {_LIMIT}: more than rounding can do."
        )
    said = f"Given the same states, every activation is within {_LIMIT} of the reference's"
    if median.holds:
        above = over(steps)
        said += ", and so are the gradients in the median"
        if above:
            said += (
                f"; at {above} of {len(steps)} steps a near-tie moves the gradient by more, as it "
                "would between any two engines"
            )
        return said + "."
    if found.as_rounding:
        return (
            f"{said}. The gradients differ by more at {over(steps)} of {len(steps)} steps, by "
            f"{found.mean.measured:.1e} in the mean; but changing the last bits of its input moves "
            f"the second engine's own gradient by {found.mean.limit / MARGIN:.1e}. So the "
            "difference is rounding at near-ties, and no fault."
        )
    return (
        f"{said}, but the gradients differ by {median.measured:.1e} in the median and "
        f"{found.mean.measured:.1e} in the mean, further than rounding alone moves them "
        f"({found.mean.limit / MARGIN:.1e})."
    )


def magnification(difference: np.ndarray) -> int:
    """The power of two that brings a difference's 99.9th percentile nearest below 255.

    At most 2 ** 20; 1 where there is no difference.
    """
    top = float(np.percentile(np.abs(difference), 99.9))
    return 2 ** int(np.clip(np.floor(np.log2(255 / top)), 0, 20)) if top > 0 else 1


def _pictures(comparison: Comparison, names: Sequence[str]) -> List[str]:
    difference = np.abs(comparison.result - comparison.reference)
    factor = magnification(difference)
    caption = "the difference: none"
    if difference.any():
        caption = (
            f"the difference, {factor} times: {difference.mean():.3g} grey levels on average, "
            f"{difference.max():.3g} at most"
        )
    shown = (
        (comparison.reference, f"the reference, {names[0]}", f"The dream by {names[0]}"),
        (comparison.result, names[1], f"The dream by {names[1]}, running freely"),
        (difference * factor, caption, "How far each pixel of the two dreams is apart"),
    )
    return [page.figure(page.picture(array), *text) for array, *text in shown]


def _sources(recording: Recording) -> List[str]:
    texts = {
        "pixels": ("dreamt on this picture", "The picture before the dream"),
        "guide": ("guided by this one", "The picture whose features the dream grows towards"),
    }
    arrays = ((recording.array(name), text) for name, text in texts.items())
    return [page.figure(page.picture(array), *text) for array, text in arrays if array is not None]


def _plots(steps: Sequence[Step]) -> List[str]:
    if not steps:
        return ["<p>No step was taken.</p>"]
    breaks = [i + 1 for i, s in enumerate(steps) if i and s.octave != steps[i - 1].octave]
    forced = plot(
        {
            "gradient": [s.gradient for s in steps],
            "activation": [s.activation for s in steps],
            "own rounding": [s.rounding for s in steps],
        },
        "error, as a share of the norm",
        [
            Level(TOLERANCE, f"limit, {_LIMIT}"),
            Level(checks(steps).median.measured, "gradient, median", curve=0),
        ],
        breaks,
        told="Errors from the same state over the steps; the table of every step has the numbers",
    )
    free = plot(
        {"pixels": [s.drift for s in steps]},
        "mean difference, grey levels",
        breaks=breaks,
        told="How the pixels part over the steps; the table of every step has the numbers",
    )
    zero = "Zero is drawn at 1e-09."
    figures = [
        page.drawing(
            forced,
            "From the same state, at every step. The limit is that of every activation and of the "
            f"gradient's median; a single gradient may cross it. {zero}",
        ),
        page.drawing(free, f"Running freely, before every step. {zero}"),
    ]
    return [page.row(figures), _HOW_TO_READ]


def _step_row(step: Step) -> Tuple[str, ...]:
    errors = step.activation, step.gradient, step.rounding, step.apart, step.update, step.drift
    where, size = f"octave {step.octave}, step {step.step}", f"{step.size[1]}x{step.size[0]}"
    return (where, size, *(f"{value:.2e}" for value in errors))


def _environment(
    recording: Recording, comparison: Comparison, recipe: Dict[str, Any]
) -> List[Tuple[str, str, str]]:
    before = recording.recipe
    seconds = f"{comparison.seconds:.1f}, both runs and the comparison"
    before_seconds = recording.facts.get("seconds", "not known")
    if isinstance(before_seconds, float):
        before_seconds = f"{before_seconds:.1f}"
    rows = [("run time, seconds", str(before_seconds), seconds)]
    for group in ("engine", "libraries"):
        for key in sorted(set(before[group]) | set(recipe[group])):
            first, second = (str(run[group].get(key, "")) for run in (before, recipe))
            if first or second:
                name = f"engine {key}" if group == "engine" else key
                rows.append((name, first or "not recorded", second or "not recorded"))
    return rows


def _settings(recipe: Dict[str, Any]) -> Iterable[Tuple[str, str]]:
    model = recipe["model"]
    return page.filled(
        [
            ("deepdream", recipe["deepdream"]),
            *recipe["settings"].items(),
            ("seed", recipe["seed"]),
            ("model", model["name"]),
            ("weights, SHA1", model["weights_sha1"]),
            ("deploy net, SHA1", model["deploy_sha1"]),
            *((f"{source['role']}, SHA1", source["sha1"]) for source in recipe["files"]),
        ]
    )

"""The page that `deepdream compare` writes."""

import html
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from . import page
from .compare import TOLERANCE, Comparison, Step, verdict
from .recording import Recording

_WORDS = {
    "equal": "Equal to the bit.",
    "agree": "The engines agree.",
    "differ": "The engines differ.",
}
_HOW_TO_READ = """
<p>The left plot takes every state that the reference went through and gives it to the other engine
for one forward and one backward pass. That tests the engine: errors cannot accumulate. The right
plot lets the other engine dream by itself from the same picture and seed. There rounding grows from
step to step, between any two engines that sum in different orders, so it shows how repeatable a
dream is, and is no test.</p>
<p>A gradient can jump at a near-tie: where a ReLU's input is zero except for rounding, or two
values of a maximum are equal except for rounding, two engines may choose differently, and both are
right; the activations stay as close as ever. How often that happens is measured: &ldquo;own
rounding&rdquo; compares the second engine with itself, with one or two of the last bits of every
input value changed. Two correct engines are about that far apart; a faulty one is further off at
every step, or in its activations.</p>
"""
_STEP_COLUMNS = (
    "octave",
    "step",
    "size",
    "activation error",
    "gradient error",
    "own rounding",
    "values apart",
    "update",
    "drift",
)
_COLUMNS_EXPLAINED = """
<p class="dim">Errors are norms of the difference over norms of the reference's array, from the same
state; own rounding is that of the second engine's gradient and its own, the state's last bits
changed. Values apart: the share of the gradient's values that differ by over a thousandth of its
root mean square. Update: mean difference of what the step adds to the pixels, in grey levels.
Drift: that of the pixels before the step, running freely.</p>
"""


def render(recording: Recording, comparison: Comparison, recipe: Dict[str, Any]) -> str:
    """The page as text. recipe: of the second engine's run, as in the recording."""
    before = recording.recipe
    names = [_engine_name(before), _engine_name(recipe)]
    settings = before["settings"]
    height, width = comparison.reference.shape[:2]
    about = f"{html.escape(before['model']['name'])}, {html.escape(settings['end'])}"
    engines = ["", f"reference: {names[0]}", names[1]]
    body = [
        f"<h1>{html.escape(names[0])} and {html.escape(names[1])}, one dream</h1>",
        f'<p class="dim">{width}x{height} pixels, {about}, seed {before["seed"]}</p>',
        _verdict(comparison),
        _pictures(recording, comparison, names),
        "<h2>Step by step</h2>",
        _plots(comparison.steps),
        _HOW_TO_READ,
        "<h2>What was run</h2>",
        page.table(engines, _environment(recording, comparison, recipe)),
        "<h2>Settings</h2>",
        page.table(["setting", "value"], _settings(before)),
        "<h2>Every step</h2>",
        "<details><summary>the numbers behind the plots</summary>",
        page.table(_STEP_COLUMNS, map(_step_row, comparison.steps)),
        _COLUMNS_EXPLAINED,
        "</details>",
    ]
    return page.page(f"{names[0]} and {names[1]}, one dream", "\n".join(body))


def _engine_name(recipe: Dict[str, Any]) -> str:
    engine = recipe["engine"]
    name = {"caffe": "Caffe"}.get(engine["name"], engine["name"])
    return f"{name} {engine['version']}" + (f" on GPU {engine['gpu']}" if "gpu" in engine else "")


def _verdict(comparison: Comparison) -> str:
    word, numbers = verdict(comparison)
    return (
        f'<div class="verdict {word}"><strong>{_WORDS[word]}</strong>'
        f"<p>{html.escape(numbers)}</p></div>"
    )


def magnification(difference: np.ndarray) -> int:
    """The power of two that brings a difference's 99.9th percentile nearest below 255.

    At most 2 ** 20; 1 where there is no difference.
    """
    top = float(np.percentile(np.abs(difference), 99.9))
    return 2 ** int(np.clip(np.floor(np.log2(255 / top)), 0, 20)) if top > 0 else 1


def _pictures(recording: Recording, comparison: Comparison, names: Sequence[str]) -> str:
    difference = np.abs(comparison.result - comparison.reference)
    factor = magnification(difference)
    caption = "the difference: none"
    if difference.any():
        caption = (
            f"the difference, {factor} times: {difference.mean():.3g} grey levels on average, "
            f"{difference.max():.3g} at most"
        )
    figures = [
        page.figure(page.picture(comparison.reference), f"the reference, {names[0]}"),
        page.figure(page.picture(comparison.result), names[1]),
        page.figure(page.picture(difference * factor), caption),
    ]
    captions = {"pixels": "dreamt on this picture", "guide": "guided by this one"}
    arrays = {name: recording.array(name) for name in captions}
    sources = [
        page.figure(page.picture(array), captions[name])
        for name, array in arrays.items()
        if array is not None
    ]
    sources += ["<div></div>"] * (3 - len(sources))
    return (
        f'<h2>Left to themselves</h2><div class="row">{"".join(figures)}</div>'
        f'<h2>From</h2><div class="row">{"".join(sources)}</div>'
    )


def _plots(steps: Sequence[Step]) -> str:
    if not steps:
        return "<p>No step was taken.</p>"
    breaks = [i + 1 for i, s in enumerate(steps) if i and s.octave != steps[i - 1].octave]
    forced = page.plot(
        {
            "gradient": [s.gradient for s in steps],
            "activation": [s.activation for s in steps],
            "own rounding": [s.rounding for s in steps],
        },
        "error, as a share of the norm",
        (TOLERANCE, f"tolerance, {TOLERANCE:.0e}"),
        breaks,
    )
    drift = {"pixels": [s.drift for s in steps]}
    free = page.plot(drift, "mean difference, grey levels", breaks=breaks)
    zero = "Zero is drawn at 1e-9."
    figures = [
        page.figure(page.svg(forced), f"From the same state, at every step. {zero}"),
        page.figure(page.svg(free), f"Running freely, before every step. {zero}"),
    ]
    return f'<div class="row wide">{"".join(figures)}</div>'


def _step_row(step: Step) -> Tuple[Any, ...]:
    errors = step.activation, step.gradient, step.rounding, step.apart, step.update, step.drift
    size = f"{step.size[1]}x{step.size[0]}"
    return (step.octave, step.step, size, *(f"{value:.2e}" for value in errors))


def _environment(
    recording: Recording, comparison: Comparison, recipe: Dict[str, Any]
) -> List[Tuple[str, str, str]]:
    before = recording.recipe
    seconds = f"{comparison.seconds:.1f}, both runs and the comparison"
    rows = [("run time, seconds", f"{recording.facts.get('seconds', '?')}", seconds)]
    for group in ("engine", "libraries"):
        for key in sorted(set(before[group]) | set(recipe[group])):
            name = f"{group} {key}" if group == "engine" else key
            first, second = (str(run[group].get(key, "-")) for run in (before, recipe))
            rows.append((name, first, second))
    return rows


def _settings(recipe: Dict[str, Any]) -> List[Tuple[str, str]]:
    model = recipe["model"]
    rows = [
        ("deepdream", recipe["deepdream"]),
        *recipe["settings"].items(),
        ("seed", recipe["seed"]),
        ("model", model["name"]),
        ("weights, SHA1", model["weights_sha1"]),
        ("deploy net, SHA1", model["deploy_sha1"]),
        *((f"{source['role']}, SHA1", source["sha1"]) for source in recipe["files"]),
    ]
    return [(key, str(value)) for key, value in rows]

"""The page that `deepdream compare` writes."""

import html

import numpy as np

from . import page
from .compare import TOLERANCE, verdict

_WORDS = {
    "equal": "Equal to the bit.",
    "agree": "The engines agree.",
    "differ": "The engines differ.",
}
_HOW_TO_READ = """
<p>The left plot takes every state that the reference went through and gives it to the other engine for one forward and one backward pass. That
tests the engine: errors cannot pile up. The right plot lets the other engine dream for itself from the same picture and seed. Rounding grows from
step to step there, between any two engines that sum in different orders, so it shows how far a dream is repeatable, and is no test.</p>
<p>A gradient can jump at a near-tie: where a ReLU's input is zero but for rounding, or two values of a maximum are equal but for rounding,
two engines may choose otherwise, and both are right; the activations stay as close as ever. How often that happens is measured:
&ldquo;own rounding&rdquo; is the second engine beside itself, with one or two of the last bits of every input value changed. Two correct
engines are about that far apart; a faulty one is further at every step, or in its activations.</p>
"""

_COLUMNS = """
<p class="dim">Errors are norms of the difference over norms of the reference's array, from the same state; own rounding is the second
engine's gradient beside itself, the state's last bits changed. Values apart: the share of the gradient's values that differ by over a
thousandth of its root mean square. Update: mean difference of what the step adds to the pixels, in grey levels. Drift: that of the pixels
before the step, running freely.</p>
"""


def render(recording, comparison, recipe):
    """The page as text. recipe: of the second engine's run, a dict as in the recording."""
    before = recording.recipe
    names = [_engine_name(before), _engine_name(recipe)]
    word, numbers = verdict(comparison)
    settings = before["settings"]
    height, width = comparison.reference.shape[:2]
    body = [
        f"<h1>{html.escape(names[0])} and {html.escape(names[1])}, one dream</h1>",
        f'<p class="dim">{width}x{height} pixels, {html.escape(before["model"]["name"])}, {html.escape(settings["end"])}, seed {before["seed"]}</p>',
        f'<div class="verdict {word}"><strong>{_WORDS[word]}</strong><p>{html.escape(numbers)}</p></div>',
        _pictures(recording, comparison, names),
        "<h2>Step by step</h2>",
        _plots(comparison),
        _HOW_TO_READ,
        "<h2>What was run</h2>",
        page.table(["", f"reference: {names[0]}", names[1]], _environment(recording, comparison, recipe)),
        "<h2>Settings</h2>",
        page.table(["setting", "value"], _settings(before)),
        "<h2>Every step</h2>",
        "<details><summary>the numbers behind the plots</summary>",
        page.table(
            ["octave", "step", "size", "activation error", "gradient error", "own rounding", "values apart", "update", "drift"],
            [(s.octave, s.step, f"{s.size[1]}x{s.size[0]}", *(f"{v:.2e}" for v in (s.activation, s.gradient, s.rounding, s.apart, s.update, s.drift)))
             for s in comparison.steps],
        ),
        _COLUMNS,
        "</details>",
    ]  # fmt: skip
    return page.page(f"{names[0]} and {names[1]}, one dream", "\n".join(body))


def _engine_name(recipe):
    engine = recipe["engine"]
    name = {"caffe": "Caffe"}.get(engine["name"], engine["name"])
    return f"{name} {engine['version']}" + (f" on GPU {engine['gpu']}" if "gpu" in engine else "")


def magnification(difference):
    """The power of two that brings a difference's 99.9th percentile nearest below 255; at most 2 ** 20."""
    top = float(np.percentile(np.abs(difference), 99.9))
    return 2 ** int(np.clip(np.floor(np.log2(255 / top)), 0, 20)) if top > 0 else 1


def _pictures(recording, comparison, names):
    difference = np.abs(comparison.result - comparison.reference)
    factor = magnification(difference)
    told = f"the difference, {factor} times: {difference.mean():.3g} grey levels on average, {difference.max():.3g} at most"
    figures = [
        page.figure(page.picture(comparison.reference), f"the reference, {names[0]}"),
        page.figure(page.picture(comparison.result), names[1]),
        page.figure(
            page.picture(difference * factor), told if difference.any() else "the difference: none"
        ),
    ]
    sources = [page.figure(page.picture(recording.array("pixels")), "dreamt on this picture")]
    guide = recording.array("guide")
    if guide is not None:
        sources.append(page.figure(page.picture(guide), "guided by this one"))
    sources += ["<div></div>"] * (3 - len(sources))
    return f'<h2>Left to themselves</h2><div class="row">{"".join(figures)}</div><h2>From</h2><div class="row">{"".join(sources)}</div>'


def _plots(comparison):
    steps = comparison.steps
    if not steps:
        return "<p>No step was taken.</p>"
    breaks = [i + 1 for i, s in enumerate(steps) if i and s.octave != steps[i - 1].octave]
    forced = page.plot(
        {"own rounding" if name == "rounding" else name: [getattr(s, name) for s in steps] for name in ("gradient", "activation", "rounding")},
        "error, as a share of the norm", (TOLERANCE, f"tolerance, {TOLERANCE:.0e}"), breaks,
    )  # fmt: skip
    free = page.plot(
        {"pixels": [s.drift for s in steps]}, "mean difference, grey levels", breaks=breaks
    )
    captions = (
        "From the same state, at every step. Zero is drawn at 1e-9.",
        "Running freely, before every step. Zero is drawn at 1e-9.",
    )
    return f'<div class="row wide">{page.figure(page.svg(forced), captions[0])}{page.figure(page.svg(free), captions[1])}</div>'


def _environment(recording, comparison, recipe):
    before = recording.recipe
    rows = [
        (
            "run time, seconds",
            f"{recording.facts.get('seconds', '?')}",
            f"{comparison.seconds:.1f}, both runs and the comparing",
        )
    ]
    for group in ("engine", "libraries"):
        for key in sorted(set(before[group]) | set(recipe[group])):
            rows.append(
                (
                    f"{group} {key}" if group == "engine" else key,
                    str(before[group].get(key, "-")),
                    str(recipe[group].get(key, "-")),
                )
            )
    return rows


def _settings(recipe):
    rows = [
        ("deepdream", recipe["deepdream"]),
        *recipe["settings"].items(),
        ("seed", recipe["seed"]),
    ]
    rows += [
        ("model", recipe["model"]["name"]),
        ("weights, SHA1", recipe["model"]["weights_sha1"]),
        ("deploy net, SHA1", recipe["model"]["deploy_sha1"]),
    ]
    rows += [
        (f"{what}, SHA1", item["sha1"])
        for what, item in [("image", recipe["image"]), *recipe["files"].items()]
    ]
    return [(key, str(value)) for key, value in rows]

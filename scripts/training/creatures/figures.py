"""The measured figures as Markdown, and their place in a model's readme."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from deepdream.errors import DreamError
from netfile.terminal import counted

from .changes import LEVELS, Look
from .held_out import ATTACK_STEPS, HeldOut
from .seen import FIRST, Seen

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
WIDTH = 100  # columns of the readme
Rows = Sequence[Sequence[str]]


def replaced(text: str, figures: str, path: object = "the readme") -> str:
    """`text` with `figures` between its two markers, in place of what was there.

    Raises:
        DreamError: the text has not one of each, in this order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise DreamError(f"{path}: has not one {BEGIN} and one {END} after it; write them there")
    return f"{before}{BEGIN}\n{figures.strip()}\n{END}{after}"


def table(head: Sequence[str], rows: Rows) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Judged:
    """What the judge said of one model's class pictures, `seeds` of each class; by_lot: the shares
    of classes (any of the pictures named, mean) that names drawn by lot would get."""

    model: str
    seen: Seen
    by_lot: tuple[float, float]


def is_it_seen(judge: str, judged: Sequence[Judged], cut_outs: Seen, missing: list[str]) -> str:
    """Is it seen? As Markdown. judged: the model, and others to compare it with."""
    first = judged[0]
    seeds = len(first.seen.by_class[0])
    about = (
        f"**Is it seen?** {judge}, which took no part in training, looks at the pictures that "
        "`deepdream classes` makes of every animal that ImageNet has too "
        f"({counted(seeds, 'seed')} of each), "
        f"and names {FIRST} of ImageNet's 1000 classes. A picture is named if one of the {FIRST} "
        "counts as the animal (`scripts/training/creatures/synsets.py`). The photographs on grey "
        "say what this judge can see at all; the last two columns, what it would say anyway: of "
        f"other classes' pictures, and with {FIRST} names drawn by lot."
    )
    head = ["pictures", "classes", "one of them named", "named, mean", "of others", "by lot"]
    rows = [_seen_row(f"`{j.model}`", j.seen, _both(*j.by_lot)) for j in judged]
    rows.append(_seen_row("its photographs", cut_outs, ""))
    named = ", ".join(first.seen.seen) or "none"
    lists = f"Named: {named}. ImageNet lacks {', '.join(missing)}."
    return "\n\n".join([_wrapped(about), table(head, rows), _wrapped(lists)])


def _seen_row(name: str, seen: Seen, by_lot: str) -> list[str]:
    shares = [_percent(share) for share in (seen.any, seen.mean, seen.others)]
    return [name, str(len(seen.labels)), *shares, by_lot]


def _both(any_of: float, mean: float) -> str:
    return f"{_percent(any_of)}, mean {_percent(mean)}"


def held_out(found: HeldOut) -> str:
    """Is it right on what it has not seen? As Markdown."""
    about = (
        "**Held out.** The accuracy of the published caffemodel on composites of the training "
        f"photographs that no training seed makes, of side {found.side}, and on the same "
        f"composites after {ATTACK_STEPS} gradient steps that mislead the net within an L2 ball. "
        "Features that withstand this are the ones that people recognise."
    )
    attacked = f"attacked ({ATTACK_STEPS} steps, L2 radius {found.radius:.0f})"
    rows = [
        [f"{found.clean_of} pictures, clean", _percent(found.clean)],
        [f"{found.attacked_of} pictures, {attacked}", _percent(found.attacked)],
    ]
    return "\n\n".join([_wrapped(about), table(["held-out composites", "right"], rows)])


@dataclass(frozen=True)
class Changed:
    """What one model's dreams change: the share of pixels, and how the dreams look."""

    model: str
    share: float
    look: Look


def what_changes(photographs: Sequence[str], before: Look, after: Sequence[Changed]) -> str:
    """What does a dream change? As Markdown.

    Args:
        photographs: their names.
        before: their look.
        after: the model's dreams, and those of others beside it.
    """
    about = (
        f"**What a dream changes**, over {' and '.join(photographs)} with each model's own "
        f"defaults: the share of pixels whose luminance changes by more than {LEVELS:g} grey "
        "levels; the slope of the luminance's power over frequency, in a log-log plot (about -2 in "
        "natural pictures; nearer to 0 is noise, further away is blur); and the power of colour "
        "above a quarter of the sampling rate, as a share of the luminance's there: rainbow "
        "fringes."
    )
    head = ["", "photograph", *(f"`{c.model}`" for c in after)]
    rows = [
        ["pixels changed", "", *(_percent(c.share) for c in after)],
        ["slope of the spectrum", *(f"{x.slope:.2f}" for x in (before, *_looks(after)))],
        ["fine colour", *(_percent(x.fringes) for x in (before, *_looks(after)))],
    ]
    return "\n\n".join([_wrapped(about), table(head, rows)])


def _looks(after: Sequence[Changed]) -> list[Look]:
    return [c.look for c in after]


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)

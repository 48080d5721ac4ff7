"""Plots as SVG, which follow the page, or the program that shows them, in light and dark."""

import html
import io
import re
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from netfile.system.places import install

from ..errors import MissingExtraError
from .colours import COLOURS, follow_the_scheme, variables

_CEILING = 1e30  # matplotlib fails where no value is finite
_SIZE = (4.6, 3.1)  # inches, so that its text can be read where a telephone makes it smaller
_INK, _DIM, _LINE = (COLOURS[name][0] for name in ("ink", "dim", "line"))
_CURVES: Tuple[Dict[str, Any], ...] = (  # told apart by more than colour
    {"color": COLOURS["curve-1"][0], "marker": "o"},
    {"color": COLOURS["curve-2"][0], "marker": "s"},
    {"color": COLOURS["curve-3"][0], "marker": "^", "linestyle": (0, (3, 2))},
)
_STANDALONE = (
    "svg { background: var(--paper); font-family: system-ui, sans-serif; }\n"
    "svg * { stroke-linejoin: round; stroke-linecap: butt; }\n"
)
_NAMESPACES = {
    "xmlns": "http://www.w3.org/2000/svg",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
}


class Level(NamedTuple):
    """A horizontal line through a plot; `curve` is the number of the curve that it belongs to."""

    value: float
    name: str
    curve: Optional[int] = None


def check_matplotlib(what: str) -> None:
    """Raise MissingExtraError, with the install command, unless there is matplotlib.

    what: what needs it, a plural.
    """
    try:
        import matplotlib  # noqa: F401
    except (ImportError, OSError) as e:  # the latter where its own files are missing
        raise MissingExtraError(
            f"{what} need matplotlib ({e}); install it with: {install('plots')}",
            extra="plots",
        ) from None


def plot(
    curves: Mapping[str, Sequence[float]],
    ylabel: str,
    levels: Sequence[Level] = (),
    breaks: Sequence[int] = (),
    floor: float = 1e-9,
    xlabel: str = "step",
    told: str = "",
    places: Optional[Sequence[float]] = None,
) -> str:
    """An SVG element of up to three curves on a logarithmic axis, for a page that has `variables`.

    Args:
        curves: {name: values over the steps, from 1}.
        levels: lines across.
        breaks: steps that begin an octave.
        floor: where zeros are drawn. What is no number, or infinite, is drawn at 1e30.
        told: what it shows, for those who cannot see it; by default, its curves' names.
        places: of the values, on a logarithmic axis too; by default, the steps from 1.

    Needs matplotlib, an extra.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    told = told or f"Plot of {', '.join(curves)} over the {xlabel}s"
    # text stays text, and each plot's names are its own
    options = {"svg.fonttype": "none", "svg.hashsalt": told, "font.size": 9}
    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    with matplotlib.rc_context({**options, **dict.fromkeys(ink, _INK)}):
        drawing = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasSVG(drawing)
        _draw(drawing, curves, levels, breaks, floor)
        axes = drawing.axes[0]
        if places is not None:
            _place(axes, curves, places)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        out = io.StringIO()
        drawing.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _inline(out.getvalue(), told)


def _draw(
    drawing: Any,
    curves: Mapping[str, Sequence[float]],
    levels: Sequence[Level],
    breaks: Sequence[int],
    floor: float,
) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = drawing.add_subplot()
    for (name, values), look in zip(curves.items(), _CURVES):
        steps = range(1, len(values) + 1)
        shown = np.clip(np.nan_to_num(values, nan=_CEILING), floor, _CEILING)
        style: Dict[str, Any] = {"markersize": 3.5, "linewidth": 1.3, **look}
        axes.plot(steps, shown, label=name, **style)
    for i, start in enumerate(breaks):
        label = "a new octave" if i == 0 else None
        axes.axvline(start - 0.5, color=_LINE, linewidth=0.9, label=label)
    for level in levels:
        value = float(np.clip(np.nan_to_num(level.value, nan=_CEILING), floor, _CEILING))
        look = {"color": _DIM, "linestyle": (0, (6, 3))}
        if level.curve is not None:
            look = {"color": _CURVES[level.curve]["color"], "linestyle": (0, (1, 2))}
        axes.axhline(value, linewidth=1.2, label=level.name, **look)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_numbers())
    axes.yaxis.set_minor_formatter(_numbers(labelOnlyBase=False))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    drawing.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=8.5)


def _numbers(**settings: Any) -> Any:
    """A logarithmic axis's numbers; of those that matplotlib shows, 0.01 to 1000 without powers."""
    from matplotlib.ticker import LogFormatter

    class Numbers(LogFormatter):
        def __call__(self, x: float, pos: Any = None) -> str:
            text = str(super().__call__(x, pos))
            return f"{x:g}" if text and 0.01 <= x <= 1000 else text

    return Numbers(**settings)


def _place(axes: Any, curves: Mapping[str, Sequence[float]], places: Sequence[float]) -> None:
    """Move the curves to places of their own, each of which is named."""
    from matplotlib.ticker import NullFormatter

    for line, values in zip(axes.lines, curves.values()):
        line.set_xdata(places[: len(values)])
    axes.set_xscale("log")
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.relim()
    axes.autoscale_view()


def _inline(svg: str, told: str) -> str:
    """Matplotlib's file as an element of a page, in the page's colours and type."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.S)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.S)  # it would be the whole page's
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)  # which HTML knows by itself
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # each plot has the same
    svg = re.sub(r"font-family: [^;\"]*(; |(?=\"))", "", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)  # an older matplotlib's
    attributes = f'<svg role="img" aria-label="{html.escape(told)}" '
    return follow_the_scheme(svg.replace("<svg ", attributes, 1)).strip()


def standalone(svg: str) -> bytes:
    """A plot as a file, which follows light and dark by itself."""
    names = " ".join(f'{name}="{value}"' for name, value in _NAMESPACES.items())
    head, rest = svg.replace("<svg ", f"<svg {names} ", 1).split(">", 1)
    style = f"<style>\n{variables('svg')}{_STANDALONE}</style>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}>{style}{rest}\n'.encode()

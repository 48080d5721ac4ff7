"""Self-contained HTML pages: pictures and plots are in the file, nothing is fetched.

They are readable in light and dark.
"""

import base64
import html
import io
from typing import Any, Dict, Iterable, Mapping, Optional, Sequence, Tuple

import numpy as np
from PIL import Image

from netfile.places import install

from ..errors import MissingExtraError
from ..pictures import to_bytes
from ..pictures.files import PathLike
from ..pictures.output import whole

STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --dim: #5c6570; --paper: #fbfaf8; --card: #fff;
        --line: #dcd8d0; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6e1; --dim: #9ba3ad; --paper: #16181b; --card: #1f2226; --line: #363b42; }
}
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 76rem; background: var(--paper);
       color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .7rem; }
p { max-width: 48rem; } .dim, figcaption, th { color: var(--dim); }
figure { margin: 0; max-width: 56rem; } figcaption { font-size: .88rem; margin-top: .35rem; }
figure img { width: 100%; display: block; border-radius: 4px; background: #fff; }
.row { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr));
       align-items: start; }
.wide { grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); }
.verdict { border-left: .4rem solid; background: var(--card); padding: .8rem 1.1rem;
           border-radius: 4px; margin: 1.2rem 0; }
.verdict strong { font-size: 1.15rem; } .verdict p { margin: .3rem 0 0; }
.equal, .agree { border-color: #2e8b57; } .differ { border-color: #c0392b; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .28rem .9rem .28rem 0; border-bottom: 1px solid var(--line);
         vertical-align: top; }
th { font-weight: 500; } td.n { text-align: right; } td { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
code { font-size: .9em; overflow-wrap: anywhere; } summary { cursor: pointer; }
"""


def data_uri(content: bytes, kind: str) -> str:
    """A data URI of a picture file's bytes; kind: png, jpeg or svg+xml."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def picture(array: np.ndarray) -> str:
    """RGB (H, W, 3) as a data URI: PNG where that is small, else JPEG at quality 92."""
    out = io.BytesIO()
    image = Image.fromarray(to_bytes(array))
    small = image.width * image.height <= 128 * 128
    if small:
        image.save(out, "png")
    else:
        image.save(out, "jpeg", quality=92, subsampling=0)
    return data_uri(out.getvalue(), "png" if small else "jpeg")


def svg(drawing: bytes) -> str:
    """A data URI of an SVG."""
    return data_uri(drawing, "svg+xml")


def figure(source: str, caption: str, alt: str = "") -> str:
    """A figure of a data URI; caption and alt are text, not HTML."""
    alt, caption = html.escape(alt or caption), html.escape(caption)
    return f'<figure><img src="{source}" alt="{alt}"><figcaption>{caption}</figcaption></figure>'


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table of text, not HTML; numbers are aligned to the right."""

    def cell(value: Any) -> str:
        if isinstance(value, (int, float)):
            return f'<td class="n">{value}</td>'
        return f"<td>{html.escape(str(value))}</td>"

    top = "".join(f"<th>{html.escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def page(title: str, body: str) -> str:
    """A whole page; title is text, body is HTML."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def write(path: PathLike, text: str, replace: bool = True) -> None:
    """Write a page whole or not at all.

    replace: whether it may replace a file. Raises OutputError if it cannot be written.
    """
    with whole(path, replace) as partial:
        partial.write_text(text, encoding="utf-8")


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


_CEILING = 1e30  # of a plot: matplotlib fails where no value is finite


def plot(
    curves: Mapping[str, Sequence[float]],
    ylabel: str,
    limit: Optional[Tuple[float, str]] = None,
    breaks: Sequence[int] = (),
    floor: float = 1e-9,
    xlabel: str = "step",
) -> bytes:
    """An SVG of curves on a logarithmic axis. Needs matplotlib, an extra.

    Args:
        curves: {name: values over the steps, from 1}.
        limit: (value, name) of a dashed line.
        breaks: steps that begin an octave.
        floor: where zeros are drawn. What is no number, or infinite, is drawn at 1e30.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(6.4, 3.5), layout="constrained")
    FigureCanvasSVG(drawing)
    axes = drawing.add_subplot()
    style: Dict[str, Any] = {"marker": "o", "markersize": 3.5, "linewidth": 1.3}
    for (name, values), colour in zip(curves.items(), ("#c2571a", "#2b6cb0", "#2e8b57")):
        steps = range(1, len(values) + 1)
        shown = np.clip(np.nan_to_num(values, nan=_CEILING), floor, _CEILING)
        axes.plot(steps, shown, label=name, color=colour, **style)
    for i, start in enumerate(breaks):
        label = "a new octave" if i == 0 else None
        axes.axvline(start - 0.5, color="#bbb", linewidth=0.8, label=label)
    if limit:
        axes.axhline(limit[0], color="#555", linewidth=1, linestyle="--", label=limit[1])
    axes.set_yscale("log")
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    drawing.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=8.5)
    out = io.BytesIO()
    drawing.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()

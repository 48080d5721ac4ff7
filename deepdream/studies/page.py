"""Self-contained HTML pages: pictures and plots are in the file, nothing is fetched.

They are readable in light and in dark, on a telephone, and to a screen reader.
"""

import base64
import html
import io
import re
from typing import Any, Iterable, NamedTuple, Sequence, Tuple

import numpy as np
from PIL import Image

from ..pictures import to_bytes
from ..pictures.files import PathLike
from ..pictures.output import whole
from .colours import variables

STYLE = (
    variables()
    + """
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem clamp(.9rem, 3vw, 2rem) 4rem; max-width: 88rem;
       background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif;
       overflow-wrap: break-word; }
h1 { font-size: clamp(1.35rem, 1.1rem + 1.5vw, 1.8rem); line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.6rem 0 .7rem; }
h1, h2, h3 { text-wrap: balance; overflow-wrap: anywhere; }
p { max-width: 48rem; }
.dim, figcaption, caption, thead th { color: var(--dim); }
figure { margin: 0; width: fit-content; min-width: min(9rem, 100%); max-width: 100%; }
figcaption { font-size: .9rem; margin-top: .35rem; width: 0; min-width: 100%; }
img { display: block; max-width: 100%; height: auto; border-radius: 3px; }
svg { display: block; width: 34rem; max-width: 100%; height: auto; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
.row { display: flex; flex-wrap: wrap; gap: 1.4rem; align-items: flex-start; }
.row > div { min-width: 0; max-width: 100%; }
.verdict { border-left: .4rem solid var(--line); background: var(--card); padding: .8rem 1.1rem;
           border-radius: 4px; margin: 1.4rem 0; max-width: 56rem; }
.verdict strong { font-size: 1.15rem; } .verdict p { margin: .3rem 0 0; }
.measured { border-color: var(--curve-2); }
.equal, .agree { border-color: var(--good); } .differ { border-color: var(--bad); }
.scroll { overflow-x: auto; max-width: 100%; width: fit-content; margin: .8rem 0; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--curve-2);
                                               outline-offset: 2px; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; }
caption span { display: block; position: sticky; left: 0; max-width: min(48rem, 88vw); }
th, td { text-align: left; padding: .3rem 1.1rem .3rem 0; vertical-align: top;
         border-bottom: 1px solid var(--line); font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { vertical-align: bottom; } thead th.n, td.n { text-align: right; }
td.n, span.n { white-space: nowrap; } td.t { overflow-wrap: anywhere; min-width: 6.5rem; }
th[scope=row] { min-width: 7.5rem; max-width: 60vw; overflow-wrap: anywhere; position: sticky;
                left: 0; background: var(--paper); }
summary { cursor: pointer; width: fit-content; }
"""
)


class Picture(NamedTuple):
    """A picture for a page: its file as a data URI, and its size in pixels."""

    source: str
    width: int
    height: int


def picture(array: np.ndarray) -> Picture:
    """RGB (H, W, 3) as a Picture: PNG where that is small, else JPEG at quality 92."""
    out = io.BytesIO()
    image = Image.fromarray(to_bytes(array))
    kind = "png" if image.width * image.height <= 128 * 128 else "jpeg"
    image.save(out, kind, **({} if kind == "png" else {"quality": 92, "subsampling": 0}))
    return Picture(_data_uri(out.getvalue(), kind), image.width, image.height)


def png(image: Image.Image) -> Picture:
    """An image as a Picture, without loss."""
    out = io.BytesIO()
    image.save(out, "png")
    return Picture(_data_uri(out.getvalue(), "png"), image.width, image.height)


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def figure(shown: Picture, caption: str, alt: str) -> str:
    """A picture at its own size, or as wide as the page.

    Args:
        caption: text, not HTML.
        alt: text that stands for the picture, and says more than the caption.
    """
    source, width, height = shown
    return (
        f'<figure><img src="{source}" alt="{html.escape(alt)}" width="{width}" height="{height}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def drawing(svg: str, caption: str) -> str:
    """A figure of an SVG element, which `plot` makes; the caption is text, not HTML."""
    return f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>"


def row(figures: Iterable[str]) -> str:
    """Figures side by side, as many as there is room for."""
    return f'<div class="row">{"".join(figures)}</div>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table of text, not HTML, whose first column names its rows.

    Columns of numbers are aligned to the right. A table that is wider than the page scrolls by
    itself.
    """
    rows = [list(row) for row in rows]
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(head))]
    numeric[0] = False

    def heading(title: str, number: bool) -> str:
        if not title:
            return "<td></td>"
        return f'<th scope="col"{_N if number else ""}>{html.escape(title)}</th>'

    def cell(value: Any, number: bool) -> str:
        return f"<td{_N if number else _T}>{html.escape(str(value))}</td>"

    top = "".join(map(heading, head, numeric))
    top = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    body = "".join(
        f'<tr><th scope="row">{html.escape(str(first))}</th>'
        + "".join(map(cell, rest, numeric[1:]))
        + "</tr>"
        for first, *rest in rows
    )
    return scrolling(caption, f"{top}<tbody>{body}</tbody>")


_N, _T = ' class="n"', ' class="t"'


def _is_number(value: Any) -> bool:
    """Whether it is a number, text that is one, such as 4.8e-07 or 8%, or a dash in its place."""
    try:
        float(0 if value == "-" else str(value).rstrip("%"))
    except ValueError:
        return False
    return True


def scrolling(caption: str, rows: str, kind: str = "") -> str:
    """A table of HTML rows that scrolls by itself where it is wider than the page.

    caption: text, not HTML. kind: its class.
    """
    name, kind = html.escape(caption), f' class="{kind}"' if kind else ""
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{name}"><table{kind}>'
        f"<caption><span>{name}</span></caption>{rows}</table></div>"
    )


def verdict(kind: str, said: str, more: str) -> str:
    """A box: what came out, in a few words, and more. kind: equal, agree, differ or measured."""
    more = re.sub(r"\d[\d.]*e[+-]\d+", r'<span class="n">\g<0></span>', html.escape(more))
    return f'<div class="verdict {kind}"><strong>{html.escape(said)}</strong><p>{more}</p></div>'


def page(title: str, about: str, body: Iterable[str], style: str = "") -> str:
    """A whole page.

    Args:
        title, about: text, what it is and of what.
        body: parts, in HTML.
        style: CSS that this page has beside the others'.
    """
    name, parts = html.escape(title), "\n".join(body)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{name}</title><style>{STYLE}{style}</style></head>\n"
        f'<body>\n<header><h1>{name}</h1><p class="dim">{html.escape(about)}</p></header>\n'
        f"<main>\n{parts}\n</main>\n</body></html>\n"
    )


def filled(pairs: Iterable[Tuple[str, Any]]) -> Iterable[Tuple[str, str]]:
    """(name, value) as text, without those whose value is empty."""
    return [(name, str(value)) for name, value in pairs if value not in ("", None)]


def write(path: PathLike, text: str, replace: bool = True) -> None:
    """Write a page whole or not at all.

    replace: whether it may replace a file. Raises OutputError if it cannot be written.
    """
    with whole(path, replace) as partial:
        partial.write_text(text, encoding="utf-8")

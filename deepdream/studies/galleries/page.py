"""The index of a gallery: one HTML file that opens without a server, with small pictures beside it
that a browser loads as they come into sight."""

import html
from itertools import groupby
from typing import Dict, List, NamedTuple, Sequence, Tuple
from urllib.parse import quote

from netfile.terminal import counted

from .. import page
from .plan import NOISE, PHOTO, Entry

_STYLE = """
.layers { display: grid; gap: 1.6rem 2rem; margin-top: 1.6rem;
          grid-template-columns: repeat(auto-fill, minmax(min(19.5rem, 100%), 1fr)); }
.layers section { min-width: 0; } .layers .wide { grid-column: 1 / -1; }
.layers .wide > .grid:first-of-type { max-width: 19.5rem; }
.layers h2 { font-size: 1rem; margin: 0 0 .4rem; }
.grid { display: grid; gap: 1.1rem .9rem;
        grid-template-columns: repeat(auto-fill, minmax(min(8rem, 100%), 1fr)); }
.grid figure { width: auto; } .grid figcaption { width: auto; }
.grid img { width: 100%; aspect-ratio: 1; object-fit: cover; background: var(--card); }
.grid a:focus-visible { outline: 2px solid var(--curve-2); outline-offset: 2px; display: block; }
.grid .patches { aspect-ratio: 4; margin-top: .35rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .1rem 1rem; padding: 0; list-style: none; }
nav a { display: inline-block; padding: .25rem 0; }
h3 { font-size: .9rem; font-weight: 400; margin: 1rem 0 .4rem; }
"""
_CAPTIONS = {NOISE: "from noise", PHOTO: "on the photograph"}


class Shown(NamedTuple):
    """A picture as the index shows it; paths are seen from the index.

    patches: a strip of photographs' parts, or "". why: what went wrong instead, or "".
    """

    entry: Entry
    path: str
    thumbnail: str
    patches: str = ""
    why: str = ""


def render(model: str, about: str, shown: Sequence[Shown], waiting: int) -> str:
    """The page as text.

    Args:
        about: what was dreamt, in a few words.
        waiting: pictures that are not made yet.
    """
    layers: List[Tuple[str, List[Shown]]] = [
        (layer, list(some)) for layer, some in groupby(shown, lambda one: one.entry.layer)
    ]
    links = "".join(
        f'<li><a href="#{_anchor(number)}">{html.escape(layer)}</a></li>'
        for number, (layer, _) in enumerate(layers)
    )
    body = []
    if waiting:
        more = "Give the same command again, and it goes on."
        body.append(page.verdict("measured", f"{waiting} pictures are still to be made", more))
    told = f"<summary>{counted(len(layers), 'layer')}</summary>"
    body.append(f'<nav aria-label="Layers"><details>{told}<ul>{links}</ul></details></nav>')
    sections = [_section(number, layer, some) for number, (layer, some) in enumerate(layers)]
    body.append(f'<div class="layers">{"".join(sections)}</div>')
    return page.page(f"What {model} dreams of", about, body, _STYLE)


def _section(number: int, layer: str, some: Sequence[Shown]) -> str:
    whole = [one for one in some if one.entry.channel is None]
    channels = [one for one in some if one.entry.channel is not None]
    parts = [f"<h2>{html.escape(layer)}</h2>", _grid(whole)]
    if channels:
        parts += ["<h3>its channels</h3>", _grid(channels)]
    wide = ' class="wide"' if channels else ""
    return f'<section id="{_anchor(number)}"{wide}>{"".join(parts)}</section>'


def _grid(some: Sequence[Shown]) -> str:
    return f'<div class="grid">{"".join(map(_figure, some))}</div>' if some else ""


def _figure(one: Shown) -> str:
    entry = one.entry
    caption = _CAPTIONS[entry.source] if entry.channel is None else f"channel {entry.channel}"
    if one.why:
        return f"<figure><figcaption>{caption}: {html.escape(one.why)}</figcaption></figure>"
    what = f"{entry.layer}, {caption}"
    image = _image(one.thumbnail, what, 192, 192)
    strip = ""
    if one.patches:
        strip = _image(one.patches, f"parts of photographs strong in {what}", 384, 96, "patches")
    return (
        f'<figure><a href="{quote(one.path)}">{image}</a>{strip}'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _image(path: str, alt: str, width: int, height: int, kind: str = "") -> str:
    named: Dict[str, str] = {"class": kind} if kind else {}
    attributes = "".join(f' {name}="{value}"' for name, value in named.items())
    return (
        f'<img src="{quote(path)}" alt="{html.escape(alt)}" width="{width}" height="{height}" '
        f'loading="lazy"{attributes}>'
    )


def _anchor(number: int) -> str:
    return f"layer-{number}"

"""A net as a table and as a drawing: layers, shapes, parameters, and what was changed."""

import html
import math
from dataclasses import dataclass
from typing import Dict, List

from netfile.shapes import INPUTS, infer, weight_shapes

from .errors import ShapeError

_BOX, _ROW, _GAP = (212, 46), 86, 22
_COLOURS = {
    "Convolution": "#3b6fb6", "Deconvolution": "#3b6fb6", "InnerProduct": "#b5651d", "Pooling": "#3a8f5c", "Concat": "#7a5ba6",
    "Eltwise": "#7a5ba6", "Softmax": "#a33b52",
}  # fmt: skip
_STYLE = """
svg { --ink: #1d2126; --dim: #69727d; --paper: #fbfaf8; --box: #fff; --line: #9aa2ab; font: 11px system-ui, sans-serif; background: var(--paper) }
@media (prefers-color-scheme: dark) { svg { --ink: #e8e6e1; --dim: #9ba3ad; --paper: #16181b; --box: #22262b; --line: #5b646e } }
.name { fill: var(--ink); font-weight: 600 } .dim { fill: var(--dim) } rect { fill: var(--box); stroke-width: 1.2 }
.changed { stroke: #d33; stroke-width: 2.4; stroke-dasharray: 5 3 } path { fill: none; stroke: var(--line); stroke-width: 1.1 }
"""


@dataclass(frozen=True)
class Row:
    """One layer as it is shown: `shape` is its first top's, `parameters` a count, `changed` what was done to it, or ""."""

    name: str
    type: str
    bottoms: tuple
    tops: tuple
    shape: tuple
    parameters: int
    changed: str

    @property
    def shape_text(self):
        return "x".join(map(str, self.shape)) if self.shape else "?"


def rows(operated) -> List[Row]:
    """A Row for each layer, at the net's declared input size; where that does not fit together, without shapes."""
    try:
        shapes = infer(operated.net)
    except ShapeError:
        shapes = {}
    changes: Dict[str, List[str]] = {}
    for change in operated.changes:
        changes.setdefault(change.now, []).append(
            change.what + (f" (was {change.layer})" if change.layer not in ("", change.now) else "")
        )
    return [
        Row(
            layer.name, layer.type, tuple(layer.bottom), tuple(layer.top), (shapes.get(layer.top[0]) or ()) if layer.top else (),
            _parameters(operated, layer), "; ".join(changes.get(layer.name, [])),
        )
        for layer in operated.net.layer
    ]  # fmt: skip


def _parameters(operated, layer):
    stored = operated.blobs(layer.name)
    if stored:
        return sum(len(blob.data) or len(blob.double_data) for blob in stored)
    try:
        return sum(math.prod(shape) for shape in weight_shapes(operated.net).get(layer.name, []))
    except ShapeError:
        return 0


def table(shown) -> str:
    """The rows as text, one line each, with a sum at the end."""
    head = ("layer", "type", "shape", "parameters", "changed")
    cells = [head] + [
        (r.name, r.type, r.shape_text, f"{r.parameters:,}" if r.parameters else "", r.changed)
        for r in shown
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    lines = [
        "  ".join(
            [
                *(
                    c.rjust(w) if i == 3 else c.ljust(w)
                    for i, (c, w) in enumerate(zip(row, widths))
                ),
                row[4],
            ]
        ).rstrip()
        for row in cells
    ]
    return "\n".join(
        [*lines, f"{len(shown)} layers, {sum(r.parameters for r in shown):,} parameters"]
    )


@dataclass
class _Node:
    """A box of the drawing: a layer with the in-place layers behind it, at a row and a place within it."""

    row: Row
    inside: List[Row]
    parents: List["_Node"]
    depth: int = 0
    x: float = 0.0


def _nodes(shown):
    made: Dict[str, _Node] = {}  # blob -> the node that makes it
    nodes = []
    for r in shown:
        if r.bottoms and r.tops and r.bottoms[0] == r.tops[0] and r.tops[0] in made:
            made[r.tops[0]].inside.append(r)
            continue
        parents = list({id(made[b]): made[b] for b in r.bottoms if b in made}.values())
        node = _Node(r, [], parents, 1 + max((p.depth for p in parents), default=-1))
        made.update((top, node) for top in r.tops)
        nodes.append(node)
    return nodes


def _place(nodes):
    """Give every node its x, in boxes: below its parents, with a box's width at least between those of a row."""
    by_depth: Dict[int, List[_Node]] = {}
    for node in nodes:
        by_depth.setdefault(node.depth, []).append(node)
    for depth in sorted(by_depth):
        line = by_depth[depth]
        wanted = {id(n): sum(p.x for p in n.parents) / max(len(n.parents), 1) for n in line}
        line.sort(key=lambda n: wanted[id(n)])
        for i, node in enumerate(line):
            node.x = max(wanted[id(node)], line[i - 1].x + 1) if i else wanted[id(node)]
        # what was pushed to the right is shared out to both sides
        shift = sum(n.x - wanted[id(n)] for n in line) / len(line)
        for node in line:
            node.x -= shift


def svg(shown) -> str:
    """The net as a drawing from top to bottom; boxes of changed layers are outlined in dashes, with what was done as their tooltip."""
    nodes = _nodes(shown)
    if not nodes:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'
    _place(nodes)
    left = min(n.x for n in nodes)
    width = round((max(n.x for n in nodes) - left + 1) * (_BOX[0] + _GAP) + _GAP)
    height = (max(n.depth for n in nodes) + 1) * _ROW + _GAP
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"><style>{_STYLE}</style>'
    ]

    def corner(node):
        return _GAP + (node.x - left) * (_BOX[0] + _GAP), node.depth * _ROW + _GAP

    for node in nodes:
        x, y = corner(node)
        for parent in node.parents:
            px, py = corner(parent)
            x1, y1, x2 = px + _BOX[0] / 2, py + _BOX[1], x + _BOX[0] / 2
            # straight down past the rows between, then over
            turn = y - (_ROW - _BOX[1])
            bend = (_ROW - _BOX[1]) / 2
            out.append(
                f'<path d="M{x1:.0f} {y1:.0f}V{turn:.0f}C{x1:.0f} {turn + bend:.0f} {x2:.0f} {y - bend:.0f} {x2:.0f} {y:.0f}"/>'
            )
    out += [_box(node, *corner(node)) for node in nodes]
    return "\n".join([*out, "</svg>"]) + "\n"


def _box(node, x, y):
    r = node.row
    kind = " + ".join([r.type, *(i.type for i in node.inside)])
    lines = [
        f"{r.name}: {kind}",
        f"{r.parameters:,} parameters" if r.parameters else "",
        r.changed,
        *(i.changed for i in node.inside),
    ]
    told = "\n".join(filter(None, lines))
    changed = ' class="changed"' if any(i.changed for i in (r, *node.inside)) else ""
    colour = _COLOURS.get(r.type, "#4b5563" if r.type in INPUTS else "#8a929b")
    name = r.name if len(r.name) < 31 else r.name[:13] + "..." + r.name[-14:]
    return (
        f'<g><title>{html.escape(told)}</title><rect x="{x:.0f}" y="{y:.0f}" width="{_BOX[0]}" height="{_BOX[1]}" rx="5" stroke="{colour}"{changed}/>'
        f'<text class="name" x="{x + 8:.0f}" y="{y + 18:.0f}">{html.escape(name)}</text>'
        f'<text class="dim" x="{x + 8:.0f}" y="{y + 35:.0f}">{html.escape(_short(kind))}  {r.shape_text}</text></g>'
    )


def _short(kind):
    return kind if len(kind) < 22 else kind[:19] + "..."

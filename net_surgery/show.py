"""A net as a table and as a drawing: layers, shapes, parameters, and what was changed."""

import html
import math
from dataclasses import dataclass
from typing import Dict, List, Mapping, Sequence, Tuple

from netfile.blobs import blob_count
from netfile.errors import printable
from netfile.shapes import INPUTS, Shape, infer, weight_shapes

from .errors import ShapeError
from .operation import Operated

_BOX, _ROW, _GAP = (212, 46), 86, 22
_COLOURS = {
    "Convolution": "#3b6fb6",
    "Deconvolution": "#3b6fb6",
    "InnerProduct": "#b5651d",
    "Pooling": "#3a8f5c",
    "Concat": "#7a5ba6",
    "Eltwise": "#7a5ba6",
    "Softmax": "#a33b52",
}
_STYLE = (
    "\nsvg { --ink: #1d2126; --dim: #69727d; --paper: #fbfaf8; --box: #fff; --line: #9aa2ab;"
    " font: 11px system-ui, sans-serif; background: var(--paper) }\n"
    "@media (prefers-color-scheme: dark) { svg { --ink: #e8e6e1; --dim: #9ba3ad; --paper: #16181b;"
    " --box: #22262b; --line: #5b646e } }\n"
    ".name { fill: var(--ink); font-weight: 600 } .dim { fill: var(--dim) }"
    " rect { fill: var(--box); stroke-width: 1.2 }\n"
    ".changed { stroke: #d33; stroke-width: 2.4; stroke-dasharray: 5 3 }"
    " path { fill: none; stroke: var(--line); stroke-width: 1.1 }\n"
)


@dataclass(frozen=True)
class Row:
    """One layer as it is shown.

    `shape` is its first top's, or (); `parameters` a count; `changed` what was done to it, or "".
    """

    name: str
    type: str
    bottoms: Tuple[str, ...]
    tops: Tuple[str, ...]
    shape: Tuple[int, ...]
    parameters: int
    changed: str

    @property
    def shape_text(self) -> str:
        """The shape as 1x3x224x224, or "?"."""
        return "x".join(map(str, self.shape)) if self.shape else "?"


def rows(operated: Operated) -> List[Row]:
    """A Row for each layer, at the declared input size; without shapes where that is invalid."""
    shapes: Mapping[str, Shape] = {}
    wanted: Mapping[str, List[Tuple[int, ...]]] = {}
    try:
        shapes = infer(operated.net)
        wanted = weight_shapes(operated.net)
    except ShapeError:
        pass
    changes: Dict[str, List[str]] = {}
    for change in operated.changes:
        renamed = change.layer not in ("", change.now)
        text = change.what + (f" (was {change.layer})" if renamed else "")
        changes.setdefault(change.now, []).append(text)
    return [
        Row(
            name=layer.name,
            type=layer.type,
            bottoms=tuple(layer.bottom),
            tops=tuple(layer.top),
            shape=(shapes.get(layer.top[0]) or ()) if layer.top else (),
            parameters=_parameters(operated, layer.name, wanted.get(layer.name, [])),
            changed="; ".join(changes.get(layer.name, [])),
        )
        for layer in operated.net.layer
    ]


def _parameters(operated: Operated, layer: str, wanted: Sequence[Tuple[int, ...]]) -> int:
    """Number of a layer's parameters: those stored, else those that the net wants."""
    stored = operated.blobs(layer)
    if stored:
        return sum(blob_count(blob) for blob in stored)
    return sum(math.prod(shape) for shape in wanted)


HEAD = ("layer", "type", "shape", "parameters", "changed")


def cells(row: Row) -> Tuple[str, ...]:
    """The row as it is printed, below HEAD."""
    count = f"{row.parameters:,}" if row.parameters else ""
    return row.name, row.type, row.shape_text, count, row.changed


def total(shown: Sequence[Row]) -> str:
    """The line below the table."""
    return f"{len(shown)} layers, {sum(row.parameters for row in shown):,} parameters"


@dataclass
class _Node:
    """A box of the drawing: a layer with the in-place layers after it, at a row and an x in it."""

    row: Row
    inside: List[Row]
    parents: List["_Node"]
    depth: int = 0
    x: float = 0.0


def _nodes(shown: Sequence[Row]) -> List[_Node]:
    made: Dict[str, _Node] = {}  # blob -> the node that makes it
    nodes: List[_Node] = []
    for r in shown:
        if r.bottoms and r.tops and r.bottoms[0] == r.tops[0] and r.tops[0] in made:
            made[r.tops[0]].inside.append(r)
            continue
        parents = list({id(made[b]): made[b] for b in r.bottoms if b in made}.values())
        node = _Node(r, [], parents, 1 + max((p.depth for p in parents), default=-1))
        made.update((top, node) for top in r.tops)
        nodes.append(node)
    return nodes


def _place(nodes: Sequence[_Node]) -> None:
    """Give every node its x, in boxes: below its parents, at least one box from its neighbours."""
    by_depth: Dict[int, List[_Node]] = {}
    for node in nodes:
        by_depth.setdefault(node.depth, []).append(node)
    for depth in sorted(by_depth):
        line = by_depth[depth]
        wanted = {id(n): sum(p.x for p in n.parents) / max(len(n.parents), 1) for n in line}
        line.sort(key=lambda n: wanted[id(n)])
        for i, node in enumerate(line):
            node.x = max(wanted[id(node)], line[i - 1].x + 1) if i else wanted[id(node)]
        # what was pushed to the right is spread over both sides
        shift = sum(n.x - wanted[id(n)] for n in line) / len(line)
        for node in line:
            node.x -= shift


def svg(shown: Sequence[Row]) -> str:
    """The net as an SVG drawing from top to bottom.

    Changed layers have a dashed outline, with what was done as their tooltip.
    """
    nodes = _nodes(shown)
    if not nodes:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'
    _place(nodes)
    left = min(n.x for n in nodes)
    width = round((max(n.x for n in nodes) - left + 1) * (_BOX[0] + _GAP) + _GAP)
    height = (max(n.depth for n in nodes) + 1) * _ROW + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><style>{_STYLE}</style>'
    ]

    def corner(node: _Node) -> Tuple[float, float]:
        return _GAP + (node.x - left) * (_BOX[0] + _GAP), node.depth * _ROW + _GAP

    for node in nodes:
        x, y = corner(node)
        for parent in node.parents:
            px, py = corner(parent)
            x1, y1, x2 = px + _BOX[0] / 2, py + _BOX[1], x + _BOX[0] / 2
            # straight down past the rows between, then over
            turn = y - (_ROW - _BOX[1])
            bend = (_ROW - _BOX[1]) / 2
            parts.append(
                f'<path d="M{x1:.0f} {y1:.0f}V{turn:.0f}C{x1:.0f} {turn + bend:.0f} '
                f'{x2:.0f} {y - bend:.0f} {x2:.0f} {y:.0f}"/>'
            )
    parts += [_box(node, *corner(node)) for node in nodes]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _box(node: _Node, x: float, y: float) -> str:
    r = node.row
    kind = " + ".join([r.type, *(i.type for i in node.inside)])
    lines = [
        f"{r.name}: {kind}",
        f"{r.parameters:,} parameters" if r.parameters else "",
        r.changed,
        *(i.changed for i in node.inside),
    ]
    told = "\n".join(printable(line) for line in lines if line)
    changed = ' class="changed"' if any(i.changed for i in (r, *node.inside)) else ""
    colour = _COLOURS.get(r.type, "#4b5563" if r.type in INPUTS else "#8a929b")
    name = printable(r.name)
    name = name if len(name) < 31 else name[:13] + "..." + name[-14:]
    return (
        f"<g><title>{html.escape(told)}</title>"
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{_BOX[0]}" height="{_BOX[1]}" rx="5" '
        f'stroke="{colour}"{changed}/>'
        f'<text class="name" x="{x + 8:.0f}" y="{y + 18:.0f}">{html.escape(name)}</text>'
        f'<text class="dim" x="{x + 8:.0f}" y="{y + 35:.0f}">'
        f"{html.escape(_short(printable(kind)))}  {r.shape_text}</text></g>"
    )


def _short(kind: str) -> str:
    return kind if len(kind) < 22 else kind[:19] + "..."

"""`deepdream layers`: a net's layers, and which can be dreamt of."""

import argparse
from typing import Any

from netfile.shapes import infer
from netfile.terminal import print_table, say

from ...nets import engine, opening
from ...nets.default_end import suitable_end
from ...nets.description import declared_size
from ...nets.layer_names import short_name
from ...nets.preflight import targets
from .. import meant, options

EXAMPLES = ("deepdream layers", "deepdream layers --model bvlc_googlenet")


def add_parser(verbs: Any) -> None:
    about = "list a net's layers, and which can be dreamt of"
    p = options.add_command(verbs, "layers", about, EXAMPLES)
    options.add_model(p)
    options.add_engine(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    caffe, model = engine.load(args.engine), meant.model_of(args)
    net = opening.read(model, caffe)
    _, height, width = declared_size(net)
    shapes, valid = infer(net), set(targets(net))
    default_end = model.end or suitable_end(net)
    rows = []
    for layer in net.layer:
        name, top = layer.name, layer.top[0] if layer.top else ""
        known = shapes.get(top)
        shape = " x ".join(map(str, known[1:])) if known else "?"
        in_place = f"no: in place on {top}" if top and top != name else "no"
        default = " (default)" if name == default_end else ""
        short = short_name(net, name) if name in valid else ""
        yes = f"yes: {short}" if short else "yes"
        rows.append((name + default, layer.type, shape, yes if name in valid else in_place))
    size = f"{width}x{height}"
    say(
        f"{model.name}: {len(rows)} layers; shapes (channels x height x width) for a {size} picture"
    )
    print_table(rows, ("layer", "type", "shape", "--end"))

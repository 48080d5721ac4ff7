"""The command line: python -m net_surgery."""

import argparse
import json
from pathlib import Path

from deepdream.errors import DreamError
from netfile.terminal import Parser, guarded

from .errors import SurgeryError


def _shape(text):
    try:
        shape = tuple(int(n) for n in text.replace("x", ",").split(","))
    except ValueError:
        shape = ()
    if len(shape) != 3 or min(shape) < 1:
        raise argparse.ArgumentTypeError(
            f"must be channels,height,width such as 3,227,227, not {text!r}"
        )
    return (1, *shape)


def _factor(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"must be a number over 0 and at most 100, not {text!r}")
    return value


def _add_files(p, weights="?"):
    p.add_argument("deploy", metavar="DEPLOY", help="the net's prototxt, in any of Caffe's forms")
    p.add_argument(
        "weights",
        metavar="WEIGHTS",
        nargs=weights,
        help="its caffemodel" + (" (without it, the prototxt alone)" if weights else ""),
    )
    p.add_argument(
        "--engine",
        choices=("auto", "caffe", "compat"),
        default="auto",
        help="whose messages to read them with (default %(default)s)",
    )


def _add_out(p):
    p.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="FOLDER",
        help="a new folder for deploy.prototxt, the caffemodel and surgery.json",
    )


def parser():
    top = Parser(prog="net_surgery", description="Operations on Caffe nets and their weights.")
    verbs = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    p = verbs.add_parser(
        "convolutionize",
        help="make every InnerProduct a Convolution, so that the net takes any input size",
    )
    _add_files(p)
    _add_out(p)
    p.add_argument(
        "--input-shape",
        type=_shape,
        metavar="C,H,W",
        help="the input's shape, where the net does not declare it",
    )
    p.set_defaults(
        operate=lambda ns, caffe: _ops().convolutionize(
            ns.deploy, ns.weights, caffe=caffe, input_shape=ns.input_shape
        ),
        suffix="-conv",
    )

    p = verbs.add_parser(
        "fold", help="fold BatchNorm and Scale into the Convolution in front of them"
    )
    _add_files(p, None)
    _add_out(p)
    p.set_defaults(
        operate=lambda ns, caffe: _ops().fold(ns.deploy, ns.weights, caffe=caffe), suffix="-folded"
    )

    p = verbs.add_parser(
        "truncate", help="cut the net off behind a layer, with what that does not need"
    )
    _add_files(p)
    _add_out(p)
    p.add_argument(
        "--end",
        required=True,
        action="append",
        metavar="LAYER",
        help="the last layer to keep; may be given several times",
    )
    p.set_defaults(
        operate=lambda ns, caffe: _ops().truncate(ns.deploy, ns.weights, ns.end, caffe=caffe),
        suffix="-truncated",
    )

    for name, function, text in (
        ("average-pooling", "average_pooling", "turn MAX pooling into AVE"),
        (
            "out-of-place",
            "out_of_place",
            "give in-place layers blobs of their own, so that what they read stays visible",
        ),
    ):
        p = verbs.add_parser(name, help=text)
        _add_files(p)
        _add_out(p)
        p.add_argument(
            "--layer",
            action="append",
            metavar="LAYER",
            help="only this one; may be given several times",
        )
        p.set_defaults(
            operate=lambda ns, caffe, function=function: getattr(_ops(), function)(
                ns.deploy, ns.weights, layers=ns.layer, caffe=caffe
            ),
            suffix="-" + name,
        )

    p = verbs.add_parser("show", help="print the net as a table, and draw it")
    _add_files(p)
    p.add_argument("--svg", metavar="FILE.svg", help="draw the net into this file")
    p.set_defaults(run=show)

    p = verbs.add_parser("heatmap", help="draw over a picture where a class is")
    p.add_argument("image", metavar="IMAGE", help="the picture")
    p.add_argument(
        "--class",
        dest="class_name",
        required=True,
        metavar="NAME",
        help="a class of the model, by name or number",
    )
    p.add_argument(
        "-o",
        "--out",
        metavar="OUT",
        help="the picture to write (default: IMAGE's name with the class in it, in the present folder)",
    )
    p.add_argument(
        "--model",
        default=None,
        metavar="M",
        help="a name under models/, or a model's folder (default: deepdream's)",
    )
    p.add_argument(
        "--scale",
        type=_factor,
        default=1.0,
        metavar="X",
        help="enlarge the picture first; a class is found at its size in training",
    )
    p.add_argument(
        "--engine",
        choices=("auto", "caffe", "compat"),
        default="auto",
        help="real Caffe, or the built-in engine (default %(default)s)",
    )
    p.set_defaults(run=heatmap)
    return top


def _ops():
    import net_surgery

    return net_surgery


def operate(ns):
    from deepdream.nets import engine

    operated = ns.operate(ns, engine.load(ns.engine))
    stem = Path(ns.weights or ns.deploy).stem + ns.suffix
    folder = operated.save(ns.out, stem)
    readme = Path(ns.weights or ns.deploy).parent / "readme.md"
    if readme.is_file() and ns.weights:
        (folder / "readme.md").write_text(_readme(readme, stem, operated), encoding="utf-8")
    for change in operated.changes:
        print(
            f"{change.layer or operated.net.name} -> {change.now}: {change.what}"
            if change.layer != change.now
            else f"{change.now}: {change.what}"
        )
    if not operated.changes:
        print("nothing to change")
    print(f"wrote {folder}")


def _readme(path, stem, operated):
    """The model's front matter for the new weights, so that the folder is a model; what was true of the old file alone is left out."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    end = lines.index("---", 1) if lines[:1] == ["---"] and "---" in lines[1:] else 0
    gone = ("caffemodel", "caffemodel_url", "sha1", "bytes", "mirrors")
    kept = [line for line in lines[1:end] if line.split(":")[0] not in gone]
    names = [layer.name for layer in operated.net.layer]
    if not any(
        line.split(":")[0] == "end" and line.partition(":")[2].strip() in names for line in kept
    ):
        kept = [line for line in kept if line.split(":")[0] != "end"] + [f"end: {names[-1]}"]
    return "\n".join(
        [
            "---",
            *kept,
            f"caffemodel: {stem}.caffemodel",
            "---",
            "",
            f"Made from {path.parent.name}; see surgery.json.",
            "",
        ]
    )


def show(ns):
    from deepdream.nets import engine
    from deepdream.pictures.output import check_file, whole

    from . import show as drawing
    from .operation import Change, opened

    if ns.svg:
        check_file(ns.svg, [".svg"])
    operated = opened(ns.deploy, ns.weights, engine.load(ns.engine))
    told = Path(ns.deploy).with_name("surgery.json")
    if told.is_file():
        operated.changes += [
            Change(**c) for c in json.loads(told.read_text(encoding="utf-8"))["changes"]
        ]
    shown = drawing.rows(operated)
    print(drawing.table(shown))
    if ns.svg:
        with whole(ns.svg) as partial:
            partial.write_text(drawing.svg(shown), encoding="utf-8")
        print(f"wrote {ns.svg}")


def heatmap(ns):
    from deepdream.cli.commands import heatmap as heatmap_command

    heatmap_command.run(ns)


def main(argv=None):
    """Run the command line; returns the exit code: 0, 2 for a request that cannot be met, 130 after Ctrl-C."""
    ns = parser().parse_args(argv)
    run = ns.run if hasattr(ns, "run") else operate
    return guarded(f"net_surgery {ns.command}", lambda: run(ns), (SurgeryError, DreamError))

"""The command line: what can be asked for, and what is said when it cannot be met."""

import argparse
import math
from dataclasses import fields

from netfile.terminal import Parser, guarded

from ..errors import DreamError
from ..settings import DEFAULT_ENGINE, DEFAULT_MODEL, DREAM, ZOOM, Dream
from ..version import __version__
from .commands import classes as classes_command
from .commands import compare as compare_command
from .commands import dream as commands
from .commands import evaluate as evaluate_command
from .commands import match as match_command
from .commands import models as models_command


def _number(kind, lowest, inclusive=True, highest=math.inf):
    words = {int: "a whole number", float: "a number"}[kind] + (
        f" of at least {lowest}" if inclusive else f" over {lowest}"
    )
    if highest != math.inf:
        words += f" and at most {highest}"

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {words}, not {text!r}") from None
        if (
            not (lowest <= value if inclusive else lowest < value)
            or not value <= highest
            or value == math.inf
        ):
            raise argparse.ArgumentTypeError(f"must be {words}, not {text}")
        return value

    return parse


def _add_engine(p, default=DEFAULT_ENGINE, said=DEFAULT_ENGINE):
    p.add_argument("--engine", choices=("auto", "caffe", "compat"), default=default,
                   help=f"real Caffe, the built-in engine, or real Caffe if there is one (default: {said})")  # fmt: skip
    p.add_argument(
        "--gpu",
        type=_number(int, 0),
        metavar="N",
        help="compute on this GPU; needs a real Caffe built for it",
    )


def _add_model(p):
    p.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="M",
        help=f"a name under models/, or a model's folder (default {DEFAULT_MODEL})",
    )
    p.add_argument(
        "--mean",
        metavar="B,G,R|FILE",
        help="the net's mean colour in its channel order, or a mean file; above what the readme says",
    )
    p.add_argument(
        "--channel-order",
        choices=("bgr", "rgb"),
        help="of the net's input (default: the readme's, or bgr)",
    )


def _add_dream(p):
    p.add_argument("image", metavar="IMAGE", help="the picture to dream on")
    _add_model(p)
    p.add_argument(
        "--end",
        default="",
        metavar="LAYER",
        help="the layer whose activations grow (default: the model's own; see `layers`)",
    )
    p.add_argument(
        "--iterations",
        type=_number(int, 0),
        default=DREAM.iterations,
        metavar="N",
        help=f"steps per octave (default {DREAM.iterations})",
    )
    p.add_argument(
        "--octaves",
        type=_number(int, 1, highest=64),
        default=DREAM.octaves,
        metavar="N",
        help=f"number of sizes (default {DREAM.octaves})",
    )
    p.add_argument("--octave-scale", type=_number(float, 1, inclusive=False), default=DREAM.octave_scale, metavar="X",
                   help=f"ratio of one size to the next smaller (default {DREAM.octave_scale})")  # fmt: skip
    p.add_argument("--step-size", type=_number(float, 0, inclusive=False), default=DREAM.step_size, metavar="X",
                   help=f"mean change of a pixel per step, in grey levels (default {DREAM.step_size})")  # fmt: skip
    p.add_argument(
        "--jitter",
        type=_number(int, 0),
        default=DREAM.jitter,
        metavar="N",
        help=f"largest random shift, in pixels (default {DREAM.jitter})",
    )
    p.add_argument(
        "--no-clip", dest="clip", action="store_false", help="let values leave 0-255 while dreaming"
    )
    p.add_argument(
        "--seed",
        type=_number(int, 0, highest=2**32 - 1),
        metavar="N",
        help="of the jitter (default: a new one, which the picture records)",
    )
    p.add_argument(
        "--guide", metavar="IMAGE", help="make the picture more like this one, in the layer's eyes"
    )
    p.add_argument("--objective", default="", metavar="EXPR",
                   help="""what grows, in place of --end: '0.7 * l2("inception_4c/output") - channel("inception_4d/output", 61)'""")  # fmt: skip
    p.add_argument("--mask", metavar="IMAGE", help="where it may grow: white; black stays")
    _add_engine(p)


def parser():
    top = Parser(prog="deepdream", description="The 2015 DeepDream, on Caffe or without it.")
    top.add_argument("--version", action="version", version=f"deepdream {__version__}")
    verbs = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    p = verbs.add_parser("dream", help="dream on a picture")
    _add_dream(p)
    p.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="OUT",
        help="the picture to write, .png or .jpg; it carries its recipe",
    )
    p.set_defaults(run=commands.dream)

    p = verbs.add_parser("zoom", help="dream, enlarge, dream again: one picture per frame")
    _add_dream(p)
    p.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="FOLDER",
        help="where to write 0000.jpg, 0001.jpg, ...; made if it is not there",
    )
    p.add_argument(
        "--frames",
        type=_number(int, 1),
        default=ZOOM.frames,
        metavar="N",
        help="number of pictures (default %(default)s)",
    )
    p.add_argument("--scale", type=_number(float, 0, highest=0.9), default=ZOOM.scale, metavar="X",
                   help="share of its size that each frame loses at the borders (default %(default)s)")  # fmt: skip
    p.set_defaults(run=commands.zoom)

    p = verbs.add_parser("layers", help="list a net's layers, and which can be dreamt of")
    _add_model(p)
    _add_engine(p)
    p.set_defaults(run=commands.layers)

    p = verbs.add_parser("replay", help="make a picture again from the recipe in it")
    p.add_argument("picture", metavar="OUT.png", help="a picture that deepdream wrote")
    p.add_argument(
        "-o",
        "--out",
        metavar="OUT",
        help="the picture to write (default: beside it, with -replay in its name)",
    )
    p.add_argument(
        "--image", metavar="IMAGE", help="where the source picture is now, if it has moved"
    )
    p.add_argument("--guide", metavar="IMAGE", help="where the guide is now, if it has moved")
    p.add_argument("--mask", metavar="IMAGE", help="where the mask is now, if it has moved")
    _add_engine(p, None, "the one that made it")
    p.set_defaults(run=commands.replay)

    p = verbs.add_parser(
        "compare", help="hold one engine against another, step by step, and write a page",
        description="Dream on one picture with two engines and write one HTML page: both pictures, their difference, the error of every step from "
        "the same state, and how the dreams part. Or record one engine here (--record) and compare another with it elsewhere (--with).",
    )  # fmt: skip
    _add_dream(p)
    p.add_argument(
        "-o",
        "--out",
        metavar="PAGE.html",
        help="the page to write (with --with it may be left out: the verdict is printed)",
    )
    p.add_argument(
        "--reference",
        choices=("caffe", "compat"),
        default="caffe",
        help="the engine to compare with (default %(default)s)",
    )
    p.add_argument(
        "--reference-python",
        metavar="PYTHON",
        help="the Python that has it (default: CAFFE_PYTHON, or what `make caffe` installed, or this one)",
    )
    p.add_argument(
        "--record", metavar="FOLDER", help="only record this engine's dream, into a new folder"
    )
    p.add_argument(
        "--with",
        dest="recording",
        metavar="FOLDER",
        help="compare with such a recording; the settings are the recorded ones",
    )
    # whatever is not given is the recording's, or else the dream's own default
    p.set_defaults(
        run=compare_command.compare,
        engine=None,
        model=None,
        seed=None,
        **{f.name: None for f in fields(Dream)},
    )
    p = verbs.add_parser(
        "match", help="match a layer's enhanced activations by L-BFGS, with a natural-image prior",
        description="Minimise ||F(X) - T||^2 / ||T||^2 + lambda R(X): T is the picture's own activation, enhanced, or another picture's.",
    )  # fmt: skip
    p.add_argument("image", metavar="IMAGE", help="the picture to start from")
    p.add_argument(
        "-o", "--out", required=True, metavar="OUT", help="the picture to write, .png or .jpg"
    )
    target = p.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--enhance",
        metavar="HOW",
        help="of its own activations: quantile:0.9:2, multiply:1.5 or channel:61:3",
    )
    target.add_argument(
        "--to", metavar="IMAGE", help="another picture, whose activations are to be matched"
    )
    _add_model(p)
    p.add_argument(
        "--end", default="", metavar="LAYER", help="the layer to match (default: the model's own)"
    )
    p.add_argument(
        "--prior",
        default="tv",
        metavar="R",
        help="tv, tv:BETA, alpha:ALPHA, l2, none, or a sum such as tv+alpha:6 (default %(default)s)",
    )
    p.add_argument(
        "--weight",
        type=_number(float, 0),
        default=0.1,
        metavar="X",
        help="what the prior costs at the start (default %(default)s)",
    )
    p.add_argument(
        "--evaluations",
        type=_number(int, 1),
        default=30,
        metavar="N",
        help="of f and its gradient per octave (default %(default)s)",
    )
    p.add_argument(
        "--octaves",
        type=_number(int, 1, highest=64),
        default=3,
        metavar="N",
        help="number of sizes (default %(default)s)",
    )
    p.add_argument("--octave-scale", type=_number(float, 1, inclusive=False), default=DREAM.octave_scale, metavar="X",
                   help="ratio of one size to the next smaller (default %(default)s)")  # fmt: skip
    p.add_argument("--plot", metavar="FILE.svg", help="draw f over the evaluations")
    _add_engine(p)
    p.set_defaults(run=match_command.match)
    p = verbs.add_parser("classes", help="show what classes look like to the net, from noise")
    p.add_argument(
        "names", nargs="+", metavar="NAME", help="classes of the model, by name or number; or all"
    )
    p.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="FOLDER",
        help="where the pictures and sheet.png go; made if it is not there",
    )
    _add_model(p)
    p.add_argument("--method", choices=METHODS, default="octaves", help="how (default %(default)s)")
    p.add_argument(
        "--seeds",
        type=_number(int, 1, highest=256),
        default=4,
        metavar="N",
        help="pictures of each, in one batch (default %(default)s)",
    )
    p.add_argument(
        "--seed",
        type=_number(int, 0, highest=2**31),
        default=0,
        metavar="N",
        help="the first of them (default %(default)s)",
    )
    _add_engine(p)
    p.set_defaults(run=classes_command.classes)
    p = verbs.add_parser("evaluate", help="check a net on labelled pictures, and write a page")
    p.add_argument(
        "source",
        metavar="FOLDER",
        help="a folder with a folder of pictures for each class, or a CSV of path,class",
    )
    p.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="FOLDER",
        help="where index.html, the CSVs and the sheets go; made if it is not there",
    )
    _add_model(p)
    p.add_argument(
        "--batch",
        type=_number(int, 1, highest=4096),
        default=32,
        metavar="N",
        help="pictures per pass (default %(default)s)",
    )
    _add_engine(p)
    p.set_defaults(run=evaluate_command.evaluate)
    p = verbs.add_parser(
        "doctor", help="tell what is here and what is missing, with the commands that mend it"
    )
    p.set_defaults(run=models_command.doctor)

    p = verbs.add_parser("models", help="list the models, or get their weights")
    what = p.add_subparsers(dest="what", metavar="list|get", required=True)
    q = what.add_parser(
        "list", help="every model: size, licence, whether its weights are here and right"
    )
    q.set_defaults(run=models_command.list_models)
    q = what.add_parser(
        "get",
        help="get a model's weights from its mirrors, checked; a broken download is gone on with",
    )
    q.add_argument("name", metavar="NAME", help="a name under models/, or a model's folder")
    q.add_argument(
        "--from", dest="source", metavar="URL", help="get it from this URL or path instead"
    )
    q.add_argument(
        "--trust",
        action="store_true",
        help="take a file whose hash is not known, and record the hash that it has",
    )
    q.set_defaults(run=models_command.get)
    return top


METHODS = ("octaves", "simonyan", "yosinski-a", "yosinski-b", "yosinski-c", "yosinski-d")


def main(argv=None):
    """Run the command line; returns the exit code: 0, 2 for a request that cannot be met, 130 after Ctrl-C."""
    args = parser().parse_args(argv)
    return guarded(f"deepdream {args.command}", lambda: args.run(args), DreamError)

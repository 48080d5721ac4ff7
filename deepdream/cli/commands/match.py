"""`deepdream match`: a picture whose activations match an enhanced copy of its own, or another
picture's."""

import argparse
import re
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from netfile.files import file_sha1
from netfile.terminal import say

from ... import nets, pictures
from ...dream import matching, priors
from ...dream.octaves import octave_sizes
from ...errors import NotFiniteError, TargetError
from ...nets import memory
from ...nets.layer_names import full_name
from ...nets.preflight import check_end
from ...pictures.output import check_file, whole
from ...pictures.resize import bicubic
from ...request import schema
from ...request.recipe import model_name, note
from ...settings import MATCH
from ...studies.plot import check_matplotlib, plot, standalone
from .. import events, options
from ..progress import Meter
from ..results import check_picture, keep_last_good, save

_FORMS = "quantile:0.9:2 (above a quantile, times), multiply:1.5 or channel:61:3 (channel, times)"

_RECIPE = "deepdream match"
_FIELDS: Dict[str, Any] = schema.OTHERS[_RECIPE].fields
_FACTOR = options.number(float, -1e6, highest=1e6)  # beyond, activations could become infinite

EXAMPLES = (
    "deepdream match photo.jpg -o out.png --enhance quantile:0.9:2",
    "deepdream match start.jpg -o out.png --to other.jpg --end 3b --weight 0.3",
)


def add_parser(verbs: Any) -> None:
    p = options.add_command(
        verbs,
        "match",
        "match a layer's enhanced activations by L-BFGS, with a natural-image prior",
        EXAMPLES,
        "Minimise ||F(X) - T||^2 / ||T||^2 + lambda R(X): T is the picture's own activation, "
        "enhanced, or another picture's.",
    )
    p.add_argument("image", type=options.filled, metavar="IMAGE", help="the picture to start from")
    options.add_out(p, "OUT", "the picture to write, .png or .jpg")
    what, how = p.group(options.WHAT), p.group(options.HOW)
    target = what.add_mutually_exclusive_group()
    target.add_argument(
        "--enhance",
        type=options.filled,
        metavar="HOW",
        help="of its own activations: quantile:0.9:2, multiply:1.5 or channel:61:3 (default "
        f"{MATCH.enhance})",
    )
    target.add_argument(
        "--to",
        type=options.filled,
        metavar="IMAGE",
        help="another picture, whose activations are to be matched",
    )
    options.add_model(p)
    what.add_argument(
        "--end", default="", metavar="LAYER", help="the layer to match (default: the model's own)"
    )
    how.add_argument(
        "--prior",
        default=MATCH.prior,
        metavar="R",
        help="tv, tv:BETA, alpha:ALPHA, l2, none, or a sum such as tv+alpha:6 (default "
        "%(default)s)",
    )
    options.add_setting(
        how,
        "--weight",
        options.recorded(_FIELDS["weight"]),
        MATCH.weight,
        "X",
        "what the prior costs at the start",
    )
    options.add_setting(
        how,
        "--evaluations",
        options.recorded(_FIELDS["evaluations"]),
        MATCH.evaluations,
        "N",
        "of f and its gradient per octave",
    )
    options.add_octaves(how, MATCH.octaves, MATCH.octave_scale)
    p.group(options.OUTPUT).add_argument(
        "--plot", type=options.filled, metavar="FILE.svg", help="draw f over the evaluations"
    )
    options.add_engine(p)
    options.add_said(p)
    p.set_defaults(run=run)


def enhancement(text: str) -> Callable[[np.ndarray], np.ndarray]:
    """The function that an --enhance text stands for. Raises TargetError with the forms that there
    are."""
    kind, *parts = text.replace("x", "").replace("\u00d7", "").split(":")
    try:
        values = [_FACTOR(part) for part in parts]
    except argparse.ArgumentTypeError:
        values = []
    if kind == "quantile" and len(values) == 2:
        return matching.quantile(*values)
    if kind == "multiply" and len(values) == 1:
        return matching.multiply(values[0])
    if kind == "channel" and len(values) == 2 and values[0].is_integer():
        return matching.channels(values[1], int(values[0]))
    raise TargetError(f"--enhance {text}: unknown; write {_FORMS}")


def prior_named(text: str) -> Optional[priors.Prior]:
    """The prior that a --prior text stands for: tv, tv:BETA, alpha:ALPHA, l2, none, or several with
    a +."""
    if text == "none":
        return None
    total = None
    for part in text.split("+"):
        match = re.fullmatch(r"(tv|alpha|l2)(?::([0-9]+(?:\.[0-9]*)?|\.[0-9]+))?", part.strip())
        if not match or (match[1] == "l2" and match[2]):
            raise TargetError(
                f"--prior {text}: unknown; write tv, tv:1, alpha:6, l2, none, or a sum of them "
                "such as tv+alpha:6"
            )
        power = [float(match[2])] if match[2] else []
        if power and not 1 <= power[0] <= 20:
            raise TargetError(
                f"--prior {text}: the power must lie between 1 and 20, not at {power[0]:g}"
            )
        kinds: Dict[str, Any] = {
            "tv": priors.tv,
            "alpha": priors.alpha_norm,
            "l2": priors.l2_norm,
        }
        prior = kinds[match[1]](*power)
        total = prior if total is None else total + prior
    return total


def run(args: argparse.Namespace) -> None:
    given = [path for path in (args.image, args.to) if path]
    check_file(args.out, pictures.FORMATS, args.overwrite, given)
    if args.plot:
        check_file(args.plot, [".svg"], args.overwrite, given)
        check_matplotlib("--plot's curves")
    if not args.to:
        args.enhance = args.enhance or MATCH.enhance
    enhance = enhancement(args.enhance) if args.enhance else None
    prior = prior_named(args.prior)
    pixels = pictures.load(args.image)
    other = pictures.load(args.to) if args.to else None
    height, width = pixels.shape[:2]
    model = options.model_of(args)
    end = args.end or nets.default_end(model, args.engine)
    opened = nets.open(
        model,
        args.engine,
        layers=lambda description: _checked(description, end),
        sizes=octave_sizes(height, width, args.octaves, args.octave_scale),
        beside=matching.BYTES_PER_PIXEL,
        gpu=args.gpu,
    )
    if other is not None and other.shape != pixels.shape:
        other = bicubic(other, (height, width))
        events.note(f"{args.to} is resized to {width}x{height}, the picture's size")
    told = {
        **_told(args),
        "model": model_name(model),
        "end": opened.end,
        "weights_sha1": file_sha1(model.weights),
        "scale": model.scale,
    }
    record = note(_RECIPE, told)
    pictures.check_recipe(args.out, record)
    events.tell(
        "start",
        f"{model.name} on {opened.caffe.__name__}: {width}x{height}, end {opened.end}",
        image=args.image,
        width=width,
        height=height,
        model=model.name,
        engine=opened.caffe.__name__,
        end=opened.end,
    )
    check_file(args.out, pictures.FORMATS, args.overwrite, [model.weights, model.deploy])
    check_picture(args.out, (height, width), record)
    try:
        result = _match(opened, pixels, enhance, other, prior, args)
    except NotFiniteError as e:
        keep_last_good(args.out, e)
        raise
    save(args.out, result.picture, record, args.overwrite)
    last = [e for e in result.history if e.octave == args.octaves]
    say(
        f"f {last[0].f:.4g} -> {min(e.f for e in last):.4g} in the last octave "
        f"(data {last[-1].data:.4g}, prior {last[-1].prior:.4g} at the last of "
        f"{len(result.history)} evaluations)"
    )
    if args.plot:
        _draw(args.plot, result.history, args.overwrite)
    events.wrote(args.out)
    if args.plot:
        events.wrote(args.plot)


def _checked(description: Any, end: str) -> List[str]:
    end = full_name(description, end)
    check_end(description, end)
    return [end]


def _match(
    opened: nets.OpenNet,
    pixels: np.ndarray,
    enhance: Any,
    other: Optional[np.ndarray],
    prior: Optional[priors.Prior],
    args: argparse.Namespace,
) -> matching.Result:
    height, width = pixels.shape[:2]
    sizes = octave_sizes(height, width, args.octaves, args.octave_scale)[::-1]
    work = [h * w for h, w in sizes]  # of an evaluation in each octave, smallest first
    takes = memory.of_net(opened, sizes[-1:], beside=matching.BYTES_PER_PIXEL)
    with Meter(args.evaluations * sum(work), memory=takes) as meter:

        def report(e: Any) -> None:
            # an octave that has converged ends early; those before this one count in full
            # SciPy may go on after its last evaluation, to finish a line search
            here = min(e.number, args.evaluations) * work[e.octave - 1]
            done = args.evaluations * sum(work[: e.octave - 1]) + here
            sums = f"f {e.f:.4g} = data {e.data:.4g} + prior {e.prior:.4g}"
            meter.at(
                done,
                f"octave {e.octave}/{e.octaves} {sums}",
                octave=e.octave,
                octaves=e.octaves,
                evaluation=e.number,
                f=float(e.f),
                data=float(e.data),
                prior=float(e.prior),
            )

        return matching.match(
            opened.net,
            pixels,
            opened.end,
            enhance,
            other,
            prior,
            args.weight,
            args.evaluations,
            args.octaves,
            args.octave_scale,
            report=report,
        )


def _told(args: argparse.Namespace) -> Dict[str, Any]:
    names = ("enhance", "prior", "weight", "evaluations", "octaves", "octave_scale")
    return {name: getattr(args, name) for name in names}


def _draw(path: str, history: Sequence[Any], overwrite: bool) -> None:
    breaks = [i + 1 for i, e in enumerate(history) if i and e.octave != history[i - 1].octave]
    curves = {"f": [e.f for e in history], "data term": [e.data for e in history]}
    if any(e.prior for e in history):
        curves["prior, weighted"] = [e.prior for e in history]
    with whole(path, overwrite) as partial:
        partial.write_bytes(standalone(plot(curves, "f", breaks=breaks, xlabel="evaluation")))

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
from ...nets.preflight import check_end
from ...pictures.output import check_file, whole
from ...pictures.resize import bicubic
from ...request import schema
from ...request.recipe import model_name, note
from ...settings import MATCH
from ...studies.plot import check_matplotlib, plot, standalone
from .. import options, progress
from ..results import check_picture, keep_last_good, save

_FORMS = "quantile:0.9:2 (above a quantile, times), multiply:1.5 or channel:61:3 (channel, times)"

_RECIPE = "deepdream match"
_FIELDS: Dict[str, Any] = schema.OTHERS[_RECIPE].fields
_FACTOR = options.number(float, -1e6, highest=1e6)  # beyond, activations could become infinite


def add_parser(verbs: Any) -> None:
    p = verbs.add_parser(
        "match",
        help="match a layer's enhanced activations by L-BFGS, with a natural-image prior",
        description="Minimise ||F(X) - T||^2 / ||T||^2 + lambda R(X): T is the picture's own "
        "activation, "
        "enhanced, or another picture's.",
    )
    p.add_argument("image", type=options.filled, metavar="IMAGE", help="the picture to start from")
    options.add_out(p, "OUT", "the picture to write, .png or .jpg")
    target = p.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--enhance",
        type=options.filled,
        metavar="HOW",
        help="of its own activations: quantile:0.9:2, multiply:1.5 or channel:61:3",
    )
    target.add_argument(
        "--to",
        type=options.filled,
        metavar="IMAGE",
        help="another picture, whose activations are to be matched",
    )
    options.add_model(p)
    p.add_argument(
        "--end", default="", metavar="LAYER", help="the layer to match (default: the model's own)"
    )
    p.add_argument(
        "--prior",
        default=MATCH.prior,
        metavar="R",
        help="tv, tv:BETA, alpha:ALPHA, l2, none, or a sum such as tv+alpha:6 (default "
        "%(default)s)",
    )
    options.add_setting(
        p,
        "--weight",
        options.recorded(_FIELDS["weight"]),
        MATCH.weight,
        "X",
        "what the prior costs at the start",
    )
    options.add_setting(
        p,
        "--evaluations",
        options.recorded(_FIELDS["evaluations"]),
        MATCH.evaluations,
        "N",
        "of f and its gradient per octave",
    )
    options.add_octaves(p, MATCH.octaves, MATCH.octave_scale)
    p.add_argument(
        "--plot", type=options.filled, metavar="FILE.svg", help="draw f over the evaluations"
    )
    options.add_engine(p)
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
    enhance = enhancement(args.enhance) if args.enhance else None
    prior = prior_named(args.prior)
    pixels = pictures.load(args.image)
    other = pictures.load(args.to) if args.to else None
    height, width = pixels.shape[:2]
    model = options.model_of(args)
    opened = nets.open(
        model,
        args.engine,
        layers=lambda description: _checked(description, args.end or model.end),
        sizes=octave_sizes(height, width, args.octaves, args.octave_scale),
        beside=matching.BYTES_PER_PIXEL,
        gpu=args.gpu,
    )
    if other is not None and other.shape != pixels.shape:
        other = bicubic(other, (height, width))
        say(f"note: {args.to} is resized to {width}x{height}, the picture's size")
    told = {
        **_told(args),
        "model": model_name(model),
        "end": opened.end,
        "weights_sha1": file_sha1(model.weights),
        "scale": model.scale,
    }
    record = note(_RECIPE, told)
    pictures.check_recipe(args.out, record)
    say(f"{model.name} on {opened.caffe.__name__}: {width}x{height}, end {opened.end}")
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
    say(f"wrote {args.out}" + (f" and {args.plot}" if args.plot else ""))


def _checked(description: Any, end: str) -> List[str]:
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
    from tqdm import tqdm

    with tqdm(total=args.evaluations * args.octaves, bar_format=progress.FORMAT) as bar:

        def report(e: Any) -> None:
            sums = f"f {e.f:.4g} = data {e.data:.4g} + prior {e.prior:.4g}"
            bar.set_description_str(f"octave {e.octave}/{e.octaves} {sums}", refresh=False)
            bar.update(1)

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

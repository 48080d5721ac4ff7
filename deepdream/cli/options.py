"""Options that several commands share, and what they stand for."""

import argparse
import math
from dataclasses import fields
from typing import Any, Callable, Dict, List, Optional, Tuple, Type

from .. import nets
from ..nets.engine import NAMES
from ..request import schema
from ..request.fields import Whole
from ..settings import DEFAULT_ENGINE, DEFAULT_MODEL, DREAM, Dream


def number(
    kind: Type[Any], lowest: float, inclusive: bool = True, highest: float = math.inf
) -> Callable[[str], Any]:
    """An argparse type: finite numbers of this kind within these bounds."""
    words = {int: "a whole number", float: "a number"}[kind]
    words += f" of at least {lowest}" if inclusive else f" over {lowest}"
    if highest != math.inf:
        words += f" and at most {highest}"

    def parse(text: str) -> Any:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        try:
            value = kind(text.encode("ascii").decode())
        except ValueError:  # digits such as \u00b2 among them
            raise argparse.ArgumentTypeError(f"must be {words}, not {shown!r}") from None
        high_enough = lowest <= value if inclusive else lowest < value
        if not high_enough or not value <= highest or value == math.inf:
            raise argparse.ArgumentTypeError(f"must be {words}, not {shown}")
        return value

    return parse


def recorded(field: Any) -> Callable[[str], Any]:
    """An argparse type: the numbers that a recipe can hold in this field, a Whole or a Number."""
    if isinstance(field, Whole):
        return number(int, field.low, highest=field.high)
    return number(float, field.low, not field.over, field.high)


def filled(text: str) -> str:
    """An argparse type: any text but the empty one, which an unset variable of a shell leaves."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def guide_weights(text: str) -> Tuple[float, ...]:
    """An argparse type: numbers with commas between them."""
    one = recorded(schema.GUIDE_WEIGHT)
    return tuple(one(part.strip()) for part in text.split(","))


GPU = number(int, 0, highest=2**30 - 1)


def add_out(p: argparse.ArgumentParser, metavar: str, text: str, required: bool = True) -> None:
    """Add -o: where the result goes; and --overwrite."""
    p.add_argument("-o", "--out", required=required, type=filled, metavar=metavar, help=text)
    add_overwrite(p)


def add_overwrite(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--overwrite",
        action="store_true",
        help="replace files of the same names; without it, none is replaced",
    )


def add_setting(
    p: argparse.ArgumentParser, flag: str, kind: Any, default: Any, metavar: str, text: str
) -> None:
    """Add a setting that has a default, which its help tells."""
    text = f"{text} (default {default})"
    p.add_argument(flag, type=kind, default=default, metavar=metavar, help=text)


def add_engine(
    p: argparse.ArgumentParser, default: Optional[str] = DEFAULT_ENGINE, said: str = DEFAULT_ENGINE
) -> None:
    p.add_argument(
        "--engine",
        choices=NAMES,
        default=default,
        help=f"real Caffe, the built-in engine, or real Caffe if there is one (default: {said})",
    )
    p.add_argument(
        "--gpu",
        type=GPU,
        metavar="N",
        help="compute on this GPU; needs a real Caffe built for it",
    )


def add_model(p: argparse.ArgumentParser, scale_is_free: bool = True) -> None:
    """Add the model and what its readme can say of its input.

    scale_is_free: whether --scale can be short for --input-scale in this command.
    """
    p.add_argument(
        "--model",
        type=filled,
        default=DEFAULT_MODEL,
        metavar="M",
        help=f"a name under models/, or a model's folder (default {DEFAULT_MODEL})",
    )
    p.add_argument(
        "--mean",
        type=filled,
        metavar="B,G,R|FILE",
        help="the net's mean colour in its channel order, one value for all channels, or a mean "
        "file; overrides the readme",
    )
    p.add_argument(
        "--input-scale",
        *(["--scale"] if scale_is_free else []),
        type=recorded(schema.INPUT_SCALE),
        metavar="X",
        help="what the net's input is multiplied by, after the mean was subtracted (default: the "
        "readme's, or 1)",
    )
    p.add_argument(
        "--channel-order",
        choices=("bgr", "rgb"),
        help="of the net's input (default: the readme's, or bgr)",
    )


def add_octaves(p: argparse.ArgumentParser, octaves: int, octave_scale: float) -> None:
    _add_recorded(p, "octaves", octaves, "N", "number of sizes")
    _add_recorded(p, "octave_scale", octave_scale, "X", "ratio of one size to the next smaller")


def _add_recorded(
    p: argparse.ArgumentParser, name: str, default: float, metavar: str, text: str
) -> None:
    """Add a setting of a dream that is a number."""
    kind = recorded(schema.SETTINGS.fields[name])
    add_setting(p, "--" + name.replace("_", "-"), kind, default, metavar, text)


def add_dream(p: argparse.ArgumentParser, scale_is_free: bool = True) -> None:
    p.add_argument("image", type=filled, metavar="IMAGE", help="the picture to dream on")
    add_model(p, scale_is_free)
    p.add_argument(
        "--end",
        default="",
        metavar="LAYER",
        help="the layer whose activations grow (default: the model's own; see `layers`)",
    )
    _add_recorded(p, "iterations", DREAM.iterations, "N", "steps per octave")
    add_octaves(p, DREAM.octaves, DREAM.octave_scale)
    text = "mean change of a pixel per step, in grey levels"
    _add_recorded(p, "step_size", DREAM.step_size, "X", text)
    _add_recorded(p, "jitter", DREAM.jitter, "N", "largest random shift, in pixels")
    p.add_argument(
        "--no-clip",
        dest="clip",
        action="store_false",
        help="let values leave 0-255 while dreaming",
    )
    p.add_argument(
        "--seed",
        type=recorded(schema.SEED),
        metavar="N",
        help="of the jitter (default: a new one, which the picture records)",
    )
    p.add_argument(
        "--guide",
        type=filled,
        action="append",
        default=[],
        metavar="IMAGE",
        help="make the picture more like this one, as the layer sees it; may be given again",
    )
    p.add_argument(
        "--guide-weights",
        type=guide_weights,
        default=DREAM.guide_weights,
        metavar="X,...",
        help="how much each --guide counts, in their order; below 0: be less like it (default 1 "
        "each)",
    )
    p.add_argument(
        "--objective",
        default="",
        metavar="EXPR",
        help="what grows, in place of --end: "
        """'0.7 * l2("inception_4c/output") - channel("inception_4d/output", 61)'""",
    )
    p.add_argument(
        "--mask", type=filled, metavar="IMAGE", help="where it may grow: white; black stays"
    )
    add_engine(p)


def dream_of(args: argparse.Namespace) -> Dream:
    """The dream's settings on a command line."""
    return Dream(**{f.name: getattr(args, f.name) for f in fields(Dream)})


def pictures_of(args: argparse.Namespace) -> List[str]:
    """The pictures that a dream's command line names as options of their own."""
    return [path for path in (args.image, *args.guide, args.mask) if path]


def model_of(args: argparse.Namespace) -> nets.Model:
    """The model on a command line. Raises ModelError."""
    return nets.find(args.model, args.mean, args.channel_order, args.input_scale)


def request_of(args: argparse.Namespace) -> Dict[str, Any]:
    """What request.job.prepare takes of a command line besides image and settings."""
    return dict(
        model=model_of(args),
        engine=args.engine,
        gpu=args.gpu,
        guide_paths=args.guide,
        mask_path=args.mask,
        seed=args.seed,
    )

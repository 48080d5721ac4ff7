"""Options that several commands share, in their groups, and what they stand for."""

import argparse
import math
import re
from typing import Any, Callable, List, Optional, Sequence, Tuple, Type

from ..nets.engine import NAMES
from ..request import schema
from ..request.fields import Whole
from ..request.presets import NO_SMOOTHING, PRESETS
from ..settings import DEFAULT_ENGINE, DEFAULT_MODEL, DREAM
from .events import JSON, QUIET, WORDS
from .parser import CommandParser

# the groups of options, by title
WHAT, HOW, NET = "what to dream", "how to dream", "the net"
OUTPUT, SAID = "the output", "what is said"
GRAPH = "what an ONNX graph does not say"


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


def picture_size(text: str) -> Tuple[int, int]:
    """An argparse type: (height, width), of WIDTHxHEIGHT or of one number for both."""
    found = re.fullmatch(r"([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"must be such as 224 or 320x240, not {text!r}")
    width, height = int(found[1]), int(found[2] or found[1])
    return height, width


def listed(text: str) -> List[str]:
    """An argparse type: names with commas between them."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"must be names with commas between them, not {text!r}")
    return names


def guide_weights(text: str) -> Tuple[float, ...]:
    """An argparse type: numbers with commas between them."""
    one = recorded(schema.GUIDE_WEIGHT)
    return tuple(one(part.strip()) for part in text.split(","))


_UNITS = {"M": 10**6, "G": 10**9, "T": 10**12}


def memory_size(text: str) -> int:
    """An argparse type: bytes, of such as 2G."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?([MGT])B?", text, re.ASCII | re.IGNORECASE)
    count = round(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if not _UNITS["M"] <= count <= 1000 * _UNITS["T"]:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise argparse.ArgumentTypeError(
            f"must be such as 2G or 800M, from 1M to 1000T, not {shown!r}"
        )
    return count


GPU = number(int, 0, highest=2**30 - 1)


def add_command(
    verbs: Any, name: str, about: str, examples: Sequence[str], description: str = ""
) -> CommandParser:
    """Add a command. about: one line, for the list of commands. examples: what can be typed."""
    p: CommandParser = verbs.add_parser(
        name,
        help=about,
        description=description or about[:1].upper() + about[1:] + ".",
        examples=examples,
    )
    return p


def add_out(p: CommandParser, metavar: str, text: str, required: bool = True) -> None:
    """Add -o: where the result goes; and --overwrite."""
    p.group(OUTPUT).add_argument(
        "-o", "--out", required=required, type=filled, metavar=metavar, help=text
    )
    add_overwrite(p.group(OUTPUT))


def add_overwrite(p: Any) -> None:
    """Add --overwrite to a parser or to a group of its options."""
    p.add_argument(
        "--overwrite",
        action="store_true",
        help="replace files of the same names; without it, none is replaced",
    )


def add_said(p: CommandParser, events: bool = True) -> None:
    """Add what is said while the command runs: --quiet and, for programs, --json."""
    one = p.group(SAID).add_mutually_exclusive_group()
    one.add_argument(
        "-q",
        "--quiet",
        dest="manner",
        action="store_const",
        const=QUIET,
        default=WORDS,
        help="say nothing but errors",
    )
    if events:
        one.add_argument(
            "--json",
            dest="manner",
            action="store_const",
            const=JSON,
            help="say what happens as JSON, one object a line, for programs",
        )


def add_setting(
    p: Any, flag: str, kind: Any, default: Any, metavar: str, text: str, keep: bool = True
) -> None:
    """Add a setting that has a default, which its help tells.

    keep: whether it has its default where it is not given, and not None.
    """
    text = f"{text} (default {default})"
    p.add_argument(flag, type=kind, default=default if keep else None, metavar=metavar, help=text)


def add_engine(
    p: CommandParser, default: Optional[str] = DEFAULT_ENGINE, said: str = DEFAULT_ENGINE
) -> None:
    group = p.group(NET)
    group.add_argument(
        "--engine",
        choices=NAMES,
        default=default,
        help=f"real Caffe, the built-in engine, or real Caffe if there is one (default: {said})",
    )
    group.add_argument(
        "--gpu",
        type=GPU,
        metavar="N",
        help="compute on this GPU, by PyTorch in the built-in engine, or by a Caffe built for it",
    )
    group.add_argument(
        "--fast",
        action="store_true",
        help="on a GPU, in the built-in engine: TensorFloat-32 and more that is quicker than exact",
    )


def add_model(p: CommandParser, scale_is_free: bool = True) -> None:
    """Add the model and what its readme can say of its input.

    scale_is_free: whether --scale can be short for --input-scale in this command.
    """
    group = p.group(NET)
    group.add_argument(
        "--model",
        type=filled,
        default=DEFAULT_MODEL,
        metavar="M",
        help=f"a name under models/, or a model's folder (default {DEFAULT_MODEL})",
    )
    group.add_argument(
        "--mean",
        type=filled,
        metavar="B,G,R|FILE",
        help="the net's mean colour in its channel order, one value for all channels, or a mean "
        "file; overrides the readme",
    )
    group.add_argument(
        "--input-scale",
        *(["--scale"] if scale_is_free else []),
        type=recorded(schema.INPUT_SCALE),
        metavar="X",
        help="what the net's input is multiplied by, after the mean was subtracted (default: the "
        "readme's, or 1)",
    )
    group.add_argument(
        "--channel-order",
        choices=("bgr", "rgb"),
        help="of the net's input (default: the readme's, or bgr)",
    )


def add_octaves(group: Any, octaves: int, octave_scale: float, keep: bool = True) -> None:
    _add_recorded(group, "octaves", octaves, "N", "number of sizes", keep)
    text = "ratio of one size to the next smaller"
    _add_recorded(group, "octave_scale", octave_scale, "X", text, keep)


def add_max_size(p: CommandParser) -> None:
    p.group(HOW).add_argument(
        "--max-size",
        type=recorded(schema.PICTURE.fields["max_size"]),
        default=0,
        metavar="N",
        help="make a picture smaller before the dream if a side has more than N pixels (default: "
        "0, any size)",
    )


def add_memory(p: CommandParser) -> None:
    p.group(HOW).add_argument(
        "--memory",
        type=memory_size,
        metavar="SIZE",
        help="take no more memory than this, such as 2G or 800M; a picture that is too large for "
        "it is dreamt on by tiles (default: what is free)",
    )


def _add_recorded(
    group: Any, name: str, default: float, metavar: str, text: str, keep: bool = False
) -> None:
    """Add a setting of a dream that is a number."""
    kind = recorded(schema.SETTINGS.fields[name])
    add_setting(group, "--" + name.replace("_", "-"), kind, default, metavar, text, keep)


def add_dream(
    p: CommandParser, scale_is_free: bool = True, several: bool = False, film: bool = False
) -> None:
    """Add what a dream takes. A setting that is not given is None: see `given`."""
    what = p.group(WHAT)
    if several:
        text = "pictures to dream on, folders of them, patterns such as '*.jpg', - for stdin"
        what.add_argument("image", nargs="+", type=filled, metavar="IMAGE", help=text)
    elif film:
        text = "the film to dream on, or a folder of its frames in the order of their names"
        what.add_argument("image", type=filled, metavar="FILM", help=text)
    else:
        what.add_argument("image", type=filled, metavar="IMAGE", help="the picture to dream on")
    _add_what(what)
    _add_how(p.group(HOW))
    add_model(p, scale_is_free)
    add_engine(p)


def _add_what(group: Any) -> None:
    one = group.add_mutually_exclusive_group()
    one.add_argument(
        "--end",
        metavar="LAYER",
        help="the layer whose activations grow, 4c for inception_4c/output (default: the model's "
        "own; `deepdream layers` lists them)",
    )
    one.add_argument(
        "--dream-of",
        type=listed,
        metavar="CLASS,...",
        help="classes of the model that are to appear, such as eye,face (`deepdream classes "
        "--list` lists them)",
    )
    one.add_argument(
        "--objective",
        metavar="EXPR",
        help="""what grows, in full: '0.7 * l2("4c") - channel("4d", 61)'""",
    )
    group.add_argument(
        "--guide",
        type=filled,
        action="append",
        default=[],
        metavar="IMAGE",
        help="make the picture more like this one, as the layer sees it; may be given again",
    )
    group.add_argument(
        "--guide-weights",
        type=guide_weights,
        metavar="X,...",
        help="how much each --guide counts, in their order; below 0: be less like it (default 1 "
        "each)",
    )
    group.add_argument(
        "--mask", type=filled, metavar="IMAGE", help="where it may grow: white; black stays"
    )


def _add_how(group: Any) -> None:
    group.add_argument(
        "--preset",
        choices=PRESETS,
        metavar="NAME",
        help=f"{', '.join(PRESETS)}: a look; options beside it win (`deepdream presets` lists "
        "them)",
    )
    text = "steps per octave; as all of these, the model's readme may have another default"
    _add_recorded(group, "iterations", DREAM.iterations, "N", text)
    add_octaves(group, DREAM.octaves, DREAM.octave_scale, keep=False)
    text = "mean change of a pixel per step, in grey levels"
    _add_recorded(group, "step_size", DREAM.step_size, "X", text)
    _add_recorded(group, "jitter", DREAM.jitter, "N", "largest random shift, in pixels")
    group.add_argument(
        "--smooth",
        type=lambda text: "" if text == NO_SMOOTHING else text,
        metavar="HOW",
        help="smooth the gradient before each step: gaussian[:DEVIATION], laplacian[:LEVELS], "
        "natural[:POWER], several joined by +, or none; for nets whose plain dreams only wash "
        "colours or have rainbow fringes",
    )
    group.add_argument(
        "--no-clip",
        dest="clip",
        action="store_const",
        const=False,
        help="let values leave 0-255 while dreaming",
    )
    group.add_argument(
        "--seed",
        type=recorded(schema.SEED),
        metavar="N",
        help="of the jitter (default: a new one, which the picture records)",
    )

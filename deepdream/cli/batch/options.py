"""The options of pictures in and pictures out."""

import argparse

from ...settings import Picture
from .. import options
from ..parser import CommandParser
from .names import FIELDS, KINDS


def add_options(p: CommandParser) -> None:
    fields = ", ".join(f"{{{name}}}" for name in FIELDS)
    options.add_out(
        p,
        "OUT",
        "the picture to write; or a folder, which gets one for each; or - for the standard output; "
        f"{fields} in it stand for what they say (default: NAME-dream.png beside each picture)",
        required=False,
    )
    add_picture_options(p)


def add_picture_options(p: CommandParser) -> None:
    """Add what is done to photographs and their dreams, wherever these go."""
    p.group(options.OUTPUT).add_argument(
        "--format",
        choices=KINDS,
        help="of what is written, where OUT does not end in one (default: png)",
    )
    options.add_max_size(p)
    p.group(options.HOW).add_argument(
        "--keep-colours",
        action="store_true",
        help="take the light and dark of the dream, and the colours of the photograph",
    )


def handling_of(args: argparse.Namespace) -> Picture:
    """What a command line wants done to its photographs and their dreams."""
    return Picture(args.max_size, args.keep_colours)

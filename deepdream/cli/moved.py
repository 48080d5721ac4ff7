"""Options that say where the files of a recipe are now, if they have moved."""

import argparse
from typing import Any, Dict, Tuple

from ..errors import RecipeError
from . import options
from .parser import CommandParser

_MOVED = "what has moved"


def add_options(p: CommandParser) -> None:
    group = p.group(_MOVED)
    group.add_argument(
        "--guide",
        type=options.filled,
        action="append",
        default=[],
        metavar="IMAGE",
        help="where the guide is now, if it has moved; with several, again for each in their order",
    )
    for role, what in (("image", "source picture"), ("mask", "mask")):
        group.add_argument(
            f"--{role}",
            type=options.filled,
            metavar="IMAGE",
            help=f"where the {what} is now, if it has moved",
        )
    group.add_argument(
        "--to",
        type=options.filled,
        metavar="IMAGE",
        help="where the picture is now that a match was made to, if it has moved",
    )
    group.add_argument(
        "--file",
        dest="files",
        action="append",
        default=[],
        type=_file,
        metavar="NAME=PATH",
        help="where the file is now that the recipe's objective calls NAME; may be given again",
    )
    group.add_argument(
        "--model",
        type=options.filled,
        metavar="FOLDER",
        help="where the model's folder is now, if it has moved",
    )


def _file(text: str) -> Tuple[str, str]:
    name, equals, path = text.rpartition("=")
    if not (equals and name and path):
        raise argparse.ArgumentTypeError(f"must be NAME=PATH, not {text!r}")
    return name, path


def given(args: argparse.Namespace) -> bool:
    """Whether a command line says of any file where it is now."""
    return any((args.image, args.guide, args.mask, args.files, args.model, args.to))


def of(args: argparse.Namespace) -> Dict[str, Any]:
    """What `request.following.follow` takes of a command line.

    Raises:
        RecipeError: an option is none of a dream's.
    """
    _refuse({"to": args.to}, "a dream")
    return dict(
        image_path=args.image,
        guide_paths=args.guide,
        mask_path=args.mask,
        file_paths=dict(args.files),
        model=args.model,
    )


def of_note(args: argparse.Namespace) -> Dict[str, Any]:
    """What `request.notes.followed` takes of a command line, likewise."""
    _refuse({"guide": args.guide, "mask": args.mask, "file": args.files}, "match or classes")
    return {"image": args.image, "to": args.to, "model": args.model}


def _refuse(given: Dict[str, Any], what: str) -> None:
    for name, value in given.items():
        if value:
            raise RecipeError(f"--{name}: has no place in what {what} has made")

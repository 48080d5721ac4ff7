"""The command line: its commands, and what is said when a request cannot be met."""

import argparse
from typing import Optional, Sequence

from netfile.errors import NetError
from netfile.terminal import Parser, guarded, safe_streams

from ..errors import DreamError
from ..version import __version__
from .advice import advised
from .commands import (
    classes,
    compare,
    doctor,
    dream,
    evaluate,
    heatmap,
    layers,
    match,
    models,
    replay,
    zoom,
)

COMMANDS = (dream, zoom, layers, replay, compare, match, classes, evaluate, heatmap, doctor, models)


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="deepdream", description="The 2015 DeepDream, on Caffe or without it.")
    top.add_argument("--version", action="version", version=f"deepdream {__version__}")
    verbs = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(verbs)
    return top


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0, 2 for a request that cannot be met, 130 after Ctrl-C, or the command's
            own.
    """
    with safe_streams():
        args = parser().parse_args(argv)

        def run() -> Optional[int]:
            try:
                code: Optional[int] = args.run(args)
                return code
            except DreamError as e:
                e.args = (advised(e),)
                raise

        return guarded(f"deepdream {args.command}", run, (DreamError, NetError))

"""The command line: its commands, and what is said when a request cannot be met."""

import argparse
import difflib
import os
import platform
import sys
import time
from typing import Any, Optional, Sequence

from netfile.errors import NetError
from netfile.terminal import guarded, safe_streams

from ..errors import DreamError, EngineError
from ..nets import engine
from ..version import __version__
from . import events
from .advice import advised
from .commands import (
    batch,
    classes,
    compare,
    completion,
    doctor,
    dream,
    evaluate,
    gallery,
    heatmap,
    layers,
    match,
    models,
    presets,
    replay,
    resume,
    serve,
    video,
    zoom,
)
from .parser import CommandParser

COMMANDS = (
    dream,
    zoom,
    video,
    batch,
    resume,
    presets,
    layers,
    classes,
    replay,
    match,
    heatmap,
    gallery,
    evaluate,
    compare,
    models,
    doctor,
    serve,
)
EXAMPLES = (
    "deepdream dream photo.jpg -o dream.png",
    "deepdream presets",
    "deepdream dream --help",
)


class _Version(argparse.Action):
    """Says the version of this package and of what it runs on."""

    def __call__(self, parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> None:
        import numpy

        try:
            about = engine.describe(engine.load())
            runs_on = f"{about['name']} {about['version']}"
        except EngineError:
            runs_on = "no engine"
        python = platform.python_version()
        print(f"deepdream {__version__} ({runs_on}, Python {python}, NumPy {numpy.__version__})")
        parser.exit()


def parser() -> CommandParser:
    """The parser of the whole command line."""
    top = CommandParser(
        prog="deepdream",
        description="The 2015 DeepDream, on Caffe or without it.",
        examples=EXAMPLES,
    )
    top.add_argument(
        "--version", action=_Version, nargs=0, help="say the versions of this and of its engine"
    )
    verbs = top.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    for command in COMMANDS:
        command.add_parser(verbs)
    completion.add_parser(verbs, parser)
    return top


def _check_command(top: CommandParser, words: Sequence[str]) -> None:
    """Leave, with the near names, where the first word is no command; argparse would list all."""
    known = [module.__name__.rpartition(".")[2] for module in (*COMMANDS, completion)]
    word = next((word for word in words if not word.startswith("-")), None)
    if word is None or word in known:
        return
    near = difflib.get_close_matches(word, known, 2, 0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    top.error(f"there is no command {word[:40]!r}; {hint}")


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0, 2 for a request that cannot be met, 130 after Ctrl-C, or the command's
            own.
    """
    with safe_streams():
        words, top = sys.argv[1:] if argv is None else list(argv), parser()
        if not words:
            top.print_help(sys.stderr)
            return 2
        _check_command(top, words)
        args = top.parse_args(words)
        if getattr(args, "fast", False):
            if args.gpu is None:
                top.error("--fast is for a GPU; give --gpu N too, or leave it out")
            os.environ["CAFFE_COMPAT_FAST"] = "1"  # for the processes that it starts, too
        how = getattr(args, "manner", events.WORDS)
        if how == events.JSON and getattr(args, "out", None) == "-":
            top.error("--json and -o - would both write to the standard output; give one of them")

        def run() -> Optional[int]:
            started = time.monotonic()
            try:
                code: Optional[int] = args.run(args)
            except (DreamError, NetError) as e:
                e.args = (advised(e, getattr(args, "preset", None)),)
                raise
            events.emit("done", code=code or 0, seconds=round(time.monotonic() - started, 3))
            return code

        with events.speaking(how):
            name = f"deepdream {args.command}"
            return guarded(name, run, (DreamError, NetError), events.failed)

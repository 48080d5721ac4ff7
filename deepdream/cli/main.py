"""The command line: its commands, and what is said when a request cannot be met."""

import argparse
import difflib
import importlib
import os
import platform
import sys
import time
from typing import Any, Optional, Sequence

from netfile.errors import NetError
from netfile.terminal import guarded, safe_streams

from ..errors import DreamError, EngineError
from ..version import __version__
from . import events
from .parser import CommandParser

# modules in commands/, loaded when they are asked for
COMMANDS = (
    "dream", "zoom", "video", "batch", "resume", "presets", "layers", "classes", "replay", "match",
    "heatmap", "gallery", "evaluate", "compare", "models", "doctor", "serve", "completion",
)  # fmt: skip
EXAMPLES = (
    "deepdream dream photo.jpg -o dream.png",
    "deepdream presets",
    "deepdream dream --help",
)


class _Version(argparse.Action):
    """Says the version of this package and of what it runs on."""

    def __call__(self, parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> None:
        import numpy

        from ..nets import engine

        try:
            about = engine.describe(engine.load())
            runs_on = f"{about['name']} {about['version']}"
        except EngineError:
            runs_on = "no engine"
        python = platform.python_version()
        print(f"deepdream {__version__} ({runs_on}, Python {python}, NumPy {numpy.__version__})")
        parser.exit()


def parser(commands: Sequence[str] = COMMANDS) -> CommandParser:
    """The parser of the command line, whole or with some of its commands."""
    top = CommandParser(
        prog="deepdream",
        description="The 2015 DeepDream, on Caffe or without it.",
        examples=EXAMPLES,
    )
    top.add_argument(
        "--version", action=_Version, nargs=0, help="say the versions of this and of its engine"
    )
    verbs = top.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    for name in commands:
        command = importlib.import_module(f".commands.{name}", __package__)
        if name == "completion":
            command.add_parser(verbs, parser)
        else:
            command.add_parser(verbs)
    return top


def _asked(words: Sequence[str]) -> Sequence[str]:
    """The command that these words name, alone; else all, whose names help and errors show."""
    return words[:1] if words and words[0] in COMMANDS else COMMANDS


def _check_command(top: CommandParser, words: Sequence[str]) -> None:
    """Leave, with the near names, where the first word is no command; argparse would list all."""
    word = next((word for word in words if not word.startswith("-")), None)
    if word is None or word in COMMANDS:
        return
    near = difflib.get_close_matches(word, COMMANDS, 2, 0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(COMMANDS)}"
    top.error(f"there is no command {word[:40]!r}; {hint}")


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0, 2 for a request that cannot be met, 130 after Ctrl-C, or the command's
            own.
    """
    with safe_streams():
        words = sys.argv[1:] if argv is None else list(argv)
        top = parser(_asked(words))
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
                from .advice import advised

                e.args = (advised(e, getattr(args, "preset", None)),)
                raise
            events.emit("done", code=code or 0, seconds=round(time.monotonic() - started, 3))
            return code

        with events.speaking(how):
            name = f"deepdream {args.command}"
            return guarded(name, run, (DreamError, NetError), events.failed)

"""`deepdream resume`: a long run goes on after whatever stopped it."""

import argparse
import os
import re
from typing import Any, Callable, Dict

from ... import pictures
from ...errors import DreamError, RunError
from ...request import fields, schema
from ...request import journal as journals
from ...request.journal import Journal
from .. import events, moved, options
from . import zoom

EXAMPLES = (
    "deepdream resume frames/",
    "deepdream resume frames/ --image moved/photo.jpg",
)
_KINDS: Dict[str, Callable[[argparse.Namespace, Journal], None]] = {"zoom": zoom.resume}
_FRAME = re.compile(r"[0-9]{4,}\.jpg")


def add_parser(verbs: Any) -> None:
    about = "go on with a long run that was stopped, killed, or out of room"
    p = options.add_command(verbs, "resume", about, EXAMPLES)
    text = "what the run was to make, as its -o said"
    p.add_argument("out", type=options.filled, metavar="FOLDER", help=text)
    moved.add_options(p)
    options.add_overwrite(p.group(options.OUTPUT))
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    journal = journals.of(args.out)
    if not journal.exists:
        _say_finished(args.out)
        return
    with journal.held():
        if not journal.exists:  # the process that held it has finished meanwhile
            _say_finished(args.out)
            return
        _KINDS[journal.asked()["kind"]](args, journal)


def _say_finished(out: str) -> None:
    """Say that a run is finished. Raises RunError where there was none."""
    if not os.path.lexists(out):
        raise RunError(f"{out}: no such file or folder, so no run is in it")
    count = _frames(out) if os.path.isdir(out) else 0
    if not count:
        raise RunError(f"{out}: holds no run that could go on")
    events.tell(
        "resume",
        f"{out}: is finished, all {count} frames are made; there is nothing to do",
        path=out,
        done=count,
        total=count,
    )


def _frames(folder: str) -> int:
    """The number of frames of a finished zoom in a folder; 0 where there is none."""
    frames = sorted(filter(_FRAME.fullmatch, os.listdir(folder)))
    if not frames:
        return 0
    try:
        text = pictures.read_recipe(os.path.join(folder, frames[-1]))
        record = schema.read(fields.parse(text))
    except DreamError:
        return 0
    last = record["zoom"]["frames"] - 1 if record["zoom"] else -1
    return last + 1 if record["frame"] == last else 0

"""`deepdream resume`: a long run goes on after whatever stopped it."""

import argparse
import os
import re
from typing import Any, Callable, Dict

from ... import pictures
from ...errors import DreamError, RunError
from ...films import reading, writing
from ...request import fields, notes, schema
from ...request import journal as journals
from ...request.journal import Journal
from .. import events, machines, moved, options
from . import classes, match, video, zoom

EXAMPLES = (
    "deepdream resume frames/",
    "deepdream resume frames/ --image moved/photo.jpg",
    "deepdream resume classes/ --workers 4",
)
_KINDS: Dict[str, Callable[[argparse.Namespace, Journal], None]] = {
    "zoom": zoom.resume,
    "video": video.resume,
    "classes": classes.resume,
    "match": match.resume,
}
_FRAME = re.compile(r"[0-9]{4,}\.(jpg|png)")


def add_parser(verbs: Any) -> None:
    about = "go on with a long run that was stopped, killed, or out of room"
    p = options.add_command(verbs, "resume", about, EXAMPLES)
    text = "what the run was to make, as its -o said"
    p.add_argument("out", type=options.filled, metavar="FOLDER", help=text)
    moved.add_options(p)
    machines.add_options(p)
    options.add_overwrite(p.group(options.OUTPUT))
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    journal = journals.of(args.out)
    if not journal.exists:
        journals.sweep(args.out)
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
    if not (_is_finished(out) if os.path.isdir(out) else _has_recipe(out)):
        raise RunError(f"{out}: holds no run that could go on")
    events.tell("resume", f"{out}: is finished; there is nothing to do", path=out)


def _is_finished(folder: str) -> bool:
    """Whether a folder has all frames of a zoom or a film, or the sheet of classes and a picture of
    one."""
    names = sorted(os.listdir(folder))
    frames = list(filter(_FRAME.fullmatch, names))
    if frames:
        return _is_last(os.path.join(folder, frames[-1]))
    if classes.SHEET not in names:
        return False
    made = [name for name in names if name.endswith(".png") and name != classes.SHEET]
    return any(_has_recipe(os.path.join(folder, name)) for name in made)


def _is_last(path: str) -> bool:
    """Whether a picture is the last frame of a zoom or a film."""
    try:
        kind, told = notes.of_picture(path)
        if kind == schema.VIDEO:
            return bool(told["frame"] == told["frames"] - 1)
        record = schema.read(fields.parse(pictures.read_recipe(path)))
    except DreamError:
        return False
    return bool(record["zoom"]) and record["frame"] == record["zoom"]["frames"] - 1


def _has_recipe(path: str) -> bool:
    """Whether a file is a picture or a film of ours."""
    is_film = os.path.splitext(path)[1].lower() in writing.FORMATS
    try:
        record = fields.parse(reading.comment(path) if is_film else pictures.read_recipe(path))
    except DreamError:
        return False
    return isinstance(record, dict) and (
        "deepdream" in record or any(kind in record for kind in schema.OTHERS)
    )

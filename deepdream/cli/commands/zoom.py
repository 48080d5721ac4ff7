"""`deepdream zoom`: the notebook's loop of dreams upon dreams."""

import argparse
import json
import os
import re
from contextlib import suppress
from typing import Any, Sequence

from netfile.terminal import counted, say

from ...errors import DreamError, NotFiniteError, OutputError
from ...request import schema
from ...request.job import prepare
from ...request.recipe import recipe
from ...settings import ZOOM, Zoom
from .. import events, options, progress
from ..results import (
    check_new_files,
    check_picture,
    check_result_folder,
    inputs_of,
    keep_last_good,
    save,
)

EXAMPLES = (
    "deepdream zoom photo.jpg -o frames/",
    "deepdream zoom photo.jpg -o frames/ --frames 30 --scale 0.03 --end 4d",
)
_FRAME = re.compile(r"[0-9]{4,}\.jpg", re.IGNORECASE)


def add_parser(verbs: Any) -> None:
    about = "dream, enlarge, dream again: one picture per frame"
    p = options.add_command(verbs, "zoom", about, EXAMPLES)
    options.add_dream(p, scale_is_free=False)
    options.add_out(p, "FOLDER", "where to write 0000.jpg, 0001.jpg, ...; made if it is not there")
    options.add_setting(
        p.group(options.HOW),
        "--frames",
        options.recorded(schema.LOOP.fields["frames"]),
        ZOOM.frames,
        "N",
        "number of pictures",
    )
    options.add_setting(
        p.group(options.HOW),
        "--scale",
        options.recorded(schema.LOOP.fields["scale"]),
        ZOOM.scale,
        "X",
        "share of its size that each frame loses at the borders",
    )
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    _check_frames(args.out, args.frames, args.overwrite, options.pictures_of(args))
    zoom = Zoom(args.frames, args.scale)
    job = prepare(args.image, options.dream_of(args), zoom=zoom, **options.request_of(args))
    _check_frames(args.out, args.frames, args.overwrite, inputs_of(job))
    first = os.path.join(args.out, _name(0, args.frames))
    about = recipe(job, first, args.frames - 1)
    check_picture(first, job.pixels.shape[:2], about, args.frames)
    made = not os.path.isdir(args.out)
    os.makedirs(args.out, exist_ok=True)
    progress.announce(job)
    done = 0
    try:
        for number, picture in progress.pictures(job, args.frames):
            path = os.path.join(args.out, _name(number, args.frames))
            save(path, picture, _of_frame(about, number), args.overwrite)
            events.emit("written", path=path, frame=number)
            done += 1
    except DreamError as e:
        path = os.path.join(args.out, _name(done, args.frames))
        if isinstance(e, NotFiniteError):
            keep_last_good(path, e)
        e.args = (f"frame {done + 1} of {args.frames}: {e}{_kept(path, done)}",)
        raise
    finally:
        if made:
            with suppress(OSError):  # there are frames in it
                os.rmdir(args.out)
    say(f"wrote {counted(args.frames, 'frame')} into {args.out}")


def _kept(path: str, done: int) -> str:
    """What to say of a folder into which `done` frames were written, and then not the one at
    `path`."""
    folder, name = os.path.split(path)
    older = f"; {name} in it is of an earlier run" if os.path.lexists(path) else ""
    are = "is" if done == 1 else "are"
    return (f"; the {counted(done, 'frame')} before it {are} in {folder}" if done else "") + older


def _name(number: int, frames: int) -> str:
    """The file name of a frame; all have as many digits, so that they sort."""
    return f"{number:0{max(4, len(str(frames - 1)))}d}.jpg"


def _of_frame(about: str, number: int) -> str:
    """The recipe of frame 0 as that of another; what it is made from is hashed once."""
    return json.dumps({**json.loads(about), "frame": number})


def _check_frames(folder: str, frames: int, overwrite: bool, inputs: Sequence[Any]) -> None:
    """Ask whether the frames can be written, and no others would be among them.

    Raises:
        OutputError: they cannot.
    """
    check_result_folder(folder, [_name(frames - 1, frames)])
    there = os.listdir(folder) if os.path.isdir(folder) else []
    there = sorted(name for name in there if _FRAME.fullmatch(name))
    others = [n for n in there if n.lower() != _name(int(n[:-4]), frames) or int(n[:-4]) >= frames]
    if others:
        raise OutputError(
            f"{folder}: has frames of an earlier run, {others[0]} for one, which would stay among "
            "the new ones; choose another folder, or move them away"
        )
    check_new_files(folder, there or [_name(0, frames)], overwrite, inputs)

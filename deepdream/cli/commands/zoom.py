"""`deepdream zoom`: the notebook's loop of dreams upon dreams."""

import argparse
import json
import os
from contextlib import suppress
from typing import Any

from netfile.terminal import counted, say

from ...errors import DreamError, UnfinishedError
from ...request import schema
from ...request.job import prepare
from ...request.recipe import recipe
from ...settings import ZOOM, Picture, Zoom
from .. import events, growing, options, progress
from ..results import check_picture, inputs_of, keep_last_good, save

EXAMPLES = (
    "deepdream zoom photo.jpg -o frames/",
    "deepdream zoom photo.jpg -o frames/ --frames 30 --scale 0.03 --end 4d",
    "deepdream zoom photo.jpg -o frames/ --frames 60 --animate zoom.webp",
)


def add_parser(verbs: Any) -> None:
    about = "dream, enlarge, dream again: one picture per frame"
    p = options.add_command(verbs, "zoom", about, EXAMPLES)
    options.add_dream(p, scale_is_free=False)
    options.add_memory(p)
    options.add_max_size(p)
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
    growing.add_animation(p, "the frames")
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    names = growing.frame_names(args.frames, ".jpg")
    growing.check_frames(args.out, names, args.overwrite, options.pictures_of(args))
    zoom = Zoom(args.frames, args.scale)
    asked = options.request_of(args)
    asked.update(zoom=zoom, picture=Picture(args.max_size))
    job = prepare(args.image, options.dream_of(args, asked["model"]), **asked)
    inputs, size = inputs_of(job), job.pixels.shape[:2]
    growing.check_frames(args.out, names, args.overwrite, inputs)
    film = growing.Animation(args, size, args.frames, inputs) if args.animate else None
    first = os.path.join(args.out, names[0])
    about = recipe(job, first, args.frames - 1)
    check_picture(first, size, about, args.frames)
    made = not os.path.isdir(args.out)
    os.makedirs(args.out, exist_ok=True)
    progress.announce(job)
    done = 0
    try:
        for number, picture in progress.pictures(job, args.frames):
            path = os.path.join(args.out, names[number])
            save(path, picture, _of_frame(about, number), args.overwrite)
            events.emit("written", path=path, frame=number)
            if film:
                film.add(picture)
            done += 1
    except DreamError as e:
        path = os.path.join(args.out, names[done])
        if isinstance(e, UnfinishedError):
            keep_last_good(path, e)
        e.args = (f"frame {done + 1} of {args.frames}: {e}{_kept(path, done)}",)
        raise
    finally:
        if made:
            with suppress(OSError):  # there are frames in it
                os.rmdir(args.out)
    say(f"wrote {counted(args.frames, 'frame')} into {args.out}")
    if film:
        film.finish()


def _kept(path: str, done: int) -> str:
    """What to say of a folder into which `done` frames were written, and then not the one at
    `path`."""
    folder, name = os.path.split(path)
    older = f"; {name} in it is of an earlier run" if os.path.lexists(path) else ""
    are = "is" if done == 1 else "are"
    return (f"; the {counted(done, 'frame')} before it {are} in {folder}" if done else "") + older


def _of_frame(about: str, number: int) -> str:
    """The recipe of frame 0 as that of another; what it is made from is hashed once."""
    return json.dumps({**json.loads(about), "frame": number})

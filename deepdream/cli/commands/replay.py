"""`deepdream replay`: a picture made again from the recipe in it."""

import argparse
from pathlib import Path
from typing import Any, Dict

import numpy as np

from netfile.terminal import counted, say

from ... import pictures
from ...errors import OutputError, UnfinishedError
from ...nets.memory import is_of_gpu
from ...pictures.arrays import New, strips
from ...pictures.output import check_file
from ...request import cost, notes, schema
from ...request.following import from_picture
from ...request.job import Job
from ...request.recipe import recipe
from .. import events, films_again, moved, options, progress
from ..progress import duration, of_memory
from ..results import check_picture, inputs_of, keep_last_good, save, scratch_of
from . import classes, match

EXAMPLES = (
    "deepdream replay dream.png",
    "deepdream replay dream.png -o again.png --image moved/photo.jpg",
    "deepdream replay dreams/0012.png",
    "deepdream replay dreams/ -o again/",
)


def add_parser(verbs: Any) -> None:
    about = "make a picture, or a film's frames, again from the recipes in them"
    p = options.add_command(verbs, "replay", about, EXAMPLES)
    p.add_argument(
        "picture",
        type=options.filled,
        metavar="OUT.png",
        help="a picture that deepdream wrote, or a folder of frames that `deepdream video` wrote",
    )
    options.add_out(
        p,
        "OUT",
        "the picture or the folder to write (default: beside it, with -replay in its name)",
        required=False,
    )
    moved.add_options(p)
    options.add_engine(p, None, "the one that made it")
    options.add_memory(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    old = Path(args.picture)
    if old.is_dir():
        _film(args, old)
        return
    suffix = old.suffix if old.suffix.lower() in pictures.FORMATS else ".png"
    out = Path(args.out) if args.out else old.parent / f"{old.stem}-replay{suffix}"
    given = [path for path in (old, args.image, *args.guide, args.mask, args.to) if path]
    check_file(out, pictures.FORMATS, args.overwrite, given)
    kind, made = notes.of_picture(str(old))
    if kind == schema.VIDEO:
        before = pictures.load(old)
        films_again.frame(args, str(old), str(out))
        _compare(old, before, out)
        return
    if kind:
        _again(args, kind, made, old, out)
        return
    job, frame, differences = from_picture(
        str(old),
        **moved.of(args),
        engine=args.engine,
        gpu=args.gpu,
        most=args.memory,
        scratch=scratch_of(str(out)),
        tell=say,
    )
    new = job.new or np.empty
    before = pictures.read(old, new=new).pixels
    told = recipe(job, str(out), frame)
    for line in differences:
        events.note(line)
    check_file(out, pictures.FORMATS, args.overwrite, inputs_of(job))
    check_picture(out, job.pixels.shape[:2], told, tags=job.photo.tags)
    progress.announce(job)
    _announce_work(job, frame + 1)
    try:
        *_, (_, picture) = progress.pictures(job, frame + 1, told=True)
    except UnfinishedError as e:
        keep_last_good(out, e)
        raise
    save(out, picture, told, args.overwrite, job.photo.tags)
    _compare(old, before, out, new)


def _film(args: argparse.Namespace, old: Path) -> None:
    """Make the frames in a folder again."""
    out = Path(args.out) if args.out else old.parent / f"{old.resolve().name}-replay"
    if out.resolve() == old.resolve():
        raise OutputError(f"{out}: has the frames that are made again; choose another folder")
    same, count = films_again.folder(args, str(old), str(out))
    say(f"{same} of {counted(count, 'frame')} equal to the bit")


def _again(args: argparse.Namespace, kind: str, told: Dict[str, Any], old: Path, out: Path) -> None:
    """Make a picture of `match` or `classes` again."""
    before = pictures.load(old)
    again = {"deepdream match": match.replay, "deepdream classes": classes.replay}
    again[kind](args, told, str(old), str(out))
    _compare(old, before, out)


def _compare(old: Path, before: Any, out: Path, new: New = np.empty) -> None:
    """Say that the picture is written, and whether it is what it was. new: as in pictures.read."""
    verdict = _verdict(old, before, pictures.read(out, new=new).pixels)
    events.wrote(out, f"wrote {out}: {verdict}", verdict=verdict)


def _announce_work(job: Job, frames: int) -> None:
    """Print how large the picture is, and about how long it takes."""
    height, width = job.pixels.shape[:2]
    steps = sum(cost.steps(job))
    seconds = cost.seconds(job, frames)
    time = "no time that can be told" if seconds is None else f"about {duration(seconds)}"
    of = f", after the {counted(frames - 1, 'frame')} before it" if frames > 1 else ""
    takes = cost.memory(job)
    events.tell(
        "estimate",
        f"makes 1 picture of {width}x{height}{of}: {counted(frames * steps, 'step')}, "
        f"{time}{of_memory(takes, is_of_gpu(job.opened))}",
        seconds=None if seconds is None else round(seconds),
        bytes=takes,
    )


def _verdict(old: Path, before: Any, now: Any) -> str:
    if before.shape != now.shape:
        (height, width), (other_height, other_width) = now.shape[:2], before.shape[:2]
        return (
            f"{width}x{height}, but {old} is {other_width}x{other_height}: it was resized since, "
            "and the two cannot be compared"
        )
    height, width = now.shape[:2]
    every = strips(height, 3 * width)
    difference = sum(float(np.abs(before[r] - now[r]).sum()) for r in every) / (3 * height * width)
    if not difference:
        return "equal to the bit"
    return f"differs from {old} by {difference:.3g} grey levels on average"

"""`deepdream dream`: pictures, one by one."""

import argparse
import os
from dataclasses import replace
from typing import Any

from ... import pictures
from ...dream.octaves import Progress
from ...errors import UnfinishedError
from ...pictures.files import check_saving
from ...pictures.output import check_file
from ...request.job import Request
from ...request.recipe import recipe
from .. import batch, events, growing, options, progress
from ..batch.stop import Interrupt
from ..results import check_picture, inputs_of, keep_last_good, save, send

EXAMPLES = (
    "deepdream dream photo.jpg -o dream.png",
    "deepdream dream photo.jpg -o dream.png --preset eyes",
    "deepdream dream photo.jpg -o dream.png --end 4c --iterations 20 --seed 7",
    "deepdream dream photo.jpg -o dream.png --dream-of owl,pagoda",
    "deepdream dream photo.jpg -o dream.png --end 3b --guide flower.jpg",
)


def add_parser(verbs: Any) -> None:
    p = options.add_command(verbs, "dream", "dream on pictures", EXAMPLES)
    options.add_dream(p, several=True)
    batch.add_options(p)
    options.add_memory(p)
    growing.add_options(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    def check(count: int) -> None:
        growing.check_count(args, count)

    return batch.run(args, dream, growing.bytes_beside(args), check)


def dream(
    args: argparse.Namespace, request: Request, task: batch.Task, interrupt: Interrupt
) -> None:
    """Make one picture, and write it."""
    out, overwrite = task.out, args.overwrite or task.replaces
    job = request.job(task.path, task.seed, called=task.called)
    about = recipe(job, out)
    size, tags = job.pixels.shape[:2], job.photo.tags
    if task.stream is not None:
        check_saving(out, size, about, tags)
    else:
        if task.made:
            os.makedirs(task.made, exist_ok=True)
        check_file(out, pictures.FORMATS, overwrite, inputs_of(job))
        check_picture(out, size, about, tags=tags)
    film = growing.film(args, job, out)

    def watch(p: Progress) -> None:
        if film:
            film(p)
        interrupt(p)

    progress.announce(job)
    try:
        ((_, picture),) = progress.pictures(job, watch=watch)
    except UnfinishedError as e:
        keep_last_good(out, e)
        raise
    if interrupt.at:
        job = replace(job, stopped=interrupt.at)
        about = recipe(job, out)
        events.note(
            f"stopped after step {interrupt.at.step} of octave {interrupt.at.octave}; the picture "
            "so far is kept, and its recipe ends there too"
        )
    if task.stream is not None:
        send(task.stream, out, picture, about, tags)
        events.wrote("-", "wrote the picture to the standard output")
    else:
        save(out, picture, about, overwrite, tags)
        events.wrote(out)
    if film:
        film.finish()

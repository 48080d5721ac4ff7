"""One picture of a command line: all that is asked before its dream, and its result written."""

import argparse
import os
from dataclasses import replace
from typing import NamedTuple, Optional

import numpy as np

from ... import pictures
from ...errors import OutputError
from ...pictures.files import ENCODED_AT_ONCE, check_saving, kind_of
from ...pictures.output import check_file
from ...request.job import Job, Request, Stop
from ...request.recipe import recipe
from .. import events
from ..results import check_picture, inputs_of, save, send
from .task import Task


class Ready(NamedTuple):
    """A picture that can be dreamt on. recipe: of its result."""

    job: Job
    recipe: str


def ready(args: argparse.Namespace, request: Request, task: Task) -> Ready:
    """Read a picture, and ask whether its dream can be made and written.

    Raises:
        DreamError: it cannot.
    """
    out = task.out
    job = request.job(task.path, task.seed, called=task.called)
    about = recipe(job, out)
    kind = kind_of(out)
    if job.new and kind in ENCODED_AT_ONCE:
        raise OutputError(
            f"{out}: the picture is too large for the memory at once, as {kind} files are written; "
            "choose .png, .jpg or .tif"
        )
    size, tags = job.pixels.shape[:2], job.photo.tags
    if task.stream is not None:
        check_saving(out, size, about, tags)
    else:
        if task.made:
            os.makedirs(task.made, exist_ok=True)
        overwrite = args.overwrite or task.replaces
        check_file(out, pictures.FORMATS, overwrite, inputs_of(job))
        check_picture(out, size, about, tags=tags)
    return Ready(job, about)


def write(
    args: argparse.Namespace,
    task: Task,
    one: Ready,
    picture: np.ndarray,
    stopped: Optional[Stop] = None,
) -> None:
    """Write a picture's dream, RGB (H, W, 3). stopped: where that ended, if not at its end.

    Raises:
        OutputError: it cannot be written.
    """
    job, about = one
    if stopped:
        about = recipe(replace(job, stopped=stopped), task.out)
        events.note(
            f"stopped after step {stopped.step} of octave {stopped.octave}; the picture so far is "
            "kept, and its recipe ends there too"
        )
    tags = job.photo.tags
    if task.stream is not None:
        send(task.stream, task.out, picture, about, tags)
        events.wrote("-", "wrote the picture to the standard output")
    else:
        save(task.out, picture, about, args.overwrite or task.replaces, tags)
        events.wrote(task.out)

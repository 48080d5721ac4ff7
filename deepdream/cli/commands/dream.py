"""`deepdream dream`: pictures, one by one."""

import argparse
from typing import Any, Callable, List

from ...dream.octaves import Progress
from ...errors import UnfinishedError
from ...request.job import Request
from .. import batch, growing, machines, options, progress
from ..batch.stop import Interrupt
from ..preview import preview
from ..results import keep_last_good

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
    machines.add_options(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    def check(count: int) -> None:
        growing.check_count(args, count)
        flags = ("--save-every", args.save_every), ("--save-steps", args.save_steps)
        machines.check_free_of(args, [*flags, ("--animate", args.animate)])

    return batch.run(args, dream, growing.bytes_beside(args), check)


def dream(
    args: argparse.Namespace, request: Request, task: batch.Task, interrupt: Interrupt
) -> None:
    """Make one picture, and write it."""
    one = batch.ready(args, request, task)
    film = growing.film(args, one.job, task.out)
    watchers: List[Callable[[Progress], None]] = [
        *([film] if film else []),
        *preview(args.preview),
        interrupt,
    ]

    def watch(p: Progress) -> None:
        for watcher in watchers:
            watcher(p)

    progress.announce(one.job)
    try:
        ((_, picture),) = progress.pictures(one.job, watch=watch)
    except UnfinishedError as e:
        keep_last_good(task.out, e)
        raise
    batch.write(args, task, one, picture, interrupt.at)
    if film:
        film.finish()

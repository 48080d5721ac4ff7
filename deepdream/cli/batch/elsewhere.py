"""Pictures that workers dream of: read, checked and written here, in the order of the command
line."""

import argparse
import hashlib
from dataclasses import replace
from typing import Any, List, Tuple

import numpy as np

from ... import cluster
from ...cluster import worker
from ...cluster.client import Ahead
from ...cluster.tiles import passes
from ...errors import ImageError, UnfinishedError
from ...request.job import Job, Request
from .. import progress
from ..results import keep_last_good
from .picture import Ready, ready, write
from .stop import Interrupt
from .task import Task


class Elsewhere:
    """Makes pictures as `dream` does, by the workers of a cluster.

    While one is waited for, those that follow are on their way; what is wrong with one of them is
    said when its turn comes. A picture alone that needs tiles is dreamt on here, and its tiles go
    to the workers.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        request: Request,
        tasks: List[Task],
        joined: cluster.Cluster,
        net: worker.Net,
    ) -> None:
        self._args, self._request, self._net, self._cluster = args, request, net, joined
        self._is_alone = len(tasks) == 1
        self._ahead = Ahead(joined, tasks, self._begin)

    def _begin(self, task: Task) -> Tuple[Ready, Any]:
        one = ready(self._args, self._request, task)
        if self._is_alone and one.job.opened.tile:
            return one, None
        asked = worker.asked(one.job, self._net)
        image = _image(one.job, task)
        begun = self._cluster.begin(worker.dreamt, asked, image, one.job.seed)
        return one._replace(job=_hollow(one.job)), begun

    def __call__(
        self, args: argparse.Namespace, request: Request, task: Task, interrupt: Interrupt
    ) -> None:
        """Make one picture, and write it; `work.Dreamer`."""
        one, begun = self._ahead.take(task)
        progress.announce(one.job)
        try:
            if begun is None:
                tiles = passes(self._cluster, self._net, one.job.opened)
                ((_, picture),) = progress.pictures(one.job, watch=interrupt, passes=tiles)
            else:
                picture = self._cluster.result(begun)
        except UnfinishedError as e:
            keep_last_good(task.out, e)
            raise
        write(args, task, one, picture, interrupt.at)


def _hollow(job: Job) -> Job:
    """A job without its pixels, whose shape stays: many of them are waited for at once."""
    pixels = np.broadcast_to(np.float32(0), job.pixels.shape)
    return replace(job, pixels=pixels, photo=job.photo._replace(pixels=pixels))


def _image(job: Job, task: Task) -> bytes:
    """The photograph's file, as the job read it. Raises ImageError where it has changed since."""
    sha1 = next(source.sha1 for source in job.sources if source.role == "image")
    with open(job.image_path, "rb") as f:
        data = f.read()
    if hashlib.sha1(data).hexdigest() != sha1:
        raise ImageError(f"{task.name}: was changed while it was read")
    return data

"""On which machines a command works: its options, and the cluster that they ask for."""

import argparse
from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator, Optional, Sequence, Tuple

import netfile.system.memory

from .. import nets
from ..dream.tiles import Passes
from ..errors import DreamError
from ..nets import memory
from ..request.job import Job
from . import events, options
from .parser import CommandParser

if TYPE_CHECKING:  # loaded where a cluster is asked for
    from ..cluster import Cluster
    from ..cluster.worker import Net

MACHINES = "the machines"
_MOST_WORKERS = 1024


def add_options(p: CommandParser) -> None:
    """Add what has the work done elsewhere."""
    one = p.group(MACHINES).add_mutually_exclusive_group()
    one.add_argument(
        "--scheduler",
        type=options.filled,
        metavar="ADDRESS",
        help="hand the work to the workers of this Dask scheduler, such as tcp://host:8786",
    )
    one.add_argument(
        "--workers",
        type=options.number(int, 1, highest=_MOST_WORKERS),
        metavar="N",
        help="hand the work to so many processes on this machine, each with its share of the cores",
    )


def wanted(args: argparse.Namespace) -> bool:
    """Whether the work is to be done by workers."""
    return bool(getattr(args, "scheduler", None) or getattr(args, "workers", None))


def check_free_of(args: argparse.Namespace, flags: Sequence[Tuple[str, object]]) -> None:
    """Ask that nothing is wanted that only this process can do.

    flags: (the option, its value) of each such thing.

    Raises:
        DreamError: something is.
    """
    given = [flag for flag, value in flags if value]
    if wanted(args) and given:
        raise DreamError(
            f"{given[0]} needs every step in this process, and the work is to be done by workers; "
            "leave one of them out"
        )


def tiling(args: argparse.Namespace) -> nets.Tiling:
    """How tiles may be used, so that all workers of this machine fit into its memory at once."""
    free = memory.free() if args.workers and not args.memory else None
    if free is None:
        return nets.Tiling(most=args.memory)
    return nets.Tiling(most=netfile.system.memory.resident() + free.bytes // args.workers)


@contextmanager
def joined(args: argparse.Namespace, net: "Net") -> Iterator["Cluster"]:
    """Context manager: the cluster that the options ask for, all of whose workers are as this
    process is.

    Raises:
        MissingExtraError: Dask distributed is not installed.
        ClusterError: it cannot be used.
    """
    from .. import cluster

    with cluster.joined(args.scheduler, args.workers) as one:
        one.listen(events.warn)
        one.check(net)
        count = len(one.workers)
        text = f"{count} {'worker' if count == 1 else 'workers'} at {one.address}"
        events.tell("cluster", text, workers=count, scheduler=one.address)
        yield one


@contextmanager
def frames_of(args: argparse.Namespace, job: Job) -> Iterator[Optional[Passes]]:
    """Context manager: what makes the tiles of a film's frames by workers, or None where this
    process makes the frames: no workers are wanted, or there is nothing for them to do.

    Raises:
        DreamError: the workers cannot be used.
    """
    if not wanted(args):
        yield None
    elif not job.opened.tile:
        events.warn(
            "each frame needs the one before it, and one pass is enough for a frame, so there is "
            "nothing for workers to do; this process makes all of them"
        )
        yield None
    else:
        from ..cluster.tiles import passes
        from ..cluster.worker import net_of

        net = net_of(job.opened.model, job.opened.caffe, job.gpu)
        with joined(args, net) as one:
            yield passes(one, net, job.opened)

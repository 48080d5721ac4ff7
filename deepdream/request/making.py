"""A job's pictures, made one after another."""

from dataclasses import asdict
from typing import Any, Callable, Dict, Iterator, Optional

import numpy as np

from ..dream import smoothing
from ..dream.octaves import Progress, StopDream
from ..dream.tiles import Passes
from ..dream.zoom import zoom
from ..pictures import with_colours_of
from ..settings import Zoom
from .cost import host_memory
from .job import Job, Reached
from .memory_watch import MemoryWatch

_ONE = Zoom(1, 0.0)


def pictures(
    job: Job,
    report: Optional[Callable[..., None]] = None,
    wrap: Callable[[Any], Any] = lambda objective: objective,
    since: Optional[Reached] = None,
    reached: Callable[[Reached], None] = lambda reached: None,
    passes: Optional[Passes] = None,
) -> Iterator[np.ndarray]:
    """The job's pictures, float32 RGB (H, W, 3): one, or `zoom.frames` of them; of a job with
    arrays in files, a Computed.

    Args:
        report: called with a Progress after every step; it may raise StopDream.
        wrap: called with the objective, returns the one to use.
        since: where to go on; what was made before is not made again.
        reached: called before each picture.
        passes: what makes the gradients of tiles, if not the job's net.
    """
    rng = np.random.RandomState(job.seed)
    frame, done = job.pixels, 0
    if since is not None:
        frame, done = since.frame, since.done
        if since.generator is not None:
            rng.set_state(since.generator)
    params = {**constant(job, rng, report), "passes": passes}
    how = asdict(job.zoom or _ONE)
    for picture in zoom(job.net, frame, done=done, at=changing(job, wrap), **how, **params):
        done += 1
        reached(Reached(done, picture, rng.get_state()))
        yield with_colours_of(job.pixels, picture) if job.picture.keep_colours else picture


def changing(
    job: Job, wrap: Callable[[Any], Any] = lambda objective: objective
) -> Callable[[int], Dict[str, Any]]:
    """A function of a frame's number: the parameters of its dream that a schedule may change.

    wrap: as in `pictures`.
    """
    last: Dict[str, Any] = {}

    def at(number: int) -> Dict[str, Any]:
        now = job.at(number)
        goal = now.dream.end, now.dream.objective, now.dream.guide_weights
        if last.get("goal") != goal:
            last.update(goal=goal, objective=wrap(now.objective()))
        return dict(end=now.end, objective=last["objective"], step_size=now.dream.step_size)

    return at


def constant(job: Job, rng: Any, report: Optional[Callable[..., None]]) -> Dict[str, Any]:
    """The parameters of a dream that no schedule changes.

    rng: of its jitter. report: as in `pictures`.
    """
    watch = MemoryWatch(host_memory(job)) if job.opened.tile else None

    def reported(p: Progress) -> None:
        if report:
            report(p)
        if watch:
            watch(p)
        if job.stopped == (p.octave, p.step):
            raise StopDream

    d = job.dream
    return dict(
        iter_n=d.iterations,
        octave_n=d.octaves,
        octave_scale=d.octave_scale,
        clip=d.clip,
        jitter=d.jitter,
        smoothing=smoothing.named(d.smooth),
        rng=rng,
        report=reported,
        tile=job.opened.tile,
        new=job.new,
        watch=watch.before_tile if watch else lambda: None,
    )

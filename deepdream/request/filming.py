"""A film's frames, dreamt one after another."""

from typing import Callable, Iterable, Iterator, Optional

import numpy as np

from ..dream.octaves import deepdream
from ..films.blending import Last, base, settled
from ..pictures.files import to_bytes
from ..pictures.resize import at_most
from ..settings import Video
from .job import Job
from .making import changing, constant


def dreams(
    job: Job,
    frames: Iterable[np.ndarray],
    how: Video,
    report: Optional[Callable[..., None]] = None,
    last: Optional[Last] = None,
    done: int = 0,
    begins: Callable[[int], None] = lambda number: None,
) -> Iterator[Last]:
    """The dreams of a film's frames, each with what the next one needs.

    All frames are dreamt with the same random numbers: the jitter is no cause of flicker.

    Args:
        frames: uint8 RGB (H, W, 3), those after the first `done` ones.
        report: called with a Progress after every step.
        last: of the frame before them, or None where they are all.
        begins: called with the number of each frame, but for the first, that begins a scene.
    """
    at = changing(job)
    for number, frame in enumerate(frames, done):
        source = to_bytes(at_most(np.asarray(frame, np.float32), job.picture.max_size))
        picture, new = base(source, last, how)
        if new and number:
            begins(number)
        params = constant(job, np.random.RandomState(job.seed), report)
        dream = deepdream(job.net, picture, **{**params, **at(number)})
        last = settled(dream, source, new, last)
        yield last

"""What a job takes: its work, its memory, its time."""

import time
from typing import Any, List, Optional

import numpy as np

from ..dream.octaves import BYTES_IN_FILES, BYTES_PER_PIXEL, deepdream, octave_sizes
from ..errors import NotFiniteError, SizeError, ZeroGradientError
from ..nets.memory import is_of_gpu, of_net
from .job import Job

_TRIED = 224  # pixels; the height and width of the picture that a step is timed on


def pixel_steps(job: Job) -> int:
    """The work of one of the job's pictures: the pixels of each octave times its steps."""
    height, width = job.pixels.shape[:2]
    sizes = octave_sizes(height, width, job.dream.octaves, job.dream.octave_scale)
    return sum(h * w * n for (h, w), n in zip(sizes[::-1], steps(job)))


def steps(job: Job) -> List[int]:
    """The steps of each octave of one of the job's pictures, from the smallest up."""
    whole = [job.dream.iterations] * job.dream.octaves
    if job.stopped is None:
        return whole
    octave, step = job.stopped
    return [*whole[: octave - 1], step, *[0] * (job.dream.octaves - octave)]


def memory(job: Job) -> int:
    """About how many bytes the job takes, its net among them; of a GPU, as `of_net` says."""
    return of_net(job.opened, [job.pixels.shape[:2]], beside=_beside(job))


def host_memory(job: Job) -> int:
    """About how many bytes the job takes of the host's memory."""
    if is_of_gpu(job.opened):
        height, width = job.pixels.shape[:2]
        return _beside(job) * int(height) * int(width)
    return memory(job)


def _beside(job: Job) -> int:
    """Bytes for each pixel that are kept beside the net."""
    return BYTES_IN_FILES if job.new else BYTES_PER_PIXEL


def seconds(job: Job, frames: int = 1) -> Optional[float]:
    """About how long `frames` of the job's pictures take, by the second of two steps at a small
    size; None where no step can be taken."""
    if not job.dream.iterations:
        return 0.0

    def objective(dst: Any) -> None:  # a target of its own, which leaves no diffs to the job's
        dst.diff[:] = dst.data

    height, width = job.pixels.shape[:2]
    smallest = octave_sizes(height, width, job.dream.octaves, job.dream.octave_scale)[-1]
    for h, w in ((min(height, _TRIED), min(width, _TRIED)), smallest):
        try:
            for _ in range(2):  # the first makes the net's memory
                started = time.monotonic()
                deepdream(
                    job.net,
                    job.pixels[:h, :w],
                    iter_n=1,
                    octave_n=1,
                    end=job.end,
                    rng=np.random.RandomState(0),
                    objective=objective,
                )
            spent = time.monotonic() - started
            return spent / (h * w) * pixel_steps(job) * frames
        except SizeError:
            continue
        except (NotFiniteError, ZeroGradientError):
            break
    return None

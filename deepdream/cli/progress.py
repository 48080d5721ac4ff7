"""What is said before and while a dream runs."""

from typing import Any, Callable, Iterator, Optional, Sequence, Tuple

import numpy as np

from netfile.terminal import say

from ..dream.octaves import Progress
from ..request import job as jobs
from ..request.job import Job

FORMAT = "{desc} |{bar}| {percentage:3.0f}% {elapsed}<{remaining}"


class Bar:
    """A progress bar over all steps of the `parts` of a run, weighted by each octave's size, so
    that the time left is right."""

    def __init__(self, job: Job, parts: Sequence[str]) -> None:
        from tqdm import tqdm

        total = jobs.pixel_steps(job) * len(parts)
        self._parts, self._steps = parts, 0
        self._steps_of_a_part = job.dream.octaves * job.dream.iterations
        self._bar: Any = tqdm(total=total, bar_format=FORMAT)

    def __call__(self, p: Progress) -> None:
        part = self._parts[self._steps // self._steps_of_a_part]
        self._steps += 1
        size = f"{p.size[1]}x{p.size[0]}"
        text = f"{part}octave {p.octave}/{p.octaves} ({size}) step {p.step}/{p.steps}"
        self._bar.set_description_str(text, refresh=False)
        self._bar.update(p.size[0] * p.size[1])

    def __enter__(self) -> "Bar":
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)


def pictures(
    job: Job, frames: int = 1, watch: Optional[Callable[[Progress], None]] = None
) -> Iterator[Tuple[int, np.ndarray]]:
    """(number, picture) of each of a job's pictures, with a progress bar on stderr.

    watch: is called after every step too.
    """
    parts = [f"frame {i + 1}/{frames} " for i in range(frames)] if frames > 1 else [""]
    with Bar(job, parts) as bar:

        def report(p: Progress) -> None:
            bar(p)
            if watch:
                watch(p)

        yield from enumerate(jobs.pictures(job, report))


def announce(job: Job) -> None:
    """Print what is about to be dreamt, on what."""
    opened, about = job.opened, job.opened.about
    h, w = job.pixels.shape[:2]
    goal = " ".join(job.dream.objective.split()) or f"end {job.dream.end}"
    goal = goal if len(goal) <= 300 else goal[:300] + " ..."
    say(
        f"{opened.model.name} on {about['name']} {about['version']}: {w}x{h}, {goal}, seed "
        f"{job.seed}",
    )
    for note in opened.model.notes:
        say(f"  {note}")
    mask = job.target.mask
    if mask is not None and mask.shape != (h, w):
        size = f"{mask.shape[1]}x{mask.shape[0]}"
        say(f"  the mask is {size}; it is resized to the picture's {w}x{h}")
    if opened.any_size:
        say(
            "  its InnerProduct layers are run as Convolutions, to take pictures of any size; "
            f"end {job.end}",
        )

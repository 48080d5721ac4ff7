"""What is said before and while something long runs."""

import os
import shutil
import sys
import time
from contextlib import contextmanager
from itertools import islice
from typing import Any, Callable, Iterator, Optional, Sequence, Tuple

import numpy as np

from netfile.errors import printable
from netfile.terminal import say

from ..dream.octaves import Progress
from ..dream.tiles import Passes
from ..nets.memory import is_of_gpu
from ..request import cost, making
from ..request.job import Job, Reached
from . import events

# by the terminal's least number of columns
_FORMATS = {
    72: "{desc} |{bar}| {percentage:3.0f}% {elapsed}<{remaining}",
    32: "{percentage:3.0f}% |{bar}| {elapsed}<{remaining}",
    0: "{percentage:3.0f}% {remaining}",
}
_LONG = 20.0  # seconds from which on the time is told beforehand
_LOG_EVERY = 30.0  # seconds from one line to the next where no bar can be drawn
_SEND_EVERY = 0.1  # seconds from one event to the next


def has_terminal() -> bool:
    """Whether a bar can be drawn on standard error."""
    return bool(sys.stderr.isatty()) and os.environ.get("TERM") != "dumb"


def duration(seconds: float) -> str:
    """A length of time in words, in the unit that suits it."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(1, round(seconds))} s"


class Meter:
    """How far a piece of work is: a bar on a terminal, a line now and then in a log, events for a
    program.

    Its first steps tell how long the whole takes; where that is long, it is said once.
    """

    def __init__(
        self,
        total: Optional[float],
        text: str = "",
        *,
        memory: int = 0,
        of_gpu: bool = False,
        unit: str = "",
        told: bool = False,
        done: float = 0.0,
    ) -> None:
        """Begin.

        Args:
            total: the work in all, in any measure, or None while it is not known.
            memory: bytes that it takes, or 0 where that is not known.
            of_gpu: whether that is a GPU's memory.
            unit: of the measure, to be shown with it.
            told: whether it was said before how long the work takes.
            done: of the work, by an earlier process.
        """
        self.total, self._text, self._memory, self._done = total, text, memory, done
        self._of_gpu = of_gpu
        self._started = self._logged = time.monotonic()
        self._sent = 0.0
        self._count, self._first, self._told = 0, (0.0, 0.0), told or not total
        self._bar: Any = None
        if events.manner() == events.WORDS and has_terminal():
            self._bar = _bar(total, text, unit, done)

    def at(self, done: float, text: str = "", **facts: Any) -> None:
        """Say that so much is done. facts: what an event has beside it."""
        now = time.monotonic()
        self._done = done
        self._estimate(now, done)
        if self._bar is not None:
            self._bar.total = self.total
            if text:
                self._bar.set_description_str(text, refresh=False)
            self._bar.update(done - self._bar.n)
        elif events.manner() == events.JSON:
            if now - self._sent >= _SEND_EVERY or done == self.total:
                self._sent = now
                events.emit("progress", done=done, total=self.total, **facts)
        elif events.manner() == events.WORDS and now - self._logged >= _LOG_EVERY:
            self._logged = now
            share = f" ({done / self.total:.0%})" if self.total else ""
            print(printable(f"{text or self._text}{share}".strip()), file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        with self.aside():
            say(text)

    def warn(self, text: str) -> None:
        """Say, above the bar, what a person may want to know."""
        with self.aside():
            events.warn(text)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Context manager: the bar gives way to what is printed."""
        if self._bar is not None:
            self._bar.clear()
        yield
        if self._bar is not None:
            self._bar.refresh()

    def _estimate(self, now: float, done: float) -> None:
        """Say about how long the whole takes, once. The first step is no measure: it makes the
        net's memory, and the built-in engine compiles its loops."""
        self._count += 1
        if self._count == 1:
            self._first = now, done
        since, before = self._first
        early = self._count < 3 or (now - since < 1 and self._count < 12)
        if self._told or early or done <= before or not self.total:
            return
        self._told = True
        left = (now - since) / (done - before) * (self.total - done)
        seconds = now - self._started + left
        if seconds < _LONG:
            return
        with self.aside():
            text = f"takes about {duration(seconds)}{of_memory(self._memory, self._of_gpu)}"
            bytes_or_none = self._memory or None
            events.tell("estimate", text, seconds=round(seconds), bytes=bytes_or_none)

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            self._bar.close()


def _bar(total: Optional[float], text: str, unit: str, done: float) -> Any:
    from tqdm import tqdm

    columns = shutil.get_terminal_size().columns
    wide = max(_FORMATS)
    shape: Any = dict(bar_format=_FORMATS[max(least for least in _FORMATS if least <= columns)])
    if unit and columns >= wide:
        shape = dict(unit=unit, unit_scale=unit == "B")
    return tqdm(
        total=total, initial=done, desc=printable(text) or None, dynamic_ncols=True, **shape
    )


def of_memory(count: int, of_gpu: bool = False) -> str:
    if not count:
        return ""
    size = f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
    whose = "the GPU's " if of_gpu else ""
    return f" and {size} of {whose}memory"


class Bar(Meter):
    """The meter of all steps of the `parts` of a job's run, weighted by each octave's size, so that
    the time left is right. done: the parts that are made already."""

    def __init__(self, job: Job, parts: Sequence[str], told: bool = False, done: int = 0) -> None:
        work = cost.pixel_steps(job)
        super().__init__(
            work * len(parts),
            memory=cost.memory(job),
            of_gpu=is_of_gpu(job.opened),
            told=told,
            done=work * done,
        )
        self._steps_of_a_part = job.dream.octaves * job.dream.iterations
        self._parts, self._steps = parts, done * self._steps_of_a_part

    def part(self, number: int) -> None:
        """Say that so many parts are made, also where one had fewer steps."""
        self._steps = number * self._steps_of_a_part
        self._done = (self.total or 0) / len(self._parts) * number

    def __call__(self, p: Progress) -> None:
        number = self._steps // self._steps_of_a_part
        part = self._parts[number]
        self._steps += 1
        size = f"{p.size[1]}x{p.size[0]}"
        text = f"{part}octave {p.octave}/{p.octaves} ({size}) step {p.step}/{p.steps}"
        self.at(
            self._done + p.size[0] * p.size[1],
            text,
            picture=number + 1,
            pictures=len(self._parts),
            octave=p.octave,
            octaves=p.octaves,
            step=p.step,
            steps=p.steps,
            width=p.size[1],
            height=p.size[0],
        )

    def __enter__(self) -> "Bar":
        return self


def pictures(
    job: Job,
    frames: int = 1,
    told: bool = False,
    watch: Optional[Callable[[Progress], None]] = None,
    since: Optional[Reached] = None,
    reached: Callable[[Reached], None] = lambda reached: None,
    passes: Optional[Passes] = None,
) -> Iterator[Tuple[int, np.ndarray]]:
    """(number, picture) of each of a job's pictures, while a Meter says how far it is.

    Args:
        frames: how many are made, of a zoom that may have more.
        told: as in Meter.
        watch: called after every step; it may raise StopDream.
        since, reached, passes: as in request.making.pictures.
    """
    done = since.done if since else 0
    parts = [f"frame {i + 1}/{frames} " for i in range(frames)] if frames > 1 else [""]
    with Bar(job, parts, told, done) as bar:

        def report(p: Progress) -> None:
            bar(p)
            if watch:
                watch(p)

        made = making.pictures(job, report, since=since, reached=reached, passes=passes)
        yield from enumerate(islice(made, frames - done), done)


def announce(job: Job) -> None:
    """Say what is about to be dreamt, on what."""
    job = job.at(job.zoom.first if job.zoom else 0)
    opened, about = job.opened, job.opened.about
    h, w = job.pixels.shape[:2]
    objective = " ".join(job.dream.objective.split())
    goal = objective or f"end {job.dream.end}"
    goal = goal if len(goal) <= 300 else goal[:300] + " ..."
    events.tell(
        "start",
        f"{opened.model.name} on {about['name']} {about['version']}: {w}x{h}, {goal}, seed "
        f"{job.seed}",
        image=str(job.image_path),
        width=w,
        height=h,
        model=opened.model.name,
        engine=about["name"],
        engine_version=about["version"],
        end=None if objective else job.dream.end,
        objective=objective or None,
        octaves=job.dream.octaves,
        iterations=job.dream.iterations,
        seed=job.seed,
    )
    for note in (*job.photo.notes, *opened.model.notes):
        say(f"  {note}")
    mask = job.target.mask
    if mask is not None and mask.shape != (h, w):
        size = f"{mask.shape[1]}x{mask.shape[0]}"
        say(f"  the mask is {size}; it is resized to the picture's {w}x{h}")
    if opened.tile:
        height, width = opened.tile
        say(f"  it is too large for the memory at once; by tiles of {width}x{height}")
    if job.new:
        say(f"  its arrays are too large, too; they are in files in {job.new.folder}")
    if opened.any_size:
        say(
            "  its InnerProduct layers are run as Convolutions, to take pictures of any size; "
            f"end {job.end}",
        )

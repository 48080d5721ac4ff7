"""A dream's pictures while it grows, small and seldom enough to cost little of its time."""

import time
from typing import Callable, Optional

import numpy as np

from ..dream.octaves import Progress
from ..pictures import with_colours_of
from ..pictures.resize import at_most, bicubic, size_at_most, zoomed_by
from ..pictures.thumbnail import jpeg
from ..request.job import Job
from ..settings import WEB, Web


class Previews:
    """Makes the pictures of a job's steps: called with a Progress, returns a JPEG or None.

    The photograph stays sharp, and the detail that has grown so far is enlarged into it. Making
    them takes at most `limits.share` of the time since the first step.
    """

    def __init__(
        self, job: Job, limits: Web = WEB, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._job, self._limits, self._clock = job, limits, clock
        self._size = size_at_most(job.pixels.shape[:2], limits.side)
        self._photo = at_most(job.pixels, limits.side)
        self._started = clock()
        self._spent, self._last = 0.0, -1.0
        self._octave, self._base = 0, np.zeros((0, 0, 3), np.float32)

    def __call__(self, p: Progress) -> Optional[bytes]:
        now = self._clock()
        if not self._is_due(now):
            return None
        shown = jpeg(self._picture(p), self._limits.side)
        self._last = self._clock()
        self._spent += self._last - now
        return shown

    def _is_due(self, now: float) -> bool:
        if self._last < 0:
            return True
        affordable = self._spent <= self._limits.share * (now - self._started)
        return affordable and now - self._last >= 1 / self._limits.rate

    def _picture(self, p: Progress) -> np.ndarray:
        """About what `p.full_picture` is, at the size that is shown."""
        if self._job.zoom is not None:  # whose frames have other pictures under them
            return np.asarray(bicubic(p.picture, self._size))
        if p.octave != self._octave:
            self._octave, self._base = p.octave, self._octave_of_the_photograph(p)
        picture = p.picture
        grown = picture - self._base + 128  # detail of over half the range is rare, and only shown
        picture = self._photo + (bicubic(grown, self._size) - 128)
        if self._job.picture.keep_colours:
            picture = with_colours_of(self._photo, picture)
        return np.asarray(picture)

    def _octave_of_the_photograph(self, p: Progress) -> np.ndarray:
        """What the dream's octave began with, as the notebook makes it smaller."""
        base = self._job.pixels.transpose(2, 0, 1)
        for _ in range(p.octaves - p.octave):
            base = zoomed_by(base, 1.0 / self._job.dream.octave_scale)
        return np.asarray(base.transpose(1, 2, 0))

"""The pictures of a dream while it grows: like the dream, and few enough."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deepdream.pictures import with_colours_of
from deepdream.request.job import prepare
from deepdream.request.making import pictures
from deepdream.settings import WEB, Dream, Picture
from deepdream.web.previews import Previews

DREAM = Dream(end="inception_4c/output", iterations=2, octaves=2, step_size=8.0)


class Clock:
    """Time that passes by so much with every look."""

    def __init__(self, *gaps):
        self.now, self.gaps = 0.0, list(gaps)

    def __call__(self):
        self.now += self.gaps.pop(0) if self.gaps else 0.0
        return self.now


@pytest.fixture
def job(small, photo, engine_name):
    def call(**picture):
        return prepare(
            str(photo), DREAM, model=small, engine=engine_name, picture=Picture(**picture), seed=1
        )

    return call


@pytest.mark.parametrize("keep_colours", [False, True])
def test_a_preview_is_what_the_dream_would_be(keep_colours, job):
    one = job(keep_colours=keep_colours)
    previews, errors, grown = Previews(one), [], []

    def report(p):
        # not the JPEG, which loses much of a photograph of noise
        whole = np.clip(p.full_picture, 0, 255)
        wanted = with_colours_of(one.pixels, whole) if keep_colours else whole
        errors.append(np.abs(previews._picture(p) - wanted).mean())
        grown.append(np.abs(wanted - one.pixels).mean())

    list(pictures(one, report))
    assert len(errors) == 4 and errors[-1] < 0.5  # grey levels; the detail is shown in 8 bits
    assert all(error < 0.5 * size for error, size in zip(errors, grown)), (errors, grown)


def test_a_preview_is_no_larger_than_it_may_be(job):
    previews = Previews(job(), replace(WEB, side=50))
    sizes = []
    list(pictures(job(), lambda p: sizes.append(Image.open(io.BytesIO(previews(p) or b"")).size)
                  if not sizes else None))  # fmt: skip
    assert sizes == [(50, 38)]


def due(previews, seconds):
    """Whether there is a preview, so long after the last look."""
    previews._clock.now += seconds
    return previews._is_due(previews._clock.now)


def test_previews_take_a_share_of_the_time_and_no_more(job):
    previews = Previews(job(), replace(WEB, share=0.1, rate=1000.0), Clock())
    assert due(previews, 0.0)
    previews._last, previews._spent = 0.0, 1.0  # the first took a second
    assert not due(previews, 5.0)
    assert due(previews, 5.1)


def test_there_are_so_many_previews_a_second(job):
    previews = Previews(job(), replace(WEB, share=1.0, rate=4.0), Clock())
    previews._last, previews._spent = 0.0, 0.0
    assert not due(previews, 0.2)
    assert due(previews, 0.1)

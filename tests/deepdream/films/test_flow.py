"""Frames followed along optical flow."""

import numpy as np
import pytest

from deepdream.errors import FilmError
from deepdream.films import blending
from deepdream.films.flow import flow, followed, warped
from deepdream.settings import Video
from tests.support import films

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def pan():
    """Two frames of a camera that moves 3 pixels to the right."""
    return films.panning(2, (60, 80), 3)


def test_the_flow_of_a_moving_camera(pan):
    before, now = pan
    back = flow(now, before)  # what is at x now was at x + 3
    np.testing.assert_allclose(back[10:-10, 10:-10].mean((0, 1)), [3, 0], atol=0.1)
    moved = warped(before, back)
    assert np.abs(moved - now)[10:-10, 10:-10].mean() < 0.2 * np.abs(1.0 * before - now).mean()


def test_what_comes_in_at_the_border_cannot_be_followed(pan):
    before, now = pan
    seen = followed(flow(now, before), flow(before, now))
    assert seen.dtype == bool and seen.shape == (60, 80)
    assert seen[:, :70].mean() > 0.9 and not seen[:, -2:].any()


def test_what_was_hidden_cannot_be_followed():
    rng = np.random.RandomState(3)
    behind = np.uint8(cv2.GaussianBlur(rng.rand(90, 120, 3) * 255, (0, 0), 2))
    square = np.uint8(cv2.GaussianBlur(rng.rand(30, 30, 3) * 255, (0, 0), 1))
    before, now = behind.copy(), behind.copy()
    before[30:60, 40:70], now[30:60, 48:78] = square, square
    seen = followed(flow(now, before), flow(before, now))
    hidden = seen[32:58, 41:47]  # the square has just gone from there
    assert hidden.mean() < 0.7 < 0.9 < seen[5:25].mean()


def test_the_flow_does_not_depend_on_the_number_of_threads(pan):
    found, threads = [], cv2.getNumThreads()
    try:
        for count in (1, 3):
            cv2.setNumThreads(count)
            found.append(flow(*pan))
            assert cv2.getNumThreads() == count
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(*found)


def test_frames_too_small_to_be_followed():
    tiny = np.zeros((11, 40, 3), np.uint8)
    with pytest.raises(FilmError, match="frames of 40x11 are too small to be followed"):
        flow(tiny, tiny)


def test_a_dream_moves_with_its_film(pan):
    before, now = pan
    dream = np.float32(before) + 20  # of the frame before
    last = blending.Last(before, dream, np.zeros(3, np.float32))
    picture, begins = blending.base(now, last, Video(blend=0.5))
    assert not begins
    apart = (picture - now)[10:-10, 10:-15]
    assert apart.mean() == pytest.approx(10, abs=0.5) and apart.std() < 3
    np.testing.assert_array_equal(picture[:, -2:], now[:, -2:])  # what has just come in
    alone, _ = blending.base(now, last, Video(blend=0.0))
    np.testing.assert_array_equal(alone, now)


def test_a_scene_begins_at_a_cut_and_with_the_first_frame(pan):
    before, now = pan
    last = blending.Last(before, np.float32(before), np.zeros(3, np.float32))
    other = np.ascontiguousarray(255 - now[::-1])
    for source, left in ((other, last), (now, None)):
        picture, begins = blending.base(source, left)
        assert begins
        np.testing.assert_array_equal(picture, source)


def test_brightness_stays_as_far_from_the_film_as_the_scenes_first_dream_is(pan):
    before, now = pan
    first = blending.settled(np.float32(before) * 0.8 + 20, before, True, None)
    np.testing.assert_array_equal(first.dream, np.uint8(np.float32(before) * 0.8 + 20))
    drifted = np.float32(now) * 0.8 + 35
    second = blending.settled(drifted, now, False, first)
    apart = [one.dream.mean((0, 1)) - one.source.mean((0, 1)) for one in (first, second)]
    np.testing.assert_allclose(apart[0], apart[1], atol=0.1)
    np.testing.assert_array_equal(second.dream, np.uint8(second.dream))  # as a file has it
    np.testing.assert_array_equal(second.offset, first.offset)
    anew = blending.settled(drifted, now, True, first)
    np.testing.assert_array_equal(anew.dream, np.uint8(drifted))

"""Animations: what a viewer sees of the frames."""

import sys

import numpy as np
import pytest
from PIL import Image

from deepdream.errors import MissingExtraError, OutputError
from deepdream.pictures import animation


@pytest.fixture
def frames():
    """Five frames that get brighter from left to right, and from one to the next."""
    ramp = np.tile(np.linspace(0, 155, 64), (40, 1))[..., None] + np.array([0, 20, 40])
    return [np.uint8(ramp + 15 * i) for i in range(5)]


def seen(path):
    """What Pillow shows: the frames, and the time of each in milliseconds."""
    with Image.open(path) as image:
        shown, times = [], []
        for number in range(image.n_frames):
            image.seek(number)
            shown.append(np.float32(image.convert("RGB")))
            times.append(image.info.get("duration"))
    return shown, times


@pytest.mark.parametrize("suffix, most", [(".gif", 6), (".webp", 4)])
def test_every_frame_is_seen_without_bands(suffix, most, frames, tmp_path):
    path = tmp_path / f"out{suffix}"
    animation.save_animation(path, frames)
    shown, times = seen(path)
    assert len(shown) == 5
    for saw, made in zip(shown, frames):
        # dithering is seen from afar: over places of 8x8 the colours are right
        apart = (saw - made).reshape(5, 8, 8, 8, 3).mean((1, 3))
        assert np.abs(apart).max() < most
    if suffix == ".gif":
        assert times == [200, 200, 200, 200, 2200]


def test_the_frames_of_a_gif_share_their_colours(frames, tmp_path):
    animation.save_animation(tmp_path / "out.gif", frames)
    shown, _ = seen(tmp_path / "out.gif")
    colours = {tuple(colour) for frame in shown for colour in frame.reshape(-1, 3)}
    assert len(shown) == 5 and len(colours) <= 256


def test_a_video_ends_with_its_last_frame_for_a_while(frames, tmp_path):
    av = pytest.importorskip("av")
    animation.save_animation(tmp_path / "out.mp4", frames)
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert video.streams.video[0].average_rate == 5
        shown = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    levels = [frame.mean() for frame in shown]
    assert len(shown) == 4 + 11 and shown[0].shape == (40, 64, 3)
    np.testing.assert_allclose(levels[:5], [f.mean() for f in frames], atol=4)
    np.testing.assert_allclose(levels[5:], frames[-1].mean(), atol=4)


def test_times_suit_the_number_of_frames():
    for count, each in [(1, 200), (30, 200), (60, 100), (100, 60), (10_000, 40)]:
        assert animation.times(count) == [each] * (count - 1) + [each + 2000]


@pytest.mark.parametrize("size, side, wanted", [
    ((427, 640), 640, (426, 640)), ((1000, 3001), 640, (212, 640)), ((5, 3), 640, (4, 2)),
    ((1, 1), 640, (2, 2)), ((3000, 10), 640, (640, 2)),
])  # fmt: skip
def test_frames_fit_and_are_even(size, side, wanted):
    assert animation.fitted_size(size, side) == wanted
    picture = np.full((*size, 3), 300.7, np.float32)
    frame = animation.frame(picture, wanted)
    assert frame.dtype == np.uint8 and (frame == 255).all()
    assert size == (1, 1) or frame.shape == (*wanted, 3)


def test_a_video_without_pyav_names_the_install_command(frames, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"videos need PyAV .*pip install .*\[video\]"):
        animation.save_animation(tmp_path / "out.mp4", frames)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_leaves_nothing(frames, tmp_path):
    with pytest.raises(OutputError, match='unknown format ".avi"; choose .gif, .webp, .mp4'):
        animation.save_animation(tmp_path / "out.avi", frames)
    (tmp_path / "out.gif").write_text("old")
    with pytest.raises(OutputError, match="exists already"):
        animation.save_animation(tmp_path / "out.gif", frames, replace=False)
    assert (tmp_path / "out.gif").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_circle_fades_its_end_into_its_beginning():
    frames = [np.full((2, 2, 3), level, np.uint8) for level in (0, 30, 60, 90, 210)]
    levels = [frame[0, 0, 0] for frame in animation.looped(frames, 2)]
    assert levels == [60, 60, 90]  # 60, then 90 * 2/3 + 0 * 1/3, then 210 * 1/3 + 30 * 2/3
    assert len(animation.looped(frames, 0)) == 5
    with pytest.raises(OutputError, match="5 frames cannot fade for 3"):
        animation.looped(frames, 3)

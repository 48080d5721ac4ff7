"""Zooms that move, go on from a frame, and dream of several things in turn."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from deepdream import pictures
from deepdream.dream import octaves
from deepdream.dream.motion import EASINGS, moved, speed
from deepdream.settings import Zoom

SHORT = ["--iterations", "1", "--octaves", "2", "--octave-scale", "1.2", "--seed", "3"]


def interrupting(number):
    """make_step, into whose call of this number Ctrl-C comes."""
    taken, make_step = [], octaves.make_step

    def step(net, **settings):
        taken.append(1)
        if len(taken) == number:
            raise KeyboardInterrupt
        make_step(net, **settings)

    return step


def recipe_of(path):
    return json.loads(pictures.read_recipe(path))


def test_a_plain_move_is_the_notebooks(picture):
    h, w = picture.shape[:2]
    scale = 0.05
    matrix, offset = [1 - scale, 1 - scale, 1], [h * scale / 2, w * scale / 2, 0]
    expected = ndimage.affine_transform(picture, matrix, offset, order=1)
    np.testing.assert_array_equal(moved(picture, Zoom(9), 4), expected)


def test_the_centre_stays_where_it_is_and_a_turn_is_clockwise():
    frame = np.zeros((60, 80, 3), np.float32)
    frame[15, 60] = 255  # at three quarters of the width, a quarter of the height
    frame[15, 70] = 100  # right of it
    still = moved(frame, Zoom(9, 0.2, (0.75, 0.25)), 4)
    assert still[15, 60, 0] == 255
    turned = moved(frame, Zoom(9, 0.0, (0.75, 0.25), 90.0), 4)
    assert turned[15, 60, 0] == pytest.approx(255)
    assert turned[25, 60, 0] == pytest.approx(100)  # below it


def test_nothing_dark_comes_in_at_the_borders():
    frame = np.full((30, 40, 3), 200, np.float32)
    for how in (Zoom(9, 0.05, (1.0, 1.0)), Zoom(9, 0.01, rotate=20.0)):
        np.testing.assert_allclose(moved(frame, how, 1), 200, rtol=1e-5)


@pytest.mark.parametrize("easing", EASINGS)
@pytest.mark.parametrize("first", [0, 7])
def test_every_easing_goes_as_far(easing, first):
    how = Zoom(11, 0.05, easing=easing, first=first)
    numbers = range(max(1, first), first + 11)
    assert sum(speed(how, n) for n in numbers) == pytest.approx(len(numbers))
    assert all(speed(how, n) > 0 for n in numbers)


def test_in_out_is_slow_at_both_ends():
    how = Zoom(11, 0.05, easing="in-out")
    speeds = [speed(how, n) for n in range(1, 11)]
    assert speeds[0] < speeds[4] > speeds[-1] and speeds[0] == pytest.approx(speeds[-1])


def test_each_frame_of_a_moving_zoom_replays(run, photo, tmp_path):
    out = tmp_path / "frames"
    words = ["--frames", 3, "--centre", 0.3, 0.6, "--rotate", 4, "--easing", "in-out", *SHORT]
    assert run("zoom", photo, "-o", out, *words)[0] == 0
    assert recipe_of(out / "0001.jpg")["zoom"]["centre"] == [0.3, 0.6]
    for name in ("0001.jpg", "0002.jpg"):
        code, said, err = run("replay", out / name)
        assert code == 0 and "equal to the bit" in said, err


def test_the_recipe_of_a_plain_zoom_is_what_it_was(run, photo, tmp_path):
    run("zoom", photo, "-o", tmp_path / "frames", "--frames", 2, *SHORT)
    told = recipe_of(tmp_path / "frames" / "0001.jpg")
    assert told["zoom"] == {"frames": 2, "scale": 0.05} and "schedule" not in told


def test_a_zoom_goes_on_from_a_frame_of_another(run, photo, tmp_path):
    out = tmp_path / "frames"
    assert run("zoom", photo, "-o", out, "--frames", 2, *SHORT)[0] == 0
    before = (out / "0001.jpg").read_bytes()
    words = ["--first", 2, "--frames", 2, "--iterations", 0, *SHORT[2:]]
    code, _, err = run("zoom", out / "0001.jpg", "-o", out, *words)
    assert code == 0, err
    assert sorted(path.name for path in out.iterdir()) == [f"000{n}.jpg" for n in range(4)]
    assert (out / "0001.jpg").read_bytes() == before
    enlarged = moved(pictures.load(out / "0001.jpg"), Zoom(2, first=2), 2)
    assert np.abs(pictures.load(out / "0002.jpg") - enlarged).mean() < 3  # JPEG's
    code, said, _ = run("replay", out / "0003.jpg")
    assert code == 0 and "equal to the bit" in said


def test_a_zoom_that_goes_on_from_a_frame_resumes(run, photo, tmp_path, monkeypatch):
    words = ["--first", 5, "--frames", 3, "--easing", "out", *SHORT]
    assert run("zoom", photo, "-o", tmp_path / "whole", *words)[0] == 0
    with monkeypatch.context() as patch:
        patch.setattr(octaves, "make_step", interrupting(4))
        assert run("zoom", photo, "-o", tmp_path / "parts", *words)[0] == 130
    code, said, err = run("resume", tmp_path / "parts")
    assert code == 0 and "goes on after frame 1 of 3" in said, err
    for name in ("0005.jpg", "0006.jpg", "0007.jpg"):
        one, other = (tmp_path / folder / name for folder in ("whole", "parts"))
        assert one.read_bytes() == other.read_bytes()
    assert "is finished" in run("resume", tmp_path / "parts")[1]


def test_frames_of_another_zoom_after_the_new_ones_are_in_the_way(run, photo, tmp_path):
    out = tmp_path / "frames"
    assert run("zoom", photo, "-o", out, "--frames", 4, *SHORT)[0] == 0
    words = ["--first", 1, "--frames", 2, "--overwrite", *SHORT]
    code, _, err = run("zoom", out / "0000.jpg", "-o", out, *words)
    assert code == 2 and "has frames of an earlier run, 0003.jpg for one" in err


@pytest.fixture
def ends_seen(monkeypatch):
    seen, deepdream = [], octaves.make_step

    def step(net, **settings):
        seen.append((settings["end"], settings.get("step_size")))
        deepdream(net, **settings)

    monkeypatch.setattr(octaves, "make_step", step)
    return seen


def test_layers_in_turn(run, photo, tmp_path, ends_seen):
    words = ["--frames", 5, "--in-turn", "3b,4c", "--each", 2, "--octaves", 1, *SHORT[:2]]
    assert run("zoom", photo, "-o", tmp_path / "frames", *words)[0] == 0
    low, high = "inception_3b/output", "inception_4c/output"
    assert [end for end, _ in ends_seen] == [low, low, high, high, low]
    keys = recipe_of(tmp_path / "frames" / "0004.jpg")["schedule"]
    assert keys == {"end": {"0": low, "2": high}, "period": 4}
    code, said, _ = run("replay", tmp_path / "frames" / "0003.jpg")
    assert code == 0 and "equal to the bit" in said


def test_a_schedule_is_followed_and_resumed(
    run, photo, tmp_path, monkeypatch, small_folder, engine_name
):
    schedule = tmp_path / "s.json"
    mask = tmp_path / "mask.png"
    pictures.save(mask, np.full((90, 120, 3), 255, np.float32))
    later = f'l2("4c").within({json.dumps(str(mask))})'
    keys = {"objective": {"1": 'l2("3b")', "2": later}, "step_size": {"0": 1, "2": 3}}
    schedule.write_text(json.dumps(keys))
    words = ["--frames", 3, "--schedule", schedule, *SHORT]
    assert run("zoom", photo, "-o", tmp_path / "whole", *words)[0] == 0
    code, said, err = run("replay", tmp_path / "whole" / "0002.jpg")
    assert code == 0 and "equal to the bit" in said, err
    with monkeypatch.context() as patch:
        patch.setattr(octaves, "make_step", interrupting(4))
        assert run("zoom", photo, "-o", tmp_path / "parts", *words)[0] == 130
    schedule.unlink()
    code, _, err = run("resume", tmp_path / "parts")
    assert code == 0, err
    for name in ("0000.jpg", "0001.jpg", "0002.jpg"):
        one, other = (tmp_path / folder / name for folder in ("whole", "parts"))
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("words, said", [
    (["--each", 3], "--each is for the layers of --in-turn; give both"),
    (["--in-turn", "3b,4c", "--end", "4c"], "--in-turn and --end both say what grows"),
    (["--in-turn", "3b,9z"], 'the net has no layer "9z"'),
    (["--centre", 2, 0], "at most 1"),
    (["--schedule", "no.json"], "no.json: cannot be read"),
])  # fmt: skip
def test_what_cannot_be_followed_is_told_before_the_first_frame(run, photo, tmp_path, words, said):
    code, _, err = run("zoom", photo, "-o", tmp_path / "frames", *words, *SHORT)
    assert code == 2 and said in err and not (tmp_path / "frames").exists()


def test_guide_weights_of_a_schedule_need_a_guide_each(run, photo, tmp_path):
    schedule = tmp_path / "s.json"
    schedule.write_text('{"guide_weights": {"0": [1, 2]}}')
    words = ["--guide", photo, "--schedule", schedule, *SHORT]
    code, _, err = run("zoom", photo, "-o", tmp_path / "frames", *words)
    assert code == 2 and "guide_weights have 2 numbers at frame 0, for 1 guides" in err


def test_an_animation_runs_in_a_circle(run, photo, tmp_path):
    film = tmp_path / "film.gif"
    words = ["--frames", 4, "--animate", film, "--animate-loop", 2, *SHORT]
    code, said, err = run("zoom", photo, "-o", tmp_path / "frames", *words)
    assert code == 0 and "2 frames" in said, err
    with Image.open(film) as shown:
        assert shown.n_frames == 2 and shown.info["duration"] <= 200
    code, _, err = run("zoom", photo, "-o", tmp_path / "more", *words[:5], 3, *SHORT)
    assert code == 2 and "4 frames cannot fade for 3, only for 2" in err

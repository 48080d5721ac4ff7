"""`deepdream video`: films dreamt frame by frame."""

import json
import random
import shutil
import sys
from contextlib import contextmanager

import numpy as np
import pytest

import deepdream
from deepdream import pictures
from deepdream.dream import octaves
from deepdream.errors import NotFiniteError, ZeroGradientError
from deepdream.films.flicker import flicker
from deepdream.request import journal as journals
from tests.support import films
from tests.support.kills import contents, kill_until_done

pytest.importorskip("av")
pytest.importorskip("cv2")

SHORT = ["--iterations", "1", "--octaves", "2", "--octave-scale", "1.2", "--seed", "3"]


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.mp4"
    films.write(path, films.panning(4), times=[0, 1000, 2500, 3000], sound="aac")
    return path


@pytest.fixture
def folder(tmp_path):
    for number, frame in enumerate(films.panning(4)):
        (tmp_path / "film").mkdir(exist_ok=True)
        pictures.save(tmp_path / "film" / f"{number:04}.png", frame)
    return tmp_path / "film"


@contextmanager
def failing(number, error):
    """Context manager: this error comes in the step of this number."""
    taken, make_step = [], octaves.make_step

    def step(net, **settings):
        taken.append(1)
        if len(taken) == number:
            raise error
        make_step(net, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(octaves, "make_step", step)
        yield


def test_a_film_keeps_its_times_and_its_sound(run, film, tmp_path):
    out = tmp_path / "dream.mp4"
    code, said, err = run("video", film, "-o", out, *SHORT)
    assert code == 0 and f"wrote {out}: 4 frames" in said, err
    shown, seconds = films.seen(out)
    before, times = films.seen(film)
    np.testing.assert_allclose(seconds, times, atol=1e-4)
    np.testing.assert_array_equal(films.heard(out)[1], films.heard(film)[1])
    assert 1 < np.abs(np.float32(shown) - np.float32(before)).mean() < 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dream.mp4", "film.mp4"]


def test_the_first_frame_is_a_plain_dream(run, folder, net, tmp_path):
    out = tmp_path / "dreams"
    code, _, err = run("video", folder, "-o", out, *SHORT)
    assert code == 0, err
    assert sorted(path.name for path in out.iterdir()) == [f"000{n}.png" for n in range(4)]
    first = np.float32(films.panning(4)[0])
    rng = np.random.RandomState(3)
    dreamt = deepdream.deepdream(net, first, 1, 2, 1.2, rng=rng)
    np.testing.assert_array_equal(pictures.load(out / "0000.png"), np.uint8(dreamt))


def test_a_dream_that_is_blended_flickers_less(run, folder, tmp_path):
    measured = {}
    words = ["--iterations", "3", *SHORT[2:]]
    for blend in ("0", "0.7"):
        out = tmp_path / blend
        assert run("video", folder, "-o", out, *words, "--blend", blend)[0] == 0
        shown = [pictures.load(path) for path in sorted(out.iterdir())]
        measured[blend] = flicker(shown, films.panning(4))
        brighter = [(one - frame).mean() for one, frame in zip(shown, films.panning(4))]
        assert np.ptp(brighter) < 0.1  # no drift
    assert measured["0.7"] < 0.9 * measured["0"]


def test_a_frame_says_how_it_was_made(run, folder, tmp_path):
    out = tmp_path / "dreams"
    run("video", folder, "-o", out, *SHORT)
    told = json.loads(pictures.read_recipe(out / "0002.png"))
    assert told["settings"]["octave_scale"] == 1.2
    made = told["deepdream video"]
    assert (made["frame"], made["frames"], made["film"], made["blend"]) == (2, 4, "../film", 0.5)


def test_a_scene_begins_at_a_cut(run, folder, tmp_path):
    other = np.ascontiguousarray(255 - films.panning(4)[0][::-1])
    pictures.save(folder / "0002.png", other)
    code, said, _ = run("video", folder, "-o", tmp_path / "dreams", *SHORT)
    assert code == 0
    assert "frame 3: a scene begins" in said and "frame 4: a scene begins" in said
    assert "frame 2" not in said
    alone = tmp_path / "alone"
    alone.mkdir()
    pictures.save(alone / "0.png", other)
    run("video", alone, "-o", tmp_path / "one", *SHORT)
    third = pictures.load(tmp_path / "dreams" / "0002.png")
    np.testing.assert_array_equal(third, pictures.load(tmp_path / "one" / "0000.png"))


@pytest.mark.parametrize("into", ["dreams", "dream.mp4"])
def test_a_film_that_was_stopped_goes_on(run, film, tmp_path, into):
    whole, out = tmp_path / f"whole-{into}", tmp_path / into
    assert run("video", film, "-o", whole, *SHORT)[0] == 0
    with failing(6, KeyboardInterrupt):
        code, _, err = run("video", film, "-o", out, *SHORT)
    assert code == 130 and f"stopped; `deepdream resume {out}` goes on" in err
    code, _, err = run("video", film, "-o", out, *SHORT)
    assert code == 2 and "holds an unfinished run" in err
    code, said, err = run("resume", out)
    assert code == 0 and "goes on after frame 2 of 4" in said, err
    assert not journals.of(out).exists
    code, said, _ = run("resume", out)
    assert code == 0 and "is finished; there is nothing to do" in said
    if whole.is_dir():
        assert contents(out) == contents(whole)
    else:
        np.testing.assert_array_equal(films.seen(out)[0], films.seen(whole)[0])


def test_a_film_that_has_moved_and_one_that_was_changed(run, film, tmp_path):
    out = tmp_path / "dream.mp4"
    with failing(6, KeyboardInterrupt):
        run("video", film, "-o", out, *SHORT)
    moved = tmp_path / "moved.mp4"
    film.rename(moved)
    code, _, err = run("resume", out)
    assert code == 2 and "no such film" in err and f"`deepdream resume {out}` goes on" not in err
    films.write(film, films.panning(5))
    code, _, err = run("resume", out)
    assert code == 2 and "is not the film that the run began with" in err
    code, _, err = run("resume", out, "--image", moved)
    assert code == 0, err
    assert len(films.seen(out)[0]) == 4


@pytest.mark.parametrize("changed, said", [
    ({"rate": "1/0"}, "film.rate is '1/0', not a fraction"),
    ({"path": "\x1b[31m"}, "film.path is"),
    ({"path": "/dev/zero"}, "/dev/zero: a pipe or a device, given where a film goes"),
    ({"blend": 7}, "film.blend is 7, not a number from 0 to 1"),
    (None, "its journal says nothing of a film"),
])  # fmt: skip
def test_a_journal_that_was_changed_is_refused(run, film, tmp_path, changed, said):
    out = tmp_path / "dream.mp4"
    with failing(6, KeyboardInterrupt):
        run("video", film, "-o", out, *SHORT)
    path = journals.beside(out).folder / "run.json"
    record = json.loads(path.read_text())
    record["film"] = changed and {**record["film"], **changed}
    path.write_text(json.dumps(record))
    code, _, err = run("resume", out)
    assert code == 2 and said in err and err.count("\n") == 1
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("into", ["dreams", "dream.mp4"])
def test_a_film_that_is_killed_anywhere_ends_as_one_that_is_not(
    run, film, tmp_path, small_folder, engine_name, into
):
    own = ["--model", str(small_folder), "--engine", engine_name]
    whole, out = tmp_path / f"whole-{into}", tmp_path / into
    assert run("video", film, "-o", whole, *SHORT, *own)[0] == 0
    rng, kills = random.Random(5), 0
    for _ in range(2):
        begin = ["video", film, "-o", out, *SHORT, *own]
        kills += kill_until_done(rng, begin, out, 150)
        if out.is_dir():
            assert contents(out) == contents(whole)
            shutil.rmtree(str(out))
        else:
            assert out.read_bytes() == whole.read_bytes()
            out.unlink()
    assert kills >= 3
    assert not [path.name for path in tmp_path.iterdir() if "run" in path.name]


def test_a_frame_in_which_there_is_nothing_to_see_stays_as_it_is(run, folder, tmp_path):
    words = ["--blend", "0", *SHORT]
    with failing(5, ZeroGradientError("nothing")):
        code, said, err = run("video", folder, "-o", tmp_path / "dreams", *words, "--json")
    assert code == 0 and "frame 3: stays as it is: nothing" in said, err
    third = pictures.load(tmp_path / "dreams" / "0002.png")
    assert np.abs(third - films.panning(4)[2]).std() < 1  # but for its brightness
    last = [json.loads(line) for line in said.splitlines() if '"progress"' in line][-1]
    assert (last["picture"], last["done"]) == (4, last["total"])
    with failing(1, ZeroGradientError("nothing")):
        code, _, err = run("video", folder, "-o", tmp_path / "more", *words)
    assert code == 2 and "frame 1 of 4: nothing" in err


def test_what_was_made_before_a_broken_step_is_kept(run, film, tmp_path):
    out, kept = tmp_path / "dream.mp4", tmp_path / "dream-last-good.mp4"
    with failing(7, NotFiniteError("no number")):
        code, _, err = run("video", film, "-o", out, *SHORT)
    assert code == 2 and f"the 3 frames before it are {kept}" in err and err.count("\n") == 1
    assert len(films.seen(kept)[0]) == 3 and not out.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [kept.name, film.name]


def test_layers_in_turn_and_schedules(run, folder, tmp_path, monkeypatch):
    seen, make_step = [], octaves.make_step

    def step(net, **settings):
        seen.append(settings["end"])
        make_step(net, **settings)

    monkeypatch.setattr(octaves, "make_step", step)
    words = ["--iterations", 1, "--octaves", 1, "--in-turn", "3b,4c"]
    assert run("video", folder, "-o", tmp_path / "dreams", *words)[0] == 0
    low, high = "inception_3b/output", "inception_4c/output"
    assert seen == [low, low, high, high]
    del seen[:]
    schedule = tmp_path / "s.json"
    schedule.write_text(json.dumps({"end": {"0": "4c", "3": "3b"}}))
    words = [*words[:4], "--schedule", schedule]
    assert run("video", folder, "-o", tmp_path / "more", *words)[0] == 0
    assert seen == [high, high, high, low]


def test_frames_of_odd_size_and_larger_than_wanted(run, tmp_path):
    odd = tmp_path / "odd.mp4"
    films.write(odd, films.panning(2, (47, 63)), pixels="yuv444p")
    code, said, err = run("video", odd, "-o", tmp_path / "dream.mkv", *SHORT)
    assert code == 0 and "63x47 has an odd side, which H.264 cannot have" in said, err
    assert films.seen(tmp_path / "dream.mkv")[0][0].shape == (48, 64, 3)
    out = tmp_path / "dream.mov"
    code, _, err = run("video", odd, "-o", out, *SHORT, "--max-size", 42)
    assert code == 0, err
    assert films.seen(out)[0][0].shape == (32, 42, 3)


@pytest.mark.parametrize("words, said", [
    (["-o", "dream.webm"], 'no film of the format ".webm" is written; choose .mp4, .mkv, .mov'),
    (["-o", "dream.mp4", "--rate", "30"], "has a frame rate of its own"),
    (["-o", "dream.mp4", "--rate", "0"], "must be such as 24 or 30000/1001, not '0'"),
    (["-o", "dream.mp4", "--blend", "2"], "at most 1"),
    (["-o", "dream.mp4", "--end", "9z"], 'the net has no layer "9z"'),
    (["-o", "film.mp4", "--overwrite"], "is an input of this very run"),
])  # fmt: skip
def test_what_cannot_be_done_is_told_before_the_first_frame(
    run, film, tmp_path, monkeypatch, words, said
):
    monkeypatch.chdir(tmp_path)
    before = film.read_bytes()
    code, _, err = run("video", "film.mp4", *words, *SHORT)
    assert code == 2 and said in err and "Traceback" not in err
    assert film.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_a_film_that_is_cut_off_leaves_nothing(run, film, tmp_path):
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 2])
    for out in ("dream.mp4", "dreams"):
        code, _, err = run("video", film, "-o", tmp_path / out, *SHORT)
        assert code == 2 and err.count("\n") == 1 and "cannot be read as a film" in err
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize("words", [[], ["--max-size", "11"]])
def test_frames_that_cannot_be_followed_are_refused_before_the_first(
    run, tmp_path, words, small_folder, engine_name
):
    words = [*words, *SHORT, "--octaves", 1, "--model", small_folder, "--engine", engine_name]
    film = tmp_path / "film.mp4"
    films.write(film, films.panning(2, (10, 40) if words[0] != "--max-size" else (40, 40)))
    code, _, err = run("video", film, "-o", tmp_path / "dream.mp4", "--end", "conv1", *words)
    assert code == 2 and "too small to be followed; a side has at least 12 pixels" in err
    assert err.count("\n") == 1 and "goes on" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    films.write(film, films.panning(1, (12, 12)))  # a film of one frame has nothing to follow
    assert run("video", film, "-o", tmp_path / "dream.mp4", "--end", "conv1", *words)[0] == 0


@pytest.mark.parametrize("package", ["av", "cv2"])
def test_what_is_not_installed_is_named(run, film, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    code, _, err = run("video", film, "-o", tmp_path / "dream.mp4", *SHORT)
    assert code == 2 and "install it with: pip install" in err and "video" in err


def test_frames_that_are_there_stay(run, folder, tmp_path):
    out = tmp_path / "dreams"
    out.mkdir()
    pictures.save(out / "0001.png", films.panning(1)[0])
    before = contents(out)
    code, _, err = run("video", folder, "-o", out, *SHORT)
    assert code == 2 and "0001.png" in err and contents(out) == before
    assert run("video", folder, "-o", out, *SHORT, "--overwrite")[0] == 0


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_a_film_that_was_just_written_is_known_again(run, film, tmp_path, monkeypatch, suffix):
    out, ends = tmp_path / f"dream.{suffix}", []

    def killed(journal):
        ends.append(1)
        if len(ends) == 3:  # the others are at the beginning
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(journals.Journal, "end", killed)
        assert run("video", film, "-o", out, *SHORT)[0] == 130
    whole = films.seen(out)[0]
    mine = film.read_bytes()
    written = out.read_bytes()
    out.write_bytes(mine)
    code, _, err = run("resume", out)
    assert code == 2 and "exists already" in err and out.read_bytes() == mine
    out.write_bytes(written)
    code, _, err = run("resume", out)
    assert code == 0 and not journals.of(out).exists, err
    np.testing.assert_array_equal(films.seen(out)[0], whole)


def test_resume_replaces_a_film_only_where_that_is_wanted(run, film, tmp_path):
    out = tmp_path / "dream.mp4"
    with failing(6, KeyboardInterrupt):
        run("video", film, "-o", out, *SHORT)
    out.write_bytes(b"mine")
    code, _, err = run("resume", out)
    assert code == 2 and "--overwrite replaces it" in err and out.read_bytes() == b"mine"
    assert run("resume", out, "--overwrite")[0] == 0
    assert len(films.seen(out)[0]) == 4

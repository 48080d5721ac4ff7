"""A dream while it grows: --save-every and --animate."""

import errno

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.errors import OutputError
from deepdream.settings import Animation
from netfile.system.memory import Free

SHORT = ["--iterations", 3, "--octaves", 2, "--seed", 1]


@pytest.fixture
def dreamt(run, photo, tmp_path):
    """Dream into out.png with these options; (exit code, what it said, what went wrong)."""
    return lambda *options: run("dream", photo, "-o", tmp_path / "out.png", *SHORT, *options)


@pytest.fixture
def refused(dreamt, tmp_path):
    """Dream with options that cannot be met; what is said, after nothing was made."""

    def call(*options):
        before = sorted(tmp_path.rglob("*"))
        code, _, err = dreamt(*options)
        assert code == 2 and "Traceback" not in err and len(err.splitlines()) == 1, err
        assert sorted(tmp_path.rglob("*")) == before
        return err

    return call


def test_the_picture_is_saved_every_so_many_steps_and_after_the_last(dreamt, tmp_path, photo):
    code, said, err = dreamt("--save-every", 4)
    assert code == 0 and "wrote 3 pictures of the steps into" in said, err
    names = sorted(path.name for path in (tmp_path / "out-steps").iterdir())
    assert names == ["0000.png", "0001.png", "0002.png"]
    first, middle, last = (pictures.load(tmp_path / "out-steps" / name) for name in names)
    np.testing.assert_array_equal(first, pictures.load(photo))
    np.testing.assert_array_equal(last, pictures.load(tmp_path / "out.png"))
    assert middle.shape == last.shape
    apart = [np.abs(middle - other).mean() for other in (first, last)]
    assert min(apart) > 0.5


@pytest.mark.slow
def test_the_dream_is_the_same_to_the_bit_when_it_is_watched(dreamt, tmp_path):
    animate = ["--animate", tmp_path / "out.gif"]
    results = []
    for options in ([], ["--save-every", 1, *animate]):
        code, _, err = dreamt("--overwrite", *options)
        assert code == 0, err
        results.append(pictures.load(tmp_path / "out.png"))
    np.testing.assert_array_equal(*results)


def test_an_animation_has_a_frame_for_every_step(dreamt, tmp_path):
    code, said, err = dreamt("--animate", tmp_path / "grow.gif", "--animate-size", 60)
    assert code == 0 and "grow.gif: 7 frames, 3 s" in said, err
    with Image.open(tmp_path / "grow.gif") as image:
        assert image.n_frames == 7 and image.size == (60, 44)
    assert not (tmp_path / "out-steps").exists()


@pytest.mark.slow
def test_a_long_dream_has_an_animation_of_bounded_length(dreamt, tmp_path, monkeypatch):
    monkeypatch.setattr("deepdream.cli.growing.ANIMATION", Animation(frames=3))
    code, said, err = dreamt("--animate", tmp_path / "grow.gif")
    assert code == 0 and "grow.gif: 4 frames" in said, err


def test_frames_of_a_zoom_become_an_animation(run, photo, tmp_path, fast):
    words = ["--frames", 3, *fast, "--animate", tmp_path / "zoom.gif"]
    code, said, err = run("zoom", photo, "-o", tmp_path / "frames", *words)
    assert code == 0 and "zoom.gif: 3 frames" in said, err
    with Image.open(tmp_path / "zoom.gif") as image:
        assert image.n_frames == 3
    assert len(list((tmp_path / "frames").glob("*.jpg"))) == 3


def test_steps_go_where_they_are_wanted(dreamt, tmp_path):
    code, _, err = dreamt("--save-steps", tmp_path / "here")
    assert code == 0, err
    assert len(list((tmp_path / "here").glob("*.png"))) == 7


@pytest.mark.parametrize("option", ["--animate", "--save-steps"])
def test_one_place_for_the_steps_of_several_pictures_is_refused_before_the_first(
    option, run, photo, tmp_path
):
    copy = tmp_path / "copy.png"
    copy.write_bytes(photo.read_bytes())
    before = sorted(tmp_path.rglob("*"))
    code, _, err = run("dream", photo, copy, *SHORT, option, tmp_path / "steps.gif")
    assert code == 2 and "is for one picture, and 2 are given" in err
    assert sorted(tmp_path.rglob("*")) == before


def test_pictures_of_earlier_steps_are_not_replaced_unasked(dreamt, refused, tmp_path):
    assert dreamt("--save-every", 3)[0] == 0
    (tmp_path / "out.png").unlink()
    assert "0000.png: exists already" in refused("--save-every", 3)
    assert "--overwrite replaces it" in refused("--save-every", 3)
    assert dreamt("--save-every", 3, "--overwrite")[0] == 0
    # fewer of them would leave the last ones of before among them
    assert "0002.png for one, which would stay" in refused("--save-every", 6, "--overwrite")


def test_what_cannot_be_kept_is_said_before_the_dream(refused, photo, tmp_path):
    (tmp_path / "old.gif").write_text("old")
    assert "old.gif: exists already" in refused("--animate", tmp_path / "old.gif")
    assert "unknown format" in refused("--animate", tmp_path / "grow.avi")
    assert "must be a whole number of at least 1" in refused("--save-every", 0)
    assert "photo.png: is a file" in refused("--save-steps", photo)


def test_an_animation_too_large_for_the_memory_is_refused(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("deepdream.nets.memory.free", lambda: Free(10**7, "left"))
    said = refused("--animate", tmp_path / "grow.gif", "--iterations", 50)
    assert "101 frames of 120x90 take" in said and "--animate-size" in said


def test_steps_that_do_not_fit_on_the_disk_are_refused(refused, monkeypatch):
    monkeypatch.setattr(
        "shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**20 + 99_999})
    )
    assert "7 pictures may take" in refused("--save-every", 1)


def test_a_step_that_cannot_be_saved_does_not_end_the_dream(dreamt, tmp_path, monkeypatch):
    save = pictures.save

    def full(path, *args):
        if "steps" in str(path) and path.endswith("0002.png"):
            raise OutputError(f"{path}: cannot be written: {errno.errorcode[errno.ENOSPC]}")
        save(path, *args)

    monkeypatch.setattr("deepdream.pictures.save", full)
    code, said, err = dreamt("--save-every", 1)
    assert code == 2 and "later steps are not kept" in err and f"wrote {tmp_path}/out.png" in said
    assert pictures.load(tmp_path / "out.png").shape == (90, 120, 3)
    assert len(list((tmp_path / "out-steps").iterdir())) == 2

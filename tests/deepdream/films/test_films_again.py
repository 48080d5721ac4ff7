"""`deepdream replay` of a film's frames: each upon the frame before it, to the bit."""

import json
import shutil

import numpy as np
import pytest

from deepdream import pictures
from tests.support import films
from tests.support.kills import contents

pytest.importorskip("av")
pytest.importorskip("cv2")

SHORT = ["--iterations", "1", "--octaves", "2", "--octave-scale", "1.2", "--seed", "3"]
OTHER = np.ascontiguousarray(255 - films.panning(4)[0][::-1])  # a picture of another scene


@pytest.fixture
def folder(tmp_path):
    """A film of five frames, with a cut before the last two."""
    path = tmp_path / "film"
    path.mkdir()
    for number, frame in enumerate([*films.panning(3), OTHER, OTHER]):
        pictures.save(path / f"{number:04}.png", frame)
    return path


@pytest.fixture
def dreams(run, folder, tmp_path):
    assert run("video", folder, "-o", tmp_path / "dreams", *SHORT)[0] == 0
    return tmp_path / "dreams"


def replayed(run, path, *words):
    """What a frame's replay says, after comparing the recipes."""
    out = path.with_name("again.png")
    code, said, err = run("replay", path, "-o", out, "--overwrite", *words)
    assert code == 0, err
    assert json.loads(pictures.read_recipe(out)) == json.loads(pictures.read_recipe(path))
    return said


def test_every_frame_is_made_again_to_the_bit(run, dreams, tmp_path):
    for path in sorted(dreams.glob("000?.png")):
        assert f"reads {tmp_path / 'film'}, the film" in replayed(run, path)
    again = pictures.load(dreams / "again.png")
    np.testing.assert_array_equal(again, pictures.load(dreams / "0004.png"))


def test_frames_of_a_film_with_a_guide_and_a_schedule(run, tmp_path):
    film, guide, schedule = (tmp_path / name for name in ("film.mp4", "guide.png", "s.json"))
    films.write(film, films.panning(3), times=[0, 1000, 2500], sound="aac")
    pictures.save(guide, OTHER)
    schedule.write_text(json.dumps({"guide_weights": {"0": [1], "2": [2]}}))
    words = ["--guide", guide, "--end", "3b", "--schedule", schedule, "--max-size", 50, *SHORT]
    assert run("video", film, "-o", tmp_path / "dreams", *words)[0] == 0
    assert "equal to the bit" in replayed(run, tmp_path / "dreams" / "0002.png")


def test_a_frame_needs_the_one_before_it_and_only_that(run, dreams):
    for name in ("0000.png", "0003.png", "0004.png"):
        (dreams / name).unlink()
    assert "equal to the bit" in replayed(run, dreams / "0002.png")
    pictures.save(dreams / "0001.png", OTHER)
    code, _, err = run("replay", dreams / "0002.png")
    assert code == 2 and err.count("\n") == 1
    assert f"{dreams / '0001.png'}: is not the frame before it, upon which" in err
    (dreams / "0001.png").unlink()
    code, _, err = run("replay", dreams / "0002.png")
    assert code == 2 and "0001.png: no such picture; it should be the frame before it" in err


@pytest.mark.parametrize("blend, number", [("0.5", 0), ("0.5", 3), ("0", 2)])
def test_a_frame_that_was_dreamt_upon_none_needs_none(run, folder, tmp_path, blend, number):
    out = tmp_path / "dreams"
    assert run("video", folder, "-o", out, *SHORT, "--blend", blend)[0] == 0
    alone = tmp_path / "alone" / f"{number:04}.png"
    alone.parent.mkdir()
    shutil.copy(str(out / alone.name), str(alone))
    assert "equal to the bit" in replayed(run, alone)


def test_a_film_that_has_moved_is_found_by_its_option(run, dreams, folder, tmp_path):
    moved = tmp_path / "moved"
    folder.rename(moved)
    code, _, err = run("replay", dreams / "0001.png")
    assert code == 2 and "the film it was made from is gone" in err and "with --image" in err
    code, said, err = run("replay", dreams / "0001.png", "--image", moved)
    assert code == 0 and "equal to the bit" in said, err
    pictures.save(moved / "0001.png", OTHER)
    code, _, err = run("replay", dreams / "0001.png", "--image", moved, "--overwrite")
    assert code == 2 and f"{moved}: is not the film it was made from (SHA1" in err


def test_a_folder_of_frames_is_made_again(run, dreams, tmp_path):
    before, again = contents(dreams), tmp_path / "dreams-replay"
    code, said, err = run("replay", dreams)
    assert code == 0 and said.endswith("5 of 5 frames equal to the bit\n"), err
    assert contents(again) == before == contents(dreams)
    code, _, err = run("replay", dreams)
    assert code == 2 and "exists already" in err
    code, _, err = run("replay", dreams, "-o", dreams, "--overwrite")
    assert code == 2 and "has the frames that are made again" in err
    assert contents(dreams) == before


def test_a_frame_that_was_painted_over_is_told(run, dreams, tmp_path):
    path = dreams / "0002.png"
    pixels = pictures.load(path)
    pixels[:9, :9] = 0
    pictures.save(path, pixels, pictures.read_recipe(path))
    (dreams / "0003.png").unlink()  # whose scene begins with it
    code, said, err = run("replay", dreams, "-o", tmp_path / "again")
    assert code == 2 and "0003.png: no such picture" in err and not (tmp_path / "again").exists()
    (dreams / "0004.png").unlink()
    code, said, _ = run("replay", dreams, "-o", tmp_path / "again")
    assert code == 0 and said.endswith("2 of 3 frames equal to the bit\n")
    assert f"0002.png: differs from {path}" in said


def test_a_folder_without_frames_and_a_mixture(run, dreams, folder):
    code, _, err = run("replay", folder)
    assert code == 2 and "has no frames that `deepdream video` made" in err
    path = dreams / "0001.png"
    record = json.loads(pictures.read_recipe(path))
    pictures.save(path, pictures.load(path), json.dumps({**record, "seed": 8}))
    code, _, err = run("replay", dreams)
    assert code == 2 and "0001.png: was made otherwise than the other frames" in err


@pytest.mark.parametrize("changed, said", [
    ({"offset": None}, "was made by an older `deepdream video`"),
    ({"offset": [1, 2]}, "deepdream video.offset is [1, 2], not a list of 3"),
    ({"before": "x"}, "deepdream video.before is 'x', not 40 hexadecimal digits"),
    ({"frame": 9}, "is frame 9, and"),
    ({"film": "/dev/zero"}, "/dev/zero: a pipe or a device, given where a film goes"),
    ({"sha1": "0" * 40}, "is not the film it was made from (SHA1 000"),
])  # fmt: skip
def test_a_frames_recipe_that_was_changed_is_refused(run, dreams, changed, said):
    path = dreams / "0001.png"
    record = json.loads(pictures.read_recipe(path))
    record["deepdream video"].update(changed)
    pictures.save(path, pictures.load(path), json.dumps(record))
    code, _, err = run("replay", path)
    assert code == 2 and said in err and err.count("\n") == 1, err
    assert not (dreams / "0001-replay.png").exists()

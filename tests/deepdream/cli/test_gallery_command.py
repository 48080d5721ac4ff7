"""`deepdream gallery`: what it writes, that it goes on, and that its pictures can be repeated."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.errors import ZeroGradientError
from deepdream.pictures import read_recipe
from deepdream.request import making
from deepdream.settings import GALLERY
from deepdream.studies.galleries.noise import pink_noise


@pytest.fixture
def gallery(run: Any, photo: Path, small_folder: Path, tmp_path: Path, engine_name: str) -> Any:
    """A function: the exit code and stderr of a small gallery with more words."""

    def call(*words: Any) -> Any:
        code, _, err = run(
            "gallery", "-o", tmp_path / "out", "--model", small_folder, "--engine", engine_name,
            "--layers", "conv1,4c", "--size", 64, "--iterations", 1, "--octaves", 1, *words,
        )  # fmt: skip
        return code, err

    return call


def made(tmp_path: Path) -> Any:
    return sorted(path.name for path in (tmp_path / "out" / "pictures").iterdir())


def test_it_has_every_picture_with_its_thumbnail_and_a_page(
    gallery: Any, photo: Path, tmp_path: Path
) -> None:
    code, _ = gallery(photo)
    names = [
        f"{layer}-{source}.png"
        for layer in ("conv1", "inception_4c_output")
        for source in ("noise", "photo")
    ]
    assert code == 0 and made(tmp_path) == names
    text = (tmp_path / "out" / "index.html").read_text()
    for name in names:
        thumbnail = tmp_path / "out" / "thumbnails" / name.replace(".png", ".jpg")
        assert name in text and Image.open(thumbnail).size == (64, 64)
        assert thumbnail.stat().st_size < 3500
    assert "still to be made" not in text


def test_channels_and_their_patches_are_shown_where_they_are_asked_for(
    gallery: Any, photo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    photo.rename(folder / "one.png")
    gallery("--channels", "conv1:0-1", "--patches", folder)
    strips = sorted((tmp_path / "out" / "thumbnails").glob("*-patches.jpg"))
    assert [strip.name for strip in strips] == [
        f"conv1-channel-000{number}-patches.jpg" for number in (0, 1)
    ]
    assert Image.open(strips[0]).size == (384, 96)
    assert "conv1-channel-0000-patches.jpg" in (tmp_path / "out" / "index.html").read_text()


def test_the_same_command_makes_what_is_missing_alone(
    gallery: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    gallery()
    folder = tmp_path / "out" / "pictures"
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    lost = folder / "conv1-noise.png"
    whole = lost.read_bytes()
    lost.unlink()
    count = []
    monkeypatch.setattr(
        "deepdream.cli.commands.gallery.making.pictures",
        lambda job, report, of=making.pictures: count.append(job) or of(job, report),
    )
    assert gallery()[0] == 0 and len(count) == 1 and lost.read_bytes() == whole
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    del before["conv1-noise.png"], after["conv1-noise.png"]
    assert before == after


def test_noise_takes_more_steps_than_a_photograph_unless_they_are_given(
    run: Any, photo: Path, small_folder: Path, tmp_path: Path, engine_name: str, monkeypatch: Any
) -> None:
    steps = []

    def fake(job: Any, report: Any) -> Any:
        steps.append(job.dream.iterations)
        return [np.zeros((64, 64, 3), np.float32)]

    monkeypatch.setattr("deepdream.cli.commands.gallery.making.pictures", fake)
    words = ["--model", small_folder, "--engine", engine_name, "--layers", "conv1", "--size", 64]
    for name, more in (("usual", []), ("given", ["--iterations", 7])):
        assert run("gallery", photo, "-o", tmp_path / name, *words, *more)[0] == 0
    assert steps == [GALLERY.steps_on_noise, GALLERY.steps_on_photo, 7, 7]
    assert GALLERY.steps_on_noise > GALLERY.steps_on_photo


def test_there_is_a_page_after_the_first_layer(
    gallery: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    there = []
    monkeypatch.setattr(
        "deepdream.cli.commands.gallery.making.pictures",
        lambda job, report, of=making.pictures: (
            there.append((tmp_path / "out" / "index.html").is_file()) or of(job, report)
        ),
    )
    gallery()
    assert there == [False, True]


def test_a_picture_is_repeated_by_its_recipe(gallery: Any, run: Any, tmp_path: Path) -> None:
    gallery()
    one = tmp_path / "out" / "pictures" / "inception_4c_output-noise.png"
    code, _, _ = run("replay", one, "-o", tmp_path / "again.png")
    assert code == 0
    assert np.array_equal(pictures.load(one), pictures.load(tmp_path / "again.png"))


@pytest.mark.parametrize(
    "words, message",
    [
        (["--patches", "."], "--patches is for channels"),
        (["--channels", "conv1:5-2"], "ends before it begins"),
        (["--channels", "nowhere"], 'no layer "nowhere"'),
        (["nothing.png"], "nothing.png"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(
    gallery: Any, tmp_path: Path, words: Any, message: str
) -> None:
    code, err = gallery(*words)
    assert code == 2 and message in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_gallery_of_other_settings_is_not_mixed_with_one_that_is_there(gallery: Any) -> None:
    gallery()
    code, err = gallery("--size", 48)
    assert code == 2 and "noise.png: is not what this gallery would dream on" in err
    code, err = gallery("--iterations", 2)
    assert code == 2 and "iterations" in err
    assert gallery("--size", 48, "--overwrite")[0] == 0


@pytest.fixture
def silent(monkeypatch: Any) -> Any:
    """Have dreams on photographs, or all, end without a gradient; or be interrupted."""

    def call(error: Exception, everywhere: bool = False) -> None:
        def pictures_of(job: Any, report: Any, of: Any = making.pictures) -> Any:
            if everywhere or "photo" in str(job.image_path):
                raise error
            return of(job, report)

        monkeypatch.setattr("deepdream.cli.commands.gallery.making.pictures", pictures_of)

    return call


def test_what_a_layer_is_silent_on_is_told_and_the_rest_is_made(
    gallery: Any, photo: Path, tmp_path: Path, silent: Any, monkeypatch: Any
) -> None:
    plain = making.pictures
    silent(ZeroGradientError("nothing"), everywhere=True)
    assert gallery(photo)[0] == 2
    monkeypatch.setattr(making, "pictures", plain)
    silent(ZeroGradientError("nothing"))
    code, err = gallery(photo)
    assert code == 1 and "conv1-photo: silent on this picture" in err
    assert made(tmp_path) == ["conv1-noise.png", "inception_4c_output-noise.png"]
    assert (tmp_path / "out" / "index.html").read_text().count("silent on this picture") == 2


def test_an_interrupt_leaves_a_page_of_what_is_there_and_says_how_to_go_on(
    gallery: Any, photo: Path, tmp_path: Path, silent: Any
) -> None:
    silent(KeyboardInterrupt())
    code, err = gallery(photo)
    assert code == 130 and "the same command goes on" in err.splitlines()[-1]
    text = (tmp_path / "out" / "index.html").read_text()
    assert "conv1-noise.png" in text and "3 pictures are still to be made" in text


def test_a_photographs_middle_is_taken_and_one_that_cannot_be_read_is_left_out_of_the_patches(
    gallery: Any, run: Any, tmp_path: Path
) -> None:
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 30:70] = 200
    Image.fromarray(wide).save(tmp_path / "wide.png")
    folder = tmp_path / "photographs"
    folder.mkdir()
    (tmp_path / "wide.png").rename(folder / "wide.png")
    (folder / "letter.png").write_text("Dear Sir")
    code, err = gallery(folder / "wide.png", "--channels", "conv1:0-0", "--patches", folder)
    assert code == 0 and "letter.png" in err and "it is left out" in err
    middle = pictures.load(tmp_path / "out" / "photo.png")
    assert middle.shape == (64, 64, 3) and middle.min() > 190


def test_the_seed_is_of_the_noise_and_of_the_jitter(gallery: Any, run: Any, tmp_path: Path) -> None:
    gallery("--seed", 7)
    recipe = json.loads(read_recipe(tmp_path / "out" / "pictures" / "conv1-noise.png"))
    assert recipe["seed"] == 7
    assert np.array_equal(
        pictures.load(tmp_path / "out" / "noise.png"), pictures.to_bytes(pink_noise((64, 64), 7))
    )

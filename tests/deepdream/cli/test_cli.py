"""The command line: what it writes and says."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.settings import DREAM


@pytest.mark.parametrize("name", ["dream.png", "dream.jpg"])
def test_dream_writes_the_picture_and_says_where(name, run, photo, tmp_path, fast):
    out = tmp_path / name
    code, said, progress = run("dream", photo, "-o", out, "--seed", 3, *fast)
    assert code == 0 and progress == ""  # where stderr is no terminal
    assert f"wrote {out}" in said and "end inception_4c/output, seed 3" in said
    assert pictures.load(out).shape == (90, 120, 3)


def test_the_recipe_has_every_setting(run, photo, tmp_path, small, fast):
    from netfile.system.files import file_sha1

    out = tmp_path / "dream.png"
    run(
        "dream", photo, "-o", out, "--seed", 3, "--end", "inception_3b/output", "--jitter", 7, *fast
    )
    recipe = json.loads(pictures.read_recipe(out))
    assert recipe["settings"] == {
        "end": "inception_3b/output",
        "iterations": 1,
        "octaves": 2,
        "octave_scale": DREAM.octave_scale,
        "step_size": DREAM.step_size,
        "jitter": 7,
        "clip": True,
        "objective": "",
        "smooth": "",
    }
    assert recipe["seed"] == 3
    assert recipe["version"] == 1
    assert recipe["files"] == [{"role": "image", "name": "photo.png", "sha1": file_sha1(photo)}]
    assert recipe["model"]["weights_sha1"] == file_sha1(small.weights)
    assert {"name", "version"} <= set(recipe["engine"])
    if recipe["engine"]["name"] == "caffe_compat":
        assert recipe["engine"]["threads"] >= 1 and recipe["engine"]["arithmetic"] in (
            "fused",
            "separate",
        )


@pytest.mark.parametrize("guided", [False, True])
def test_replay_is_equal_to_the_bit(guided, run, photo, tmp_path, fast):
    out = tmp_path / "dream.png"
    run(
        "dream",
        photo,
        "-o",
        out,
        *fast,
        *(["--guide", photo, "--end", "inception_3b/output"] if guided else []),
    )
    code, said, _ = run("replay", out, "-o", tmp_path / "again.png")
    assert code == 0 and "equal to the bit" in said
    np.testing.assert_array_equal(pictures.load(tmp_path / "again.png"), pictures.load(out))


def test_replay_follows_a_moved_picture(run, photo, tmp_path, fast):
    out, moved = tmp_path / "dream.png", tmp_path / "moved.png"
    run("dream", photo, "-o", out, *fast)
    photo.rename(moved)
    code, _, said = run("replay", out)
    assert code == 2 and "is gone" in said and "--image" in said
    assert run("replay", out, "--image", moved)[0] == 0
    assert (tmp_path / "dream-replay.png").exists()


def test_a_recipe_does_not_tell_where_its_maker_lives(run, photo, tmp_path, fast):
    (tmp_path / "sub").mkdir()
    run("dream", photo, "-o", tmp_path / "sub" / "dream.png", *fast, "--guide", photo)
    text = pictures.read_recipe(tmp_path / "sub" / "dream.png")
    recipe = json.loads(text)
    assert [(file["role"], file["name"]) for file in recipe["files"]] == [
        ("image", "../photo.png"),
        ("guide", "../photo.png"),
    ]
    assert str(tmp_path) not in text and str(tmp_path.parent) not in text


def test_picture_and_source_can_move_together(run, photo, tmp_path, fast):
    run("dream", photo, "-o", tmp_path / "dream.png", *fast)
    (tmp_path / "elsewhere").mkdir()
    for name in ("photo.png", "dream.png"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    code, said, _ = run("replay", tmp_path / "elsewhere" / "dream.png")
    assert code == 0 and "equal to the bit" in said


def test_replay_refuses_another_source_picture(run, photo, tmp_path, fast):
    out = tmp_path / "dream.png"
    run("dream", photo, "-o", out, *fast)
    Image.new("RGB", (120, 90)).save(photo)
    code, _, said = run("replay", out)
    assert code == 2 and "is not the image it was made from" in said


def test_replay_of_a_picture_without_a_recipe(run, photo):
    code, _, said = run("replay", photo)
    assert code == 2 and "carries no recipe" in said


def test_seeds_differ_unless_given(run, photo, tmp_path, fast):
    for name in "ab":
        run("dream", photo, "-o", tmp_path / f"{name}.png", *fast)
    a, b = (json.loads(pictures.read_recipe(tmp_path / f"{name}.png"))["seed"] for name in "ab")
    assert a != b


def test_a_zoom_of_a_smaller_picture_replays(run, photo, tmp_path, fast):
    words = ["--frames", 2, "--seed", 1, "--max-size", 60]
    assert run("zoom", photo, "-o", tmp_path / "frames", *words, *fast)[0] == 0
    frame = tmp_path / "frames" / "0001.jpg"
    assert pictures.load(frame).shape == (45, 60, 3)
    code, said, _ = run("replay", frame, "-o", tmp_path / "again.jpg")
    assert code == 0 and "equal" in said


def test_zoom_writes_numbered_frames_that_replay(run, photo, tmp_path, fast):
    code, said, _ = run("zoom", photo, "-o", tmp_path / "frames", "--frames", 3, "--seed", 1, *fast)
    assert code == 0 and "wrote 3 frames" in said
    frames = sorted((tmp_path / "frames").iterdir())
    assert [f.name for f in frames] == ["0000.jpg", "0001.jpg", "0002.jpg"]
    assert len({f.read_bytes() for f in frames}) == 3
    code, said, _ = run("replay", frames[1])
    assert code == 0 and "equal to the bit" in said


def test_layers_lists_types_shapes_and_ends(run):
    code, said, _ = run("layers")
    assert code == 0
    rows = {line.split()[0]: line for line in said.splitlines()}
    assert rows["inception_3b/output"].split() == [
        "inception_3b/output",
        "Concat",
        "12",
        "x",
        "8",
        "x",
        "8",
        "yes:",
        "3b",
    ]
    assert rows["relu1"].endswith("no: in place on conv1")
    assert "(default)" in rows["inception_4c/output"]


def test_defaults_shown_by_help_are_those_of_settings():
    help_text = subprocess.run(
        [sys.executable, "-m", "deepdream", "dream", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    text = " ".join(help_text.split())
    assert f"another default (default {DREAM.iterations})" in text
    assert f"in grey levels (default {DREAM.step_size})" in text


def test_help_and_import_do_not_load_scipy_numba_or_an_engine():
    heavy = ("scipy", "numba", "caffe", "caffe_compat.net")
    code = (
        "import sys, deepdream; from deepdream.cli.main import parser; parser(); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )

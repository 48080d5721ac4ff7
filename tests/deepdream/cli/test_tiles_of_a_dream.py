"""Dreams by tiles, from the command line to the recipe and back."""

import json

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.dream.octaves import Progress
from deepdream.errors import ShortOfMemoryError
from deepdream.nets import memory
from deepdream.request.memory_watch import MemoryWatch
from netfile.memory import Free


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.png"
    rng = np.random.RandomState(2)
    Image.fromarray(rng.randint(0, 256, (300, 400, 3)).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def refused(run, large, tmp_path):
    """Dream with options that must be refused; returns the one line."""

    def call(*options):
        code, _, err = run("dream", large, "-o", tmp_path / "out.png", *options)
        assert code == 2 and len(err.strip().splitlines()) == 1, (code, err)
        assert list(tmp_path.iterdir()) == [large]
        return err

    return call


@pytest.fixture
def little(monkeypatch):
    """As much memory as a part of the picture takes."""
    free = Free(13_500_000, "available in this machine")
    monkeypatch.setattr(memory, "free", lambda: free)
    monkeypatch.setattr("netfile.memory.resident", lambda: 0)


def test_a_picture_too_large_for_the_memory_is_dreamt_on_by_tiles_and_replays(
    run, large, tmp_path, fast, little, monkeypatch
):
    out, again = tmp_path / "out.png", tmp_path / "again.png"
    code, said, err = run("dream", large, "-o", out, "--seed", 3, "--octaves", 2, *fast)
    assert code == 0 and "by tiles of " in said, err
    tile = json.loads(pictures.read_recipe(out))["tile"]
    assert f"by tiles of {tile['width']}x{tile['height']}" in said
    monkeypatch.setattr(memory, "free", lambda: None)
    code, said, err = run("replay", out, "-o", again)
    assert code == 0 and "equal to the bit" in said, err
    whole = tmp_path / "whole.png"
    code, said, _ = run("dream", large, "-o", whole, "--seed", 3, "--octaves", 2, *fast)
    assert code == 0 and "tiles" not in said and "tile" not in pictures.read_recipe(whole)
    assert np.abs(pictures.load(out) - pictures.load(whole)).max() <= 1


def test_a_replay_that_needs_tiles_where_there_were_none_says_so(
    run, large, tmp_path, fast, monkeypatch
):
    out = tmp_path / "out.png"
    assert run("dream", large, "-o", out, "--seed", 3, "--octaves", 2, *fast)[0] == 0
    monkeypatch.setattr("netfile.memory.resident", lambda: 0)
    code, said, err = run("replay", out, "-o", tmp_path / "again.png", "--memory", "13M")
    assert code == 0 and "tile width: was None, is " in said + err


def test_a_guide_and_a_mask_go_by_tiles(run, large, photo, tmp_path, fast, little):
    out = tmp_path / "out.png"
    code, said, err = run("dream", large, "-o", out, "--guide", photo, "--mask", photo, *fast)
    assert code == 0 and "by tiles of " in said, err


@pytest.mark.parametrize("size", ["0", "12", "1K", "-3G", "9e99G", "2000T", "nan", "١G", "", "G"])
def test_a_size_of_memory_that_makes_no_sense_is_one_line(size, refused):
    said = refused(f"--memory={size}")
    assert "must be such as 2G or 800M, from 1M to 1000T" in said and repr(size) in said


def test_too_little_for_a_single_tile_is_said_with_both_values(refused, monkeypatch):
    monkeypatch.setattr("netfile.memory.resident", lambda: 0)
    said = refused("--memory", "8M")
    assert "the smallest tile, " in said and "8 MB are left of the 8 MB allowed" in said


def test_memory_that_others_take_ends_the_dream_and_keeps_the_picture(monkeypatch):
    monkeypatch.setattr("netfile.memory.resident", lambda: 1000)
    monkeypatch.setattr(memory, "free", lambda: Free(10**9, "left"))
    watch = MemoryWatch(2 * 10**9)
    picture = np.zeros((2, 2, 3), np.float32)
    watch(Progress(1, 2, 1, 3, (2, 2)))  # the next step takes what there is already
    watch(Progress(2, 2, 3, 3, (2, 2)))  # nothing follows
    with pytest.raises(ShortOfMemoryError, match="2.0 GB more memory, and 1.0 GB are left") as e:
        watch(Progress(1, 2, 3, 3, (2, 2), lambda: picture))
    assert e.value.picture is picture


def test_the_picture_that_is_kept_is_named(run, large, tmp_path, fast, little, monkeypatch):
    def short(watch, p):
        raise ShortOfMemoryError("what follows takes 2 GB", picture=p.picture)

    monkeypatch.setattr(MemoryWatch, "__call__", short)
    code, _, err = run("dream", large, "-o", tmp_path / "out.png", *fast)
    kept = tmp_path / "out-last-good.png"
    assert code == 2 and f"the last good picture is {kept}" in err and kept.is_file()
    assert "--memory bounds what is taken" in err and not (tmp_path / "out.png").exists()

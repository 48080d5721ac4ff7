"""Dreams by tiles, from the command line to the recipe and back."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from deepdream import nets, pictures
from deepdream.dream.octaves import Progress
from deepdream.errors import ShortOfMemoryError
from deepdream.nets import memory
from deepdream.request.memory_watch import MemoryWatch
from netfile.system.memory import Free


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
    monkeypatch.setattr("netfile.system.memory.resident", lambda: 0)


@pytest.mark.parametrize("in_files", [True, False])
def test_a_picture_too_large_for_the_memory_is_dreamt_on_by_tiles_and_replays(
    run, large, tmp_path, fast, little, monkeypatch, in_files
):
    if not in_files:
        monkeypatch.setattr(memory, "is_much", lambda *args: False)
    out, again = tmp_path / "out.png", tmp_path / "again.png"
    code, said, err = run("dream", large, "-o", out, "--seed", 3, "--octaves", 2, *fast)
    assert code == 0 and "by tiles of " in said, err
    assert (f"they are in files in {tmp_path}" in said) == in_files
    code, said, err = run("replay", out, "-o", tmp_path / "as it was.png")
    assert code == 0 and "equal to the bit" in said, err
    assert ("in files in" in said) == in_files
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
    monkeypatch.setattr("netfile.system.memory.resident", lambda: 0)
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
    monkeypatch.setattr("netfile.system.memory.resident", lambda: 0)
    said = refused("--memory", "1M")
    assert "the smallest tile, " in said and "1 MB are left of the 1 MB allowed" in said


def test_memory_that_others_take_ends_the_dream_and_keeps_the_picture(monkeypatch):
    monkeypatch.setattr("netfile.system.memory.resident", lambda: 1000)
    monkeypatch.setattr(memory, "free", lambda: Free(10**9, "left"))
    watch = MemoryWatch(2 * 10**9)
    picture = np.zeros((2, 2, 3), np.float32)
    watch(Progress(1, 2, 1, 3, (2, 2)))  # the next step takes what there is already
    watch(Progress(2, 2, 3, 3, (2, 2)))  # nothing follows
    with pytest.raises(ShortOfMemoryError, match="2.0 GB more memory, and 1.0 GB are left") as e:
        watch(Progress(1, 2, 3, 3, (2, 2), lambda: picture))
    assert e.value.picture is picture


def test_memory_that_falls_within_a_step_ends_it_with_the_picture_before_it(
    run, large, tmp_path, fast, little, monkeypatch
):
    """Others take all that is free before the second tile."""
    asked = []

    def before_tile(watch):
        asked.append(watch)
        if len(asked) == 2:
            monkeypatch.setattr(memory, "free", lambda: Free(1000, "available in this machine"))
        before(watch)

    before = MemoryWatch.before_tile
    monkeypatch.setattr(MemoryWatch, "before_tile", before_tile)
    code, _, err = run("dream", large, "-o", tmp_path / "out.png", *fast, "--octaves", 1)
    assert code == 2 and len(asked) == 2 and err.count("\n") == 1, err
    assert "octave 1 of 1, step 1 of 1: what follows takes" in err and "0 MB are available" in err
    kept = pictures.load(tmp_path / "out-last-good.png")
    np.testing.assert_array_equal(kept, pictures.load(large))


def test_what_is_free_is_not_taken_to_the_last_byte(monkeypatch):
    left = [10**9]
    monkeypatch.setattr("netfile.system.memory.resident", lambda: 1000)
    monkeypatch.setattr(memory, "free", lambda: Free(left[0], "left"))
    watch = MemoryWatch(10**6)
    left[0] = 11 * 10**6
    watch.before_tile()
    left[0] = 9 * 10**6
    with pytest.raises(ShortOfMemoryError, match="takes 10 MB more memory, and 9 MB are left"):
        watch.before_tile()


def test_the_picture_that_is_kept_is_named(run, large, tmp_path, fast, little, monkeypatch):
    def short(watch, p):
        raise ShortOfMemoryError("what follows takes 2 GB", picture=p.picture)

    monkeypatch.setattr(MemoryWatch, "__call__", short)
    code, _, err = run("dream", large, "-o", tmp_path / "out.png", *fast)
    kept = tmp_path / "out-last-good.png"
    assert code == 2 and f"the last good picture is {kept}" in err and kept.is_file()
    assert "--memory bounds what is taken" in err and not (tmp_path / "out.png").exists()


def made(run, large, out, *options):
    code, said, err = run("dream", large, "-o", out, "--seed", 3, *options)
    assert code == 0, err
    return said


def in_memory_by_the_tiles_of(out, monkeypatch):
    """Let all dreams have the tiles of this one, and as much memory as they like."""
    tile = json.loads(pictures.read_recipe(out))["tile"]
    settled = nets.Tiling((tile["height"], tile["width"]))
    monkeypatch.setattr(nets, "Tiling", lambda most: settled)
    monkeypatch.setattr(memory, "free", lambda: None)


@pytest.mark.parametrize("options", [
    ("--keep-colours",), ("--smooth", "laplacian+natural"), ("--max-size", 300), ("--no-clip",),
])  # fmt: skip
def test_a_dream_in_files_is_the_one_in_memory(
    options, run, large, tmp_path, fast, little, monkeypatch
):
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    free = memory.free().bytes if "--max-size" not in options else 7 * 10**6
    monkeypatch.setattr(memory, "free", lambda: Free(free, "available in this machine"))
    assert "in files in" in made(run, large, one, *options, *fast)
    in_memory_by_the_tiles_of(one, monkeypatch)
    assert "in files in" not in made(run, large, other, *options, *fast)
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_what_a_dream_in_files_shows_of_its_steps(run, large, tmp_path, fast, little, monkeypatch):
    def steps(name):
        folder, film = tmp_path / name, tmp_path / f"{name}.gif"
        how = ("--save-steps", folder, "--save-every", 1, "--animate", film, *fast)
        said = made(run, large, tmp_path / f"{name}.png", *how)
        frames = [path.read_bytes() for path in sorted(folder.iterdir())]
        return said, [*frames, film.read_bytes()]

    said, in_files = steps("one")
    assert "in files in" in said and len(in_files) == 4
    in_memory_by_the_tiles_of(tmp_path / "one.png", monkeypatch)
    said, in_memory = steps("other")
    assert "by tiles of" in said and "in files in" not in said
    assert in_files == in_memory


def test_files_are_where_tmpdir_says(run, large, tmp_path, fast, little, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    assert f"in files in {tmp_path / 'elsewhere'}" in made(run, large, tmp_path / "x.png", *fast)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_disk_without_room_for_the_files_is_one_line(refused, little, monkeypatch, tmp_path):
    usage = shutil.disk_usage(tmp_path)._replace(free=10**7)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    said = refused()
    assert f"{tmp_path}: has 10 MB free, what the dream keeps in files may take " in said


def test_a_format_that_takes_too_much_memory_is_refused(refused, little, run, large, tmp_path):
    said = refused("-o", tmp_path / "x.webp")
    assert "too large for the memory at once, as WEBP files are written; choose .png" in said

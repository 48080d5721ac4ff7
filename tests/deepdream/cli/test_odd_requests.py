"""Requests that are odd but come up: names that a shell left empty, files in a folder's place,
numbers that no recipe holds, names with line ends."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from deepdream import pictures
from deepdream.cli import results
from deepdream.errors import NotFiniteError, RecipeError
from deepdream.nets import find
from deepdream.request.notes import note
from netfile.terminal import counted


@pytest.fixture
def refused(run):
    """Call the command line with a request that cannot be met; its one line on stderr."""

    def call(*words):
        code, _, err = run(*words)
        assert code == 2 and err.count("\n") == 1 and len(err) < 1000, err
        return err

    return call


@pytest.mark.parametrize("words", [
    "dream @ -o x.png", "dream p.png -o @", "dream p.png -o x.png --guide @",
    "dream p.png -o x.png --mask @", "dream p.png -o x.png --model @", "zoom p.png -o @",
    "dream p.png -o x.png --mean @", "replay @", "replay p.png --image @", "replay p.png --model @",
    "match p.png -o x.png --to @", "match p.png -o x.png --enhance @", "heatmap p.png --class @",
    "match p.png -o x.png --to p.png --plot @", "compare p.png --record @",
    "compare p.png --with @", "classes @ -o f", "evaluate @ -o f", "models get @",
    "models get x --from @",
])  # fmt: skip
def test_an_empty_name_is_said_to_be_one(words, refused):
    assert "must not be empty" in refused(*("" if w == "@" else w for w in words.split()))


@pytest.mark.parametrize("words", [
    "dream --iterations 1000001", "dream --step-size 1e7", "dream --octave-scale 1001",
    "dream --octaves 65", "dream --input-scale 1e10", "dream --input-scale 1e-10",
    "zoom --frames 1000001", "zoom --scale 0.9995", "match --to p.png --weight 1e16",
    "match --to p.png --evaluations 1000001", "match --to p.png --octave-scale 1001",
])  # fmt: skip
def test_an_option_takes_the_numbers_that_a_recipe_holds(words, refused):
    command, *options = words.split()
    err = refused(command, "p.png", "-o", "x.png", *options)
    assert f"argument {options[-2]}" in err and "at most" in err


def test_a_mean_far_from_all_colours_is_recorded(photo, run, tmp_path, fast):
    out = tmp_path / "x.png"
    assert run("dream", photo, "-o", out, "--mean", "200000", *fast)[0] == 0
    assert '"mean": [200000.0]' in pictures.read_recipe(out)


def test_a_path_is_no_name_of_a_model(small_folder, monkeypatch):
    monkeypatch.chdir(small_folder)
    assert find(".").deploy.samefile(small_folder / "deploy.prototxt")
    (small_folder / "inner").mkdir()
    monkeypatch.chdir(small_folder / "inner")
    assert find("..").deploy.samefile(small_folder / "deploy.prototxt")


def test_a_file_given_for_a_model(refused, small_folder):
    for name in ("deploy.prototxt", "small.caffemodel"):
        err = refused("layers", "--model", small_folder / name)
        assert f"{name}: is a file; give the folder" in err


def test_names_with_line_ends_are_told_in_one_line(photo, run, tmp_path, fast):
    code, said, _ = run("dream", photo, "-o", tmp_path / "a\nb.png", *fast)
    assert code == 0 and said.splitlines()[-1] == f"wrote {tmp_path}/a\\nb.png"
    code, said, _ = run("replay", tmp_path / "a\nb.png")
    assert code == 0 and "equal to the bit" in said.splitlines()[-1]
    assert all(line.startswith(("reads", "makes", "wrote", " ", "/")) for line in said.splitlines())


def test_one_thing_is_not_many(photo, run, tmp_path, fast):
    assert [counted(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    said = run("zoom", photo, "-o", tmp_path / "z", "--frames", 1, *fast)[1]
    assert said.splitlines()[-1] == f"wrote 1 frame into {tmp_path / 'z'}"


@pytest.fixture
def five_classes(small_folder, tmp_path):
    """A model whose readme names five classes, one more than its net has."""
    folder = tmp_path / "five"
    shutil.copytree(small_folder, folder)
    readme = (folder / "readme.md").read_text()
    names = "classes: ['ape', 'cow', 'cow', 'dog\\x1b[2J', 'eel']\nmean"
    (folder / "readme.md").write_text(readme.replace("mean", names))
    return folder


def test_a_class_that_the_net_has_not_is_found_before_the_work(
    photo, refused, five_classes, tmp_path, engine_name, monkeypatch
):
    from deepdream.studies import heatmap

    monkeypatch.setattr(heatmap, "class_map", None)
    words = ["--model", five_classes, "--engine", engine_name]
    missing = 'the net has 4 classes in "fc", from 0 to 3, no 4'
    score = ["dream", photo, "-o", tmp_path / "x.png", "--objective", 'score("eel")']
    assert missing in refused(*score, *words)
    assert missing in refused("heatmap", photo, "--class", "eel", *words)
    assert missing in refused("classes", "eel", "-o", tmp_path / "c", *words)
    assert "did you mean cow? it has" in refused("classes", "cov", "-o", tmp_path / "c", *words)


def test_what_a_class_picture_tells_can_be_read_again(
    run, refused, five_classes, tmp_path, engine_name
):
    words = ["--model", five_classes, "--engine", engine_name, "--method", "simonyan"]
    code, said, err = run("classes", 3, "-o", tmp_path / "c", "--seeds", 1, *words)
    assert code == 0 and "wrote 1 picture and" in said, err
    (out,) = (tmp_path / "c").glob("dog*.png")
    assert '"class": "dog?[2J"' in pictures.read_recipe(out)
    assert run("replay", out)[1].endswith("equal to the bit\n")
    with pytest.raises(RecipeError, match="the picture cannot record this: it is"):
        note("deepdream match", [])


@pytest.mark.parametrize("role", ["guide", "mask"])
def test_a_picture_that_has_no_place_in_a_recipe(role, photo, run, refused, tmp_path, fast):
    out = tmp_path / "x.png"
    assert run("dream", photo, "-o", out, *fast)[0] == 0
    assert f"was made without a {role}, so" in refused("replay", out, f"--{role}", photo)


def test_the_last_good_picture_is_kept_under_a_shorter_name(tmp_path):
    out = tmp_path / ("\U0001f600" * 62 + ".png")  # 252 bytes
    error = NotFiniteError("no", picture=np.zeros((2, 2, 3), np.float32))
    results.keep_last_good(out, error)
    (kept,) = tmp_path.iterdir()
    assert str(kept) in str(error) and Image.open(kept).size == (2, 2)


def test_a_csv_that_is_none(refused, photo, tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    bad = tmp_path / "bad.csv"
    out = tmp_path / "out"
    assert "a PNG picture, given where a CSV goes" in refused("evaluate", photo, "-o", out)
    bad.write_text("")
    assert "names no pictures" in refused("evaluate", bad, "-o", out)
    bad.write_text(f"{'x' * 200_000},1")
    assert "bad.csv: is no CSV (field larger" in refused("evaluate", bad, "-o", out)
    os.mkfifo(tmp_path / "pipe")
    assert "a pipe or a device, given" in refused("evaluate", tmp_path / "pipe", "-o", out)


def test_a_folder_is_no_mean_file(refused, photo, tmp_path, fast):
    (tmp_path / "mean.npy").mkdir()
    words = ["dream", photo, "-o", tmp_path / "x.png", *fast, "--mean"]
    assert "mean.npy: a folder, given where a mean" in refused(*words, tmp_path / "mean.npy")
    assert ": gone.npy: no such file" in refused(*words, "gone.npy")


def test_a_link_to_no_folder(refused, photo, tmp_path, fast):
    (tmp_path / "link").symlink_to("gone")
    err = refused("zoom", photo, "-o", tmp_path / "link", *fast)
    assert "link: is a link to a folder that is not there" in err


def test_a_weight_that_leaves_nothing_else(run, photo, tmp_path, small_folder, engine_name):
    words = ["--model", small_folder, "--engine", engine_name, "--octaves", 1, "--weight", 1e15]
    words += ["-o", tmp_path / "x.png", "--enhance", "multiply:2"]
    code, _, err = run("match", photo, *words)
    assert code == 2 and "1e+15 at the start, 4e+15 times the data" in err

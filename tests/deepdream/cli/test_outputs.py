"""Where results go: never over an input, over a file only when asked; what was made is kept."""

import os
import shutil

import pytest

from deepdream import pictures
from deepdream.cli import growing
from deepdream.cli.commands import dream as dream_command
from deepdream.dream import octaves
from deepdream.errors import NotFiniteError
from deepdream.request import job


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def refused(run):
    """Call the command line with a request that is refused before any step; returns stderr."""

    def call(*words):
        code, _, err = run(*words)
        assert code == 2 and err.count("\n") == 1, err
        return err

    return call


def test_a_dream_never_replaces_its_source(photo, refused, tmp_path, monkeypatch, fast):
    before = photo.read_bytes()
    (tmp_path / "link.png").symlink_to(photo)
    os.link(str(photo), str(tmp_path / "hard.png"))
    monkeypatch.chdir(tmp_path)
    spellings = (photo, photo.name, f"../{tmp_path.name}/{photo.name}", "link.png", "hard.png")
    for out in spellings:
        assert "an input of this very run" in refused("dream", photo, "-o", out, *fast)
        assert "an input" in refused("dream", photo, "-o", out, "--overwrite", *fast)
    other = tmp_path / "mask.png"
    shutil.copy(str(photo), str(other))
    for role in ("--guide", "--mask"):
        words = ["dream", photo, role, other, "-o", other, "--overwrite", *fast]
        assert "an input" in refused(*words)
    objective = 'l2("conv1").within("mask.png")'
    words = ["dream", photo, "--objective", objective, "-o", other, "--overwrite", *fast]
    assert "an input" in refused(*words)
    assert photo.read_bytes() == other.read_bytes() == before


def test_a_file_is_replaced_only_when_asked(photo, run, refused, tmp_path, fast):
    out = tmp_path / "out.png"
    out.write_text("mine")
    assert "exists already; choose another name; --overwrite replaces it" in refused(
        "dream", photo, "-o", out, *fast
    )
    assert out.read_text() == "mine"
    assert run("dream", photo, "-o", out, "--overwrite", *fast)[0] == 0
    assert pictures.read_recipe(out)


COMMANDS = {
    "match": ["match", "{photo}", "--enhance", "multiply:2", "-o", "{there}.png"],
    "plot": [
        "match", "{photo}", "--enhance", "multiply:2", "-o", "new.png", "--plot", "{there}.svg",
    ],
    "heatmap": ["heatmap", "{photo}", "--class", "1", "-o", "{there}.png"],
    "replay": ["replay", "{photo}", "-o", "{there}.png"],
    "compare": ["compare", "{photo}", "-o", "{there}.html"],
    "record": ["compare", "{photo}", "--record", "{there}.png"],
    "models get": ["models", "get", "{folder}", "--trust", "--from", "{photo}"],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_an_existing_file(command, photo, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "readme.md").write_text("---\nname: x\ncaffemodel: x.caffemodel\n---\n")
    there = [tmp_path / f"there{suffix}" for suffix in (".png", ".svg", ".html")]
    for path in [*there, folder / "x.caffemodel"]:
        path.write_text("mine")
    values = {"photo": photo, "there": tmp_path / "there", "folder": folder}
    assert "exists already" in refused(*(word.format(**values) for word in COMMANDS[command]))
    assert all(path.read_text() == "mine" for path in [*there, folder / "x.caffemodel"])


def test_folders_of_results_replace_only_when_asked(photo, run, refused, tmp_path):
    (tmp_path / "pictures" / "bee").mkdir(parents=True)
    shutil.copy(str(photo), str(tmp_path / "pictures" / "bee"))
    (tmp_path / "predictions.csv").write_text("mine")
    pytest.importorskip("sklearn")
    words = ["evaluate", tmp_path / "pictures", "-o", tmp_path]
    assert "predictions.csv: exists already" in refused(*words)
    source = tmp_path / "predictions.csv"
    assert "an input" in refused("evaluate", source, "-o", tmp_path, "--overwrite")


def test_a_recording_leaves_folders_of_other_names(photo, run, small_folder, engine_name, tmp_path):
    mine = tmp_path / "r.partial"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    words = ["--model", small_folder, "--engine", engine_name, "--iterations", 1, "--octaves", 1]
    assert run("compare", photo, "--record", tmp_path / "r", *words)[0] == 0
    assert (mine / "notes.txt").read_text() == "mine" and names(tmp_path) == [
        photo.name, "r", "r.partial",
    ]  # fmt: skip


# ---- after the dream


def test_a_file_that_came_meanwhile_stays_and_the_picture_is_kept(
    photo, run, tmp_path, monkeypatch, fast
):
    out = tmp_path / "out.png"
    finished = dream_command.progress.pictures

    def meanwhile(job, **how):
        yield from finished(job, **how)
        out.write_text("mine")

    monkeypatch.setattr(dream_command.progress, "pictures", meanwhile)
    code, _, err = run("dream", photo, "-o", out, *fast)
    said = err.splitlines()[-1]
    assert code == 2 and f"the picture is {tmp_path / 'out-2.png'}" in said
    assert out.read_text() == "mine" and pictures.read_recipe(tmp_path / "out-2.png")


def test_a_folder_that_went_meanwhile_does_not_lose_the_picture(
    photo, run, tmp_path, monkeypatch, fast
):
    folder, here = tmp_path / "folder", tmp_path / "here"
    folder.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    finished = dream_command.progress.pictures

    def meanwhile(job, **how):
        yield from finished(job, **how)
        folder.rmdir()

    monkeypatch.setattr(dream_command.progress, "pictures", meanwhile)
    code, _, err = run("dream", photo, "-o", folder / "out.png", *fast)
    assert code == 2 and "the picture is out-2.png" in err.splitlines()[-1]
    assert pictures.read_recipe(here / "out-2.png")


@pytest.mark.parametrize("name, text, message", [
    ("x.jpg", "x" * 70000, "the recipe has 70000 characters, and a JPEG holds"),
    ("x" * 300 + ".png", "", "File name too long"),
    ("x.bmp", "", 'unknown format ".bmp"'),
])  # fmt: skip
def test_what_cannot_be_saved_is_found_before_the_first_step(
    name, text, message, photo, refused, tmp_path, monkeypatch
):
    monkeypatch.setattr("deepdream.cli.batch.picture.recipe", lambda *args: text)
    assert message in refused("dream", photo, "-o", tmp_path / name)
    assert names(tmp_path) == [photo.name]


def test_a_full_disk_is_found_before_the_first_step(photo, refused, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    assert "has 0 MB free" in refused("dream", photo, "-o", tmp_path / "x.png")
    assert "100 pictures may take" in refused("zoom", photo, "-o", tmp_path / "frames")
    assert names(tmp_path) == [photo.name]


# ---- the zoom


def zoom(run, photo, folder, frames, *words):
    options = ["--iterations", 1, "--octaves", 1, "--seed", 1]
    return run("zoom", photo, "-o", folder, "--frames", frames, *options, *words)


def test_frames_of_two_runs_never_mix(photo, run, tmp_path):
    folder = tmp_path / "frames"
    assert zoom(run, photo, folder, 3)[0] == 0
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    for words in ([2], [3], [4], [2, "--overwrite"]):
        code, _, err = zoom(run, photo, folder, *words, "--seed", 9)
        assert code == 2 and err.count("\n") == 1, err
        assert {name: (folder / name).read_bytes() for name in names(folder)} == before
    assert "0002.jpg for one, which would stay among the new ones" in err
    assert zoom(run, photo, folder, 3, "--overwrite", "--seed", 9)[0] == 0
    assert names(folder) == sorted(before)
    assert not any((folder / name).read_bytes() == before[name] for name in before)


def test_all_frames_have_as_many_digits():
    assert growing.frame_names(10000, ".jpg")[9] == "0009.jpg"
    assert growing.frame_names(10001, ".jpg")[9] == "00009.jpg"


def test_a_zoom_hashes_each_file_once(photo, run, tmp_path, monkeypatch):
    hashed, file_sha1 = [], job.file_sha1
    monkeypatch.setattr(job, "file_sha1", lambda path: hashed.append(path) or file_sha1(path))
    assert zoom(run, photo, tmp_path / "frames", 3)[0] == 0
    assert len(hashed) == len(set(map(str, hashed))) == 3
    said = run("replay", tmp_path / "frames" / "0002.jpg", "-o", tmp_path / "again.jpg")[1]
    assert said.endswith("equal to the bit\n")


def test_numbers_that_break_leave_the_frames_and_the_last_good_picture(
    photo, run, tmp_path, monkeypatch
):
    steps, make_step = [], octaves.make_step

    def breaking(net, **settings):
        steps.append(1)
        if len(steps) > 2:
            raise NotFiniteError("the gradient is not a number", step_size=1.5)
        make_step(net, **settings)

    monkeypatch.setattr(octaves, "make_step", breaking)
    folder = tmp_path / "frames"
    code, _, err = zoom(run, photo, folder, 5)
    said = err.splitlines()[-1]
    assert (
        code == 2 and "frame 3 of 5" in said and f"the 2 frames before it are in {folder}" in said
    )
    assert f"the last good picture is {folder / '0002-last-good.jpg'}" in said
    assert names(folder) == ["0000.jpg", "0001.jpg", "0002-last-good.jpg"]


def test_a_zoom_that_fails_at_once_leaves_no_folder(photo, run, tmp_path):
    zero = 'l2("conv1") - l2("conv1")'
    assert zoom(run, photo, tmp_path / "frames", 2, "--objective", zero)[0] == 2
    assert names(tmp_path) == [photo.name]

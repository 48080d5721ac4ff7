"""Long runs that are killed or stopped at any instant go on, and end as if nothing had been."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepdream import pictures
from deepdream.dream import class_pictures, octaves
from deepdream.request import journal as journals
from tests.support.kills import contents, kill_until_done

ROOT = Path(__file__).resolve().parents[3]
SHORT = ["--iterations", "1", "--octaves", "2", "--octave-scale", "1.2", "--seed", "3"]


@pytest.fixture
def own(small_folder, engine_name):
    return ["--model", str(small_folder), "--engine", engine_name]


@pytest.fixture
def quick(engine_name):
    """Whether a process may be forked often; OpenBLAS starts its threads anew in each."""
    return engine_name == "compat"


@pytest.mark.slow
def test_a_zoom_that_is_killed_anywhere_ends_as_one_that_is_not(run, photo, tmp_path, own, quick):
    words = ["--frames", 4, *SHORT, *own]
    whole, out = tmp_path / "whole", tmp_path / "frames"
    assert run("zoom", photo, "-o", whole, *words)[0] == 0
    rng, kills = random.Random(5), 0
    while kills < (12 if quick else 2):
        begin = ["zoom", photo, "-o", out, *words]
        kills += kill_until_done(rng, begin, out, 120)
        assert contents(out) == contents(whole)
        shutil.rmtree(str(out))


@pytest.mark.slow
def test_a_zoom_that_the_system_kills_goes_on(run, photo, tmp_path, own):
    whole, out = tmp_path / "whole", tmp_path / "frames"
    words = ["--frames", 3, *SHORT, *own, "--animate"]
    assert run("zoom", photo, "-o", whole, *words, tmp_path / "whole.gif")[0] == 0
    words = ["zoom", photo, "-o", out, *words, tmp_path / "other.gif", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "deepdream", *map(str, words)],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    for line in process.stdout:
        if json.loads(line)["event"] == "written":
            process.kill()
            break
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    code, _, err = run("zoom", photo, "-o", out, *SHORT, *own)
    assert code == 2 and f"{out}: holds an unfinished run; `deepdream resume {out}` goes on" in err
    assert err.count("\n") == 1
    code, said, err = run("resume", out)
    assert code == 0, err
    assert contents(out) == contents(whole)
    assert (tmp_path / "other.gif").read_bytes() == (tmp_path / "whole.gif").read_bytes()
    code, said, _ = run("resume", out)
    assert code == 0 and "is finished; there is nothing to do" in said


@pytest.fixture
def stopped(run, photo, tmp_path, own, monkeypatch):
    """A folder with a zoom of 3 frames that Ctrl-C has stopped in the second one."""
    out, taken, make_step = tmp_path / "frames", [], octaves.make_step

    def interrupted(net, **settings):
        taken.append(1)
        if len(taken) == 4:
            raise KeyboardInterrupt
        make_step(net, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(octaves, "make_step", interrupted)
        code, _, err = run("zoom", photo, "-o", out, "--frames", 3, *SHORT, *own)
    assert code == 130 and f"stopped; `deepdream resume {out}` goes on" in err
    return out


def test_ctrl_c_says_how_to_go_on_and_programs_hear_from_where(run, stopped, tmp_path):
    code, said, _ = run("resume", stopped, "--json")
    heard = [json.loads(line) for line in said.splitlines()]
    (resumed,) = (event for event in heard if event["event"] == "resume")
    assert code == 0 and (resumed["done"], resumed["total"]) == (1, 3)
    assert [event["frame"] for event in heard if event["event"] == "written"] == [1, 2]
    last = [event for event in heard if event["event"] == "progress"][-1]
    assert last["done"] == last["total"] and (last["picture"], last["pictures"]) == (3, 3)


def test_overwrite_begins_anew(run, stopped, photo, own, tmp_path):
    words = ["--frames", 3, *SHORT[:-1], 8, *own]
    assert run("zoom", photo, "-o", stopped, "--overwrite", *words)[0] == 0
    assert run("zoom", photo, "-o", tmp_path / "whole", *words)[0] == 0
    assert contents(stopped) == contents(tmp_path / "whole")


def test_a_second_process_is_refused_until_the_first_has_ended(run, stopped, photo, own):
    before = contents(stopped)
    with journals.inside(stopped).held():
        for words in (["resume", stopped], ["zoom", photo, "-o", stopped, "--overwrite", *own]):
            code, _, err = run(*words)
            assert code == 2 and "another process is working on this run" in err
    assert contents(stopped) == before
    assert run("resume", stopped)[0] == 0


def test_a_full_disk_keeps_the_run(run, stopped, monkeypatch):
    before, replace = contents(stopped), os.replace

    def full(source, target):
        if str(target).endswith((".npy", "reached.json")):
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        code, _, err = run("resume", stopped)
    said = err.splitlines()[-1]
    assert code == 2 and "No space left on device" in said and f"resume {stopped}` goes on" in said
    assert {name: data for name, data in contents(stopped).items() if name in before} == before
    assert run("resume", stopped)[0] == 0


def test_a_zoom_that_would_only_fail_again_leaves_no_journal(run, photo, tmp_path, own):
    zero = ["--objective", 'l2("conv1") - l2("conv1")']
    assert run("zoom", photo, "-o", tmp_path / "frames", *own, *zero)[0] == 2
    assert sorted(os.listdir(str(tmp_path))) == [photo.name]


def edited(folder, name, **changes):
    path = folder / ".deepdream-run" / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def other_photo(folder, photo):
    photo.write_bytes(photo.read_bytes() + b"\0")


def no_photo(folder, photo):
    photo.unlink()


def newer(folder, photo):
    edited(folder, "run.json", version=2)


def no_json(folder, photo):
    (folder / ".deepdream-run" / "reached.json").write_text("{")


def other_kind(folder, photo):
    edited(folder, "run.json", kind="dance")


def too_far(folder, photo):
    edited(folder, "reached.json", done=9)


def other_numbers(folder, photo):
    edited(folder, "reached.json", generator={"keys": [1]})


def other_array(folder, photo):
    path = folder / ".deepdream-run" / "1-frame.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def other_shape(folder, photo):
    journal = journals.inside(folder)
    journal.reach(1, np.random.RandomState(1).get_state(), {"frame": np.ones((2, 2), np.float32)})


def no_array(folder, photo):
    (folder / ".deepdream-run" / "1-frame.npy").unlink()


@pytest.mark.parametrize("change, said", [
    (other_photo, "is not the image it was made from (SHA1"),
    (no_photo, "the image it was made from is gone"),
    (newer, "its run is of version 2, and this deepdream goes on with those up to 1"),
    (no_json, "its journal cannot be read: it is no JSON"),
    (other_kind, "kind is 'dance', not \"zoom\""),
    (too_far, "its journal is at frame 9 of 3"),
    (other_numbers, "generator.keys is [1], not a list of 624"),
    (other_array, "is not what the run wrote; it was changed since"),
    (other_shape, "has float32 (2, 2), not float32 (90, 120, 3)"),
    (no_array, "1-frame.npy: cannot be read: No such file"),
])  # fmt: skip
def test_what_does_not_match_is_refused_in_one_line(change, said, run, stopped, photo):
    change(stopped, photo)
    before = contents(stopped)
    code, _, err = run("resume", stopped)
    assert code == 2 and said in err and err.count("\n") == 1, err
    assert contents(stopped) == before


def test_another_nets_weights_are_refused(run, photo, tmp_path, stopped, small_folder, caffe):
    other = tmp_path / "other"
    shutil.copytree(str(small_folder), str(other))
    net = caffe.Net(str(other / "deploy.prototxt"), caffe.TEST)
    net.save(str(other / "small.caffemodel"))
    code, _, err = run("resume", stopped, "--model", other)
    assert code == 2 and "small.caffemodel: is not the file it was made with (SHA1" in err


def test_a_photograph_that_has_moved_is_found_by_its_option(run, stopped, photo, tmp_path):
    moved = tmp_path / "moved.png"
    photo.rename(moved)
    assert run("resume", stopped, "--image", moved)[0] == 0
    assert len(contents(stopped)) == 3


@pytest.fixture
def few_steps(monkeypatch):
    octave = class_pictures.Octave(1.0, 3, (4.0, 2.0), (0, 0))
    monkeypatch.setitem(class_pictures.METHODS, "octaves", class_pictures.Method((octave,), 20, 2))


@pytest.mark.slow
def test_classes_that_are_killed_anywhere_end_as_those_that_are_not(
    run, tmp_path, own, few_steps, quick
):
    words = ["classes", 0, 1, 2, "--seeds", 2, *own]
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run(*words, "-o", whole)[0] == 0
    rng, kills = random.Random(5), 0
    while kills < (3 if quick else 1):
        kills += kill_until_done(rng, [*words, "-o", out], out, 150)
        assert contents(out) == contents(whole)
        shutil.rmtree(str(out))


@pytest.mark.slow
def test_a_match_that_is_killed_anywhere_ends_as_one_that_is_not(run, photo, tmp_path, own, quick):
    settings = ["--octaves", 3, "--octave-scale", "1.2", "--evaluations", 2, "--end", "3b"]
    words = ["match", photo, "--enhance", "multiply:2", *settings, *own]
    whole, folder = tmp_path / "whole", tmp_path / "folder"
    whole.mkdir()
    assert run(*words, "-o", whole / "out.png")[0] == 0
    rng, kills = random.Random(6), 0
    while kills < (3 if quick else 1):
        folder.mkdir()
        out = folder / "out.png"
        kills += kill_until_done(rng, [*words, "-o", out], out, 30)
        assert contents(folder) == contents(whole)
        shutil.rmtree(str(folder))


def test_pictures_of_match_and_classes_replay(run, photo, tmp_path, own, few_steps):
    settings = ["--octaves", 1, "--evaluations", 2, "--end", "3b"]
    assert run("match", photo, "-o", tmp_path / "m.jpg", *settings, *own)[0] == 0
    assert run("classes", 1, "--seeds", 2, "-o", tmp_path / "new", *own)[0] == 0
    for path in (tmp_path / "m.jpg", tmp_path / "new" / "1-1.png"):
        code, said, err = run("replay", path)
        assert code == 0 and said.endswith("equal to the bit\n"), err
        again = path.with_name(f"{path.stem}-replay{path.suffix}")
        assert pictures.read_recipe(again) == pictures.read_recipe(path)


@pytest.mark.parametrize("options, said", [
    (["--image", "PHOTO"], "was made without such a picture as"),
    (["--guide", "PHOTO"], "--guide: has no place in what match or classes has made"),
])  # fmt: skip
def test_what_a_picture_of_a_class_was_not_made_from(
    options, said, run, photo, tmp_path, own, few_steps
):
    run("classes", 1, "--seeds", 1, "-o", tmp_path / "new", *own)
    words = [photo if word == "PHOTO" else word for word in options]
    code, _, err = run("replay", tmp_path / "new" / "1-0.png", *words)
    assert code == 2 and said in err and err.splitlines()[-1].startswith("deepdream replay")


def test_older_pictures_of_match_say_what_made_them(run, photo, tmp_path, own):
    out = tmp_path / "m.png"
    run("match", photo, "-o", out, "--octaves", 1, "--evaluations", 1, *own)
    record = json.loads(pictures.read_recipe(out))
    for key in ("deploy_sha1", "files", "engine"):
        del record["deepdream match"][key]
    pictures.save(out, pictures.load(out), json.dumps(record))
    code, _, err = run("replay", out)
    assert code == 2 and "was made by an older `deepdream match`" in err and "quantile" in err


def test_what_a_killed_process_left_of_a_journal_is_removed(run, photo, tmp_path, own):
    out = tmp_path / "m.png"
    run("match", photo, "-o", out, "--octaves", 1, "--evaluations", 1, *own)
    for journal in (journals.inside(tmp_path), journals.beside(out)):
        journal.folder.mkdir()
        (journal.folder / "lock").touch()
        run("resume", journal.out)
        assert not journal.folder.exists()


def test_what_is_finished_has_nothing_to_do(run, photo, tmp_path, own, few_steps):
    run("match", photo, "-o", tmp_path / "m.png", "--octaves", 1, "--evaluations", 1, *own)
    run("classes", 1, "--seeds", 1, "-o", tmp_path / "new", *own)
    for out in (tmp_path / "m.png", tmp_path / "new"):
        code, said, _ = run("resume", out)
        assert code == 0 and "is finished; there is nothing to do" in said


@pytest.mark.parametrize("make, said", [
    (lambda path: None, "no such file or folder"),
    (lambda path: path.mkdir(), "holds no run that could go on"),
    (lambda path: path.write_text("mine"), "holds no run that could go on"),
])  # fmt: skip
def test_what_is_no_run_is_refused(make, said, run, tmp_path):
    make(tmp_path / "x")
    code, _, err = run("resume", tmp_path / "x")
    assert code == 2 and said in err and err.count("\n") == 1


def test_an_animation_that_would_lack_frames_is_not_made(run, stopped, tmp_path):
    edited(stopped, "run.json", animation={"path": str(tmp_path / "zoom.gif"), "side": 64})
    (stopped / "0000.jpg").unlink()
    code, _, err = run("resume", stopped)
    assert code == 0 and "zoom.gif is not made, since it would lack them" in err
    assert not (tmp_path / "zoom.gif").exists()


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animation_that_was_just_written_is_known_again(
    run, photo, tmp_path, own, monkeypatch, suffix
):
    out, film = tmp_path / "frames", tmp_path / f"zoom.{suffix}"
    ends = []

    def killed(journal):
        ends.append(1)
        if len(ends) == 2:  # the first is at the beginning
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(journals.Journal, "end", killed)
        words = ["zoom", photo, "-o", out, "--frames", 2, *SHORT, *own, "--animate", film]
        assert run(*words)[0] == 130
    whole = film.read_bytes()
    film.write_bytes(b"mine")
    code, _, err = run("resume", out)
    assert code == 2 and "exists already" in err and film.read_bytes() == b"mine"
    film.write_bytes(whole)
    assert run("resume", out)[0] == 0
    assert film.read_bytes() == whole and not journals.of(out).exists


def test_resume_replaces_what_is_in_the_way_only_where_that_is_wanted(run, stopped):
    frame = stopped / "0002.jpg"
    frame.write_bytes(b"mine")
    code, _, err = run("resume", stopped)
    assert code == 2 and "--overwrite replaces it" in err and frame.read_bytes() == b"mine"
    assert run("resume", stopped, "--overwrite")[0] == 0
    assert pictures.load(frame).shape == (90, 120, 3)

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

from deepdream import cli
from deepdream.dream import octaves
from deepdream.request import journal as journals

ROOT = Path(__file__).resolve().parents[3]
KILLED = 9
# what a process calls to write; a kill comes before or after one of these calls
CALLS = ("open", "mkdir", "replace", "link", "unlink", "fsync", "rmdir", "chmod")
SHORT = ["--iterations", "1", "--octaves", "2", "--octave-scale", "1.2", "--seed", "3"]


@pytest.fixture
def own(small_folder, engine_name):
    return ["--model", str(small_folder), "--engine", engine_name]


def contents(folder):
    """{name: bytes} of all files in a folder and below it."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def killed_at(number, words):
    """Run a command line in a forked process that dies, as by kill -9, at the call of this number.

    Returns the exit code: KILLED, or the command's own.
    """
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] >> 8
    calls = 0

    def dying(function):
        def call(*args, **how):
            nonlocal calls
            calls += 1
            if calls == number:
                os._exit(KILLED)
            made = function(*args, **how)
            if calls == -number:
                os._exit(KILLED)
            return made

        return call

    for name in CALLS:
        setattr(os, name, dying(getattr(os, name)))
    octaves.make_step = dying(octaves.make_step)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit(cli.main([str(word) for word in words]))


def kill_until_done(rng, begin, out, most):
    """Kill a run, and what goes on with it, again and again. Returns the number of kills."""
    words, kills = begin, 0
    while True:
        code = killed_at(rng.choice((-1, 1)) * rng.randrange(1, most), words)
        if code == 0:
            return kills
        assert code == KILLED
        kills += 1
        begun = journals.of(out).exists or list(Path(str(out)).glob("*.jpg"))
        words = ["resume", out] if begun else begin


def test_a_zoom_that_is_killed_anywhere_ends_as_one_that_is_not(run, photo, tmp_path, own):
    words = ["--frames", 4, *SHORT, *own]
    whole, out = tmp_path / "whole", tmp_path / "frames"
    assert run("zoom", photo, "-o", whole, *words)[0] == 0
    rng, kills = random.Random(5), 0
    while kills < 12:
        begin = ["zoom", photo, "-o", out, *words]
        kills += kill_until_done(rng, begin, out, 120)
        assert contents(out) == contents(whole)
        shutil.rmtree(str(out))


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
    assert code == 0 and "is finished, all 3 frames are made; there is nothing to do" in said


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

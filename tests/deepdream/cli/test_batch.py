"""`deepdream batch`: what is done is left as it is, and failures are in a table."""

import json
import os
import shutil
import signal

import pytest

from deepdream import pictures
from deepdream.dream import octaves
from deepdream.request import journal as journals

SHORT = ["--iterations", 1, "--octaves", 2, "--octave-scale", "1.2"]


@pytest.fixture
def photos(photo, tmp_path):
    """A folder of three photographs, of which no two are the same."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abc":
        pixels = pictures.load(photo)
        pixels[0, 0] = ord(name)
        pictures.save(folder / f"{name}.png", pixels)
    return folder


def facts(folder):
    """{name: what tells that a file was written again} of a folder."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_a_second_run_makes_what_is_not_done(run, photos, tmp_path):
    out = tmp_path / "dreams"
    code, said, err = run("batch", photos, "-o", out, *SHORT, "--guide", photos / "c.png")
    assert code == 0 and said.splitlines()[-1] == "3 of 3 pictures done", err
    (out / "b-dream.png").unlink()
    before = facts(out)
    code, said, _ = run("batch", photos, "-o", out, *SHORT, "--guide", photos / "c.png")
    assert code == 0 and "2 of 3 pictures are done already" in said
    assert said.splitlines()[-1] == "1 of 1 picture done"
    after = facts(out)
    assert sorted(after) == ["a-dream.png", "b-dream.png", "c-dream.png"]
    assert {name: after[name] for name in before} == before
    code, said, _ = run("batch", photos, "-o", out, *SHORT, "--guide", photos / "c.png")
    assert code == 0 and said.splitlines()[-1] == "3 of 3 pictures are done already"
    assert facts(out) == after


def test_a_batch_that_ctrl_c_stopped_goes_on_and_equals_one_that_was_not(
    run, photos, tmp_path, monkeypatch
):
    words = [*SHORT, "--octaves", 3, "--seed", 5]
    assert run("batch", photos, "-o", tmp_path / "whole", *words)[0] == 0
    out, taken, make_step = tmp_path / "dreams", [], octaves.make_step

    def interrupted(net, **settings):
        taken.append(1)
        if len(taken) == 5:
            signal.raise_signal(signal.SIGINT)
        make_step(net, **settings)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with monkeypatch.context() as patch:
        patch.setattr(octaves, "make_step", interrupted)
        assert run("batch", photos, "-o", out, *words)[0] == 130
    signal.signal(signal.SIGINT, before)
    assert "stopped" in json.loads(pictures.read_recipe(out / "b-dream.png"))
    assert run("batch", photos, "-o", out, *words)[0] == 0
    for path in (tmp_path / "whole").iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes()


def other_end(photos):
    return ["--end", "3b"]


def other_seed(photos):
    return ["--seed", 6]


def other_size(photos):
    return ["--max-size", 100]


def other_guide(photos):
    return ["--guide", photos / "a.png"]


def other_photo(photos):
    shutil.copy(str(photos / "b.png"), str(photos / "a.png"))
    return []


@pytest.mark.parametrize("change, said", [
    (other_end, "end was inception_4c/output, and is inception_3b/output"),
    (other_seed, "seed was 5, and is 6"),
    (other_size, "max_size was 0, and is 100"),
    (other_guide, "guide was [], and is ["),
    (other_photo, "image was ["),
])  # fmt: skip
def test_pictures_that_were_made_otherwise_are_in_the_way(change, said, run, photos, tmp_path):
    words = ["batch", photos, "-o", tmp_path / "dreams", *SHORT]
    assert run(*words, "--seed", 5)[0] == 0
    before = facts(tmp_path / "dreams")
    words = [*words, "--seed", 5, *change(photos)]
    code, _, err = run(*words)
    assert code == 2 and "was not made as it would be now" in err and said in err, err
    assert err.count("\n") == 1 and "--overwrite replaces it" in err
    assert facts(tmp_path / "dreams") == before
    assert run(*words, "--overwrite")[0] == 0
    after = facts(tmp_path / "dreams")
    assert sorted(after) == sorted(before) and after["a-dream.png"] != before["a-dream.png"]


def test_what_is_no_dream_is_in_the_way_and_stays(run, photos, tmp_path):
    out = tmp_path / "dreams"
    out.mkdir()
    (out / "b-dream.png").write_text("mine")
    code, _, err = run("batch", photos, "-o", out, *SHORT)
    assert code == 2 and "b-dream.png: is there already" in err
    assert os.listdir(str(out)) == ["b-dream.png"]


def test_failures_are_in_a_table_and_tried_again(run, photos, tmp_path):
    whole = (photos / "b.png").read_bytes()
    (photos / "b.png").write_bytes(whole[:200])
    words = ["batch", photos, "-o", tmp_path / "dreams", *SHORT]
    code, said, _ = run(*words)
    assert code == 1 and said.splitlines()[-2] == "2 of 3 pictures done; 1 failed"
    assert said.splitlines()[-1].startswith(str(photos / "b.png"))
    (photos / "b.png").write_bytes(whole)
    code, said, _ = run(*words)
    assert code == 0 and said.splitlines()[-1] == "1 of 1 picture done"


def test_an_objective_with_a_picture_is_known_again(run, photos, tmp_path):
    words = ["batch", photos, "-o", tmp_path / "dreams", *SHORT]
    words += ["--objective", f'guide("3b", "{photos / "a.png"}")']
    assert run(*words)[0] == 0
    assert run(*words)[1].splitlines()[-1] == "3 of 3 pictures are done already"


def test_a_second_process_on_the_folder_is_refused(run, photos, tmp_path):
    out = tmp_path / "dreams"
    with journals.inside(out).held():
        code, _, err = run("batch", photos, "-o", out, *SHORT)
    assert code == 2 and "another process is working on this run" in err


@pytest.mark.parametrize("words, said", [
    (["-", "-o", "x"], "would not know the standard input again"),
    (["photos", "-o", "photo.png"], "is a file, not a folder"),
])  # fmt: skip
def test_what_a_batch_cannot_do(words, said, run, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("batch", *words)
    assert code == 2 and said in err and err.count("\n") == 1

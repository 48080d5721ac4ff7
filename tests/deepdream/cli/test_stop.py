"""Ctrl-C: once keeps the picture so far, twice leaves at once."""

import json
import shutil
import signal

import numpy as np
import pytest

from deepdream import pictures
from deepdream.cli.batch.stop import Interrupt
from deepdream.dream import octaves
from deepdream.dream.octaves import StopDream, octave_sizes

WORDS = ["--octaves", 3, "--iterations", 2, "--octave-scale", "1.2", "--seed", 1]


@pytest.fixture
def ctrl_c_at(monkeypatch):
    """Let Ctrl-C come while steps of these numbers, counted from 1, are taken."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def come(*numbers):
        taken, make_step = [], octaves.make_step

        def interrupted(net, **settings):
            taken.append(1)
            for _ in range(numbers.count(len(taken))):
                signal.raise_signal(signal.SIGINT)
            make_step(net, **settings)

        monkeypatch.setattr(octaves, "make_step", interrupted)
        return taken

    yield come
    signal.signal(signal.SIGINT, before)


def test_a_dream_that_is_stopped_equals_one_without_the_steps_that_are_left(net, picture):
    taken = []

    def report(p):
        taken.append((p.octave, p.step))
        if taken[-1] == (2, 1):
            raise StopDream

    settings = dict(iter_n=2, octave_n=3, octave_scale=1.2)
    rng = np.random.RandomState
    made = octaves.deepdream(net, picture, rng=rng(1), report=report, **settings)
    assert taken == [(1, 1), (1, 2), (2, 1)] and made.shape == picture.shape

    # by hand: the detail of the octave before, as the next ones enlarge it
    sizes = octave_sizes(*picture.shape[:2], 3, 1.2)
    bases = [octaves.preprocess(net, picture)]
    bases += [octaves.zoomed_by(bases[-1], 1 / 1.2)]
    bases += [octaves.zoomed_by(bases[-1], 1 / 1.2)]
    assert [base.shape[-2:] for base in bases] == sizes
    one = rng(1)
    octaves.new_request(net)
    detail = np.zeros_like(bases[2])
    for base, steps in zip(bases[::-1], (2, 1, 0)):
        detail = octaves.zoomed(detail, base.shape[-2:])
        octaves.reshape_input(net, base.shape[-2:]).data[0] = base + detail
        for _ in range(steps):
            octaves.make_step(net, end="inception_4c/output", rng=one)
        detail = net.blobs["data"].data[0] - base
    np.testing.assert_array_equal(made, octaves.deprocess(net, net.blobs["data"].data[0]))


def test_once_keeps_the_picture_so_far_and_it_replays(run, photo, tmp_path, ctrl_c_at):
    out = tmp_path / "x.png"
    taken = ctrl_c_at(3)
    code, said, _ = run("dream", photo, "-o", out, *WORDS)
    assert code == 130 and len(taken) == 3
    assert "stopped after step 1 of octave 2; the picture so far is kept" in said
    assert f"wrote {out}" in said
    recipe = json.loads(pictures.read_recipe(out))
    assert recipe["stopped"] == {"octave": 2, "step": 1}
    whole, early = tmp_path / "whole.png", pictures.load(out)
    assert run("dream", photo, "-o", whole, *WORDS)[0] == 0
    assert (pictures.load(whole) != early).any() and (pictures.load(photo) != early).any()
    code, said, _ = run("replay", out)
    assert code == 0 and "3 steps" in said and said.endswith("equal to the bit\n")
    again = json.loads(pictures.read_recipe(tmp_path / "x-replay.png"))
    assert again["stopped"] == recipe["stopped"]


@pytest.mark.parametrize("numbers", [(1,), (3, 3), (2, 4)], ids=["before a step", "twice", "later"])
def test_before_a_step_or_twice_leaves_at_once(numbers, run, photo, tmp_path, ctrl_c_at):
    taken = ctrl_c_at(*numbers)
    code, _, err = run("dream", photo, "-o", tmp_path / "x.png", *WORDS)
    if numbers == (2, 4):  # the first one has stopped the dream by then
        assert code == 130 and len(taken) == 2 and (tmp_path / "x.png").exists()
        return
    assert code == 130 and "stopped; no partial files are left" in err
    assert [path.name for path in tmp_path.iterdir()] == [photo.name]
    assert len(taken) == numbers[0]


def test_at_the_last_step_nothing_is_left_to_stop(run, photo, tmp_path, ctrl_c_at):
    ctrl_c_at(6)
    out = tmp_path / "x.png"
    assert run("dream", photo, "-o", out, *WORDS)[0] == 0
    assert "stopped" not in json.loads(pictures.read_recipe(out))


def test_among_many_the_present_one_is_kept_and_the_rest_is_counted(
    run, photo, tmp_path, ctrl_c_at
):
    many = [photo, *(tmp_path / f"{name}.png" for name in "abc")]
    for path in many[1:]:
        shutil.copy(str(photo), str(path))
    ctrl_c_at(6 + 2)
    code, said, _ = run("dream", *many, *WORDS)
    assert code == 130 and said.splitlines()[-1] == "2 of 4 pictures done; 2 left"
    recipes = [json.loads(pictures.read_recipe(tmp_path / name))
               for name in ("photo-dream.png", "a-dream.png")]  # fmt: skip
    assert [recipe.get("stopped") for recipe in recipes] == [None, {"octave": 1, "step": 2}]
    assert not (tmp_path / "b-dream.png").exists()


def test_among_many_twice_leaves_those_that_were_done(run, photo, tmp_path, ctrl_c_at):
    shutil.copy(str(photo), str(tmp_path / "a.png"))
    ctrl_c_at(6 + 2, 6 + 2)
    code, said, _ = run("dream", photo, tmp_path / "a.png", *WORDS)
    assert code == 130 and said.splitlines()[-1] == "1 of 2 pictures done; 1 left"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.png", "photo-dream.png", "photo.png",
    ]  # fmt: skip


def test_a_program_that_was_told_to_ignore_ctrl_c_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupt():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with Interrupt():
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("stopped, said", [
    ({"octave": 4, "step": 1}, "stopped.octave is 4, but settings.octaves is 3"),
    ({"octave": 1, "step": 3}, "stopped.step is 3, but settings.iterations is 2"),
    ({"octave": 0, "step": 1}, "stopped.octave is 0, not a whole number from 1 to 64"),
    ({"octave": 1}, "stopped.step is missing"),
])  # fmt: skip
def test_a_recipe_that_stops_where_no_step_is(stopped, said, run, photo, tmp_path):
    out = tmp_path / "x.png"
    run("dream", photo, "-o", out, *WORDS)
    record = {**json.loads(pictures.read_recipe(out)), "stopped": stopped}
    pictures.save(out, pictures.load(out), json.dumps(record))
    code, _, err = run("replay", out)
    assert code == 2 and said in err

"""--json and --quiet: what a program reads, and what nobody does."""

import json

import pytest

from deepdream import cli
from deepdream.cli import events


@pytest.fixture
def listen(run):
    """Run a command with --json; returns (exit code, its events, stderr)."""

    def call(*words):
        code, out, err = run(*words, "--json")
        return code, [json.loads(line) for line in out.splitlines()], err

    return call


def kinds(heard):
    return list(dict.fromkeys(event["event"] for event in heard))


def test_a_dream_tells_its_start_its_steps_and_its_end(listen, photo, tmp_path, fast):
    out = tmp_path / "out.png"
    code, heard, err = listen("dream", photo, "-o", out, "--seed", 3, "--end", "3b", *fast)
    assert code == 0 and err == ""
    assert kinds(heard) == ["start", "progress", "written", "done"]
    start, *_ = heard
    assert (start["end"], start["objective"], start["seed"]) == ("inception_3b/output", None, 3)
    assert (start["width"], start["height"], start["image"]) == (120, 90, str(photo))
    step = [event for event in heard if event["event"] == "progress"][-1]
    assert (step["octave"], step["octaves"], step["step"], step["steps"]) == (2, 2, 1, 1)
    assert step["done"] == step["total"] and (step["width"], step["height"]) == (120, 90)
    assert heard[-2]["path"] == str(out) and heard[-1]["code"] == 0
    assert heard[-1]["seconds"] > 0


def test_a_zoom_tells_each_frame(listen, photo, tmp_path, fast):
    code, heard, _ = listen("zoom", photo, "-o", tmp_path / "new", "--frames", 2, *fast)
    frames = [event for event in heard if event["event"] == "written"]
    assert code == 0 and [frame["frame"] for frame in frames] == [0, 1]
    last = [event for event in heard if event["event"] == "progress"][-1]
    assert (last["picture"], last["pictures"]) == (2, 2)


def test_a_replay_tells_its_verdict(run, listen, photo, tmp_path, fast):
    run("dream", photo, "-o", tmp_path / "out.png", *fast)
    code, heard, _ = listen("replay", tmp_path / "out.png")
    (written,) = (event for event in heard if event["event"] == "written")
    assert code == 0 and written["verdict"] == "equal to the bit"
    assert {"message", "start", "progress", "done"} <= set(kinds(heard))
    (estimate,) = (event for event in heard if event["event"] == "estimate")
    assert estimate["seconds"] >= 0 and estimate["bytes"] > 120 * 90


def test_match_and_classes_tell_what_they_make(listen, photo, tmp_path, small_folder, engine_name):
    own = ["--model", small_folder, "--engine", engine_name]
    words = ["--enhance", "multiply:1.5", "--evaluations", 2, "--octaves", 1, *own]
    code, heard, err = listen("match", photo, "-o", tmp_path / "out.png", *words)
    assert code == 0 and kinds(heard) == ["start", "progress", "message", "written", "done"], err
    step = [event for event in heard if event["event"] == "progress"][-1]
    assert step["evaluation"] >= 1 and step["f"] == step["data"] + step["prior"]
    words = ["--seeds", 1, "--method", "simonyan", *own]
    code, heard, _ = listen("classes", "2", "-o", tmp_path / "new", *words)
    assert code == 0 and kinds(heard) == ["start", "progress", "written", "done"]
    assert heard[0]["classes"] == ["2"]
    picture, sheet = (event for event in heard if event["event"] == "written")
    assert picture["class"] == "2" and 0 <= picture["after"] <= 1
    assert sheet["path"].endswith("sheet.png")


def test_an_error_is_an_event_and_a_line(listen, tmp_path):
    code, heard, err = listen("dream", tmp_path / "nothing.png", "-o", tmp_path / "out.png")
    assert code == 2 and kinds(heard) == ["error"]
    assert heard[0]["code"] == 2 and "no such picture" in heard[0]["message"]
    assert err.count("\n") == 1 and "no such picture" in err


def test_ctrl_c_is_an_event(listen, photo, tmp_path, monkeypatch, fast):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("deepdream.dream.octaves.make_step", interrupted)
    code, heard, _ = listen("dream", photo, "-o", tmp_path / "out.png", *fast)
    assert code == 130 and heard[-1]["event"] == "error" and heard[-1]["code"] == 130


def test_a_name_of_any_bytes_stays_one_line_of_json(listen, tmp_path):
    code, heard, _ = listen("dream", tmp_path / "a\n\x1b\udcff.png", "-o", tmp_path / "out.png")
    assert code == 2 and "a" in heard[-1]["message"] and len(heard) == 1


def test_what_is_merely_printed_becomes_an_event(capsys):
    with events.speaking(events.JSON):
        print("one\ntw", end="")
        print("o")
        events.warn("three")
        events.emit("four", five=6)
    heard = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert heard == [
        {"event": "message", "text": "one"},
        {"event": "message", "text": "two"},
        {"event": "warning", "message": "three"},
        {"event": "four", "five": 6},
    ]


def test_quiet_says_nothing_but_errors(run, photo, tmp_path, fast):
    code, said, err = run("dream", photo, "-o", tmp_path / "out.png", "--quiet", *fast)
    assert (code, said, err) == (0, "", "") and (tmp_path / "out.png").exists()
    code, said, err = run("dream", photo, "-o", tmp_path / "out.png", "-q", *fast)
    assert code == 2 and said == "" and "exists already" in err and err.count("\n") == 1


def test_quiet_and_json_exclude_each_other(run, photo, tmp_path):
    code, _, err = run("dream", photo, "-o", tmp_path / "out.png", "-q", "--json")
    assert code == 2 and "not allowed with" in err


def test_events_and_a_picture_cannot_both_go_to_the_standard_output(run, photo):
    code, _, err = run("dream", photo, "-o", "-", "--json")
    assert code == 2 and "both write to the standard output" in err and err.count("\n") == 1


def test_one_command_speaks_as_it_was_asked_and_the_next_as_before(run, photo, tmp_path, fast):
    run("dream", photo, "-o", tmp_path / "a.png", "--json", *fast)
    code, said, _ = run("dream", photo, "-o", tmp_path / "b.png", *fast)
    assert code == 0 and f"wrote {tmp_path / 'b.png'}" in said
    assert cli.main(["presets"]) == 0 and events.manner() == events.WORDS


def test_compare_tells_its_verdict(listen, photo, tmp_path, small_folder, engine_name, fast):
    there = tmp_path / "there"
    asked = ["compare", photo, "--model", small_folder, "--engine", engine_name]
    code, heard, _ = listen(*asked, "--record", there, *fast)
    assert code == 0 and [e["path"] for e in heard if e["event"] == "written"] == [str(there)]
    code, heard, _ = listen(*asked, "--with", there)
    (verdict,) = [e for e in heard if e["event"] == "verdict"]
    assert code == 0 and verdict["verdict"] == "equal"
    assert verdict["message"].startswith("Equal to the bit")
    assert {e["event"] for e in heard} >= {"start", "progress", "done"}

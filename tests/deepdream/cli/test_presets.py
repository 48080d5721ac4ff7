"""Presets, --dream-of, --end's short names and `classes --list`: what they stand for."""

import json
import shlex

import pytest

from deepdream import cli, nets, pictures
from deepdream.cli import meant
from deepdream.cli.main import parser
from deepdream.request.expression import Expression
from deepdream.request.presets import PRESETS, options_of
from deepdream.settings import DREAM, Dream


def settings(*words):
    """The dream's settings that a command line stands for."""
    return meant.dream_of(
        parser().parse_args(["dream", "x.jpg", "-o", "y.png", *words]), nets.find("motif_googlenet")
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_options_that_the_list_shows(name, capsys):
    assert settings("--preset", name) == settings(*shlex.split(options_of(PRESETS[name])))
    assert cli.main(["presets"]) == 0
    said = capsys.readouterr().out
    assert PRESETS[name].about in said
    assert options_of(PRESETS[name]) in " ".join(said.split())


def test_the_notebooks_preset_is_the_notebook_even_if_defaults_change():
    assert PRESETS["notebook"].settings == {
        "end": "inception_4c/output",
        "iterations": 10,
        "octaves": 4,
        "octave_scale": 1.4,
        "step_size": 1.5,
        "jitter": 32,
        "smooth": "",
    }


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_runs_on_googlenets(name, caffe):
    from deepdream.nets import find
    from deepdream.nets.description import describe
    from deepdream.request.target import wanted_layers

    dream = settings("--preset", name)
    expression = Expression(dream.objective) if dream.objective else None
    for model in ("motif_googlenet", "creature_googlenet", "bvlc_googlenet"):
        assert wanted_layers(describe(find(model), caffe), expression, dream.end)


def test_an_option_wins_over_the_preset(monkeypatch):
    monkeypatch.setitem(PRESETS, "mix", PRESETS["notebook"].__class__("", MIX))
    assert settings("--preset", "mix") == Dream(end="", **MIX)
    assert settings("--preset", "mix", "--iterations", "3").iterations == 3
    assert settings("--iterations", "3", "--preset", "mix").objective == MIX["objective"]
    assert settings("--preset", "mix", "--end", "4c") == Dream(end="4c", iterations=7)
    assert settings("--preset", "mix", "--guide", "x.jpg").objective == ""
    assert settings("--preset", "mix", "--dream-of", "eye").objective == 'score("eye")'
    assert settings("--preset", "notebook", "--objective", 'l2("3b")').end == ""


MIX = {"objective": 'l2("inception_3b/output")', "iterations": 7}


def test_without_a_word_the_defaults_stand():
    assert settings() == Dream(end="") and DREAM.end == "inception_4c/output"


def test_the_recipe_has_the_preset_as_plain_settings(run, photo, tmp_path, monkeypatch, fast):
    preset = PRESETS["notebook"].__class__("", {"end": "inception_3b/output", "jitter": 5})
    monkeypatch.setitem(PRESETS, "notebook", preset)
    out = tmp_path / "out.png"
    assert run("dream", photo, "-o", out, "--preset", "notebook", *fast)[0] == 0
    recipe = json.loads(pictures.read_recipe(out))["settings"]
    assert recipe["end"] == "inception_3b/output" and recipe["jitter"] == 5
    assert recipe["iterations"] == 1


def test_a_net_without_the_presets_layers_refuses_it(run, photo, tmp_path, monkeypatch):
    preset = PRESETS["notebook"].__class__("", {"end": "inception_5x/output"})
    monkeypatch.setitem(PRESETS, "notebook", preset)
    out = tmp_path / "out.png"
    code, _, err = run("dream", photo, "-o", out, "--preset", "notebook")
    assert code == 2 and "the preset notebook is for nets with GoogLeNet's layers" in err
    assert err.count("\n") == 1 and not out.exists()


def test_dream_of_classes_is_the_sum_of_their_scores(run, photo, tmp_path, fast):
    out = tmp_path / "out.png"
    code, said, err = run("dream", photo, "-o", out, "--dream-of", "1, 2", "--seed", 1, *fast)
    assert code == 0, err
    assert json.loads(pictures.read_recipe(out))["settings"]["objective"] == (
        'score("1") + score("2")'
    )
    code, said, _ = run("replay", out)
    assert code == 0 and "equal to the bit" in said


@pytest.mark.parametrize(
    "words, said",
    [
        (["--dream-of", "owll"], "did you mean owl"),
        (["--dream-of", "owll"], "`deepdream classes --list` lists them"),
        (["--dream-of", "eye,"], "names with commas between them"),
        (["--dream-of", "eye", "--end", "4c"], "not allowed with"),
        (["--end", "4c", "--objective", 'l2("3b")'], "not allowed with"),
        (["--preset", "eyess"], "invalid choice: 'eyess' (choose from"),
    ],
)
def test_what_cannot_grow_is_refused(words, said, photo, tmp_path, capsys):
    try:
        code = cli.main(["dream", str(photo), "-o", str(tmp_path / "out.png"), *words])
    except SystemExit as e:
        code = e.code
    err = capsys.readouterr().err
    assert code == 2 and said in err and err.count("\n") == 1, err


def test_a_short_end_is_recorded_in_full_and_an_ambiguous_one_refused(run, photo, tmp_path, fast):
    out = tmp_path / "out.png"
    code, said, _ = run("dream", photo, "-o", out, "--end", "3b", *fast)
    assert code == 0 and "end inception_3b/output" in said
    assert json.loads(pictures.read_recipe(out))["settings"]["end"] == "inception_3b/output"
    code, _, err = run("dream", photo, "-o", tmp_path / "b.png", "--end", "output", *fast)
    assert code == 2 and "short for 2 layers: inception_3b/output, inception_4c/output" in err
    assert "write one of them in full" in err and err.count("\n") == 1


def test_match_takes_short_names_too(run, photo, tmp_path, small_folder, engine_name):
    words = ["--enhance", "multiply:1.5", "--evaluations", 2, "--octaves", 1, "--end", "3b"]
    words += ["--model", small_folder, "--engine", engine_name]
    code, said, err = run("match", photo, "-o", tmp_path / "out.png", *words)
    assert code == 0 and "end inception_3b/output" in said, err


def test_classes_are_listed_by_number_and_name(capsys):
    assert cli.main(["classes", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["0", "frog"] and len(lines) == 113
    assert cli.main(["classes", "--list", "--json"]) == 0
    first, *_, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"event": "class", "number": 0, "name": "frog"} and last["event"] == "done"


def test_a_model_whose_classes_have_no_names_says_so(run, small_folder):
    code, _, err = run("classes", "--list", "--model", small_folder)
    assert code == 2 and "the names of its classes are not here" in err and err.count("\n") == 1


def test_classes_need_names_and_a_folder(run, tmp_path):
    for words in (["owl"], ["-o", tmp_path / "new"], []):
        code, _, err = run("classes", *words)
        assert code == 2 and "--list lists the classes" in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_recording_made_by_a_short_name_is_compared_by_it(
    run, photo, tmp_path, small_folder, engine_name, fast
):
    own = ["--model", small_folder, "--engine", engine_name, *fast]
    there = tmp_path / "there"
    assert run("compare", photo, "--record", there, "--end", "3b", *own)[0] == 0
    code, said, err = run("compare", photo, "--with", there, "--end", "3b", *own)
    assert code == 0 and "end inception_3b/output" in said, err
    code, _, err = run("compare", photo, "--with", there, "--end", "4c", *own)
    assert code == 2 and "was recorded with end inception_3b/output, not 4c" in err

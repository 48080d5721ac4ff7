"""What a model's readme says of its own dreams."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deepdream import pictures
from deepdream.dream import class_pictures
from deepdream.nets import Model
from deepdream.request import notes
from deepdream.request.own_settings import own_settings


@pytest.fixture
def dream(run: Any, photo: Path, small_folder: Path, tmp_path: Path) -> Any:
    """A function: the exit code, stderr and recorded settings of a dream by a model with this in
    its readme."""

    def call(line: str, *words: Any) -> Any:
        folder = tmp_path / "model"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(small_folder, folder, ignore=shutil.ignore_patterns(".any_size"))
        readme = folder / "readme.md"
        readme.write_text(readme.read_text().replace("end:", f"{line}\nend:", 1))
        out = tmp_path / "out.png"
        code, _, err = run("dream", photo, "-o", out, "--overwrite", "--model", folder, *words)
        settings = json.loads(pictures.read_recipe(out))["settings"] if code == 0 else {}
        return code, err, settings

    return call


SAID = "dream: {'iterations': 2, 'octaves': 2, 'step_size': 0.7, 'smooth': 'gaussian:0.5'}"


def test_a_dream_takes_them_where_the_command_line_says_nothing(dream: Any) -> None:
    assert dream(SAID, "--smooth", "none")[2]["smooth"] == ""
    _, _, settings = dream(SAID, "--step-size", 3)
    said = {name: settings[name] for name in ("iterations", "octaves", "step_size", "smooth")}
    assert said == {"iterations": 2, "octaves": 2, "step_size": 3, "smooth": "gaussian:0.5"}
    assert settings["octave_scale"] == 1.4


def test_what_a_readme_does_not_say_is_nobodys_own(small: Model) -> None:
    said = replace(small, facts={**small.facts, "dream": {"iterations": 5}})
    assert own_settings(said) == {"iterations": 5} and own_settings(small) == {}


def test_a_preset_wins_over_them(dream: Any) -> None:
    _, _, settings = dream(SAID, "--preset", "notebook", "--octaves", 1, "--end", "conv1")
    said = {name: settings[name] for name in ("iterations", "octaves", "step_size", "smooth")}
    assert said == {"iterations": 10, "octaves": 1, "step_size": 1.5, "smooth": ""}


@pytest.mark.parametrize("line, message", [
    ("dream: {'iterations': -1}", "dream.iterations is -1, not a whole number from 0"),
    ("dream: {'end': 'conv1'}", "'end' is unknown; known are objective"),
    ("dream: loud", "dream is 'loud', not an object of objective"),
    ("dream: {'smooth': 'gaussian:9999'}", "smoothing 'gaussian:9999' is unknown"),
])  # fmt: skip
def test_what_no_dream_can_have_is_refused(dream: Any, line: str, message: str) -> None:
    code, err, _ = dream(line)
    assert code == 2 and message in err and len(err.splitlines()) == 1


def test_its_number_of_steps_is_not_that_of_a_layer(dream: Any, photo: Path) -> None:
    def steps(*words: Any) -> Any:
        code, err, settings = dream(OWN_OBJECTIVE, *words)
        assert code == 0 and settings["octaves"] == 1, err
        return settings["iterations"]

    assert steps() == steps("--dream-of", "1") == 1
    assert steps("--end", "conv1") == steps("--guide", photo) == 10
    assert steps("--end", "conv1", "--iterations", 2) == 2


OWN_OBJECTIVE = """dream: {'objective': 'strongest("fc", 3)', 'iterations': 1, 'octaves': 1}"""


def test_its_objective_grows_where_nothing_else_is_asked_for(dream: Any, photo: Path) -> None:
    def grown(*words: Any) -> Any:
        code, err, settings = dream(OWN_OBJECTIVE, *words)
        assert code == 0, err
        return settings["objective"] or settings["end"]

    assert grown() == 'strongest("fc", 3)'
    assert grown("--end", "conv1") == "conv1"
    assert grown("--guide", photo) == "inception_4c/output"
    assert grown("--dream-of", "1") == 'score("1")'
    assert grown("--preset", "notebook") == "inception_4c/output"


def test_its_octaves_are_as_many_as_a_small_picture_has(dream: Any) -> None:
    many = "dream: {'iterations': 1, 'octaves': 12}"
    code, _, settings = dream(many)
    assert code == 0 and 3 < settings["octaves"] < 12
    code, err, _ = dream(many, "--octaves", settings["octaves"] + 1)
    assert code == 2 and f"use --octaves {settings['octaves']} at most" in err


def test_a_picture_made_with_fewer_octaves_is_done(
    dream: Any, run: Any, photo: Path, tmp_path: Path
) -> None:
    """A batch that goes on compares what is there with what it would make of it."""
    assert dream("dream: {'iterations': 1, 'octaves': 12}")[0] == 0
    (tmp_path / "photos").mkdir()
    shutil.copy(photo, tmp_path / "photos" / "a.png")
    words = ["batch", tmp_path / "photos", "-o", tmp_path / "dreams"]
    first = run(*words, "--model", tmp_path / "model")
    assert first[0] == 0, first
    code, said, err = run(*words, "--model", tmp_path / "model")
    assert code == 0 and "1 of 1 picture are done already" in said + err


def class_method(run: Any, small_folder: Path, tmp_path: Path, line: str, *words: Any) -> Any:
    """The exit code, stderr and recorded method of class pictures by a model with this line."""
    folder, out = tmp_path / "with-method", tmp_path / "classes"
    shutil.copytree(small_folder, folder, ignore=shutil.ignore_patterns(".any_size"))
    readme = folder / "readme.md"
    readme.write_text(readme.read_text().replace("end:", f"{line}\nend:", 1))
    code, _, err = run("classes", "1", "-o", out, "--seeds", "1", "--model", folder, *words)
    made = next((path for path in out.glob("*-0.png")), None)
    return code, err, made and notes.of_picture(str(made))[1]["method"]


@pytest.mark.parametrize(
    "line, words, method",
    [
        ("", (), "octaves"),
        ("class_method: simonyan", (), "simonyan"),
        ("class_method: simonyan", ("--method", "fourier"), "fourier"),
    ],
)
def test_class_pictures_are_made_by_its_method_where_none_is_asked_for(
    run: Any, small_folder: Path, tmp_path: Path, quick_methods: None, line: str, words: Any,
    method: str,
) -> None:  # fmt: skip
    assert class_method(run, small_folder, tmp_path, line, *words)[2] == method


def test_a_method_that_is_not_there_is_refused(
    run: Any, small_folder: Path, tmp_path: Path
) -> None:
    code, err, _ = class_method(run, small_folder, tmp_path, "class_method: magic")
    assert code == 2 and "class_method is 'magic', not one of octaves, simonyan" in err
    assert len(err.splitlines()) == 1


@pytest.fixture
def quick_methods(monkeypatch: Any) -> None:
    """Methods of two steps."""
    for name, method in class_pictures.METHODS.items():
        if isinstance(method, class_pictures.FourierMethod):
            quick: Any = replace(method, steps=2)
        else:
            quick = replace(method, octaves=(replace(method.octaves[0], steps=2),))
        monkeypatch.setitem(class_pictures.METHODS, name, quick)

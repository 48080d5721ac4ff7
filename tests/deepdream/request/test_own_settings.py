"""What a model's readme says of its own dreams."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from deepdream import pictures


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


def test_a_preset_wins_over_them(dream: Any) -> None:
    _, _, settings = dream(SAID, "--preset", "notebook", "--octaves", 1, "--end", "conv1")
    said = {name: settings[name] for name in ("iterations", "octaves", "step_size", "smooth")}
    assert said == {"iterations": 10, "octaves": 1, "step_size": 1.5, "smooth": ""}


@pytest.mark.parametrize("line, message", [
    ("dream: {'iterations': -1}", "dream.iterations is -1, not a whole number from 0"),
    ("dream: {'end': 'conv1'}", "'end' is unknown; known are iterations"),
    ("dream: loud", "dream is 'loud', not an object of iterations"),
    ("dream: {'smooth': 'gaussian:9999'}", "smoothing 'gaussian:9999' is unknown"),
])  # fmt: skip
def test_what_no_dream_can_have_is_refused(dream: Any, line: str, message: str) -> None:
    code, err, _ = dream(line)
    assert code == 2 and message in err and len(err.splitlines()) == 1

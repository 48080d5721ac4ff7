"""Shell completion: what is generated, and what a shell makes of it."""

import shutil
import subprocess
import sys

import pytest

from deepdream import cli, nets
from deepdream.cli.completion import _FILES, _FOLDERS, _MODELS, SHELLS, _actions
from deepdream.cli.main import COMMANDS, parser
from deepdream.request.presets import PRESETS

# metavars of numbers, and of texts that no list could hold
TEXTS = {
    "N", "N|KIND", "X", "W[xH]", "LAYER", "CLASS,...", "EXPR", "NAME", "HOW", "R", "NAME=PATH",
    "X,...", "SIZE", "LAYER,...", "DEGREES", "ADDRESS", "NAME=OTHER", "('X', 'Y')",
}  # fmt: skip


@pytest.fixture
def script(capsys):
    pytest.importorskip("shtab")

    def made(shell):
        assert cli.main(["completion", shell]) == 0
        return capsys.readouterr().out

    return made


def test_each_metavar_is_a_file_a_folder_a_model_or_a_text():
    known = {*_FILES, *_FOLDERS, *_MODELS, *TEXTS}
    for action in _actions(parser()):
        takes_one = action.nargs != 0 and not action.choices
        assert not takes_one or str(action.metavar) in known, action


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_is_in_the_script(shell, script):
    text = script(shell)
    for command in COMMANDS:
        assert command in text
    for word in ("octave-scale", "overwrite", "preset", *PRESETS):
        assert word in text
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=text, text=True).returncode == 0


@pytest.mark.parametrize(
    "words, wanted",
    [
        (["dr"], {"dream"}),
        (["dream", "--oct"], {"--octaves", "--octave-scale"}),
        (["dream", "--preset", ""], set(PRESETS)),
        (["dream", "--engine", "c"], {"caffe", "compat"}),
        (["layers", "--model", "bvlc_g"], {"bvlc_googlenet"}),
        (["models", "get", "VGG"], {name for name in nets.known() if name[:3] == "VGG"}),
        (["dream", "ph"], {"photo.png"}),
    ],
)
def test_bash_completes_words(words, wanted, script, tmp_path, photo):
    if not shutil.which("bash"):
        pytest.skip("there is no bash")
    (tmp_path / "script").write_text(script("bash"))
    line = ["deepdream", *words]
    code = (
        f"source ./script; COMP_WORDS=({' '.join(map(repr, line))}); COMP_CWORD={len(words)}; "
        '_shtab_deepdream; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(
        ["bash", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert {word.strip() for word in ran.stdout.split()} == wanted, ran


def test_without_shtab_the_extra_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert cli.main(["completion", "bash"]) == 2
    err = capsys.readouterr().err
    assert "[completion]" in err and err.count("\n") == 1

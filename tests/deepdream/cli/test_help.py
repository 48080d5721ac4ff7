"""Help, examples, versions, and what is said where no command can be made out."""

import argparse
import shlex

import pytest

from deepdream import cli
from deepdream.cli.main import parser
from deepdream.cli.parser import CommandParser
from deepdream.version import __version__


def commands(top=None):
    """Every parser of the command line, that of the whole first."""
    top = top or parser()
    yield top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from commands(command)


COMMANDS = {command.prog: command for command in commands()}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_example_is_a_command_line(name, capsys):
    assert isinstance(COMMANDS[name], CommandParser) and COMMANDS[name].examples
    for example in COMMANDS[name].examples:
        program, *words = shlex.split(example)
        assert program == "deepdream"
        if words[-1] == "--help":
            with pytest.raises(SystemExit) as e:
                parser().parse_args(words)
            assert e.value.code == 0
        else:
            assert name.split()[1:] == words[: len(name.split()) - 1] or name == "deepdream"
            assert callable(parser().parse_args(words).run)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_the_terminal_and_loses_no_word(name, monkeypatch):
    texts = {}
    for columns in (20, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        texts[columns] = COMMANDS[name].format_help()
    assert max(map(len, texts[80].splitlines())) <= 80
    narrow, wide = ("".join(texts[columns].split()) for columns in (20, 80))
    assert narrow == wide


def test_options_are_in_groups_and_the_usage_is_short():
    text = COMMANDS["deepdream dream"].format_help()
    assert text.splitlines()[0] == "usage: deepdream dream IMAGE ... [OPTION ...]"
    for title in ("what to dream", "how to dream", "the net", "the output", "what is said"):
        assert f"\n{title}:\n" in text
    assert "usage: deepdream match IMAGE -o OUT" in COMMANDS["deepdream match"].format_usage()
    assert "[NAME ...]" in COMMANDS["deepdream classes"].format_usage()


def test_no_words_at_all_get_the_short_help(capsys):
    assert cli.main([]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "dream on pictures" in said.err and "examples:" in said.err


@pytest.mark.parametrize(
    "word, hint",
    [
        ("draem", "did you mean dream?"),
        ("layer", "did you mean layers?"),
        ("photo.jpg", "there are dream, zoom"),
        ("", "there are dream"),
    ],
)
def test_an_unknown_command_gets_the_near_one(word, hint, capsys):
    with pytest.raises(SystemExit) as e:
        cli.main([word, "x.png", "-o", "y.png"])
    err = capsys.readouterr().err
    assert e.value.code == 2 and f"no command {word!r}; " in err and hint in err
    assert err.count("\n") == 1


def test_the_version_names_engine_python_and_numpy_in_one_line(caffe, capsys):
    with pytest.raises(SystemExit) as e:
        cli.main(["--version"])
    said = capsys.readouterr().out
    assert e.value.code == 0 and said.startswith(f"deepdream {__version__} (caffe")
    assert "Python 3." in said and "NumPy " in said and said.count("\n") == 1

"""What a program says: one printable line for an error, whatever becomes of its streams."""

import os
import subprocess
import sys

import pytest

from netfile.errors import NetError, printable
from netfile.terminal import Parser, guarded, safe_streams

PROGRAM = """
import sys
from netfile.terminal import Parser, guarded, safe_streams
def run():
    print("result", flush={flush})
    print("progress", file=sys.stderr, flush=True)
    return 0
with safe_streams():
    parser = Parser(prog="x")
    parser.parse_args(sys.argv[1:])
    code = guarded("x", run, ValueError)
sys.exit(code)
"""


def program(redirection, *words, flush=False, buffered=True):
    """Run PROGRAM with its streams led elsewhere by a shell."""
    command = [sys.executable, "-c", PROGRAM.format(flush=flush), *words]
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *command],
        env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("flush, buffered", [(False, True), (True, True), (False, False)])
@pytest.mark.parametrize("words", [[], ["--help"]], ids=["run", "help"])
def test_a_full_output_is_said_in_one_line(words, flush, buffered):
    ended = program("> /dev/full", *words, flush=flush, buffered=buffered)
    lines = [line for line in ended.stderr.splitlines() if line != "progress"]
    assert ended.returncode == 2, ended
    assert lines == ["x: the standard output cannot be written: No space left on device"]


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full"])
def test_a_program_works_where_nobody_hears_its_errors(redirection):
    ended = program(redirection)
    assert (ended.returncode, ended.stdout) == (0, "result\n")
    assert program(redirection, "--unknown").returncode == 2


def test_closed_streams_are_not_taken_by_files():
    code = "import os; from netfile.terminal import safe_streams\nwith safe_streams():\n {}"
    code = code.format("os._exit(os.open(os.devnull, os.O_RDONLY))")
    command = [sys.executable, "-c", code]
    assert subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command]).returncode > 2


def test_what_is_printed_cannot_steer_a_terminal(capsys):
    with safe_streams():
        print("a\x1b[31mb\x9b\u202ec\td\ne\r\udcff")
        print("\rprogress\x1b[31m", file=sys.stderr)
    said = capsys.readouterr()
    assert said.out == "a\\x1b[31mb\\x9b\\u202ec\td\ne\\r\\udcff\n"
    assert said.err == "\rprogress\\x1b[31m\n"


def test_an_error_is_one_printable_line(capsys):
    def run():
        raise NetError("a\nb\x1b]0;title\x07\t" + "c" * 10_000)

    assert guarded("x", run, NetError) == 2
    said = capsys.readouterr().err
    assert said.startswith("x: a\\nb\\x1b]0;title\\x07\\tccc") and said.count("\n") == 1
    assert len(said) < 2100


def test_what_the_system_refuses_is_said_with_the_file(capsys):
    assert guarded("x", lambda: open("/nowhere/at/all").close(), NetError) == 2
    assert capsys.readouterr().err == "x: /nowhere/at/all: No such file or directory\n"


def test_text_stays_as_it_is():
    assert printable("\u00fc \u732b 1\u00b2") == "\u00fc \u732b 1\u00b2"


@pytest.mark.parametrize("words", [["--out=--", "in"], ["--out", "x", "--", "in"]])
def test_two_dashes_as_a_value_are_a_value(words):
    p = Parser()
    p.add_argument("image")
    p.add_argument("--out")
    told = p.parse_args(words)
    assert told.image == "in" and told.out in ("--", "x")

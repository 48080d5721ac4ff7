"""How far a piece of work is: on terminals of any kind, in logs, and how long it will take."""

import io
import os
import subprocess
import sys

import pytest

from deepdream.cli import events, progress
from deepdream.cli.progress import Meter, duration


class Clock:
    """time.monotonic, moved on by hand."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("deepdream.cli.progress.time.monotonic", clock)
    return clock


def work(clock, steps, seconds, **about):
    """Take equal steps of so many seconds each."""
    with Meter(steps, **about) as meter:
        for number in range(1, steps + 1):
            clock.now += seconds
            meter.at(number, f"step {number}")


def test_short_work_says_nothing_where_there_is_no_terminal(clock, capsys):
    work(clock, 10, 0.5)
    assert capsys.readouterr() == ("", "")


def test_long_work_says_beforehand_how_long_it_takes_and_in_a_log_how_far_it_is(clock, capsys):
    work(clock, 100, 2.0, memory=1_500_000_000)
    said = capsys.readouterr()
    assert said.out == "takes about 3 minutes and 1.5 GB of memory\n"
    assert said.err.splitlines() == [f"step {n} ({n / 100:.0%})" for n in range(15, 100, 15)]


def test_the_first_step_is_no_measure(clock, capsys):
    with Meter(40) as meter:
        for seconds in (60, 1, 1, 1):  # the first one compiles
            clock.now += seconds
            meter.at(clock.now - 59)
    assert capsys.readouterr().out == "takes about 99 s\n"


def test_work_of_unknown_size_has_no_estimate(clock, capsys):
    with Meter(None, "loading") as meter:
        for _ in range(20):
            clock.now += 10
            meter.at(clock.now)
    said = capsys.readouterr()
    assert said.out == "" and said.err.splitlines()[0] == "loading"


def test_an_estimate_is_an_event_too(clock, capsys):
    with events.speaking(events.JSON):
        work(clock, 100, 2.0, memory=5)
    assert '{"event": "estimate", "seconds": 200, "bytes": 5}' in capsys.readouterr().out


@pytest.mark.parametrize("seconds, words", [
    (0, "1 s"), (59.6, "60 s"), (119, "119 s"), (120, "2 minutes"), (7200, "2 hours"),
    (200_000, "2 days"), (1e9, "11574 days"),
])  # fmt: skip
def test_lengths_of_time_in_words(seconds, words):
    assert duration(seconds) == words


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


class OldTerminal(Terminal):
    encoding = "iso8859-1"


def drawn(monkeypatch, columns, stream):
    """The last state of a bar on such a terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    with Meter(4) as meter:
        for number in range(1, 4):
            meter.at(number, "octave 4/4 (1024x575) step 10/10")
        meter._bar.refresh()
        return stream.getvalue().rpartition("\r")[2]


@pytest.mark.parametrize(
    "columns, begins", [(100, "octave 4/4 (1024x575) step 10/10 |"), (50, " 75% |"), (20, " 75% ")]
)
def test_a_bar_has_the_width_of_its_terminal(columns, begins, monkeypatch):
    line = drawn(monkeypatch, columns, Terminal())
    assert line.startswith(begins) and len(line) <= columns
    assert ("\u2588" in line) == (columns > 20)


def test_a_bar_is_ascii_where_the_terminal_has_no_unicode(monkeypatch):
    line = drawn(monkeypatch, 80, OldTerminal())
    assert line.isascii() and "#" in line


def test_a_dumb_terminal_has_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not progress.has_terminal()
    monkeypatch.setenv("TERM", "xterm")
    assert progress.has_terminal()


def test_a_line_beside_a_bar_stands_alone(monkeypatch, capsys):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with Meter(2, "work") as meter:
        meter.at(1)
        meter.say("a line")
        meter.warn("a word")
    assert capsys.readouterr().out == "a line\n"
    assert "note: a word\n" in stream.getvalue()


@pytest.mark.slow
def test_a_locale_without_unicode_shows_every_command():
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for words in (["presets"], ["classes", "--list"], ["--help"]):
        ran = subprocess.run(
            [sys.executable, "-m", "deepdream", *words], env=environment, capture_output=True
        )
        assert ran.returncode == 0 and ran.stderr == b"" and ran.stdout.isascii()

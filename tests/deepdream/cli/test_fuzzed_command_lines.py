"""Command lines of any words: argument parsing and preparation end in a code and one line, never in
a traceback."""

import contextlib
import io
import os
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deepdream import cli
from deepdream.cli.main import parser
from deepdream.errors import ModelError

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "80"))
COMMANDS = ("dream", "zoom", "match", "classes", "heatmap", "compare", "evaluate", "replay")
NUMBERS = [
    "0", "1", "-1", "2", "1.5", "0.5", "1e3", "1e-400", "1e400", "inf", "-inf", "nan", "", " ",
    "\u00b2", "\u0663", "1_0", "0x10", "--", "-", ".", "1.2.3", "2147483648", "4294967296",
    "9" * 30, "9" * 5000, "1,2,3", "nan,1,2", "1e400,0,0", "None", "True", "\x1b[31m", "\udcff",
]  # fmt: skip
TEXTS = [
    "all", "quantile:0.9:2", "channel:inf:2", "channel:nan:2", "channel:1:nan", "multiply:",
    "tv:.", "tv:1.2.3", "tv+", "alpha:\u00b2", "none+tv", "..", "/", "/dev/null", "http://[",
    'l2("conv1")', 'score("\u00b2")', "-" * 2000 + 'l2("conv1")', "1e999", '1e999*l2("conv1")',
    'l2("conv1").within("photo.png")', "motif_googlenet", "auto", "compat", "octaves", "bgr",
    "photo.png", "broken.png", "text.npy", "empty.npy", "out.png", "out.webp", "page.html", "new",
    "owl", "conv1", "\u202e", "a\nb",
]  # fmt: skip
WORD = st.sampled_from([*NUMBERS, *TEXTS]) | st.text(max_size=8).filter(lambda t: "\0" not in t)


def options():
    """{command: its options that take a value or none}."""
    verbs = next(a for a in parser()._actions if a.dest == "command").choices
    known = {name: verbs[name]._option_string_actions for name in COMMANDS}
    return {
        name: {flag: action.nargs == 0 for flag, action in actions.items() if flag[:2] == "--"}
        for name, actions in known.items()
    }


OPTIONS = options()


@st.composite
def command_lines(draw):
    """A command, a picture as a rule, an output as a rule, and options with any values."""
    command = draw(st.sampled_from(COMMANDS))
    words = [command, draw(st.just("photo.png") | WORD)]
    if draw(st.booleans()):
        words += ["-o", draw(st.sampled_from(["out.png", "new", "page.html", "no/out.png"]) | WORD)]
    for flag in draw(st.lists(st.sampled_from(sorted(OPTIONS[command])), max_size=3)):
        words += [flag] if OPTIONS[command][flag] else [f"{flag}={draw(WORD)}"]
    return words


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with files of each kind, where no net is opened."""

    def stop(*args, **kwargs):
        raise ModelError("prepared")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("deepdream.nets.open", stop)
    monkeypatch.setattr("deepdream.cli.commands.compare._record_elsewhere", stop)
    Image.new("RGB", (9, 7)).save("photo.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (tmp_path / "text.npy").write_text("1, 2, 3")
    (tmp_path / "empty.npy").touch()
    return tmp_path


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(words=command_lines())
def test_any_command_line_ends_in_one_line(place, words):
    before = {path.name for path in place.iterdir()}
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(words)
        except SystemExit as e:
            code = e.code
    lines = err.getvalue().splitlines()
    helped = code == 0 and out.getvalue().startswith("usage: ")
    assert helped or (code == 2 and len(lines) == 1), (code, lines)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for line in lines for c in line)
    assert {path.name for path in place.iterdir()} == before

"""`--preview`: which terminals show pictures, what is sent to them, and how often."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepdream.cli import preview
from deepdream.dream.octaves import Progress


@pytest.fixture
def picture(rng: np.random.RandomState) -> np.ndarray:
    """RGB uint8 (13, 40, 3), of flat parts in few colours."""
    few = rng.randint(0, 256, (5, 3)).astype(np.uint8)
    return np.kron(few[rng.randint(0, 5, (13, 8))], np.ones((1, 5, 1), np.uint8))


@pytest.mark.parametrize(
    "environment, how",
    [
        ({"TERM": "xterm-kitty"}, preview.KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, preview.KITTY),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, preview.ITERM),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, preview.ITERM),
        ({"TERM": "foot"}, preview.SIXEL),
        ({"TERM": "xterm-sixel"}, preview.SIXEL),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "screen", "KITTY_WINDOW_ID": "1"}, ""),
        ({"TERM": "xterm-kitty", "TMUX": "/x"}, ""),
        ({}, ""),
    ],
)
def test_a_terminal_is_known_by_its_variables(environment: Any, how: str) -> None:
    assert preview.protocol(environment) == how


def test_kitty_gets_the_picture_in_chunks(rng: np.random.RandomState) -> None:
    picture = rng.randint(0, 256, (60, 80, 3)).astype(np.uint8)
    sent = preview.shown(preview.KITTY, picture)
    parts = re.findall("\x1b_G([^;]*);([^\x1b]*)\x1b\\\\", sent)
    assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in parts) == sent
    assert len(parts) > 1 and all(len(data) <= 4096 for _, data in parts)
    assert [keys.rpartition("m=")[2] for keys, _ in parts] == ["1"] * (len(parts) - 1) + ["0"]
    file = base64.b64decode("".join(data for _, data in parts))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), picture)


def test_iterm_gets_the_picture_with_its_size(picture: np.ndarray) -> None:
    sent = preview.shown(preview.ITERM, picture)
    found = re.fullmatch("\x1b]1337;File=inline=1;size=(\\d+):(.*)\a", sent)
    assert found
    file = base64.b64decode(found[2])
    assert len(file) == int(found[1])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), picture)


def drawn(sixels: str) -> np.ndarray:
    """What a terminal draws of sixels: RGB in per cent, (H, W, 3)."""
    found = re.fullmatch(
        '\x1bPq"1;1;(\\d+);(\\d+)((?:#\\d+;2;\\d+;\\d+;\\d+)*)(.*)\x1b\\\\', sixels
    )
    assert found
    width, height = int(found[1]), int(found[2])
    colours = {
        int(number): [int(part) for part in rest.split(";")]
        for number, rest in re.findall("#(\\d+);2;([\\d;]+)", found[3])
    }
    out = np.full((height, width, 3), -1)
    for band, text in enumerate(found[4].split("-")):
        for layer in text.split("$"):
            head = re.match("#(\\d+)", layer)
            assert head
            column = 0
            for count, character in re.findall("(?:!(\\d+))?([?-~])", layer[head.end() :]):
                for _ in range(int(count or 1)):
                    for row in range(6):
                        if (ord(character) - 63) >> row & 1:
                            out[6 * band + row, column] = colours[int(head[1])]
                    column += 1
            assert column == width
    return out


def test_sixels_draw_every_pixel_in_its_colour(picture: np.ndarray) -> None:
    assert np.abs(drawn(preview.sixels(picture)) - picture * (100 / 255)).max() <= 1
    flat = preview.sixels(np.zeros((12, 300, 3), np.uint8))
    assert len(flat) < 80  # what is alike is counted


def progress(step: int) -> Progress:
    return Progress(1, 1, step, 9, (8, 8), _whole_picture=lambda: np.full((400, 800, 3), 300.0))


def test_pictures_are_small_and_seldom() -> None:
    class Stream(io.BytesIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed = len(self.getvalue())

    now = [0.0]
    stream = Stream()
    shows = preview.Preview(preview.ITERM, stream, lambda: now[0])
    for step in range(1, 10):
        shows(progress(step))
        now[0] += 0.5
    sent = re.findall("inline=1;size=\\d+:([^\a]*)\a", stream.getvalue().decode())
    assert len(sent) == 3 and stream.flushed == len(stream.getvalue())
    assert stream.getvalue().startswith(b"\r\x1b[K\x1b]")  # the bar's line gives way
    assert Image.open(io.BytesIO(base64.b64decode(sent[0]))).size == (320, 160)


def test_nothing_is_shown_where_there_is_no_terminal(
    run: Any, photo: Path, tmp_path: Path, fast: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    words = ["dream", photo, *fast, "--seed", 1, "-o"]
    plain, with_preview = tmp_path / "plain.png", tmp_path / "preview.png"
    assert run(*words, plain)[0] == 0
    code, out, err = run(*words, with_preview, "--preview")
    assert code == 0 and "\x1b" not in out + err
    assert np.array_equal(np.asarray(Image.open(plain)), np.asarray(Image.open(with_preview)))


@pytest.mark.parametrize("words, is_shown", [([], True), (["--quiet"], False), (["--json"], False)])
def test_it_is_shown_on_a_terminal_unless_that_is_to_be_quiet(
    run: Any, photo: Path, tmp_path: Path, fast: Any, monkeypatch: Any, words: Any, is_shown: bool
) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    terminal = Terminal(io.BytesIO())
    monkeypatch.setenv("TERM", "xterm-kitty")
    monkeypatch.setattr(preview.sys, "stderr", terminal)
    assert run("dream", photo, *fast, "-o", tmp_path / "out.png", "--preview", *words)[0] == 0
    terminal.flush()
    assert (b"\x1b_Ga=T" in terminal.buffer.getvalue()) is is_shown

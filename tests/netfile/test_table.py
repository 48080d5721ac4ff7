"""Tables on terminals: their columns, and what becomes of them where there is little room."""

import io
import os
import sys

import pytest

from netfile.table import table
from netfile.terminal import print_table, terminal_width

HEAD = ("model", "size", "weights")
ROWS = [
    ("motif_googlenet", "7 MB", "installed, verified"),
    ("vgg16", "553 MB", "not installed; no published hash (--trust)"),
]


def test_columns_are_as_wide_as_their_widest_cell():
    assert table(ROWS, HEAD, right=[1]) == [
        "model              size  weights",
        "motif_googlenet    7 MB  installed, verified",
        "vgg16            553 MB  not installed; no published hash (--trust)",
    ]
    assert table([]) == table([], ()) == []
    assert table([("a", "1"), ("b", "10")], right=[1]) == ["a   1", "b  10"]


def test_the_last_column_is_wrapped_where_it_does_not_fit():
    assert table(ROWS, HEAD, right=[1], width=52) == [
        "model              size  weights",
        "motif_googlenet    7 MB  installed, verified",
        "vgg16            553 MB  not installed; no published",
        "                         hash (--trust)",
    ]


def test_a_narrow_terminal_gets_a_line_for_each_cell():
    assert table(ROWS, HEAD, width=20) == [
        "motif_googlenet",
        "  size: 7 MB",
        "  weights:",
        "    installed,",
        "    verified",
        "vgg16",
        "  size: 553 MB",
        "  weights: not",
        "    installed; no",
        "    published hash",
        "    (--trust)",
    ]


@pytest.mark.parametrize("width", range(1, 80))
def test_no_line_is_wider_than_the_terminal_but_for_words_that_are(width):
    for line in table(ROWS, HEAD, width=width):
        assert len(line) <= width or " " not in line.strip(), (width, line)
    text = " ".join(" ".join(table(ROWS, HEAD, width=width)).split())
    assert all(word in text for row in ROWS for cell in row for word in cell.split())


def test_words_stay_whole_so_that_they_can_be_copied():
    path = "/a/very/long/path-to/some-file.caffemodel"
    assert any(path in line for line in table([("deploy net", path)], width=20))


def test_letters_count_by_their_columns():
    lines = table([("猫", "cat"), ("e\u0301ta", "state"), ("dog", "dog")])
    assert lines == ["猫   cat", "e\u0301ta  state", "dog  dog"]


def test_cells_cannot_leave_their_line():
    assert table([("a\nb\x1b[2J", "c")]) == ["a\\nb\\x1b[2J  c"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_only_a_terminal_has_a_width(monkeypatch, capsys):
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((20, 24)))
    print_table(ROWS, HEAD)
    assert len(capsys.readouterr().out.splitlines()) == 3  # as a pipe takes it
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert terminal_width() == 20
    print_table(ROWS, HEAD)
    assert max(map(len, sys.stdout.getvalue().splitlines())) <= 20

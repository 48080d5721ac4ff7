"""Names of results and the table of many, as functions of texts alone."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from deepdream.cli.batch import names, report
from deepdream.errors import OutputError


@pytest.mark.parametrize("path, made", [
    (PurePosixPath("/a/photo.jpg"), "/a/photo-dream.png"),
    (PurePosixPath("photo"), "photo-dream.png"),
    (PurePosixPath("a.b/c.d.jpeg"), "a.b/c.d-dream.png"),
    (PureWindowsPath(r"C:\Users\me\photo.JPG"), r"C:\Users\me\photo-dream.png"),
    (PureWindowsPath(r"C:photo.jpg"), "C:photo-dream.png"),
    (PureWindowsPath(r"\\host\share\photo.jpg"), r"\\host\share\photo-dream.png"),
    (PureWindowsPath("in/photo.jpg"), r"in\photo-dream.png"),
])  # fmt: skip
def test_a_dream_stands_beside_its_photograph(path, made):
    assert str(names.beside(path, ".png")) == made


def test_a_long_name_leaves_room_for_what_is_added():
    made = names.beside(PurePosixPath("\u00e9" * 120 + ".jpg"), ".png").name
    assert len(made.encode()) <= 211 and made.endswith("\u00e9-dream.png")


@pytest.mark.parametrize("text, made", [
    ("inception_4c/output", "inception_4c-output"), ("../../etc", "..-..-etc"), ("..", "_"),
    ("", "_"), (r"C:\x", "C-x"), ("a\nb\0c", "a-b-c"), ("con", "con_"), ("NUL.txt", "NUL.txt_"),
    ("x. ", "x"), ("\u00e9" * 300, "\u00e9" * 100),
])  # fmt: skip
def test_whatever_stands_for_a_field_is_safe_in_a_name(text, made):
    assert names.safe(text) == made


def planned(paths, out=None, kind=None):
    values = {"model": "m", "end": "e"}
    return names.planned(paths, out, kind, values, range(7, 7 + len(paths)))


def test_fields_are_filled_in():
    assert planned(["in/a.jpg"], "{name}.{suffix}.{model}.{end}.{seed}.{number}.png") == [
        "a.jpg.m.e.7.1.png"
    ]
    assert planned(["a.jpg"] * 1, "{{{name}}}.png") == ["{a}.png"]
    many = [f"{n}.jpg" for n in range(10)]
    assert planned(many, "{number}.png")[0] == "01.png"
    # what a photograph is called is no field again
    assert planned(["{seed}.jpg"], "{name}.png") == ["{seed}.png"]


@pytest.mark.parametrize("out", [
    "{nam}.png", "{name!r}.png", "{name:>9}.png", "{name.__class__}.png", "{}.png", "{0}.png",
    "{name.png", "name}.png",
])  # fmt: skip
def test_what_is_no_field_is_refused_with_those_that_there_are(out):
    with pytest.raises(OutputError, match=r"known are \{name\}, \{suffix\}"):
        planned(["a.jpg"], out)


def test_one_file_for_two_pictures_names_both():
    with pytest.raises(OutputError, match="^a.jpg and a.png would both be written to a-dream.png;"):
        planned(["a.jpg", "a.png"])
    with pytest.raises(OutputError, match=r"x.png: is the name of one file, for 2 .*a.jpg, b.jpg"):
        planned(["a.jpg", "b.jpg"], "x.png")


@pytest.mark.parametrize("one, other, system, same", [
    ("A.png", "a.png", "darwin", True), ("A.png", "a.png", "linux", False),
    ("e\u0301.png", "\u00e9.png", "darwin", True), ("x/../a.png", "a.png", "linux", True),
])  # fmt: skip
def test_names_that_a_file_system_takes_for_one(one, other, system, same):
    assert (names._key(one, system) == names._key(other, system)) is same


@pytest.mark.parametrize("out, kind, suffix", [
    (None, None, ".png"), (None, "tiff", ".tif"), ("x.jpeg", "jpg", ".jpg"),
    ("x.tiff", "tiff", ".tif"), ("new/", "avif", ".avif"), ("x.webp", None, ".png"),
])  # fmt: skip
def test_the_suffix_of_what_is_left_open(out, kind, suffix):
    assert names.suffix_for(out, kind) == suffix


# ---- the table

FAILED = [("in/broken.png", "not a picture, or a broken one; open it"), ("b.jpg", "is\ntoo small")]


def test_a_table_in_columns_where_nothing_limits_it():
    assert report.lines(97, FAILED, 0) == [
        "97 of 99 pictures done; 2 failed",
        "in/broken.png  not a picture, or a broken one; open it",
        "b.jpg          is too small",
    ]
    assert report.lines(1, [], 2) == ["1 of 3 pictures done; 2 left"]


@pytest.mark.parametrize("columns", [20, 40, 5])
def test_a_table_on_a_narrow_terminal(columns):
    lines = report.lines(97, [*FAILED, ("x" * 50 + ".png", "y" * 50)], 0, columns)
    assert max(map(len, lines)) <= max(columns, 20)
    joined = " ".join(" ".join(lines).split())
    assert "not a picture, or a broken one; open it b.jpg is too small" in joined
    assert "x" * 20 in joined and "".join(lines).count("y") == 50


def test_control_characters_move_no_cursor():
    (_, row) = report.lines(0, [("\x1b[2J.png", "a\x1b[1m")], 0)
    assert row == "\\x1b[2J.png  a\\x1b[1m"

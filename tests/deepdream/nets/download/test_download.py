"""Downloads against a real HTTP server on loopback that truncates, stalls, lies, refuses and
redirects: a good file, or one line."""

import dataclasses
import threading

import pytest

from deepdream.errors import DownloadError
from deepdream.nets import download
from tests.support.downloads import left
from tests.support.misbehaving import (
    CONTENT,
    changed,
    changed_silently,
    goes_on_elsewhere,
    good,
    half,
    hidden_web_page,
    lies,
    no_range,
    not_found,
    redirect,
    refuses_range,
    stall,
    too_long,
    too_long_without_saying_so,
    web_page,
    wrong,
)

GOOD = {
    "at once": [good],
    "broken off, then gone on with": [half, half, good],
    "broken off, no Range": [half, no_range],
    "stalled, then gone on with": [stall, good],
    "redirected": [redirect, good],
    "lied about the length, then gone on with": [lies, good],
    "changed between two attempts": [half, changed],
    "changed silently between two attempts": [half, changed_silently, good],
    "refuses to go on": [half, refuses_range, good],
    "goes on elsewhere, then well": [half, goes_on_elsewhere, good],
}


@pytest.mark.parametrize("name", GOOD)
def test_what_ends_in_a_good_file(name, want, server):
    server.behaviours = list(GOOD[name])
    assert download.get(want) == server.url
    assert want.path.read_bytes() == CONTENT and left(want) == ["net.caffemodel"]


BAD = {
    "a web page": (web_page, "gave a web page"),
    "a web page that says it is none": (hidden_web_page, "gave a file with SHA1"),
    "not found": (not_found, "answered 404"),
    "too long": (too_long, f"has {len(CONTENT) + 4} bytes, not {len(CONTENT)}"),
    "too long without saying so": (
        too_long_without_saying_so,
        f"gave more than the {len(CONTENT)} bytes",
    ),
    "another file": (wrong, "gave a file with SHA1"),
    "always short": (lies, "broke off"),
    "always stalled": (stall, "stalled"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_ends_in_a_reason(name, want, server):
    behaviour, message = BAD[name]
    server.behaviours = [behaviour]
    with pytest.raises(DownloadError) as e:
        download.get(want)
    assert message in str(e.value) and "net.caffemodel could not be downloaded" in str(e.value)
    assert not want.path.exists()


def test_an_old_file_stays_where_no_new_one_can_be_had(want, server):
    want.path.parent.mkdir()
    want.path.write_bytes(b"old")
    server.behaviours = [not_found]
    with pytest.raises(DownloadError):
        download.get(want)
    assert want.path.read_bytes() == b"old"


def test_a_right_file_is_not_asked_for_again(want, server):
    download.get(want)
    assert download.get(want) == "" and len(server.asked) == 1


def test_a_damaged_file_is_replaced(want, server):
    download.get(want)
    want.path.write_bytes(CONTENT[:-1] + b"?")
    assert download.get(want) == server.url and want.path.read_bytes() == CONTENT


def test_going_on_asks_for_the_rest_alone(want, server):
    server.behaviours = [half, good]
    download.get(want)
    assert server.asked[0] is None and int(server.asked[1][6:-1]) > len(CONTENT) // 4
    assert server.validators == [None, '"1"']


def test_a_piece_of_another_place_is_not_taken(want, server):
    server.behaviours = [half, goes_on_elsewhere, good]
    download.get(want)
    assert len(server.asked) == 3 and server.asked[2] is None


def test_a_size_counts_where_there_is_no_hash(want, tmp_path):
    source = tmp_path / "elsewhere.caffemodel"
    source.write_bytes(CONTENT[:-7])
    with pytest.raises(DownloadError, match=f"gave {len(CONTENT) - 7} bytes, not {len(CONTENT)}"):
        download.get(download.Wanted(want.path, [], None, len(CONTENT)), trust=True, source=source)
    assert left(want) == []


def test_a_stopped_download_is_gone_on_with_by_the_next_run(want, server):
    def stopped(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.get(want, report=stopped)
    assert not want.path.exists()
    download.get(want)
    assert want.path.read_bytes() == CONTENT and server.asked[-1].startswith("bytes=")


def test_mirrors_are_tried_in_order(want, server, tmp_path):
    mirrors = ["http://127.0.0.1:9/net.caffemodel", "http://[::1", server.url]
    assert download.get(download.Wanted(want.path, mirrors, want.sha1, want.size)) == server.url
    with pytest.raises(DownloadError, match="127.0.0.1:9.*refused the connection.*is no address"):
        download.get(download.Wanted(tmp_path / "x", mirrors[:2], want.sha1, want.size))


@pytest.mark.parametrize("known", [True, False])
def test_two_who_get_one_file(known, want, server):
    """The second waits for the first, and asks for nothing."""
    want = want if known else dataclasses.replace(want, sha1=None)
    waiting = threading.Event()

    def first_report(done, total):
        if done == total:
            assert waiting.wait(10)

    def second():
        server.asked.append(download.get(want, True, say=lambda text: waiting.set()))

    def report(done, total):
        if not started:
            started.append(threading.Thread(target=second))
            started[0].start()
        first_report(done, total)

    started = []
    download.get(want, True, report=report)
    started[0].join(10)
    assert server.asked == [None, ""] and "net.caffemodel.old" not in left(want)


def test_a_file_without_a_hash_needs_trust_and_its_hash_is_kept(want, server):
    unknown = download.Wanted(want.path, want.urls, None, None)
    with pytest.raises(DownloadError, match="no published hash") as e:
        download.get(unknown)
    assert e.value.unverified
    assert not server.asked
    download.get(unknown, trust=True)
    assert download.recorded_sha1(want.path) == want.sha1
    server.behaviours = [hidden_web_page]
    want.path.unlink()
    (want.path.parent / "net.caffemodel.sha1").unlink()
    with pytest.raises(DownloadError, match="gave a web page"):
        download.get(unknown, trust=True)


# ---- the command


def test_a_proxy_of_the_environment_is_used(want, server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url.rsplit("/", 1)[0])
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    far = download.Wanted(
        want.path, ["http://nowhere.invalid/net.caffemodel"], want.sha1, want.size
    )
    assert download.get(far) == far.urls[0] and want.path.read_bytes() == CONTENT

"""Downloads against a real HTTP server on loopback that truncates, stalls, lies, refuses and
redirects: a good file, or one line."""

import dataclasses
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from http.server import ThreadingHTTPServer

import pytest

from deepdream import cli
from deepdream.errors import DownloadError
from deepdream.nets import catalogue, download, transfer
from tests.support.misbehaving import (
    CONTENT,
    OTHER,
    Handler,
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


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.handle_error = lambda *args: (
        None
    )  # a client that stops listening is what some tests are about
    made.daemon_threads = True
    made.behaviours, made.asked, made.validators, made.released = [good], [], [], threading.Event()
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    made.url = f"http://127.0.0.1:{made.server_port}/net.caffemodel"
    yield made
    made.released.set()
    made.shutdown()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT", (2, 0.3))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def want(tmp_path, server):
    return download.Wanted(
        tmp_path / "models" / "net.caffemodel",
        [server.url],
        hashlib.sha1(CONTENT).hexdigest(),
        len(CONTENT),
    )


def left(want):
    return sorted(p.name for p in want.path.parent.iterdir()) if want.path.parent.exists() else []


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


@pytest.mark.parametrize("url", ["file://{}", "{}", "ftp://h/x", "http://[::1", "http://a\n", "²"])
def test_a_readme_leads_to_no_file_of_this_machine(url, want, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    with pytest.raises(DownloadError, match="http and https addresses only|is no address|http://a"):
        download.get(download.Wanted(want.path, [url.format(secret)], want.sha1, want.size))
    assert left(want) == []


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.write_bytes(b"precious")
    yield path
    assert path.read_bytes() == b"precious"


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


STATES = [b"", b"{", b"[]", b"5", b'{"url": 5}', b"\xff", b"[" * 9999]
STATES += [b'{"url": "URL", "validator": 5}', b'{"url": "URL", "validator": "a\\nb"}']


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_a_broken_word_on_an_unfinished_download_is_none(state, want, server):
    workplace = want.path.with_name(".net.caffemodel.download")
    workplace.mkdir(parents=True, mode=0o700)
    (workplace / "part").write_bytes(CONTENT[:1000])
    (workplace / "part.json").write_bytes(state.replace(b"URL", server.url.encode()))
    assert download.unfinished(want)
    download.get(want)
    assert want.path.read_bytes() == CONTENT and server.asked == ["bytes=1000-"]


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


def test_what_bytes_says_limits_what_an_archive_gives(want, tmp_path):
    source = tmp_path / "net.tar.gz"
    source.write_bytes(archive([("net.caffemodel", bytes(1 << 22))]))
    with pytest.raises(DownloadError, match=f"has more than the {len(CONTENT)} bytes"):
        download.get(want, source=source)
    assert left(want) == []


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


def archive(names):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, content in names:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


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


@pytest.fixture
def folder(tmp_path, server):
    """A gist-like model folder, used by its path."""
    made = tmp_path / "gist"
    made.mkdir()
    (made / "readme.md").write_text(
        f"---\nname: Net\ncaffemodel: net.caffemodel\ncaffemodel_url: {server.url}\n"
        f"mean: [1, 2, 3]\nsha1: {hashlib.sha1(CONTENT).hexdigest()}\n---\n"
    )
    return made


def test_get_writes_the_file_and_a_second_time_does_nothing(folder, capsys, server):
    assert cli.main(["models", "get", str(folder)]) == 0
    assert (
        f"{len(CONTENT)} bytes from {server.url}" in capsys.readouterr().out
        and (folder / "net.caffemodel").read_bytes() == CONTENT
    )
    assert cli.main(["models", "get", str(folder)]) == 0
    assert (
        "is installed already, and verified" in capsys.readouterr().out and len(server.asked) == 1
    )


def test_get_says_in_one_line_why_it_failed(folder, capsys, server):
    server.behaviours = [not_found]
    assert cli.main(["models", "get", str(folder)]) == 2
    err = capsys.readouterr().err.strip()
    assert (
        err.splitlines()[-1].startswith(
            "deepdream models: net.caffemodel could not be downloaded: http"
        )
        and "answered 404" in err
    )
    assert (
        cli.main(["models", "get", "bvlc_gogglenet"]) == 2
        and "did you mean bvlc_googlenet" in capsys.readouterr().err
    )


def test_without_requests_the_install_command_is_told(folder, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "requests", None)
    assert (
        cli.main(["models", "get", str(folder)]) == 2
        and "pip install -e '.[download]'" in capsys.readouterr().err
    )


@pytest.fixture
def models(tmp_path, monkeypatch, small_folder):
    """A folder of models, one of which has a broken readme."""
    made = tmp_path / "models"
    for name in ("good", "broken"):
        shutil.copytree(small_folder, made / name)
    (made / "broken" / "readme.md").write_text("---\ncaffemodel: \x1b[31mx\nmean: five\n---\n")
    monkeypatch.setattr(catalogue, "MODELS", made)


def test_a_broken_readme_is_told_among_the_others(models, capsys):
    assert cli.main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "broken  " in said and "its readme is broken: " in said and "good" in said
    cli.main(["doctor"])
    assert "its readme is broken: " in capsys.readouterr().out


def test_no_readme_steers_the_terminal(folder, capsys, monkeypatch):
    readme = folder / "readme.md"
    readme.write_text(readme.read_text().replace("name: Net", "license: \x1b[31mred\x9b"))
    monkeypatch.setattr("deepdream.nets.known", lambda: [str(folder)])
    assert cli.main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "\\x1b[31mred\\x9b" in said and "\x1b" not in said and "\x9b" not in said


@pytest.mark.parametrize("name", ["../victim", "{}", "readme.md", "deploy.prototxt", "a/b", ".."])
def test_get_writes_into_the_models_folder_alone(name, folder, victim, capsys, server):
    readme = folder / "readme.md"
    text = readme.read_text().replace("net.caffemodel\n", f"{name.format(victim)}\n", 1)
    readme.write_text(text)
    assert cli.main(["models", "get", str(folder)]) == 2
    assert "caffemodel is " in capsys.readouterr().err
    assert readme.read_text() == text and not server.asked


def test_list_tells_every_model(capsys):
    assert cli.main(["models", "list"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert (
        rows["motif_googlenet"].endswith("installed, verified")
        and " 6 MB" in rows["motif_googlenet"]
    )
    assert (
        "554 MB" not in rows["VGG_ILSVRC_16_layers"]
        and "553 MB" in rows["VGG_ILSVRC_16_layers"]
        and "CC BY 4.0" in rows["VGG_ILSVRC_16_layers"]
    )
    assert "--trust" in rows["squeezenet_v1.0"] and "not known" in rows["googlenet_places205"]


def test_a_proxy_of_the_environment_is_used(want, server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url.rsplit("/", 1)[0])
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    far = download.Wanted(
        want.path, ["http://nowhere.invalid/net.caffemodel"], want.sha1, want.size
    )
    assert download.get(far) == far.urls[0] and want.path.read_bytes() == CONTENT


def test_caffes_spelling_of_a_download_takes_a_models_folder():
    script = catalogue.ROOT / "scripts" / "nets" / "download_model_binary.py"
    run = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and "--trust" in run.stdout


WORDS = (
    b"n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n"
    b"n01484850 great white shark, white shark\n"
)


def test_names_of_classes_by_script_and_how_they_are_found(
    tmp_path, capsys, small_folder, monkeypatch
):
    from deepdream import nets as model
    from scripts.nets import get_synset_words

    source = tmp_path / "caffe_ilsvrc12.tar.gz"
    source.write_bytes(archive([("./det_synset_words.txt", b"x"), ("./synset_words.txt", WORDS)]))
    folder = shutil.copytree(small_folder, tmp_path / "named")
    to = folder / "synset_words.txt"
    assert (
        get_synset_words.main(["--to", str(to), "--from", str(source)]) == 2
        and "--trust" in capsys.readouterr().err
    )
    (folder / "readme.md").write_text(
        (folder / "readme.md").read_text().replace("end:", "classes: synset_words.txt\nend:")
    )
    found = model.find(str(folder))
    with pytest.raises(Exception, match="get_synset_words.py gets them"):
        model.class_number(found, "goldfish")
    assert get_synset_words.main(["--to", str(to), "--from", str(source), "--trust"]) == 0
    assert (
        to.read_bytes() == WORDS
        and get_synset_words.main(["--to", str(to)]) == 0
        and "is there already" in capsys.readouterr().out
    )
    assert model.class_number(found, "goldfish") == (1, "goldfish, Carassius auratus")
    assert (
        model.class_number(found, "Tinca tinca")[0] == 0 and model.class_number(found, "2")[0] == 2
    )
    with pytest.raises(Exception, match="did you mean goldfish"):
        model.class_number(found, "goldfisch")


def test_a_gists_readme_needs_no_mean(folder, capsys):
    readme = folder / "readme.md"
    readme.write_text(
        readme.read_text().replace("mean: [1, 2, 3]\n", "gist_id: 0123456789abcdef\n")
    )
    assert (
        cli.main(["models", "get", str(folder)]) == 0
        and (folder / "net.caffemodel").read_bytes() == CONTENT
    )


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

"""The server over its wire: what the page asks for, and what strangers try."""

import io
import json
import shlex
import socket
import threading
import urllib.request
import zipfile

import numpy as np
import pytest
from PIL import Image

from deepdream.pictures import read_recipe
from deepdream.settings import WEB


@pytest.fixture
def ask(serving):
    return serving()


@pytest.fixture
def sent(ask, photo):
    """The id of a photograph on the server."""
    answer = ask("POST", "/pictures?name=photo.png", photo.read_bytes())
    assert answer.status == 200, answer
    return answer.facts["id"]


@pytest.fixture
def quick(ask, sent):
    """What a page asks for."""
    settings = {"end": "inception_4c/output", "iterations": 2, "octaves": 2}
    model = ask("GET", "/state").facts["model"]
    return {"model": model, "image": sent, "settings": settings, "max_size": 640, "seed": 5}


class Events:
    """What a page hears, while it is open."""

    def __init__(self, address):
        self._stream = urllib.request.urlopen(address + "/events", timeout=60)

    def until(self, *names):
        """The next event of one of these names: (name, its facts)."""
        name = ""
        for line in self._stream:
            key, _, text = line.decode().strip().partition(": ")
            name = text if key == "event" else name
            if key == "data" and name in names:
                return name, json.loads(text)
        raise AssertionError(f"the stream ended before {names}")

    def close(self):
        self._stream.close()


@pytest.fixture
def events(ask):
    heard = Events(ask.address)
    heard.until("hello")
    yield heard
    heard.close()


def test_the_page_and_all_that_it_names_is_there(ask):
    page = ask("GET", "/")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    for name in ("style.css", "colours.css", "icon.svg"):
        assert f"/page/{name}" in page.content.decode()
    names = [
        "main",
        "drops",
        "settings",
        "knobs",
        "layers",
        "lines",
        "classes",
        "drawing",
        "complete",
        "guides",
        "mask",
        "history",
    ]
    for name in ["style.css", "colours.css", "icon.svg", *(f"{n}.js" for n in names)]:
        answer = ask("GET", f"/page/{name}")
        assert answer.status == 200 and b"://" not in answer.content.replace(
            b"http://www.w3.org/2000/svg", b""
        ), name


def test_the_page_fetches_nothing_from_elsewhere(ask):
    assert b"//" not in ask("GET", "/").content.replace(b"<!doctype html>", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/page/../server.py", "/page/..%2fserver.py", "/page/%2e%2e/routes.py", "/page//etc/passwd",
        "/layers/creature_googlenet/..%2f..%2findex.html", "/layers/../page/main.js",
        "/pictures/..%2f..%2fetc%2fpasswd", "/pictures/x/shown", "/pictures/x/other",
        "/frames/x/1", "/results/x.zip", "/results/x.gif", "/results/..%2fx.zip", "/models/%2fetc",
        "/models/..%2f..", "/samples/..%2fx",
        "/nothing", "/layers/creature_googlenet/none.webp", "/layers/none/own.webp", "/.env",
    ],
)  # fmt: skip
def test_no_address_leads_to_the_disk(path, ask):
    answer = ask("GET", path)
    assert answer.status in (404, 422), answer
    assert len(answer.content) < 400 and b"Traceback" not in answer.content


def test_a_dream_from_the_first_word_to_the_saved_picture(ask, quick, events, tmp_path, photo, run):
    one = ask("POST", "/dreams", quick).facts["id"]
    _, step = events.until("step")
    frame = ask("GET", f"/frames/{one}/{step['shown']}")
    assert frame.content[:2] == b"\xff\xd8" and frame.headers["cache-control"] == "no-store"
    while True:
        _, dream = events.until("dream")
        if dream["state"] == "done":
            break
    result = dream["result"]
    assert result["command"].startswith("deepdream dream photo.png -o dream.png --model ")
    saved = ask("GET", f"/pictures/{result['picture']}")
    assert "attachment" in saved.headers["content-disposition"]
    (tmp_path / "saved.png").write_bytes(saved.content)
    assert json.loads(read_recipe(tmp_path / "saved.png"))["seed"] == 5
    model = ask.server._models.get(quick["model"]).model.name
    code, said, error = run("replay", tmp_path / "saved.png", "--model", model)
    assert code == 0 and "equal to the bit" in said, error
    archive = zipfile.ZipFile(io.BytesIO(ask("GET", f"/results/{result['id']}.zip").content))
    assert sorted(archive.namelist()) == ["how.txt", "photo-dream.png", "photo.png"]
    assert [r["id"] for r in ask("GET", "/state").facts["results"]] == [result["id"]]


def test_the_frames_of_a_zoom_are_saved_as_the_command_line_animates_them(
    ask, quick, events, photo, tmp_path, run
):
    pytest.importorskip("av")
    ask("POST", "/dreams", {**quick, "frames": 2})
    while not (done := events.until("dream")[1])["result"]:
        pass
    result = done["result"]
    assert len(result["frames"]) == len(result["times"]) == 2
    program, *words = shlex.split(result["command"])
    words = [{"photo.png": photo, "dream/": tmp_path / "dream"}.get(word, word) for word in words]
    assert run(*words, "--animate", tmp_path / "dream.webp")[0] == 0
    kinds = ask("GET", "/state").facts["animations"]
    assert kinds == ["gif", "webp", "mp4"]
    first = {"gif": b"GIF89a", "webp": b"RIFF", "mp4": b"\0\0\0"}
    for kind in kinds:
        answer = ask("GET", f"/results/{result['id']}.{kind}")
        assert answer.status == 200 and answer.content.startswith(first[kind])
        assert answer.headers["content-disposition"].endswith(f"photo-dream.{kind}")
    content = ask("GET", f"/results/{result['id']}.webp").content
    here, there = Image.open(io.BytesIO(content)), Image.open(tmp_path / "dream.webp")
    assert here.n_frames == there.n_frames == 2 and here.size == there.size
    for number in range(2):  # the command line's frames are JPEGs
        here.seek(number)
        there.seek(number)
        difference = np.asarray(here.convert("RGB"), int) - np.asarray(there.convert("RGB"), int)
        assert np.abs(difference).mean() < 6
    assert ask("GET", f"/results/{result['id']}.exe").status == 404


def test_a_page_that_is_closed_in_the_middle_is_forgotten_and_its_dream_goes_on(ask, quick):
    heard = Events(ask.address)
    heard.until("hello")
    quick["settings"]["iterations"] = 500
    one = ask("POST", "/dreams", quick).facts["id"]
    heard.until("step")
    heard.close()
    again = Events(ask.address)
    assert [d["id"] for d in ask("GET", "/state").facts["dreams"]] == [one]
    assert again.until("step")[1]["id"] == one
    assert ask("POST", f"/dreams/{one}/stop").status == 200
    while again.until("dream")[1]["state"] != "stopped":
        pass
    again.close()


def test_two_pages_hear_of_every_dream_and_of_the_queue(ask, quick, events):
    other = Events(ask.address)
    quick["settings"]["iterations"] = 500
    first, second = (ask("POST", "/dreams", quick).facts["id"] for _ in range(2))
    for page in (events, other):
        while page.until("queue")[1]["waiting"] != [second]:
            pass
    for one in (second, first):
        ask("POST", f"/dreams/{one}/stop")
    other.close()


def test_settings_are_checked_before_a_dream(ask, quick):
    answer = ask("POST", "/check", {**quick, "frames": 3})
    assert answer.facts["command"].startswith("deepdream zoom photo.png -o dream/")
    answer = ask("POST", "/check", {**quick, "settings": {"end": "conv9"}})
    assert answer.status == 422 and 'no layer "conv9"' in answer.facts["error"]
    answer = ask("POST", "/check", json.dumps(quick).replace("640", "NaN"))
    assert answer.status == 422 and "'NaN'" in answer.facts["error"]


@pytest.mark.parametrize(
    "content, said",
    [(b"", "this file is empty"), (b"%PDF-1.4 hello", "a PDF, given"), (b"\0" * 5000, "picture")],
)
def test_what_is_no_picture_is_answered_and_the_server_lives(content, said, ask):
    answer = ask("POST", "/pictures?name=x.jpg", content)
    assert answer.status == 422 and said in answer.facts["error"], answer
    assert ask("GET", "/state").status == 200


def test_an_upload_that_announces_too_much_is_refused_at_once(ask):
    with socket.create_connection(("127.0.0.1", ask.server.port), 10) as wire:
        head = (
            f"POST /pictures?name=big.png HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost"
            f"\r\nContent-Length: {200 << 20}\r\n\r\n"
        )
        wire.sendall(head.encode())
        answer = wire.recv(4096)
    assert b" 413 " in answer.splitlines()[0]
    assert ask("GET", "/state").status == 200


def test_an_upload_without_a_length_is_cut_off_at_the_bound(ask, monkeypatch):
    monkeypatch.setattr("deepdream.web.routes.WEB", WEB.__class__(upload_bytes=1000))
    with socket.create_connection(("127.0.0.1", ask.server.port), 10) as wire:
        head = "POST /pictures HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        wire.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        wire.sendall(b"800\r\n" + b"x" * 0x800 + b"\r\n")
        answer = wire.recv(4096)
    assert b" 413 " in answer.splitlines()[0]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00 not http at all\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000,
        b"POST /dreams HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"BREW /coffee HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n",
    ],
)
def test_a_hostile_request_never_ends_the_server(garbage, ask):
    with socket.create_connection(("127.0.0.1", ask.server.port), 10) as wire:
        wire.sendall(garbage)
        status = wire.recv(4096).split(b" ", 2)[1]
    assert 400 <= int(status) < 500
    assert ask("GET", "/state").status == 200


def test_a_request_that_is_not_ended_is_given_up_and_one_that_is_slow_to_answer_is_not(
    ask, monkeypatch
):
    monkeypatch.setattr("deepdream.web.patience.HEAD_SECONDS", 0.2)
    page = Events(ask.address)  # its answer takes as long as the page is open
    page.until("hello")
    for begun in (b"", b"GET /state HTTP/1.1\r\nHost: local"):
        with socket.create_connection(("127.0.0.1", ask.server.port), 10) as wire:
            wire.sendall(begun)
            assert wire.recv(4096) == b""
    with socket.create_connection(("127.0.0.1", ask.server.port), 10) as wire:
        whole = b"GET /page/icon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n"
        wire.sendall(whole)
        answer = wire.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 200")
        wire.sendall(whole[:30])  # the second one on this connection
        while answer:
            answer = wire.recv(1 << 16)
    ask("POST", "/samples/noise.png")
    ask.server.hub.tell("note", text="still here")
    assert page.until("note")[1]["text"] == "still here"
    page.close()


def test_another_name_or_origin_is_refused_over_the_wire(ask):
    assert ask("GET", "/state", Host="evil.example").status == 421
    assert ask("POST", "/samples/noise.png", Origin="http://evil.example").status == 403
    assert ask("POST", "/samples/noise.png", Origin=None).status == 403


def test_no_more_pages_are_open_than_may(ask, monkeypatch):
    monkeypatch.setattr(ask.server.hub, "_most", 1)
    page = Events(ask.address)
    page.until("hello")
    assert ask("GET", "/events").status == 503
    page.close()


def test_an_open_page_does_not_keep_the_server_from_ending(ask):
    page = Events(ask.address)
    page.until("hello")
    ask.server.stop()
    assert list(page._stream) is not None  # it ends
    page.close()


def test_an_address_that_others_reach_has_a_token(serving):
    ask = serving(host="0.0.0.0")
    assert ask("GET", "/state").status == 401
    token = ask.server.address.partition("?token=")[2]
    assert len(token) > 30
    assert ask("GET", "/state", Cookie=f"deepdream={token}").status == 200


def test_samples_can_be_dreamt_on(ask):
    names = [one["name"] for one in ask("GET", "/state").facts["samples"]]
    assert {"mountains.jpg", "noise.png"} <= set(names)
    for name in ("mountains.jpg", "noise.png"):
        assert ask("GET", f"/samples/{name}").status == 200
        assert ask("POST", f"/samples/{name}").facts["size"] == [480, 360]


def test_many_at_once_are_answered(ask, png):
    contents = [png(50, 60, seed) for seed in range(8)]
    found = []

    def send(number):
        found.append(ask("POST", f"/pictures?name={number}.png", contents[number]).status)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 8

"""A server of the small net, as a page sees it."""

import json
import threading
import urllib.error
import urllib.request
from collections import namedtuple

import numpy as np
import pytest
from PIL import Image

from deepdream import nets
from deepdream.cli.advice import advised
from deepdream.cli.commands.serve import command
from deepdream.settings import DEFAULT_MODEL
from deepdream.web import jobs
from deepdream.web.hub import Hub
from deepdream.web.kept import Pictures
from deepdream.web.models import Models

Answer = namedtuple("Answer", "status facts content headers")


@pytest.fixture
def kept(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    return Pictures(folder)


@pytest.fixture
def models(small, engine_name):
    return Models(engine_name, small)


class Heard(Hub):
    """A hub that remembers what it was told, and lets one wait for it."""

    def __init__(self):
        super().__init__(1)
        self.events, self._more = [], threading.Condition()

    def tell(self, event, **facts):
        with self._more:
            self.events.append((event, json.loads(json.dumps(facts))))
            self._more.notify_all()

    def wait(self, is_it, seconds=60):
        def found():
            return next((x for x in self.events if is_it(*x)), None)

        with self._more:
            assert self._more.wait_for(found, seconds), self.events[-3:]
            return found()[1]


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def queue(kept, heard, engine_name):
    """The queue of a server that nobody has asked for anything yet."""
    made = jobs.Jobs(kept, heard, jobs.how(engine_name, None, None), advised, command)
    yield made
    made.close()


@pytest.fixture
def form(kept, photo, models):
    """What a page asks for, as JSON; `also` is added to it, `settings` to its settings."""
    image = kept.add(photo.read_bytes(), "photo.png")

    def call(settings=None, **also):
        quick = {"end": "inception_4c/output", "iterations": 2, "octaves": 2}
        asked = {"model": models.first, "image": image.id, "max_size": 640, "seed": 3}
        return json.dumps({**asked, "settings": {**quick, **(settings or {})}, **also})

    return call


def begin(model, engine, port=0, **where):
    """Start a server; returns a function that asks it: (method, path, content, headers), which
    `end`s it."""
    from deepdream.web.server import Server

    how = jobs.how(engine, None, None)
    server = Server(model, how, advised, command, port=port, **where)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,))
    thread.start()
    assert ready.wait(30)
    own = f"http://127.0.0.1:{server.port}"

    def ask(method, path, content=None, **headers):
        if method == "POST":
            headers.setdefault("Origin", own)
        if isinstance(content, dict):
            content = json.dumps(content)
        data = content.encode() if isinstance(content, str) else content
        if method == "POST" and data is None:
            data = b""
        headers = {name.replace("_", "-"): v for name, v in headers.items() if v is not None}
        asked = urllib.request.Request(own + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return _answer(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as e:
            return _answer(e.code, e.read(), e.headers)

    def end():
        server.stop()
        thread.join(30)
        assert not thread.is_alive()

    ask.server, ask.address, ask.end = server, own, end
    return ask


@pytest.fixture
def serving(small, engine_name):
    """Start a server of the small net, or of another: see `begin`."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    started = []

    def start(model=small, port=0, **where):
        started.append(begin(model, engine_name, port, **where))
        return started[-1]

    yield start
    for ask in started:
        ask.end()


@pytest.fixture(scope="module")
def whole():
    """A server of the default net, whose layers have pictures and whose classes have names."""
    ask = begin(nets.find(DEFAULT_MODEL), "compat")
    yield ask
    ask.end()


def _answer(status, content, headers):
    is_json = headers.get("content-type", "").startswith("application/json")
    return Answer(status, json.loads(content) if is_json else None, content, headers)


@pytest.fixture
def png(tmp_path):
    """The bytes of a picture of a (height, width)."""

    def call(height, width, seed=0):
        path = tmp_path / f"{height}x{width}-{seed}.png"
        noise = np.random.RandomState(seed).randint(0, 256, (height, width, 3))
        Image.fromarray(noise.astype(np.uint8)).save(path)
        return path.read_bytes()

    return call

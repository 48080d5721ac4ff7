"""A server on loopback that misbehaves as it is told, and what is wanted from it."""

import hashlib
import threading
from http.server import ThreadingHTTPServer

import pytest

from deepdream.nets import download, transfer
from tests.support.misbehaving import CONTENT, Handler, good


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # a client that stops listening is what some tests are about
    made.handle_error = lambda *args: None
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


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.write_bytes(b"precious")
    yield path
    assert path.read_bytes() == b"precious"


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

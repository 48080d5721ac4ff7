"""Campaigns against downloads: killed ones, and servers that misbehave."""

import hashlib
import io
import random
import tarfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

from .campaign import HOSTILE, Campaign, Fault, Shop, call, judged, leftovers

_WEIGHTS = "small.caffemodel"
_KINDS = (tarfile.REGTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
          tarfile.FIFOTYPE)  # fmt: skip
_SECRET = "secret of this machine"


class _Server(ThreadingHTTPServer):
    """Serves `content` at every address, each time in a way that `behave` finds."""

    daemon_threads = True
    content = b""
    rng = random.Random(0)
    behave: Any = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that were killed


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        type(self.server).behave(self)

    def first(self) -> int:
        """Where the wanted range begins."""
        return int((self.headers.get("Range") or "bytes=0-")[len("bytes=") : -1])


def _breaks_off(h: _Handler) -> None:
    """Slow, does not always resume, and breaks off at times."""
    content, rng = h.server.content, h.server.rng
    first = h.first() if rng.random() < 0.8 else 0
    rest = content[first:]
    h.send_response(206 if first else 200)
    h.send_header("Content-Length", str(len(rest)))
    h.send_header("ETag", '"1"')
    if first:
        h.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
    h.end_headers()
    if rng.random() < 0.3:
        rest = rest[: rng.randrange(len(rest) + 1)]
        h.close_connection = True
    for place in range(0, len(rest), 1 << 16):
        h.wfile.write(rest[place : place + (1 << 16)])
        time.sleep(0.002)


def _lies(h: _Handler) -> None:
    """Says one thing in its headers and does another, or nothing that HTTP knows."""
    content, rng = h.server.content, h.server.rng
    h.close_connection = True
    if rng.random() < 0.1:
        h.wfile.write(rng.getrandbits(800).to_bytes(100, "little"))
        return
    port = h.server.server_port
    h.send_response(rng.choice((200, 200, 200, 206, 206, 302, 404, 416, 500, 999)))
    body = rng.choice((content, content, content[::-1], content[: len(content) // 2], b"",
                       b"<!doctype html>", content + b"\0"))  # fmt: skip
    body = body[rng.choice((0, h.first(), 7)) :]
    number = rng.choice((len(body), len(body), len(content), 0, -1, 10**30, "²", ""))
    headers = {
        "Content-Length": number,
        "Content-Range": rng.choice((f"bytes {h.first()}-{len(content) - 1}/{len(content)}",
                                     "bytes 0-0/1", "bytes 9-1/*", "x", f"bytes 0-1/{10**40}")),
        "Content-Type": rng.choice(("application/octet-stream", "text/html", "")),
        "ETag": rng.choice(('"1"', 'W/"1"', "é" * 100, "x" * 30000, '"\t"')),
        "Transfer-Encoding": rng.choice(("chunked", "gzip", "identity")),
        "Content-Encoding": rng.choice(("gzip", "deflate", "identity")),
        "Location": rng.choice((f"http://127.0.0.1:{port}/again", "file:///etc/passwd", "http://[",
                                "/" + "x" * 9000, "ftp://127.0.0.1/x", "http://\x01/")),
    }  # fmt: skip
    h.flush_headers()
    for name, value in headers.items():
        if rng.random() < (0.8 if name in ("Content-Length", "Location") else 0.3):
            h.wfile.write(f"{name}: {value}\r\n".encode())
    h.wfile.write(b"\r\n")
    h.wfile.write(body)


def _archive(content: bytes, rng: random.Random) -> bytes:
    """A .tar.gz with the weights somewhere, and more."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in (rng.choice(HOSTILE["text"]), rng.choice(("../../", "/tmp/", "")) + _WEIGHTS):
            about = tarfile.TarInfo(name.replace("\0", "") or "x")
            about.size = len(content)
            about.type = rng.choice(_KINDS)
            if about.type != tarfile.REGTYPE:
                about.size, about.linkname = 0, rng.choice(("/etc/passwd", _WEIGHTS, "../secret"))
            try:
                tar.addfile(about, io.BytesIO(content))
            except (ValueError, UnicodeError):
                continue
    return buffer.getvalue()


@contextmanager
def _served(content: bytes, behave: Any, rng: random.Random) -> Iterator[_Server]:
    kind = type("_Serving", (_Server,), {"content": content, "behave": behave, "rng": rng})
    server = kind(("127.0.0.1", 0), _Handler)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _lay_out(shop: Shop, content: bytes, address: str) -> Path:
    """A model's folder whose readme names the address."""
    folder = shop.here / "model"
    folder.mkdir()
    readme = (shop.model / "readme.md").read_text()
    facts = (
        f"caffemodel_url: {address}\n"
        f"sha1: {hashlib.sha1(content).hexdigest()}\nbytes: {len(content)}\n"
    )
    (folder / "readme.md").write_text(readme.replace("mean:", facts + "mean:"))
    (folder / "deploy.prototxt").write_bytes((shop.model / "deploy.prototxt").read_bytes())
    return folder


def _check(shop: Shop, folder: Path, content: bytes) -> None:
    """Raise Fault where a file is wrong, or anything lies outside the model's folder."""
    path = folder / _WEIGHTS
    if path.is_symlink() or (path.exists() and path.read_bytes() != content):
        raise Fault("a wrong file under the good name")
    left = leftovers(shop.here, ["model", "secret"])
    if left:
        raise Fault(f"{left} beside the model's folder")


def killed(rng: random.Random, shop: Shop) -> str:
    """Kill downloads from a server that breaks off, until one gets through: the file is right."""
    content = (shop.model / _WEIGHTS).read_bytes()
    content += rng.getrandbits(8 * (1 << 20)).to_bytes(1 << 20, "little")
    with _served(content, _breaks_off, rng) as server:
        folder = _lay_out(shop, content, f"http://127.0.0.1:{server.server_port}/w.caffemodel")
        for _ in range(12):
            process = shop.start(["models", "get", str(folder)])
            if rng.random() < 0.5:
                time.sleep(rng.uniform(0, 1.5))
                process.kill()
            code, told, err = shop.finish(process)
            if code not in (-9, 0):
                judged(code, told, err)
            _check(shop, folder, content)
            if code == 0:
                return "got"
    return "given up"


def lied_to(rng: random.Random, shop: Shop) -> str:
    """Download from a server that lies, as a file or as an archive: the right file, or none."""
    content = (shop.model / _WEIGHTS).read_bytes()
    (shop.here / "secret").write_text(_SECRET)
    archive = rng.random() < 0.2
    sent = _archive(content, rng) if archive else content
    with _served(sent, _breaks_off if archive else _lies, rng) as server:
        name = "w.tar.gz" if archive else "w.caffemodel"
        folder = _lay_out(shop, content, f"http://127.0.0.1:{server.server_port}/{name}")
        for _ in range(rng.choice((1, 1, 3))):
            code, told, err = call(["models", "get", str(folder)])
            ended = judged(code, told, err)
            _check(shop, folder, content)
            if _SECRET in told + err or (shop.here / "secret").read_text() != _SECRET:
                raise Fault("a file outside the model's folder was read or written")
            if ended == "done":
                return "got"
    return "refused"


CAMPAIGNS = (
    Campaign("downloads", "downloads killed, from a server that breaks off", killed),
    Campaign(
        "servers", "servers that lie, redirect, break off, and send hostile archives", lied_to
    ),
)

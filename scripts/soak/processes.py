"""Campaigns against running commands: kills, interrupts, two writers, full disks, little memory."""

import random
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .campaign import Campaign, Fault, Shop, judged, leftovers, limited, whole_picture


def _wait(rng: random.Random, most: float) -> None:
    """Let a command run for a random time: the attack's own moment."""
    time.sleep(rng.uniform(0, most))


def kill(rng: random.Random, shop: Shop) -> str:
    """Kill a dream over an older picture at a random instant; the next run sweeps and succeeds."""
    out = shop.here / "out.png"
    older = shop.photo.read_bytes()
    out.write_bytes(older)
    words = shop.dream(out, "--iterations", "2", "--overwrite")
    process = shop.start(words)
    _wait(rng, 2.5)
    process.kill()
    shop.finish(process)
    whole_picture(out)
    code, told, err = shop.finish(shop.start(words))
    judged(code, told, err, (0,))
    whole_picture(out)
    left = leftovers(shop.here, ["out.png"])
    if left:
        raise Fault(f"the next run left {left}")
    return "killed"


def interrupt(rng: random.Random, shop: Shop) -> str:
    """Interrupt a dream at a random instant, once: it stops by itself, and soon."""
    out = shop.here / "out.png"
    process = shop.start(shop.dream(out, "--iterations", "200"))
    _wait(rng, 3)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    code, told, err = shop.finish(process)
    took = time.monotonic() - started
    early = code == -signal.SIGINT or "KeyboardInterrupt" in err  # Python itself was starting
    if not early:
        judged(code, told, err, (0, 130))
    if took > 30:
        raise Fault(f"stopped {took:.0f} s after the interrupt")
    if out.exists():
        whole_picture(out)
    left = leftovers(shop.here, ["out.png"])
    if left:
        raise Fault(f"left {left}")
    return "while starting" if early else "stopped"


def two_writers(rng: random.Random, shop: Shop) -> str:
    """Two dreams write one file, and one or both are killed: the file is never broken."""
    out = shop.here / "out.png"
    out.write_bytes(shop.photo.read_bytes())
    words = shop.dream(out, "--iterations", "1", "--overwrite")
    both = [shop.start(words), shop.start(words)]
    _wait(rng, 3)
    for process in both[: rng.randrange(3)]:
        process.kill()
    for process in both:
        shop.finish(process)
        whole_picture(out)
    return "done"


def full_disk(rng: random.Random, shop: Shop) -> str:
    """The disk takes no more after so many bytes: refused, and nothing left."""
    most = rng.choice((0, 1, 100, 3000, 20000, rng.randrange(40000)))
    # Python's own compiled files must not be cut off by the limit
    how = {"env": {"PYTHONDONTWRITEBYTECODE": "1"}, "preexec_fn": limited(bytes_=most)}
    out = shop.here / rng.choice(("out.png", "out.jpg"))
    code, told, err = shop.finish(shop.start(shop.dream(out, "--iterations", "1"), **how))
    ended = judged(code, told, err)
    if out.exists():
        whole_picture(out)
    left = leftovers(shop.here, [out.name] if ended == "done" else [])
    if left:
        raise Fault(f"left {left} after {ended}")
    return ended


def little_memory(rng: random.Random, shop: Shop) -> str:
    """The process may have so much memory: done or refused, never a traceback."""
    how = {"preexec_fn": limited(memory=rng.randrange(150, 1500) * 10**6)}
    out = shop.here / "out.png"
    code, told, err = shop.finish(shop.start(shop.dream(out, "--iterations", "1"), **how))
    # BLAS and Python end a process by themselves where they cannot even start
    if code < 0 or (code == 1 and "deepdream:" not in err and not told):
        return "did not start"
    return judged(code, told, err)


class _Server(ThreadingHTTPServer):
    """Serves `content`, and breaks off after a share of it at times."""

    content = b""
    rng = random.Random(0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        content, rng = self.server.content, self.server.rng
        asked = self.headers.get("Range")
        first = int(asked[len("bytes=") : -1]) if asked and rng.random() < 0.8 else 0
        rest = content[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.send_header("ETag", '"1"')
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if rng.random() < 0.3:
            rest = rest[: rng.randrange(len(rest) + 1)]
            self.close_connection = True
        for place in range(0, len(rest), 1 << 16):
            self.wfile.write(rest[place : place + (1 << 16)])
            time.sleep(0.002)


def download(rng: random.Random, shop: Shop) -> str:
    """Kill downloads from a server that breaks off, until one gets through: the file is right."""
    import hashlib

    weights = (shop.model / "small.caffemodel").read_bytes()
    content = weights + rng.getrandbits(8 * (1 << 20)).to_bytes(1 << 20, "little")
    folder = shop.here / "model"
    folder.mkdir()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.content, server.rng = content, rng
    threading.Thread(target=server.serve_forever, daemon=True).start()
    readme = (shop.model / "readme.md").read_text()
    facts = (
        f"caffemodel_url: http://127.0.0.1:{server.server_port}/small.caffemodel\n"
        f"sha1: {hashlib.sha1(content).hexdigest()}\nbytes: {len(content)}\n"
    )
    (folder / "readme.md").write_text(readme.replace("mean:", facts + "mean:"))
    (folder / "deploy.prototxt").write_bytes((shop.model / "deploy.prototxt").read_bytes())
    try:
        for _ in range(12):
            process = shop.start(["models", "get", str(folder)])
            if rng.random() < 0.5:
                _wait(rng, 1.5)
                process.kill()
            code, told, err = shop.finish(process)
            if code not in (-9, 0):
                judged(code, told, err)
            path = folder / "small.caffemodel"
            if path.exists() and path.read_bytes() != content:
                raise Fault("a wrong file under the good name")
            if code == 0:
                return "got"
    finally:
        server.shutdown()
        server.server_close()
    return "given up"


CAMPAIGNS = (
    Campaign("kills", "a dream killed at a random instant, over an older picture", kill),
    Campaign("interrupts", "Ctrl-C at a random instant of a dream", interrupt),
    Campaign("two writers", "two dreams of one name, some killed", two_writers),
    Campaign("full disk", "no file grows beyond a random size", full_disk),
    Campaign("little memory", "a random limit of the process's memory", little_memory),
    Campaign("downloads", "downloads killed, from a server that breaks off", download),
)

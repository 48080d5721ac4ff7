"""An HTTP server on loopback, and the ways in which it can fail whoever downloads from it."""

from http.server import BaseHTTPRequestHandler
from typing import Any, Optional

CONTENT = bytes(range(256)) * 4096  # 1 MB
OTHER = CONTENT[::-1]


class Handler(BaseHTTPRequestHandler):
    """Answers by its server's `behaviours` in turn, the last of them from then on.

    Range and If-Range of every request are appended to the server's `asked` and `validators`.
    """

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        behaviours = self.server.behaviours
        behave = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        self.server.asked.append(self.headers.get("Range"))
        self.server.validators.append(self.headers.get("If-Range"))
        behave(self)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()


def send(
    h: Handler,
    body: bytes,
    first: int = 0,
    cut: Optional[int] = None,
    length: Optional[int] = None,
    status: Optional[int] = None,
    etag: Optional[str] = '"1"',
    kind: str = "application/octet-stream",
) -> None:
    """Answer with body[first:], as a partial answer if first is not 0.

    Args:
        cut: Break off after so many bytes.
        length: The length to announce in place of the true one.
    """
    rest = body[first:]
    h.send_response(status or (206 if first else 200))
    h.send_header("Content-Length", str(len(rest) if length is None else length))
    h.send_header("Content-Type", kind)
    if etag:
        h.send_header("ETag", etag)
    if first:
        h.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
    h.end_headers()
    h.wfile.write(rest if cut is None else rest[:cut])
    if cut is not None or length is not None:
        h.close_connection = True


def offset(h: Handler) -> int:
    """The first byte that the request asks for."""
    asked = h.headers.get("Range")
    return int(asked[len("bytes=") : -1]) if asked else 0


def good(h: Handler) -> None:
    send(h, CONTENT, offset(h))


def half(h: Handler) -> None:
    send(h, CONTENT, offset(h), cut=(len(CONTENT) - offset(h)) // 2 + 1)


def no_range(h: Handler) -> None:
    send(h, CONTENT)


def redirect(h: Handler) -> None:
    h.send_response(302)
    h.send_header("Location", "/moved")
    h.send_header("Content-Length", "0")
    h.end_headers()


def web_page(h: Handler) -> None:
    send(h, b"<html>moved</html>" * 100, kind="text/html; charset=utf-8")


def hidden_web_page(h: Handler) -> None:
    send(h, (b"<html>moved</html>" * (len(CONTENT) // 18 + 1))[: len(CONTENT)])


def not_found(h: Handler) -> None:
    send(h, b"gone", status=404)


def too_long(h: Handler) -> None:
    send(h, CONTENT + b"more")


def too_long_without_saying_so(h: Handler) -> None:
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    for piece in (CONTENT, b"more" * 100000):
        h.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
    h.wfile.write(b"0\r\n\r\n")


def lies(h: Handler) -> None:
    send(h, CONTENT[:1000], length=len(CONTENT))


def changed(h: Handler) -> None:
    """The file has changed since; If-Range is honoured, so the answer starts from its beginning."""
    send(h, CONTENT, 0, etag='"2"')


def changed_silently(h: Handler) -> None:
    """Continues with the end of another file."""
    send(h, OTHER, offset(h), etag=None)


def wrong(h: Handler) -> None:
    send(h, OTHER, offset(h))


def goes_on_elsewhere(h: Handler) -> None:
    h.send_response(206)
    h.send_header("Content-Length", "10")
    h.send_header("Content-Range", f"bytes 5-14/{len(CONTENT)}")
    h.end_headers()
    h.wfile.write(b"0123456789")


def refuses_range(h: Handler) -> None:
    send(h, b"", status=416) if offset(h) else good(h)


def stall(h: Handler) -> None:
    h.send_response(200)
    h.send_header("Content-Length", str(len(CONTENT)))
    h.end_headers()
    h.wfile.write(CONTENT[:5000])
    h.wfile.flush()
    h.server.released.wait(5)
    h.close_connection = True

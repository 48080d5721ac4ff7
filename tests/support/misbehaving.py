"""An HTTP server on loopback, and the ways in which it can fail whoever downloads from it."""

from http.server import BaseHTTPRequestHandler

CONTENT = bytes(range(256)) * 4096  # 1 MB
OTHER = CONTENT[::-1]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        behave = (
            self.server.behaviours.pop(0)
            if len(self.server.behaviours) > 1
            else self.server.behaviours[0]
        )
        self.server.asked.append(self.headers.get("Range"))
        self.server.validators.append(self.headers.get("If-Range"))
        behave(self)


def send(
    h,
    body,
    first=0,
    cut=None,
    length=None,
    status=None,
    etag='"1"',
    kind="application/octet-stream",
):
    """Answer with body[first:cut], as a part if first is not 0; `length` tells another length than there is."""
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


def offset(h):
    told = h.headers.get("Range")
    return int(told[6:-1]) if told else 0


def good(h):
    send(h, CONTENT, offset(h))


def half(h):
    send(h, CONTENT, offset(h), cut=(len(CONTENT) - offset(h)) // 2 + 1)


def no_range(h):
    send(h, CONTENT)


def redirect(h):
    h.send_response(302)
    h.send_header("Location", "/moved")
    h.send_header("Content-Length", "0")
    h.end_headers()


def web_page(h):
    send(h, b"<html>moved</html>" * 100, kind="text/html; charset=utf-8")


def hidden_web_page(h):
    send(h, (b"<html>moved</html>" * (len(CONTENT) // 18 + 1))[: len(CONTENT)])


def not_found(h):
    send(h, b"gone", status=404)


def too_long(h):
    send(h, CONTENT + b"more")


def too_long_without_saying_so(h):
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    for piece in (CONTENT, b"more" * 100000):
        h.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
    h.wfile.write(b"0\r\n\r\n")


def lies(h):
    send(h, CONTENT[:1000], length=len(CONTENT))


def changed(h):
    """Another file since: honours If-Range, and so begins again."""
    send(h, CONTENT, 0, etag='"2"')


def changed_silently(h):
    """Goes on with another file's end, once."""
    send(h, OTHER, offset(h), etag=None)


def wrong(h):
    send(h, OTHER, offset(h))


def goes_on_elsewhere(h):
    h.send_response(206)
    h.send_header("Content-Length", "10")
    h.send_header("Content-Range", f"bytes 5-14/{len(CONTENT)}")
    h.end_headers()
    h.wfile.write(b"0123456789")


def refuses_range(h):
    send(h, b"", status=416) if offset(h) else good(h)


def stall(h):
    h.send_response(200)
    h.send_header("Content-Length", str(len(CONTENT)))
    h.end_headers()
    h.wfile.write(CONTENT[:5000])
    h.wfile.flush()
    h.server.released.wait(5)
    h.close_connection = True

"""Who may talk to the server: its own page, opened by a name of this machine, with the token."""

import hmac
import ipaddress
import json
import re
import socket
import time
from http.cookies import CookieError, SimpleCookie
from typing import Any, Dict, FrozenSet, List, Optional, Tuple
from urllib.parse import parse_qs

COOKIE = "deepdream"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SAFE = ("GET", "HEAD")
_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Refusal(Exception):
    """A request that is not answered. status: of HTTP. text: for a person."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host in _LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Hosts:
    """The names by which the server may be called, so that no other name that is made to lead here
    (DNS rebinding) can speak for it.

    Args:
        host: the address that it listens on.
    """

    def __init__(self, host: str) -> None:
        names = {*_LOOPBACK, host.lower()}
        self._any_address = False
        if not is_loopback(host):
            names.add(socket.gethostname().lower())
            # a number is nobody's name: what leads to it is this machine
            self._any_address = host in ("0.0.0.0", "::", "")
        self._names: FrozenSet[str] = frozenset(names)

    def allows(self, header: str) -> bool:
        """Whether a Host header names this server."""
        found = re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::\d{1,5})?|([^:\[\]]+)(?::\d{1,5})?", header)
        if not found:
            return False
        name = (found[1] or found[2]).lower()
        if name in self._names:
            return True
        if not self._any_address:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class Guard:
    """ASGI middleware: lets through what comes from the server's own page.

    Args:
        app: what answers then.
        hosts: the names of the server.
        token: what a page must have, or "" for none.
    """

    def __init__(self, app: Any, hosts: Hosts, token: str = "") -> None:
        self._app, self._hosts, self._token = app, hosts, token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        try:
            self._check_origin(scope)
            entry = self._check_token(scope)
        except Refusal as e:
            await _answer(guarded, e.status, e.text)
            return
        if entry:
            await _enter(guarded, entry)
            return
        await self._app(scope, receive, guarded)

    def _check_origin(self, scope: Any) -> None:
        host = _header(scope, "host")
        if not self._hosts.allows(host):
            raise Refusal(421, f"this server is not called {host[:100]!r}")
        origin, site = _header(scope, "origin"), _header(scope, "sec-fetch-site")
        own = origin in ("", f"{scope['scheme']}://{host}")
        if not own or (scope["method"] not in _SAFE and not origin):
            raise Refusal(403, "this request does not come from the server's own page")
        opened = scope["path"] == "/" and _header(scope, "sec-fetch-mode") == "navigate"
        if site in ("cross-site", "same-site") and not (opened and scope["method"] == "GET"):
            raise Refusal(403, "this request does not come from the server's own page")

    def _check_token(self, scope: Any) -> Optional[str]:
        """The cookie to set, where the address has the token; None where all is well."""
        if not self._token:
            return None
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        if scope["path"] == "/" and self._is_token(query.get("token", [""])[0]):
            return f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        try:
            cookies = SimpleCookie(_header(scope, "cookie"))
        except CookieError:
            cookies = SimpleCookie()
        if COOKIE not in cookies or not self._is_token(cookies[COOKIE].value):
            raise Refusal(401, "open the address that `deepdream serve` prints, with its token")
        return None

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self._token.encode())


def _header(scope: Any, name: str) -> str:
    """A header that there is at most once; "" where there is none.

    Raises:
        Refusal: there are several, of which programs choose differently.
    """
    values: List[bytes] = [v for k, v in scope["headers"] if k.decode("latin-1").lower() == name]
    if len(values) > 1:
        raise Refusal(400, f"the header {name} is there {len(values)} times")
    return values[0].decode("latin-1") if values else ""


async def _enter(send: Any, cookie: str) -> None:
    """Keep the token in a cookie, and lead to the page without it in the address."""
    headers: List[Tuple[bytes, bytes]] = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _answer(send: Any, status: int, text: str) -> None:
    facts: Dict[str, str] = {"error": text}
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(facts).encode()})


async def body(request: Any, most: int, seconds: float = 30.0, in_all: float = 600.0) -> bytes:
    """A request's body of at most so many bytes; refused by what it announces, and by what comes.

    seconds: that each part of it may take. in_all: seconds that all of it may take.

    Raises:
        Refusal: it is larger, or takes too long.
    """
    import asyncio

    size_told = f"{most >> 20} MB" if most >> 20 else f"{most} bytes"
    over = Refusal(413, f"this has over {size_told}, the most that is taken; make it smaller")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > most:
        raise over
    parts: List[bytes] = []
    size, stream = 0, request.stream().__aiter__()
    end = time.monotonic() + in_all
    while True:
        left = min(seconds, end - time.monotonic())
        try:
            part = await asyncio.wait_for(stream.__anext__(), left)
        except StopAsyncIteration:
            return b"".join(parts)
        except asyncio.TimeoutError:
            raise Refusal(408, "nothing more of this came; send it again") from None
        size += len(part)
        if size > most:
            raise over
        parts.append(part)

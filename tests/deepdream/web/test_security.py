"""Who is let in, tried from outside: by names, origins and tokens."""

import asyncio

import pytest

from deepdream.web.security import COOKIE, Guard, Hosts, Refusal, body, is_loopback

OWN = "http://localhost:8015"


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


def ask(method="GET", path="/state", query=b"", listens="127.0.0.1", token="", **headers):
    """(status, headers) of an answer; a header's _ is a -."""
    named = {"host": "localhost:8015", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query,
        "headers": [
            (k.encode(), one.encode())
            for k, v in named.items()
            for one in ([v] if isinstance(v, str) else v)
        ],
    }
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(app, Hosts(listens), token)(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.mark.parametrize(
    "listens, header, allowed",
    [
        ("127.0.0.1", "localhost:8015", True),
        ("127.0.0.1", "127.0.0.1:8015", True),
        ("127.0.0.1", "[::1]:8015", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("127.0.0.1", "evil.example:8015", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "localhost:8015@evil.example", False),
        ("127.0.0.1", "192.168.1.20", False),
        ("127.0.0.1", "", False),
        ("192.168.1.20", "192.168.1.20:80", True),
        ("192.168.1.20", "192.168.1.21:80", False),
        ("0.0.0.0", "10.1.2.3:80", True),
        ("0.0.0.0", "[fe80::1]:80", True),
        ("0.0.0.0", "evil.example", False),
    ],
)
def test_only_names_of_this_server_are_answered(listens, header, allowed):
    assert Hosts(listens).allows(header) is allowed
    status, _ = ask(listens=listens, host=header)
    assert (status == 200) is allowed and status in (200, 421)


@pytest.mark.parametrize(
    "method, headers, status",
    [
        ("GET", {}, 200),
        ("POST", {"origin": OWN}, 200),
        ("POST", {}, 403),  # a browser always says where a POST comes from
        ("POST", {"origin": "null"}, 403),
        ("POST", {"origin": "http://localhost:9999"}, 403),
        ("POST", {"origin": "https://localhost:8015"}, 403),
        ("POST", {"origin": "http://evil.example"}, 403),
        ("GET", {"origin": "http://evil.example"}, 403),
        ("DELETE", {}, 403),
        ("POST", {"origin": [OWN, "http://evil.example"]}, 400),
        ("GET", {"sec_fetch_site": "cross-site"}, 403),
        ("GET", {"sec_fetch_site": "same-site"}, 403),
        ("GET", {"sec_fetch_site": "same-origin"}, 200),
        ("GET", {"sec_fetch_site": "none"}, 200),
    ],
)
def test_other_pages_cannot_speak_to_the_server(method, headers, status):
    assert ask(method, **headers)[0] == status


def test_a_link_on_another_page_may_open_the_page_and_nothing_else():
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert ask(path="/", **link)[0] == 200
    assert ask(path="/results/1.zip", **link)[0] == 403
    assert ask("POST", path="/", origin=OWN, **link)[0] == 403


def test_every_answer_forbids_what_the_page_does_not_need():
    for status, headers in (ask(), ask("POST")):
        policy = headers[b"content-security-policy"].decode()
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, status
        assert "unsafe" not in policy and "http" not in policy and "data:" not in policy
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"cross-origin-resource-policy"] == b"same-origin"


def test_an_address_that_others_reach_wants_the_token():
    assert ask(token="secret")[0] == 401
    assert ask(token="secret", path="/", query=b"token=wrong")[0] == 401
    assert ask(token="secret", path="/state", query=b"token=secret")[0] == 401
    assert ask(token="secret", cookie=f"{COOKIE}=wrong")[0] == 401
    assert ask(token="secret", cookie=f"{COOKIE}=secret")[0] == 200
    assert ask(token="secret", cookie="\x00=;;=")[0] == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address():
    status, headers = ask(token="secret", path="/", query=b"token=secret")
    assert status == 303 and headers[b"location"] == b"/"
    cookie = headers[b"set-cookie"].decode()
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    "host, alone", [("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True),
                    ("0.0.0.0", False), ("192.168.1.20", False), ("example.org", False)]
)  # fmt: skip
def test_only_addresses_of_this_machine_alone_go_without_a_token(host, alone):
    assert is_loopback(host) is alone


class Request:
    """A request whose body comes in parts."""

    def __init__(self, parts, **headers):
        self.parts, self.headers, self.taken = parts, headers, 0

    async def stream(self):
        for part in self.parts:
            self.taken += 1
            yield part


def test_a_body_is_taken_up_to_its_bound():
    assert asyncio.run(body(Request([b"ab", b"c"]), 3)) == b"abc"


@pytest.mark.parametrize(
    "announced", [{"content-length": "4"}, {"content-length": "9" * 400}, {"content-length": "-1"}]
)
def test_a_body_that_announces_too_much_is_not_read(announced):
    request = Request([b"abcd"], **announced)
    with pytest.raises(Refusal) as e:
        asyncio.run(body(request, 3))
    assert e.value.status == 413 and request.taken == 0


def test_a_body_that_has_more_than_it_says_is_not_read_to_its_end():
    request = Request([b"ab"] * 100)
    with pytest.raises(Refusal) as e:
        asyncio.run(body(request, 3))
    assert e.value.status == 413 and request.taken == 2


def test_a_body_that_does_not_come_is_not_waited_for():
    class Silent(Request):
        async def stream(self):
            await asyncio.Event().wait()
            yield b""

    with pytest.raises(Refusal) as e:
        asyncio.run(body(Silent([]), 3, seconds=0.01))
    assert e.value.status == 408


def test_a_body_that_comes_by_drops_is_not_waited_for():
    request = Request([b"x"] * 100)
    with pytest.raises(Refusal) as e:
        asyncio.run(body(request, 1 << 20, seconds=30, in_all=0))
    assert e.value.status == 408

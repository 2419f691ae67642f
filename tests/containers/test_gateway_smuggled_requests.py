"""Octets that the gateway and a function could read differently: a second request in them reaches no function.

tests/security/test_smuggled_requests.py holds the functions to the same; here nothing gets as far as to one.
"""

import json
import ssl
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from tests.containers.conftest import Stack
from tests.containers.gateway import check_told, functions_that_saw, new_id
from tests.support.api import JSON
from tests.support.chunks import BAD_CHUNKS
from tests.support.frames import Fields, ask
from tests.support.wire import Answer, hear, talk

GET = b"GET /api/issues HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"GET /api/auth/me HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: MARK\r\nConnection: close\r\n\r\n"


def line(target: bytes) -> bytes:
    """A request with this line."""
    return target + b"\r\nHost: localhost\r\n\r\n"


def framed(*headers: bytes) -> bytes:
    """A request whose body is as long as these headers say: nothing, one chunk of nothing, or all that follows."""
    return POST + b"".join(header + b"\r\n" for header in headers) + b"\r\n0\r\n\r\n"


REFUSED = {
    "preface-of-http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version-that-is-none": line(b"GET /api/issues HTTP/9.9"),
    "version-in-lower-case": line(b"GET /api/issues http/1.1"),
    "tunnel": line(b"CONNECT localhost:443 HTTP/1.1"),
    "target-with-a-blank": line(b"GET /api/iss ues HTTP/1.1"),
    "target-with-U+0000": line(b"GET /api/issues\0 HTTP/1.1"),
    "target-with-a-bare-CR": line(b"GET /api/issues\rX HTTP/1.1"),
    "blank-before-the-method": b" " + GET + b"\r\n",
    "length-and-chunks": framed(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "length-of-nothing-and-chunks": framed(b"Content-Length: 0", b"Transfer-Encoding: chunked"),
    "chunks-and-length": framed(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    "two-lengths": framed(b"Content-Length: 0", b"Content-Length: 5"),
    "the-same-length-twice": framed(b"Content-Length: 5", b"Content-Length: 5"),
    "list-of-lengths": framed(b"Content-Length: 5, 5"),
    "negative-length": framed(b"Content-Length: -1"),
    "length-with-a-plus": framed(b"Content-Length: +5"),
    "length-in-hexadecimal": framed(b"Content-Length: 0x5"),
    "length-with-a-blank": framed(b"Content-Length: 0 5"),
    "length-beyond-64-bits": framed(b"Content-Length: 18446744073709551621"),
    "empty-length": framed(b"Content-Length:"),
    "length-before-a-blank-and-a-colon": framed(b"Content-Length : 5"),
    "coding-that-is-nearly-chunked": framed(b"Transfer-Encoding: xchunked"),
    "coding-in-quotes": framed(b'Transfer-Encoding: "chunked"'),
    "coding-with-a-parameter": framed(b"Transfer-Encoding: chunked;q=1"),
    "coding-after-a-vertical-tab": framed(b"Transfer-Encoding: \x0bchunked"),
    "coding-before-U+0000": framed(b"Transfer-Encoding: chunked\0"),
    "coding-that-is-identity": framed(b"Transfer-Encoding: identity"),
    "chunked-before-identity": framed(b"Transfer-Encoding: chunked, identity"),
    "identity-before-chunked": framed(b"Transfer-Encoding: identity, chunked"),
    "chunked-twice": framed(b"Transfer-Encoding: chunked, chunked"),
    "two-codings": framed(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
    "two-codings-the-other-way-round": framed(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"),
    "coding-on-a-folded-line": framed(b"Transfer-Encoding:\r\n chunked"),
    "coding-before-a-blank-and-a-colon": framed(b"Transfer-Encoding : chunked"),
    "coding-before-a-tab-and-a-colon": framed(b"Transfer-Encoding\t: chunked"),
    "coding-after-a-bare-CR": framed(b"X: y\rTransfer-Encoding: chunked"),
    "chunks-of-http-1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "bare-CR-everywhere": b"GET /api/issues HTTP/1.1\rHost: localhost\r\r",
    "folded-header": GET + b"X: y\r\n z\r\n\r\n",
    "folded-first-header": b"GET /api/issues HTTP/1.1\r\n X: y\r\nHost: localhost\r\n\r\n",
    "header-without-a-name": GET + b": y\r\n\r\n",
    "blank-in-a-name": GET + b"X Y: z\r\n\r\n",
    "U+0000-in-a-name": GET + b"X\0: y\r\n\r\n",
    "U+0000-in-a-header": GET + b"X: a\0b\r\n\r\n",
    "no-host": b"GET /api/issues HTTP/1.1\r\n\r\n",
    "empty-host": b"GET /api/issues HTTP/1.1\r\nHost: \r\n\r\n",
    "two-hosts": GET + b"Host: y\r\n\r\n",
    "the-same-host-twice": GET + b"Host: localhost\r\n\r\n",
    "host-with-a-path": b"GET /api/issues HTTP/1.1\r\nHost: localhost/x\r\n\r\n",
    **{name: CHUNKED + chunk for name, chunk in BAD_CHUNKS.items()},
}
"""What comes before a request that is as it should be, and makes nobody read it."""

BODY = {
    "of-a-GET": GET + b"Content-Length: LENGTH\r\n\r\n",
    "of-a-POST": POST + b"Content-Length: LENGTH\r\n\r\n",
    "in-a-chunk": CHUNKED + b"SIZE\r\n",
    "behind-an-upgrade": GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: LENGTH\r\n\r\n",
    "behind-an-upgrade-to-websocket": (
        GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: LENGTH\r\n\r\n"
    ),
    "behind-a-connection-header-that-names-the-length": (
        POST + b"Connection: Content-Length\r\nContent-Length: LENGTH\r\n\r\n"
    ),
}
"""What makes the hidden request the body of another; GET is what comes last on the connection."""

LOGIN = {
    b":method": b"POST",
    b":scheme": b"https",
    b":path": b"/api/auth/login",
    b":authority": b"localhost",
    b"content-type": b"application/json",
}
FRAMES: dict[str, tuple[Fields, bytes]] = {
    "less-length-than-body": ([*LOGIN.items(), (b"content-length", b"2")], b"{}" + HIDDEN),
    "more-length-than-body": ([*LOGIN.items(), (b"content-length", b"999")], HIDDEN),
    "two-lengths": ([*LOGIN.items(), (b"content-length", b"2"), (b"content-length", b"3")], b"{}" + HIDDEN),
    "length-of-nothing": ([*LOGIN.items(), (b"content-length", b"0")], HIDDEN),
    "request-in-a-header": ([*LOGIN.items(), (b"x", b"y\r\n\r\nGET /api/auth/me HTTP/1.1\r\nX-Request-ID: MARK")], b""),
    "header-in-a-header": ([*LOGIN.items(), (b"x", b"y\r\nTransfer-Encoding: chunked")], b"0\r\n\r\n" + HIDDEN),
    "header-in-a-name": ([*LOGIN.items(), (b"x: y\r\ntransfer-encoding", b"chunked")], b"0\r\n\r\n" + HIDDEN),
    "name-in-upper-case": ([*LOGIN.items(), (b"X", b"y")], HIDDEN),
    "request-in-the-method": (
        (LOGIN | {b":method": b"GET /api/auth/me HTTP/1.1\r\nX-Request-ID: MARK\r\nX:"}).items(),
        b"",
    ),
    "request-in-the-path": ((LOGIN | {b":path": b"/api/auth/me HTTP/1.1\r\nX-Request-ID: MARK\r\nX:"}).items(), b""),
    "two-paths": ([*LOGIN.items(), (b":path", b"/api/auth/me")], b""),
    "no-path": ([(name, value) for name, value in LOGIN.items() if name != b":path"], b""),
    "host-of-another": ([*LOGIN.items(), (b"host", b"evil.example")], b""),
    "authority-that-is-none": ((LOGIN | {b":authority": b"a b"}).items(), b""),
}
"""HTTP/2 frames bodies and headers itself: what it carries must not become a frame of HTTP/1.1."""
FRAMED_ONCE = {
    "chunked": ([*LOGIN.items(), (b"transfer-encoding", b"chunked")], b"0\r\n\r\n" + HIDDEN),
    "connection": ([*LOGIN.items(), (b"connection", b"content-length")], b"{}" + HIDDEN),
}
"""HTTP/2 has no such headers. nginx passes over them: the body stays one body."""


class Sent(NamedTuple):
    """What came back, and the functions that say that they have seen the hidden request."""

    answers: list[Answer]
    seen: set[str]


class SentInFrames(NamedTuple):
    """The same over HTTP/2."""

    answer: JSON | None
    seen: set[str]


@pytest.fixture(scope="module")
def sent(stack: Stack, tls: ssl.SSLContext) -> Mapping[str, Sent]:
    """Every attack, and a request with nothing wrong in the place of an attack."""
    attacks = REFUSED | {"none": GET + b"\r\n"}
    ids = {name: new_id() for name in attacks}
    answers = {
        name: talk(stack.address, [attack + HIDDEN.replace(b"MARK", ids[name].encode())], tls=tls)
        for name, attack in attacks.items()
    }
    seen = functions_that_saw(stack)
    return {name: Sent(answers[name], seen[ids[name]]) for name in attacks}


@pytest.fixture(scope="module")
def sent_in_frames(stack: Stack) -> Mapping[str, SentInFrames]:
    """Every attack over HTTP/2."""
    attacks = FRAMES | FRAMED_ONCE
    ids = {name: new_id() for name in attacks}
    tls = stack.tls()
    answers = {}
    for name, (fields, body) in attacks.items():
        secret = ids[name].encode()
        head = [(name, value.replace(b"MARK", secret)) for name, value in fields]
        answers[name] = ask(stack.address, head, body.replace(b"MARK", secret), tls=tls)
    seen = functions_that_saw(stack)
    return {name: SentInFrames(answers[name], seen[ids[name]]) for name in attacks}


@pytest.mark.parametrize("attack", REFUSED)
def test_what_is_no_http_is_refused_and_nothing_behind_it_is_read(sent: Mapping[str, Sent], attack: str) -> None:
    (answer,) = sent[attack].answers
    check_told(answer, 400, "bad_request")
    assert answer.headers["connection"] == "close"
    assert sent[attack].seen == set()


def test_behind_what_is_http_the_second_request_is_read(sent: Mapping[str, Sent]) -> None:
    assert [answer.status for answer in sent["none"].answers] == [401, 401]
    assert sent["none"].seen == {"auth"}


@pytest.mark.parametrize("begin", BODY.values(), ids=BODY.keys())
def test_a_request_in_a_body_is_a_body(stack: Stack, tls: ssl.SSLContext, begin: bytes) -> None:
    hidden, last = (HIDDEN.replace(b"MARK", new_id().encode()) for _ in range(2))
    begin = begin.replace(b"LENGTH", b"%d" % len(hidden)).replace(b"SIZE", b"%x" % len(hidden))
    end = b"\r\n0\r\n\r\n" if b"chunked" in begin else b""
    first, second = talk(stack.address, [begin + hidden + end + last], tls=tls)
    assert first.status in (400, 401)
    assert (second.status, second.headers["x-request-id"].encode() in last) == (401, True)


def test_http_0_9_has_no_headers_and_is_refused(stack: Stack, tls: ssl.SSLContext) -> None:
    hidden = new_id()
    problem = json.loads(
        hear(stack.address, [b"GET /api/issues\r\n" + HIDDEN.replace(b"MARK", hidden.encode())], tls=tls)
    )
    assert (problem["status"], problem["code"]) == (400, "bad_request")
    seen = functions_that_saw(stack)
    assert (seen[hidden], seen[problem["request_id"]]) == (set(), set())


@pytest.mark.parametrize("attack", FRAMES)
def test_what_is_no_http_2_is_refused(sent_in_frames: Mapping[str, SentInFrames], attack: str) -> None:
    answer, seen = sent_in_frames[attack]
    assert answer
    assert (answer["status"], answer["code"], answer["detail"]) == (
        400,
        "bad_request",
        "The request is not HTTP as it should be.",
    )
    assert seen == set()


@pytest.mark.parametrize("attack", FRAMED_ONCE)
def test_a_header_that_http_2_does_not_have_changes_no_body(
    sent_in_frames: Mapping[str, SentInFrames], attack: str
) -> None:
    answer, seen = sent_in_frames[attack]
    assert answer
    assert (answer["status"], answer["code"]) == (400, "malformed_json")
    assert seen == set()

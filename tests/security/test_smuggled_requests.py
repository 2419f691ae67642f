"""Octets that two servers could read differently: a client hides a second request in them from the gateway.

The parser (llhttp, strict) refuses them; shared/http/server.py answers with a problem, closes the connection before
anything of the second request is read, and bounds what the parser keeps of a head that never ends.
"""

import re
from itertools import chain

import pytest

from shared.http.headers import SECURITY_HEADERS
from tests.support.api import Server
from tests.support.chunks import BAD_CHUNKS
from tests.support.people import People
from tests.support.wire import Answer, talk

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HIDDEN = b"POST /api/auth/logout-all HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def line(target: bytes) -> bytes:
    """A request with this line."""
    return target + b"\r\nHost: x\r\n\r\n"


def framed(*headers: bytes) -> bytes:
    """A request whose body is as long as these headers say: nothing, one chunk of nothing, or all that follows."""
    return POST + b"".join(header + b"\r\n" for header in headers) + b"\r\n0\r\n\r\n"


REFUSED = {
    "unknown-method": line(b"BREW / HTTP/1.1"),
    "method-in-lower-case": line(b"get / HTTP/1.1"),
    "garbage": b"\x00\x01\x02 garbage\r\n\r\n",
    "hello-of-tls": bytes.fromhex("16030100a5010000a10303") + bytes(range(160)),
    "preface-of-http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version-that-is-none": line(b"GET / HTTP/9.9"),
    "version-of-one-digit": line(b"GET / HTTP/1"),
    "version-in-lower-case": line(b"GET / http/1.1"),
    "tunnel": line(b"CONNECT evil.example:443 HTTP/1.1"),
    "target-without-a-slash": line(b"GET healthz HTTP/1.1"),
    "target-with-a-blank": line(b"GET /health z HTTP/1.1"),
    "target-with-a-tab": line(b"GET\t/healthz\tHTTP/1.1"),
    "target-with-U+0000": line(b"GET /\0 HTTP/1.1"),
    "target-with-a-control-character": line(b"GET /\x01 HTTP/1.1"),
    "target-with-delete": line(b"GET /\x7f HTTP/1.1"),
    "target-in-raw-UTF-8": line("GET /é HTTP/1.1".encode()),
    "query-in-raw-UTF-8": line("GET /healthz?é HTTP/1.1".encode()),
    "blank-after-the-version": line(b"GET /healthz HTTP/1.1 "),
    "blank-before-the-method": b" " + GET + b"\r\n",
    "byte-order-mark-before-the-method": b"\xef\xbb\xbf" + GET + b"\r\n",
    "length-and-chunks": framed(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "chunks-and-length": framed(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    "two-lengths": framed(b"Content-Length: 0", b"Content-Length: 5"),
    "the-same-length-twice": framed(b"Content-Length: 0", b"Content-Length: 0"),
    "list-of-lengths": framed(b"Content-Length: 0, 5"),
    "negative-length": framed(b"Content-Length: -1"),
    "length-with-a-plus": framed(b"Content-Length: +0"),
    "length-in-hexadecimal": framed(b"Content-Length: 0x0"),
    "length-with-an-underscore": framed(b"Content-Length: 1_0"),
    "length-with-a-blank": framed(b"Content-Length: 0 0"),
    "length-with-a-vertical-tab": framed(b"Content-Length: \x0b0"),
    "length-beyond-64-bits": framed(b"Content-Length: 18446744073709551616"),
    "empty-length": framed(b"Content-Length:"),
    "coding-that-is-nearly-chunked": framed(b"Transfer-Encoding: xchunked"),
    "coding-in-quotes": framed(b'Transfer-Encoding: "chunked"'),
    "coding-with-a-parameter": framed(b"Transfer-Encoding: chunked;q=1"),
    "coding-after-a-vertical-tab": framed(b"Transfer-Encoding: \x0bchunked"),
    "coding-that-is-identity": framed(b"Transfer-Encoding: identity"),
    "chunked-before-identity": framed(b"Transfer-Encoding: chunked, identity"),
    "chunked-twice": framed(b"Transfer-Encoding: chunked, chunked"),
    "two-codings": framed(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
    "coding-on-a-folded-line": framed(b"Transfer-Encoding:\r\n chunked"),
    "coding-before-a-blank-and-a-colon": framed(b"Transfer-Encoding : chunked"),
    "coding-after-a-bare-CR": framed(b"X: y\rTransfer-Encoding: chunked"),
    "coding-after-a-bare-LF": framed(b"X: y\nTransfer-Encoding: chunked"),
    "bare-LF-everywhere": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "bare-LF-at-the-end": GET + b"\n",
    "bare-CR-everywhere": b"GET /healthz HTTP/1.1\rHost: x\r\r",
    "folded-header": GET + b"X: y\r\n z\r\n\r\n",
    "folded-first-header": b"GET /healthz HTTP/1.1\r\n X: y\r\nHost: x\r\n\r\n",
    "header-without-a-colon": GET + b"X\r\n\r\n",
    "header-without-a-name": GET + b": y\r\n\r\n",
    "blank-in-a-name": GET + b"X Y: z\r\n\r\n",
    "U+0000-in-a-name": GET + b"X\0: y\r\n\r\n",
    "raw-UTF-8-in-a-name": GET + "é: y\r\n\r\n".encode(),
    "U+0000-in-a-header": GET + b"X: a\0b\r\n\r\n",
    "control-character-in-a-header": GET + b"X: a\x01b\r\n\r\n",
    "no-host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two-hosts": GET + b"Host: y\r\n\r\n",
    "ten-thousand-headers": GET + b"a:\r\n" * 10_000 + b"\r\n",
    "body-behind-an-upgrade": GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: LENGTH\r\n\r\n",
    "chunks-behind-an-upgrade": CHUNKED.replace(b"Host", b"Connection: Upgrade\r\nUpgrade: h2c\r\nHost"),
    **{name: CHUNKED + chunk for name, chunk in BAD_CHUNKS.items()},
    "chunk-size-before-a-blank": CHUNKED + b"0 \r\n\r\n",
    "chunk-size-before-a-bare-LF": CHUNKED + b"0\n\r\n",
    "chunk-before-a-bare-LF": CHUNKED + b"2\r\n{}\n0\r\n\r\n",
    "bare-LF-in-a-chunk-extension": CHUNKED + b"0;\nx\r\n\r\n",
    "trailer-that-is-none": CHUNKED + b"0\r\nno trailer\r\n\r\n",
    "length-in-a-trailer": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
    "coding-in-a-trailer": CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
}


PIECE = 64 * 1024
ENOUGH = 512
"""Pieces of a head that nobody ends: 32 MiB, far more than the server and the buffers on the way take."""

ENDLESS = {
    "target": (b"GET /", b"a" * PIECE),
    "query": (b"GET /healthz?", b"a=b&" * (PIECE // 4)),
    "header": (GET + b"X: ", b"a" * PIECE),
    "name-of-a-header": (GET, b"a" * PIECE),
    "headers": (GET, b"a: b\r\n" * (PIECE // 6)),
    "digits-of-a-length": (POST + b"Content-Length: ", b"0" * PIECE),
    "blank-lines-before": (b"", b"\r\n" * (PIECE // 2)),
    "digits-of-a-chunk-size": (CHUNKED, b"0" * PIECE),
    "chunk-extension": (CHUNKED + b"1;", b"a" * PIECE),
    "trailer": (CHUNKED + b"0\r\nX: ", b"a" * PIECE),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n" * (PIECE // 6)),
}


def check_refusal(answer: Answer) -> None:
    """400 in the shape of every error, with every security header, and the end of the connection."""
    assert (answer.status, answer.code()) == (400, "bad_request")
    assert {name: answer.headers[name.lower()] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.headers["connection"] == "close"
    assert answer.problem()["instance"] == ""


@pytest.mark.parametrize("attack", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_http_is_refused_and_nothing_behind_it_is_read(
    server: Server, people: People, attack: bytes
) -> None:
    bob = people.developer()
    hidden = HIDDEN.replace(b"TOKEN", bob.token.encode())
    (answer,) = talk(server.url, [attack.replace(b"LENGTH", b"%d" % len(hidden)) + hidden])
    check_refusal(answer)
    assert bob.api.get("/api/auth/me").status_code == 200


def test_behind_what_is_http_the_second_request_is_read(server: Server, people: People) -> None:
    bob = people.developer()
    hidden = HIDDEN.replace(b"TOKEN", bob.token.encode())
    answers = talk(server.url, [GET + b"\r\n" + hidden + GET + b"Connection: close\r\n\r\n"])
    assert [answer.status for answer in answers] == [200, 204, 200]
    assert bob.api.get("/api/auth/me").status_code == 401


@pytest.mark.parametrize(("begin", "piece"), ENDLESS.values(), ids=ENDLESS.keys())
def test_a_head_that_never_ends_is_refused_before_it_fills_the_memory(
    server: Server, begin: bytes, piece: bytes
) -> None:
    left = iter(range(ENOUGH))
    (answer,) = talk(server.url, chain([begin], (piece for _ in left)))
    check_refusal(answer)
    assert next(left, None) is not None


def test_a_token_of_a_megabyte_is_told_that_it_is_none(server: Server) -> None:
    request = b"GET /api/projects HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n"
    (answer,) = talk(server.url, [request % (b"a" * 1_000_000)])
    assert (answer.status, answer.code()) == (401, "invalid_token")


def test_a_head_in_the_smallest_pieces_is_read(server: Server) -> None:
    request = GET + b"Connection: close\r\n\r\n"
    (answer,) = talk(server.url, [request[place : place + 1] for place in range(len(request))])
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')

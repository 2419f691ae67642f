"""Requests that are HTTP though few clients send them: refused, or answered twice, they would break the pipeline.

And trailers, which come when a request has been judged by its head: shared/http/server.py drops them all.
"""

from typing import NamedTuple

import pytest

from tests.support.api import Api, Server
from tests.support.fixtures import Owner, Serve
from tests.support.people import People
from tests.support.wire import Answer, talk

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CLOSE = b"Connection: close\r\n\r\n"
LAST = GET + CLOSE
BODY = b'{"username": "nobody", "password": "x"}'
POST = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SIZED = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
INNER = b"GET /api/inner HTTP/1.1\r\nHost: x\r\n\r\n"
XML = POST.replace(b"json", b"xml") + b"Content-Length: %d\r\n" % len(INNER)

ANSWERED = {
    "pipeline": (
        INNER + GET + b"\r\n" + INNER.replace(b"GET", b"PUT") + LAST,
        ["not_found", "200", "not_found", "200"],
    ),
    "nothing-after-close": (LAST + INNER, ["200"]),
    "blank-lines-before": (b"\r\n\r\n" + LAST, ["200"]),
    "names-in-lower-case": (SIZED.replace(b"Content-", b"content-") + LAST, ["invalid_credentials", "200"]),
    "length-with-zeros-before": (SIZED.replace(b"th: ", b"th: 00") + LAST, ["invalid_credentials", "200"]),
    "chunks": (CHUNKED + LAST, ["invalid_credentials", "200"]),
    "chunks-in-upper-case-after-a-tab": (
        CHUNKED.replace(b" chunked", b"\tCHUNKED") + LAST,
        ["invalid_credentials", "200"],
    ),
    "chunk-size-with-zeros-before": (
        CHUNKED.replace(b"\r\n0\r\n", b"\r\n0000\r\n") + LAST,
        ["invalid_credentials", "200"],
    ),
    "chunk-extensions": (CHUNKED.replace(b"\r\n0\r\n", b'\r\n0;a;b="c;d"\r\n') + LAST, ["invalid_credentials", "200"]),
    "body-of-a-GET": (GET + b"Content-Length: %d\r\n\r\n" % len(INNER) + INNER + LAST, ["200", "200"]),
    "body-that-nobody-reads": (XML + b"\r\n" + INNER + LAST, ["unsupported_media_type", "200"]),
    "body-that-is-waited-for": (
        SIZED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + LAST,
        ["100", "invalid_credentials", "200"],
    ),
    "body-that-nobody-waits-for": (
        XML + b"Expect: 100-continue\r\n\r\n" + INNER + LAST,
        ["unsupported_media_type", "200"],
    ),
    "target-with-a-host": (b"GET http://evil.example:1/api/inner?x HTTP/1.1\r\nHost: x\r\n" + CLOSE, ["not_found"]),
    "target-that-is-an-asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n" + CLOSE, ["not_found"]),
    "raw-UTF-8-in-a-header": (GET + "X: é\r\n".encode() + CLOSE, ["200"]),
    "http-1.0": (b"GET /healthz HTTP/1.0\r\n\r\n" + INNER, ["200"]),
    "upgrade-to-websocket": (
        GET + b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n\r\n",
        ["200"],
    ),
    "upgrade-to-http-2": (
        GET + b"Upgrade: h2c\r\nHTTP2-Settings: AAMA\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n",
        ["200"],
    ),
    "nothing-after-an-upgrade": (GET + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + INNER, ["200"]),
}
"""What is sent, and the codes of the answers, or their status where they are no problems."""


class Trailer(NamedTuple):
    """A trailer behind a request, and what is answered where it changes nothing."""

    trailer: bytes
    request: bytes
    answer: str


PATCH = b"PATCH /api/projects/PROJECT HTTP/1.1\r\nHost: x\r\n"
TOKEN = b"Authorization: Bearer TOKEN\r\n"
JSON = b"Content-Type: application/json\r\n"

TRAILERS = {
    "none": Trailer(b"", PATCH + TOKEN + JSON, "200"),
    "authorization": Trailer(TOKEN, PATCH + JSON, "authentication_required"),
    "another-authorization": Trailer(b"Authorization: Bearer x\r\n", PATCH + TOKEN + JSON, "200"),
    "if-match": Trailer(b'If-Match: "x"\r\n', PATCH + TOKEN + JSON, "200"),
    "media-type": Trailer(JSON, PATCH + TOKEN, "unsupported_media_type"),
    "encoding-of-the-body": Trailer(b"Content-Encoding: gzip\r\n", PATCH + TOKEN + JSON, "200"),
    "host": Trailer(b"Host: y\r\n", PATCH + TOKEN + JSON, "200"),
}


@pytest.fixture
def trusting(serve: Serve) -> Api:
    """A server that believes what we say of our address."""
    return serve(TRUSTED_PROXIES="127.0.0.0/8")


def said(answer: Answer) -> str:
    """The code of a problem, or the status of what is none."""
    return answer.code() if answer.status >= 400 else str(answer.status)


def with_trailer(request: bytes, body: bytes, trailer: bytes) -> bytes:
    """A request in chunks, with a trailer, and a last one."""
    chunks = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(body), body)
    return request + chunks + trailer + b"\r\n" + LAST


@pytest.mark.parametrize(("sent", "expected"), ANSWERED.values(), ids=ANSWERED.keys())
def test_what_is_strange_but_http_is_answered_once_and_in_order(
    server: Server,
    clean: None,  # noqa: ARG001  # the cleaning is the point
    sent: bytes,
    expected: list[str],
) -> None:
    assert [said(answer) for answer in talk(server.url, [sent])] == expected


@pytest.mark.parametrize("sent", TRAILERS.values(), ids=TRAILERS.keys())
def test_a_trailer_changes_nothing(server: Server, people: People, sent: Trailer) -> None:
    manager = people.manager()
    project = manager.project()
    request = with_trailer(sent.request, b'{"name": "Changed"}', sent.trailer)
    request = request.replace(b"PROJECT", project["id"].encode()).replace(b"TOKEN", manager.token.encode())
    assert [said(answer) for answer in talk(server.url, [request])] == [sent.answer, "200"]
    name = "Changed" if sent.answer == "200" else project["name"]
    assert manager.api.get(f"/api/projects/{project['id']}").json()["name"] == name


@pytest.mark.parametrize("in_trailer", [True, False])
def test_a_trailer_says_nothing_of_who_calls(trusting: Api, owner: Owner, in_trailer: bool) -> None:
    """The control: in the head, the same lines are believed."""
    lines = b"X-Forwarded-For: 203.0.113.9\r\nUser-Agent: chosen\r\nX-Request-ID: chosen\r\n"
    head, trailer = (POST, lines) if in_trailer else (POST + lines, b"")
    answer, _ = talk(str(trusting.client.base_url), [with_trailer(head, BODY, trailer)])
    assert said(answer) == "invalid_credentials"
    found = owner.execute("SELECT ip, user_agent, request_id FROM audit_events").fetchall()
    believed = ("203.0.113.9", "chosen", "chosen")
    assert found == [("127.0.0.1", "", answer.headers["x-request-id"]) if in_trailer else believed]
    assert (answer.headers["x-request-id"] == "chosen") is not in_trailer

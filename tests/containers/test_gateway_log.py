"""The access log: a line of JSON for each request, with what an operator asks for and nothing that is a secret."""

import json
import ssl
from collections.abc import Mapping
from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.containers.conftest import Stack
from tests.containers.gateway import access_log, new_id
from tests.support.api import JSON
from tests.support.wire import exchange, hear

MEMBERS = {
    "time",
    "level",
    "message",
    "function",
    "request_id",
    "client",
    "method",
    "path",
    "status",
    "duration_s",
    "bytes",
    "protocol",
    "tls",
    "upstream",
    "upstream_address",
    "upstream_status",
    "upstream_s",
    "cache",
}
LINES: Mapping[str, tuple[str, str, JSON]] = {
    "answered": ("GET", "/api/issues?search=x", {"path": "/api/issues", "status": 401, "upstream_status": "401"}),
    "posted": ("POST", "/api/auth/login", {"method": "POST", "status": 415, "upstream": "auth:8080"}),
    "nowhere": ("GET", "/nothing?x=y", {"path": "/nothing", "status": 404, "upstream": "", "upstream_status": ""}),
    "nowhere-by-POST": ("POST", "/nothing", {"method": "POST", "path": "/nothing", "status": 404}),
    "no-such-method": ("BREW", "/api/issues", {"method": "BREW", "status": 405, "upstream": ""}),
    "path-with-quotes": ("GET", '/api/"\\', {"path": "", "status": 404}),
    "path-with-an-escape": ("GET", "/api/%22%0a", {"path": "/api/%22%0a", "status": 404}),
}
"""What is sent, and some of what is written."""


@pytest.mark.parametrize(("method", "path", "expected"), LINES.values(), ids=LINES.keys())
def test_a_request_is_a_line_of_json(stack: Stack, tls: ssl.SSLContext, method: str, path: str, expected: JSON) -> None:
    name = new_id()
    answer = exchange(stack.address, method, path, headers={"X-Request-ID": name}, tls=tls)
    (line,) = access_log(stack, name)
    assert set(line) == MEMBERS
    assert line["status"] == answer.status
    assert {member: line[member] for member in expected} == expected
    assert (line["function"], line["protocol"], line["tls"]) == ("gateway", "HTTP/1.1", "TLSv1.3")
    assert line["bytes"] > len(answer.body)
    assert 0 <= line["duration_s"] < 5


def test_what_was_not_understood_is_a_line_of_json_too(stack: Stack, tls: ssl.SSLContext) -> None:
    attacks = (b'"\\\n\x00 garbage\r\n\r\n', b'GET /\xff" HTTP/9.9\r\n\r\n', b'{"status": 200}\r\n\r\n')
    answers = [hear(stack.address, [attack], tls=tls) for attack in attacks]
    ids = [json.loads(answer.partition(b"\r\n\r\n")[2])["request_id"] for answer in answers]
    assert [line["status"] for line in access_log(stack, *ids)] == [400] * 3


def test_no_secret_is_written_anywhere(stack: Stack, tls: ssl.SSLContext, client: httpx.Client) -> None:
    secret, last = f"secret{uuid4().hex}", new_id()
    everywhere = {
        "Authorization": f"Bearer {secret}",
        "Cookie": f"session={secret}",
        "Referer": f"https://localhost/?x={secret}",
        "User-Agent": secret,
        "Idempotency-Key": secret,
        "If-Match": f'"{secret}"',
        "X-Request-ID": f"{secret} {secret}",
        "X-Forwarded-For": secret,
    }
    body = {"username": secret, "password": secret, "email": f"{secret}@corp.example", "refresh_token": secret}
    for path in ("/api/issues", "/api/auth/login", "/api/openapi.json", "/nothing", "/api/%zz", "/problem"):
        for method in ("GET", "POST", "BREW"):
            client.request(method, f"{path}?search={secret}", headers=everywhere, json=body)
    header = f"X-Secret: {secret}\r\n".encode()
    for octets in (
        f"GET /api/issues?{secret} HTTP/1.1\r\n\r\n".encode(),
        b"GET /api/issues HTTP/1.1\r\nHost: localhost\r\n" + header * 1000 + b"\r\n",
        b"GET /api/issues HTTP/1.1\r\nHost: localhost\r\nX Y: z\r\n" + header + b"\r\n",
        f"{secret} / HTTP/1.1\r\n\r\n".encode(),
        f"GET /api/issues?{secret * 300} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
        f"GET {secret} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
    ):
        hear(stack.address, [octets], tls=tls)
    hear(f"http://localhost:{stack.https_port}", [f"GET /?{secret} HTTP/1.1\r\nHost: {secret}\r\n\r\n".encode()])
    hear(
        f"http://localhost:{stack.http_port}",
        [f"GET /?{secret} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()],
    )
    client.get("/nothing", headers={"X-Request-ID": last})
    access_log(stack, last)
    written = stack.command("logs", stack.container("gateway"))
    assert last in written.stdout
    assert secret not in written.stdout + written.stderr


def test_every_line_is_json(stack: Stack) -> None:
    """Whatever the tests before have sent."""
    for line in stack.command("logs", stack.container("gateway")).stdout.splitlines():
        assert set(json.loads(line)) == MEMBERS

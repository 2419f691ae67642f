"""Headers of every answer of every layer. What other origins may do is in tests/security/test_foreign_origins.py."""

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.accounts import outcome
from tests.support.api import Api
from tests.support.fixtures import Serve

LISTED = "https://app.example.com"
LAYERS = [
    pytest.param("GET", "/api/nothing", 404, id="router-404"),
    pytest.param("PUT", "/api/projects", 405, id="router-405"),
    pytest.param("OPTIONS", "/api/projects", 405, id="options"),
    pytest.param("POST", "/api/auth/login", 415, id="body"),
    pytest.param("GET", "/api/projects", 401, id="token"),
    pytest.param("GET", "/api/docs", 200, id="docs"),
    pytest.param("HEAD", "/api/docs", 200, id="head"),
    pytest.param("GET", "/healthz", 200, id="probe"),
    pytest.param("POST", "/healthz", 405, id="probe-405"),
]
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "0",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Referrer-Policy": "no-referrer",
}


@pytest.mark.parametrize(("method", "path", "status"), LAYERS)
def test_security_headers_are_on_every_answer(api: Api, method: str, path: str, status: int) -> None:
    answer = api.request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in EXPECTED} == EXPECTED
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Server" not in answer.headers
    assert "X-Powered-By" not in answer.headers


def test_a_refusal_by_the_limit_has_them_too(serve: Serve) -> None:
    api = serve(RATE_LIMIT_PER_MINUTE="1", CORS_ALLOWED_ORIGINS=LISTED)
    api.get("/api/nothing")
    answer = api.get("/api/nothing", headers={"Origin": LISTED})
    assert outcome(answer) == (429, "rate_limited")
    assert {name: answer.headers[name] for name in EXPECTED} == EXPECTED
    assert answer.headers["Access-Control-Allow-Origin"] == LISTED


@pytest.mark.parametrize("request_id", ["a", "Z" * 128, "0190-abc_DEF.7"])
def test_a_good_request_id_is_taken_over(api: Api, request_id: str) -> None:
    answer = api.get("/api/nothing", headers={"X-Request-ID": request_id})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == request_id


@pytest.mark.parametrize("request_id", ["", "a b", "Z" * 129, "a/b", "<script>", "a\tb", "{}"])
def test_another_is_made(api: Api, request_id: str) -> None:
    made = api.get("/api/nothing", headers={"X-Request-ID": request_id}).headers["X-Request-ID"]
    assert made != request_id
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_docs_are_served_whole_from_the_same_origin(api: Api) -> None:
    page = api.get("/api/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"<script(?![^>]*\ssrc=)", page.text)
    assert not re.search(r"\s(on\w+|style)=|<style", page.text)
    links = re.findall(r'<(?:link|script)[^>]* (?:src|href)="([^"]*)"', page.text)
    assert len(links) >= 5
    for link in links:
        assert not urlsplit(link).netloc
        assert link.startswith("/api/docs/")
        asset = api.get(link)
        assert asset.status_code == 200
        assert asset.content
        media = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}[Path(link).suffix]
        assert asset.headers["Content-Type"].startswith(media)
    assert '"/api/openapi.json"' in api.get("/api/docs/start.js").text


@pytest.mark.parametrize(
    "path",
    [
        "/api/docs",
        "/api/docs/docs.css",
        "/api/docs/start.js",
        "/api/docs/swagger-ui.css",
        "/api/docs/swagger-ui-bundle.js",
        "/api/openapi.json",
    ],
)
def test_what_a_browser_has_is_not_sent_again(api: Api, path: str) -> None:
    first = api.get(path)
    assert "no-cache" in first.headers["Cache-Control"]
    again = api.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("value", ["bytes=zzz", "bytes=999999999-", "lines=1-2"])
def test_a_range_of_an_asset_is_never_an_error(api: Api, value: str) -> None:
    assert api.get("/api/docs/swagger-ui.css", headers={"Range": value}).status_code == 200


def test_a_request_over_several_packets_and_a_slow_one_are_answered(api: Api) -> None:
    """A head that comes in pieces."""
    url = httpx2.URL(api.client.base_url)
    with socket.create_connection((url.host, url.port or 80), timeout=5) as connection:
        for piece in (b"GET /api/noth", b"ing HTTP/1.1\r\nHost: x\r\nConn", b"ection: close\r\n\r\n"):
            connection.sendall(piece)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")

"""Somebody asks for what lies beside the API: files of the machine, what a gateway hides, a route under another's name.

Each request target goes over the wire as it stands. The router must find nothing, whoever asks, and say so as always.
"""

import pytest

from tests.support.api import Headers, Server
from tests.support.wire import exchange
from tests.support.world import World

OUTSIDE = {
    "dot": "/api/./projects",
    "dots": "/api/projects/../users",
    "dots-at-the-end": "/api/projects/..",
    "dots-to-a-probe": "/api/../metrics",
    "dots-after-a-probe": "/metrics/../api/projects",
    "dots-to-a-file": "/../../../../etc/passwd",
    "dots-below-the-documents": "/api/docs/../../shared/settings.py",
    "dots-below-the-documents-encoded": "/api/docs/..%2f..%2fsettings.py",
    "dots-encoded": "/api/projects/%2e%2e/users",
    "dots-encoded-in-upper-case": "/api/projects/%2E%2E/users",
    "dots-half-encoded": "/api/projects/.%2e/users",
    "dots-encoded-twice": "/api/projects/%252e%252e/users",
    "dots-encoded-with-the-slashes": "/api/projects%2f..%2fusers",
    "dots-with-slashes-encoded-twice": "/api/projects%252f..%252fusers",
    "dots-doubled-for-a-filter-that-removes-some": "/api/docs/....//....//etc/passwd",
    "dots-behind-a-parameter": "/api/projects/..;/users",
    "dots-behind-a-null": "/api/docs/..%00/etc/passwd",
    "dots-of-full-width": "/api/docs/%EF%BC%8E%EF%BC%8E/etc/passwd",
    "dots-in-overlong-utf-8": "/api/docs/%c0%ae%c0%ae/etc/passwd",
    "dots-in-utf-16": "/api/docs/%u002e%u002e/etc/passwd",
    "slash-in-overlong-utf-8": "/api%c0%afprojects",
    "slash-in-three-octets": "/api%e0%80%afprojects",
    "slash-of-full-width": "/api%EF%BC%8Fprojects",
    "slash-encoded": "/api%2Fprojects",
    "slash-encoded-behind-an-id": "/api/projects/{project}%2fissues",
    "slash-encoded-twice": "/api%252fprojects",
    "slash-encoded-at-the-end": "/api/projects%2f",
    "slash-encoded-before-an-id": "/api/projects/%2f{project}",
    "slashes-at-the-start": "//api/projects",
    "slashes-that-look-like-a-host": "//evil.example/api/projects",
    "slashes-within": "/api//projects",
    "backslash": "/api\\projects",
    "backslash-encoded": "/api%5cprojects",
    "backslashes-up": "/api/docs\\..\\..\\windows\\win.ini",
    "backslashes-up-encoded": "/api/docs/..%5c..%5cwindows%5cwin.ini",
    "parameter-of-a-list": "/api/projects;v=1",
    "parameter-of-an-id": "/api/projects/{project};jsessionid=1",
    "parameter-before-a-list": "/api;x/projects",
    "dot-after-a-list": "/api/projects.",
    "dot-after-an-id": "/api/projects/{project}.",
    "blank-after-a-list": "/api/projects%20",
    "blank-after-an-id": "/api/projects/{project}%20",
    "plus-after-an-id": "/api/projects/{project}+",
    "tab-after-an-id": "/api/projects/{project}%09",
    "null-after-a-list": "/api/projects%00",
    "null-after-an-id": "/api/projects/{project}%00.json",
    "line-feed-after-a-list": "/api/projects%0a",
    "line-feed-after-an-id": "/api/projects/{project}%0A",
    "line-feed-after-a-list-of-an-object": "/api/projects/{project}/issues%0A",
    "carriage-return-after-a-probe": "/metrics%0d",
    "line-separator-after-a-list": "/api/projects%e2%80%a8",
    "header-in-the-path": "/api/projects%0d%0aX-Injected:%20yes",
    "question-mark-encoded": "/api/projects%3fpage=1",
    "number-sign-encoded": "/api/projects%23",
    "octet-that-is-no-utf-8": "/api/projects%FF",
    "percent-sign-alone": "/api/projects/{project}%",
    "percent-sign-with-rubbish": "/api/projects/{project}%zz",
    "capital": "/api/Projects",
    "capital-encoded": "/api/%50rojects",
    "dotless-i-for-an-i": "/ap%C4%B1/projects",
    "extension": "/api/projects.json",
    "extension-of-an-id": "/api/projects/{project}.css",
    "style-sheet-below-personal-data": "/api/auth/me/x.css",
    "style-sheet-as-a-parameter": "/api/auth/me;x.css",
    "style-sheet-behind-a-null": "/api/auth/me%00.css",
    "two-ids": "/api/projects/{project},{project}",
    "comment-below-an-issue": "/api/issues/{issue}/comments/{comment}",
    "list-of-another-function": "/api/comments",
    "list-below-another-function": "/api/users/{project}/issues",
    "other-version": "/api/v1/projects",
    "absolute-address-of-a-file": "http://evil.example/etc/passwd",
    "absolute-address-with-dots": "http://evil.example/api/projects/../users",
    "absolute-address-within-a-path": "/http://evil.example/api/projects",
    "asterisk": "*",
    "password-file": "/etc/passwd",
    "environment-of-the-process": "/proc/self/environ",
    "environment-file": "/.env",
    "repository": "/.git/config",
    "private-key": "/keys/private.pem",
    "data-of-a-local-run": "/.local/keys/private.pem",
    "other-well-known-file": "/.well-known/openid-configuration",
    "below-a-well-known-file": "/.well-known/jwks.json/../private.pem",
    "static-files": "/static/../../etc/passwd",
    "file-of-the-documents-package": "/api/docs/oauth2-redirect.html",
    "directory-of-the-documents": "/api/docs/",
    "source-map": "/api/docs/swagger-ui-bundle.js.map",
    "source-code": "/shared/settings.py",
    "framework-documents": "/docs",
    "debugger": "/console",
    "server-status": "/server-status",
    "internals-of-another-framework": "/actuator/env",
    "cloud-metadata": "/latest/meta-data/iam/security-credentials/",
    "functions-by-name": "/functions/auth/app",
    "probe-below-the-api": "/api/healthz",
    "probe-with-a-slash": "/healthz/",
    "metrics-in-another-case": "/Metrics",
    "metrics-behind-slashes": "//metrics",
    "long-path": "/api/projects/" + "a/" * 15_000,
    "long-segment": "/" + "a" * 30_000,
}
NO_REQUESTS = {
    "method-in-lower-case": ("get", "/api/projects"),
    "method-that-nobody-knows": ("FETCH", "/api/projects"),
    "method-that-tunnels": ("CONNECT", "evil.example:443"),
    "target-without-a-slash": ("GET", "api/projects"),
    "target-that-is-a-query": ("GET", "?page=1"),
    "target-that-is-a-file": ("GET", "file:///etc/passwd"),
    "target-without-a-path": ("GET", "http://evil.example"),
    "target-without-a-host": ("GET", "http:///api/projects"),
    "target-with-two-hosts": ("GET", "http://127.0.0.1@evil.example@x/api/projects"),
    "target-with-a-port-that-is-none": ("GET", "http://evil.example:99999/api/projects"),
}


def fill(standing: World, path: str) -> str:
    """The path with the ids of what is there."""
    ids = {"{project}": standing.project["id"], "{issue}": standing.issue["id"], "{comment}": standing.comment["id"]}
    for name, value in ids.items():
        path = path.replace(name, value)
    return path


def token(standing: World) -> Headers:
    """Whom nothing is hidden from."""
    return {"Authorization": f"Bearer {standing.admin.token}"}


@pytest.mark.parametrize("path", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_there_is_nothing_outside(server: Server, standing: World, path: str) -> None:
    for method in ("GET", "DELETE"):
        answer = exchange(server.url, method, fill(standing, path), headers=token(standing))
        assert answer.code() == "not_found"
        assert "x-injected" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "target"), NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
def test_what_is_no_request_reaches_no_route(server: Server, standing: World, method: str, target: str) -> None:
    answer = exchange(server.url, method, target, headers=token(standing))
    assert (answer.status, answer.code()) == (400, "bad_request")


@pytest.mark.parametrize("path", ["/api/projects", "/api/projects/{project}", "/api/docs", "/.well-known/jwks.json"])
def test_what_is_inside_is_found(server: Server, standing: World, path: str) -> None:
    assert exchange(server.url, "GET", fill(standing, path), headers=token(standing)).status == 200


def test_an_absolute_address_finds_what_is_inside_and_believes_no_host(server: Server, standing: World) -> None:
    """A server has to take one (RFC 9112, section 3.2.2); whose name it bears changes nothing."""
    answer = exchange(server.url, "GET", "http://evil.example/api/projects", headers=token(standing))
    assert answer.status == 200
    assert b"evil.example" not in answer.body + answer.headers["link"].encode()

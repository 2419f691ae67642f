"""The gateway sends each path of the contract to the function that owns it, and nothing else to any function."""

import ssl
from typing import NamedTuple

import httpx2 as httpx
import pytest

from operations.openapi import ENDPOINTS
from shared.http.headers import METHODS
from tests.containers.conftest import Stack
from tests.containers.gateway import SOMETHING, check_told, functions_that_saw, new_id
from tests.support.wire import Answer, exchange

OWNERS = {
    "/api/auth/register": "auth",
    "/api/auth/login": "auth",
    "/api/auth/refresh": "auth",
    "/api/auth/logout": "auth",
    "/api/auth/logout-all": "auth",
    "/api/auth/me": "auth",
    "/api/auth/password": "auth",
    "/api/auth/sessions": "auth",
    f"/api/auth/sessions/{SOMETHING}": "auth",
    "/api/auth/anything/else": "auth",
    "/api/users": "auth",
    f"/api/users/{SOMETHING}": "auth",
    f"/api/users/{SOMETHING}/unlock": "auth",
    "/api/audit": "auth",
    "/.well-known/jwks.json": "auth",
    "/api/projects": "projects",
    f"/api/projects/{SOMETHING}": "projects",
    "/api/projects/no-uuid": "projects",
    "/api/openapi.json": "projects",
    "/api/docs": "projects",
    "/api/docs/swagger-ui.css": "projects",
    f"/api/projects/{SOMETHING}/issues": "issues",
    "/api/issues": "issues",
    f"/api/issues/{SOMETHING}": "issues",
    f"/api/issues/{SOMETHING}/history": "issues",
    f"/api/issues/{SOMETHING}/comments": "comments",
    f"/api/comments/{SOMETHING}": "comments",
    f"/api/comments/{SOMETHING}/revisions": "comments",
}
"""Section 1 of the contract, and where it says ``*`` more than one of them."""

NOWHERE = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/healthz/",
    "/metrics/",
    "/METRICS",
    "//metrics",
    "/./metrics",
    "/metrics?x=1",
    "/%6detrics",
    "/%2fmetrics",
    "/%2e/metrics",
    "/%2e%2e%2fmetrics",
    "/api/../metrics",
    "/api/%2e%2e/metrics",
    "/api/auth/../../metrics",
    "/api/auth/..%2f..%2fmetrics",
    "/api/docs/../../readyz",
    "/api/issues/../../healthz",
    "/metrics%2f",
    "/metrics;x",
    "/metrics%00",
    "/metrics#/api/issues",
    "/api/issues/../../%6detrics",
    "/",
    "/api",
    "/api/",
    "/api/auth",
    "/api/auth/",
    "/api/nothing",
    "/api/usersx",
    "/api/audit/x",
    "/api/auditx",
    "/.well-known/jwks.jsonx",
    "/.well-known/",
    "/api/openapi.jsonx",
    "/api/docsx",
    "//api/issues",
    "/api//issues",
    "/api/projects/",
    "/api/projectsx",
    f"/api/projects/{SOMETHING}/",
    f"/api/projects/{SOMETHING}/issues/",
    "/api/issues/",
    f"/api/issues/{SOMETHING}/nothing",
    f"/api/issues/{SOMETHING}/comments/{SOMETHING}",
    "/api/comments",
    "/api/comments/",
    f"/api/comments/{SOMETHING}/history",
    "/API/issues",
    "/api/Audit",
    "/.well-known/JWKS.json",
    "/gateway/start",
    "/problem",
    "/PROBLEM",
    "/problem/gone",
    "/problem/x",
    "/problem%0a",
    "/nobody",
)
"""Sent as they are, without a fragment or a dot resolved."""
NO_PATHS = ("/%2e%2e%2fmetrics", "/metrics%00")
"""Of these: what no server could serve."""


class Offer(NamedTuple):
    """A method that a path does not have, and those that it does."""

    method: str
    path: str
    allow: str


WRONG_METHODS = (
    Offer("GET", "/api/auth/login", "POST"),
    Offer("DELETE", "/api/users", "GET, HEAD"),
    Offer("POST", "/.well-known/jwks.json", "GET, HEAD"),
    Offer("POST", "/api/openapi.json", "GET, HEAD"),
    Offer("PUT", f"/api/projects/{SOMETHING}", "DELETE, GET, HEAD, PATCH"),
    Offer("PATCH", "/api/issues", "GET, HEAD"),
    Offer("PUT", f"/api/projects/{SOMETHING}/issues", "GET, HEAD, POST"),
    Offer("OPTIONS", f"/api/comments/{SOMETHING}", "GET, HEAD, PATCH"),
)
STRANGE_METHODS = ("TRACE", "BREW", "PROPFIND", "COPY")
HEADS = ("/.well-known/jwks.json", "/api/openapi.json", "/api/docs", "/api/projects", "/api/issues", "/api/users")


class Sent(NamedTuple):
    """A request of no more than a line, and the functions that have seen it."""

    id: str
    answer: Answer
    seen: set[str]


@pytest.fixture(scope="module")
def sent(stack: Stack, tls: ssl.SSLContext) -> dict[tuple[str, str], Sent]:
    """Every request of the tables."""
    requests = [("POST", path) for path in OWNERS]  # which never comes from the cache
    requests += [("GET", path) for path in NOWHERE]
    requests += [(offer.method, offer.path) for offer in WRONG_METHODS]
    requests += [(method, "/api/issues") for method in STRANGE_METHODS]
    ids = {request: new_id() for request in requests}
    answers = {
        (method, path): exchange(stack.address, method, path, headers={"X-Request-ID": name}, tls=tls)
        for (method, path), name in ids.items()
    }
    seen = functions_that_saw(stack)
    return {request: Sent(ids[request], answers[request], seen[ids[request]]) for request in requests}


def test_every_path_of_the_api_is_in_the_table() -> None:
    assert {endpoint.path.replace("{id}", SOMETHING) for endpoint in ENDPOINTS} <= OWNERS.keys()


@pytest.mark.parametrize(("path", "owner"), OWNERS.items())
def test_a_path_reaches_the_function_that_owns_it_and_no_other(
    sent: dict[tuple[str, str], Sent], path: str, owner: str
) -> None:
    request = sent["POST", path]
    assert request.seen == {owner}
    assert request.answer.headers["x-request-id"] == request.id


@pytest.mark.parametrize("path", NOWHERE)
def test_a_path_that_is_nobodys_reaches_no_function(sent: dict[tuple[str, str], Sent], path: str) -> None:
    request = sent["GET", path]
    status, code = (400, "bad_request") if path in NO_PATHS else (404, "not_found")
    check_told(request.answer, status, code)
    assert request.seen == set()


@pytest.mark.parametrize("offer", WRONG_METHODS, ids=lambda offer: f"{offer.method}-{offer.path}")
def test_a_function_tells_what_it_offers_instead(sent: dict[tuple[str, str], Sent], offer: Offer) -> None:
    answer = sent[offer.method, offer.path].answer
    assert (answer.status, answer.code()) == (405, "method_not_allowed")
    assert sorted(answer.headers["allow"].split(", ")) == offer.allow.split(", ")


@pytest.mark.parametrize("method", STRANGE_METHODS)
def test_a_method_that_nothing_offers_reaches_no_function(sent: dict[tuple[str, str], Sent], method: str) -> None:
    request = sent[method, "/api/issues"]
    check_told(request.answer, 405, "method_not_allowed")
    assert request.answer.headers["allow"] == METHODS
    assert request.seen == set()


@pytest.mark.parametrize("path", HEADS)
def test_head_is_get_without_the_body(client: httpx.Client, manager: dict[str, str], path: str) -> None:
    head, get = client.head(path, headers=manager), client.get(path, headers=manager)
    assert (head.status_code, head.content, get.status_code) == (200, b"", 200)
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["X-Request-ID"] != get.headers["X-Request-ID"]

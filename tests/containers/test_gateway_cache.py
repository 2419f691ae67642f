"""What is public and the same for everybody is kept by the gateway, and nothing else is."""

import ssl
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import httpx2 as httpx
import pytest

from tests.containers.conftest import Stack
from tests.containers.gateway import access_log, functions_that_saw, new_id
from tests.support.api import JSON
from tests.support.story import bearer, sign_in

WITH_AN_ETAG = ("/api/openapi.json", "/api/docs", "/api/docs/swagger-ui.css")
PUBLIC = ("/.well-known/jwks.json", *WITH_AN_ETAG)
"""What is kept."""
OWN = {
    "/api/projects": "projects",
    "/api/issues": "issues",
    "/api/users": "auth",
    "/api/auth/me": "auth",
    "/api/auth/sessions": "auth",
}
"""What needs a token, and whose it is."""
KEPT = {"HIT", "STALE", "UPDATING"}
"""What nginx says of an answer that no function gave to this request."""
OF_A_REQUEST = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Set-Cookie")


def ask(client: httpx.Client, path: str, headers: dict[str, str] | None = None) -> tuple[str, httpx.Response]:
    """The request's id and its answer."""
    name = new_id()
    return name, client.get(path, headers={**(headers or {}), "X-Request-ID": name})


class Asked(NamedTuple):
    """A request, its answer, the gateway's line of it, and the functions that say that they have seen it."""

    id: str
    answer: httpx.Response
    line: JSON
    seen: set[str]


@pytest.fixture(scope="module")
def second(stack: Stack, tls: ssl.SSLContext, manager: dict[str, str]) -> Mapping[str, Asked]:
    """Each path is asked for twice; the second time of each, by somebody with a token where it takes one."""
    with httpx.Client(base_url=stack.address, verify=tls, timeout=30) as client:
        sent = {}
        for path in (*PUBLIC, *OWN):
            headers = manager if path in OWN else {}
            ask(client, path, headers)
            sent[path] = ask(client, path, headers)
    lines = access_log(stack, *(name for name, _ in sent.values()))
    seen = functions_that_saw(stack)
    return {
        path: Asked(name, answer, line, seen[name])
        for (path, (name, answer)), line in zip(sent.items(), lines, strict=True)
    }


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_document_is_asked_for_once(second: Mapping[str, Asked], path: str) -> None:
    name, answer, line, seen = second[path]
    assert (answer.status_code, line["cache"] in KEPT, line["upstream_address"]) == (200, True, "")
    assert seen == set()
    assert answer.headers.get_list("X-Request-ID") == [name]
    assert not set(answer.headers) & {header.lower() for header in OF_A_REQUEST}


@pytest.mark.parametrize("path", PUBLIC)
def test_who_brings_a_token_gets_the_same_document(client: httpx.Client, manager: dict[str, str], path: str) -> None:
    _, anonymous = ask(client, path)
    _, known = ask(client, path, manager)
    assert anonymous.content == known.content
    own = {"date", "x-request-id"}
    assert {k: v for k, v in anonymous.headers.items() if k not in own} == {
        k: v for k, v in known.headers.items() if k not in own
    }


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", WITH_AN_ETAG)
def test_a_document_that_the_client_has_is_not_sent_again(client: httpx.Client, path: str, encoding: str) -> None:
    asking = {"Accept-Encoding": encoding}
    etag = client.get(path, headers=asking).headers["ETag"]
    name, answer = ask(client, path, asking | {"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers.get_list("X-Request-ID") == [name]
    assert client.get(path, headers=asking | {"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(("path", "owner"), OWN.items())
def test_what_needs_a_token_comes_from_the_function_each_time(
    client: httpx.Client, second: Mapping[str, Asked], path: str, owner: str
) -> None:
    _, answer, line, seen = second[path]
    assert (answer.status_code, line["cache"], seen) == (200, "", {owner})
    assert client.get(path).status_code == 401


def test_each_gets_their_own(client: httpx.Client) -> None:
    accounts = [client.get("/api/auth/me", headers=bearer(sign_in(client, name))).json() for name in ("dev2", "dev3")]
    assert [account["username"] for account in accounts] == ["dev2", "dev3"]


def test_an_error_is_not_kept(stack: Stack, client: httpx.Client) -> None:
    """A query is none of a document's own, so that this is no document; nor is it in the place of one."""
    sent = [ask(client, "/api/openapi.json?x=1") for _ in range(2)]
    assert [answer.status_code for _, answer in sent] == [422, 422]
    seen = functions_that_saw(stack)
    assert [seen[name] for name, _ in sent] == [{"projects"}] * 2
    assert client.get("/api/openapi.json").status_code == 200


@pytest.fixture
def without_projects(stack: Stack, client: httpx.Client) -> Iterator[None]:
    """The documents are kept, and then their function answers nothing any more.

    It is paused and not stopped: a container that comes or goes can keep an engine's name server busy for a long time.
    """
    for path in PUBLIC:
        client.get(path)
    container = stack.container("projects")
    stack.command("pause", container)
    try:
        yield
    finally:
        stack.command("unpause", container)


@pytest.mark.usefixtures("without_projects")
def test_a_kept_document_outlives_its_function(client: httpx.Client) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.get("/api/projects", timeout=1)
    for path in PUBLIC:
        name, answer = ask(client, path)
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, name), path
    assert client.get("/api/issues").status_code == 401

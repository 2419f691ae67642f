"""Every answer names its request, and every error of every layer has the one shape, which names it too."""

import re
from collections.abc import Iterator

import pytest

from shared.settings import Settings
from tests.support.api import Api, Headers, Server, new_client
from tests.support.faults import code
from tests.support.people import People
from tests.support.wire import exchange

TAKEN = ["a", "x" * 128, "A-z_0.9", "...", "0b1f5b3e-8f0e-7c4e-9d5a-2f7c6a1b3c4d"]
REPLACED = ["", "x" * 129, "a b", "a/b", "a,b", "é".encode(), "a\tb", "<script>", "a:b", "${jndi:x}"]
ANSWERS: dict[str, tuple[str, str, int]] = {
    "a success": ("GET", "/api/projects", 200),
    "no content": ("POST", "/api/auth/logout-all", 204),
    "the router's 404": ("GET", "/api/nowhere", 404),
    "the router's 405": ("PUT", "/api/projects", 405),
    "a body's 415": ("POST", "/api/projects", 415),
    "an object's 404": ("GET", "/api/issues/x", 404),
    "a role's 403": ("GET", "/api/audit", 403),
    "a query's 422": ("GET", "/api/projects?page=0", 422),
    "a probe": ("GET", "/healthz", 200),
    "another probe": ("GET", "/readyz", 200),
    "the metrics": ("GET", "/metrics", 200),
}


@pytest.mark.parametrize("given", TAKEN)
def test_a_good_request_id_is_taken_over(api: Api, given: str) -> None:
    response = api.get("/api/projects", headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == given
    assert response.json()["request_id"] == given


@pytest.mark.parametrize("given", REPLACED, ids=ascii)
def test_any_other_is_replaced(api: Api, given: str) -> None:
    response = api.get("/api/projects", headers={"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert response.json()["request_id"] == response.headers["X-Request-ID"]


def test_each_request_has_an_id_of_its_own(api: Api) -> None:
    assert len({api.get("/api/projects").headers["X-Request-ID"] for _ in range(5)}) == 5


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_answer_names_its_request(people: People, method: str, path: str, status: int) -> None:
    response = people.developer().api.request(method, path, headers={"X-Request-ID": "mine"})
    assert response.status_code == status
    assert response.headers["X-Request-ID"] == "mine"
    if status >= 400:
        assert response.json()["request_id"] == "mine"


@pytest.mark.parametrize(
    "path", ["/api/k%C3%A4fer", "/api/a%20b", "/api/%22%3Cscript%3E", "/api/%F0%9F%90%9E", "/api/%00"]
)
def test_a_problem_names_the_path_that_was_asked_for(server: Server, clean: None, path: str) -> None:  # noqa: ARG001
    answer = exchange(server.url, "GET", path, headers={"X-Request-ID": "mine"})
    assert answer.code() == "not_found"
    assert answer.problem()["instance"] == path


@pytest.fixture
def away(environ: dict[str, str], clean: None) -> Iterator[Api]:  # noqa: ARG001  # the counters go with it
    """Nobody, at a server whose PostgreSQL is not there."""
    settings = Settings.load({**environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"})
    with Server(settings) as server, new_client(server.url) as client:
        yield Api(client)


def test_an_outage_is_a_problem_that_names_the_request_and_not_the_cause(away: Api, people: People) -> None:
    headers: Headers = {"X-Request-ID": "mine"}
    response = away.signed_in(people.developer().token).get("/api/projects", headers=headers)
    assert (response.status_code, code(response)) == (503, "service_unavailable")
    assert response.json()["request_id"] == response.headers["X-Request-ID"] == "mine"
    assert "127.0.0.1" not in response.text

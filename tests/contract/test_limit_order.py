"""The request limit is told before all else, the router's answers included."""

from collections.abc import Iterator

import pytest

from shared.settings import Settings
from tests.support.api import Api, Server, new_client
from tests.support.faults import code


@pytest.fixture
def exhausted(environ: dict[str, str], clean: None) -> Iterator[Api]:  # noqa: ARG001  # the counters go with it
    """Nobody, at a server whose one request a minute is gone."""
    settings = Settings.load({**environ, "RATE_LIMIT_PER_MINUTE": "1"})
    with Server(settings) as server, new_client(server.url) as client:
        client.get("/api/projects")
        yield Api(client)


def test_429_is_told_before_all_else(exhausted: Api) -> None:
    for method, path in [("GET", "/api/nowhere"), ("PUT", "/api/projects"), ("POST", "/api/projects"), ("GET", "/")]:
        assert code(exhausted.request(method, path)) == "rate_limited"
    assert code(exhausted.signed_in("a.b.c").get("/api/auth/me")) == "rate_limited"
    assert (
        code(exhausted.post("/api/projects", content=b"{", headers={"Content-Type": "application/json"}))
        == "rate_limited"
    )

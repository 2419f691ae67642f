"""Probes and log lines."""

import re
import time
from collections.abc import Iterator

import pytest

from functions.auth.app import PREPARE
from local.app import create_app
from shared.function import Function
from shared.settings import Settings
from tests.support.accounts import outcome
from tests.support.api import Api
from tests.support.fixtures import Serve
from tests.support.logs import Logged, logged
from tests.support.people import People

ISSUE = "00000000-0000-7000-8000-000000000000"
DEAD_DATABASE = {"DATABASE_URL": "postgresql://flycatcher@127.0.0.1:1/flycatcher"}
DEAD_REDIS = {"REDIS_URL": "redis://127.0.0.1:1"}


def test_probes_say_that_all_is_well(api: Api) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json() == {"status": "ok", "redis": "ok"}


def test_without_redis_a_function_is_ready(serve: Serve) -> None:
    answer = serve(**DEAD_REDIS).get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "redis": "down"})


def test_without_postgresql_a_function_is_alive_and_not_ready(serve: Serve) -> None:
    api = serve(**DEAD_DATABASE)
    assert api.get("/healthz").status_code == 200
    begun = time.monotonic()
    assert outcome(api.get("/readyz")) == (503, "service_unavailable")
    assert time.monotonic() - begun < 3


@pytest.fixture
def log(people: People, environ: dict[str, str]) -> Iterator[Logged]:  # noqa: ARG001
    """The whole API with its log. It starts after the server of ``people``: the one that starts last has the log."""
    settings = Settings.load({**environ, "LOG_LEVEL": "info", "LOCKOUT_THRESHOLD": "1"})
    yield from logged(create_app(settings), settings)


def test_a_request_is_one_line_of_json(log: Logged, people: People) -> None:
    bob = people.developer()
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"X-Request-ID": "Request-1", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    log.api.signed_in(bob.token).get(f"/api/issues/{ISSUE}?x=1", headers=headers)
    (line,) = log.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert 0 < line.pop("duration_ms") < 10_000
    assert line == {
        "level": "info",
        "message": "request",
        "function": "local",
        "request_id": "Request-1",
        "trace_id": trace,
        "user_id": bob.id,
        "method": "GET",
        "route": "/api/issues/{id}",
        "status": 404,
    }


@pytest.mark.parametrize("traceparent", ["", "rubbish", "00-x-y-01", "00-" + "g" * 32 + "-b7ad6b7169203331-01"])
def test_a_traceparent_that_is_none_is_not_logged(log: Logged, traceparent: str) -> None:
    log.api.get("/api/nothing", headers={"traceparent": traceparent})
    (line,) = log.lines()
    assert (line["trace_id"], line["user_id"], line["route"]) == (None, None, "unmatched")


def test_functions_say_which_they_are(environ: dict[str, str], people: People) -> None:
    people.developer()
    settings = Settings.load({**environ, "LOG_LEVEL": "info"})
    app = Function("auth", [], settings=lambda: settings, prepare=PREPARE)
    for log in logged(app, settings):
        assert outcome(log.api.get("/api/nothing")) == (404, "not_found")
        assert [line["function"] for line in log.lines()] == ["auth"]

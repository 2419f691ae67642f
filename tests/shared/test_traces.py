"""Traces: what a collector is told of a request, what it is not told, and what a collector that is away costs."""

import os
from collections.abc import Iterator
from unittest.mock import patch
from uuid import uuid4

import pytest

from local.app import create_app
from shared import VERSION
from shared.observability.traces import PATH_LIMIT
from shared.settings import Settings
from tests.support.accounts import login, outcome
from tests.support.api import Headers, Server
from tests.support.collector import Collector, Span, collecting
from tests.support.fixtures import AtOnce, Owner
from tests.support.leaks import MARK, SECRET, WALK, ask_all, check_unseen
from tests.support.logs import Logged, logged
from tests.support.people import People
from tests.support.wire import exchange, talk
from tests.support.world import World, named

Environ = dict[str, str]

PARENT = "b7ad6b7169203331"
AGENT = "a browser"
RUBBISH = ["", "rubbish", f"00-{'0' * 32}-{PARENT}-01", f"ff-{'a' * 32}-{PARENT}-01", f"00-{'a' * 600}-{PARENT}-01"]
READ = {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "http.route": "/api/issues/{id}",
    "url.scheme": "http",
    "client.address": "127.0.0.1",
    "user_agent.original": AGENT,
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector that is told of spans without delay."""
    with collecting() as running, patch.dict(os.environ, {"OTEL_BSP_SCHEDULE_DELAY": "20"}):
        yield running


def traced_settings(environ: Environ, collector: Collector, **variables: str) -> Settings:
    """The settings of an API that sends its spans there."""
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector.url}/"}
    return Settings.load({**environ, **endpoint, "LOG_LEVEL": "info", **variables})


@pytest.fixture(scope="module")
def traced(server: Server, environ: Environ, collector: Collector) -> Iterator[Logged]:  # noqa: ARG001  # the last to start has the log
    """The whole API with its traces and its log."""
    settings = traced_settings(environ, collector)
    yield from logged(create_app(settings), settings)


@pytest.fixture
def stranded(server: Server, environ: Environ, collector: Collector) -> Iterator[Logged]:  # noqa: ARG001  # the same
    """The same, without PostgreSQL and without Redis."""
    away = {"DATABASE_URL": "postgresql://flycatcher@127.0.0.1:1/flycatcher", "REDIS_URL": "redis://127.0.0.1:1"}
    settings = traced_settings(environ, collector, **away)
    yield from logged(create_app(settings), settings)


def new_trace(flags: str = "01") -> tuple[str, Headers]:
    """The id of a trace that a client has begun, and what it sends with the request."""
    trace_id = uuid4().hex
    return trace_id, {"traceparent": f"00-{trace_id}-{PARENT}-{flags}", "User-Agent": AGENT}


def names(spans: list[Span]) -> list[str]:
    """Their names, in their order."""
    return [span.name for span in spans]


def test_a_read_is_a_span_with_its_round_trips_in_it(traced: Logged, collector: Collector, people: People) -> None:
    bob = people.manager()
    issue = bob.issue(bob.project())
    trace_id, headers = new_trace()
    path = f"/api/issues/{issue['id']}"
    answer = traced.api.signed_in(bob.token).get(path, headers={**headers, "tracestate": "rojo=1,congo=t61"})
    assert answer.status_code == 200
    request, (redis, postgres) = collector.trace(trace_id)
    assert (request.name, request.kind, request.parent_id) == ("GET /api/issues/{id}", "SPAN_KIND_SERVER", PARENT)
    assert request.attributes == {**READ, "url.path": path, "enduser.id": bob.id}
    assert (request.trace_state, request.is_error) == ("rojo=1,congo=t61", False)
    for call in (redis, postgres):
        assert (call.kind, call.parent_id, call.is_error) == ("SPAN_KIND_CLIENT", request.span_id, False)
        assert request.start <= call.start < call.end <= request.end
    assert redis.name == "EVAL"
    assert redis.attributes == {"db.system.name": "redis", "db.operation.name": "EVAL"}
    statement = str(postgres.attributes.pop("db.query.text"))
    assert postgres.name == "SELECT"
    assert postgres.attributes == {"db.system.name": "postgresql", "db.operation.name": "SELECT"}
    assert statement.startswith("SELECT json_build_object('id', issues.id")
    assert "issues.id = %(id)s" in statement


def test_who_sends_is_told_with_every_span(traced: Logged, collector: Collector) -> None:
    trace_id, headers = new_trace()
    traced.api.get("/api/nothing", headers=headers)
    request, _ = collector.trace(trace_id)
    assert request.resource["service.name"] == "flycatcher-local"
    assert request.resource["service.version"] == VERSION
    assert collector.paths == {"/v1/traces"}


def test_a_transaction_is_traced_from_its_beginning_to_its_end(
    traced: Logged, collector: Collector, people: People
) -> None:
    api = traced.api.signed_in(people.manager().token)
    traces = [new_trace() for _ in range(2)]
    answers = [api.post("/api/projects", json={"name": "One"}, headers=headers) for _, headers in traces]
    assert [answer.status_code for answer in answers] == [201, 409]
    (created, calls), (refused, refused_calls) = (collector.trace(trace_id) for trace_id, _ in traces)
    assert names(calls) == ["EVAL", "BEGIN", "SELECT", "INSERT", "INSERT", "COMMIT"]
    assert names(refused_calls) == ["EVAL", "BEGIN", "SELECT", "INSERT", "ROLLBACK"]
    assert (created.is_error, refused.is_error) == (False, False)
    assert [span.name for span in (*calls, *refused_calls) if span.is_error] == ["INSERT"]


def test_requests_at_once_keep_their_own(traced: Logged, collector: Collector, people: People, at_once: AtOnce) -> None:
    api = traced.api.signed_in(people.developer().token)
    traces = dict(new_trace() for _ in range(8))
    waiting = list(traces.values())
    assert {answer.status_code for answer in at_once(8, lambda: api.get("/api/issues", headers=waiting.pop()))} == {200}
    for trace_id in traces:
        request, calls = collector.trace(trace_id)
        assert names(calls) == ["EVAL", "SELECT"]
        assert {call.parent_id for call in calls} == {request.span_id}


def test_of_an_error_nothing_is_told_but_its_type(traced: Logged, collector: Collector, people: People) -> None:
    api = traced.api.signed_in(people.manager().token)
    name = f"{MARK} project"
    trace_id, headers = new_trace()
    assert api.post("/api/projects", json={"name": name}).status_code == 201
    assert outcome(api.post("/api/projects", json={"name": name}, headers=headers)) == (409, "already_exists")
    (failed,) = (span for span in collector.trace(trace_id)[1] if span.is_error)
    assert failed.attributes["error.type"] == "UniqueViolation"
    assert (failed.message, failed.events) == ("", 0)
    check_unseen([MARK], collector.text())


def test_commands_that_travel_together_are_one_round_trip(
    traced: Logged, collector: Collector, people: People, owner: Owner
) -> None:
    bob = people.developer()
    owner.execute(
        "INSERT INTO sessions (id, user_id, expires_at, ip, user_agent) "
        "SELECT gen_random_uuid(), user_id, expires_at, ip, user_agent FROM sessions"
    )
    trace_id, headers = new_trace()
    assert traced.api.signed_in(bob.token).post("/api/auth/logout-all", headers=headers).status_code == 204
    last = collector.trace(trace_id)[1][-1]
    assert last.name == "PIPELINE SET"
    assert last.attributes == {"db.system.name": "redis", "db.operation.name": "PIPELINE SET"}


def test_what_fails_through_us_is_an_error(stranded: Logged, collector: Collector, people: People) -> None:
    trace_id, headers = new_trace()
    path = f"/api/issues/{uuid4()}"
    assert outcome(stranded.api.signed_in(people.developer().token).get(path, headers=headers))[0] == 503
    request, calls = collector.trace(trace_id)
    assert (request.is_error, request.message, request.events) == (True, "", 0)
    assert request.attributes["http.response.status_code"] == 503
    assert request.attributes["error.type"] == "503"
    assert [(call.name, call.is_error, call.attributes["error.type"]) for call in calls] == [
        ("EVAL", True, "ConnectionRefusedError")
    ]


def test_a_crash_is_an_error(traced: Logged, collector: Collector, people: People, owner: Owner) -> None:
    api = traced.api.signed_in(people.developer().token)
    trace_id, headers = new_trace()
    owner.execute("ALTER TABLE issues RENAME COLUMN title TO gone")
    try:
        assert outcome(api.get(f"/api/issues/{uuid4()}", headers=headers)) == (500, "internal_error")
    finally:
        owner.execute("ALTER TABLE issues RENAME COLUMN gone TO title")
    request, calls = collector.trace(trace_id)
    assert (request.is_error, request.attributes["error.type"]) == (True, "500")
    assert [call.attributes.get("error.type") for call in calls if call.name == "SELECT"][:1] == ["UndefinedColumn"]


@pytest.mark.parametrize(
    ("method", "path", "status", "name", "recorded"),
    [
        ("GET", "/api/nothing/at/all", 404, "GET", "GET"),
        ("DELETE", "/api/projects", 405, "DELETE", "DELETE"),
        ("PROPFIND", "/api/projects", 405, "HTTP", "_OTHER"),
        ("HEAD", "/api/projects", 401, "HEAD /api/projects", "HEAD"),
        ("GET", "/api/issues/7", 401, "GET /api/issues/{id}", "GET"),
    ],
)
def test_a_name_has_no_word_of_the_client_s(
    traced: Logged, collector: Collector, method: str, path: str, status: int, name: str, recorded: str
) -> None:
    trace_id, headers = new_trace()
    assert traced.api.request(method, path, headers=headers).status_code == status
    request, _ = collector.trace(trace_id)
    assert (request.name, request.attributes["http.request.method"]) == (name, recorded)
    assert (request.attributes["url.path"], request.is_error) == (path, False)
    assert request.attributes.get("http.route") == (name.partition(" ")[2] or None)


def test_a_long_path_is_cut(traced: Logged, collector: Collector) -> None:
    trace_id, headers = new_trace()
    base = str(traced.api.client.base_url)
    assert exchange(base, "GET", f"/api/{'x' * 60_000}", headers=headers).status == 404
    request, _ = collector.trace(trace_id)
    assert request.attributes["url.path"] == f"/api/{'x' * 60_000}"[:PATH_LIMIT]


def test_a_secret_that_is_sent_is_in_no_span(
    traced: Logged, collector: Collector, world: World, people: People
) -> None:
    """Every endpoint, with a secret in each text of its body, in the query, in a header, and a token in the path."""
    token = people.developer().token
    ask_all(traced.api, world)
    for endpoint in WALK:
        traced.api.request(endpoint.method, world.path(endpoint), params={"search": SECRET, "password": SECRET})
    login(traced.api, SECRET, SECRET)
    trace_id, headers = new_trace()
    traced.api.get(f"/api/nothing/{token}", headers=headers)
    request, _ = collector.trace(trace_id)
    assert request.attributes["url.path"] == "/api/nothing/[redacted]"
    spans = collector.spans()
    assert {named(endpoint) for endpoint in WALK} <= {*names(spans)}
    assert "Bearer [redacted]" in {span.attributes.get("user_agent.original") for span in spans}
    check_unseen((MARK, token, world.admin.token, "rate:", "denied:"), collector.text())


def test_probes_and_metrics_are_not_traced(environ: Environ, server: Server) -> None:  # noqa: ARG001  # has the log
    with collecting() as own, patch.dict(os.environ, {"OTEL_BSP_SCHEDULE_DELAY": "20"}):
        settings = traced_settings(environ, own)
        for log in logged(create_app(settings), settings):
            for path in ("/healthz", "/readyz", "/metrics"):
                assert log.api.get(path).status_code == 200
            pipelined = [b"GET /api/nothing HTTP/1.1\r\nHost: x\r\n\r\n"]
            pipelined += [b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]
            answers = talk(str(log.api.client.base_url), [b"".join(pipelined)])
            assert [answer.status for answer in answers] == [404, 200]
            trace_id, headers = new_trace()
            log.api.get("/api/nothing", headers=headers)
            own.trace(trace_id)
        assert names(own.spans()) == ["GET", "EVAL"] * 2


@pytest.mark.parametrize("sent", [None, *RUBBISH])
def test_the_log_names_the_trace_of_the_span(traced: Logged, collector: Collector, sent: str | None) -> None:
    traced.clear()
    traced.api.get("/api/nothing", headers={} if sent is None else {"traceparent": sent})
    (line,) = traced.lines()
    request, _ = collector.trace(line["trace_id"])
    assert (request.parent_id, request.trace_state) == ("", "")
    assert "trouble with traces" not in traced.text()


def test_the_log_names_the_trace_that_the_client_began(traced: Logged, collector: Collector) -> None:
    trace_id, headers = new_trace()
    traced.clear()
    traced.api.get("/api/nothing", headers=headers)
    (line,) = traced.lines()
    assert line["trace_id"] == trace_id == collector.trace(trace_id)[0].trace_id


def test_who_does_not_want_to_be_traced_is_not(traced: Logged, collector: Collector, people: People) -> None:
    bob = people.developer()
    api = traced.api.signed_in(bob.token)
    (unwanted, silent), (wanted, headers) = new_trace("00"), new_trace()
    traced.clear()
    assert api.get("/api/projects", headers=silent).status_code == 200
    assert api.get("/api/projects", headers=headers).status_code == 200
    collector.trace(wanted)
    assert unwanted not in {span.trace_id for span in collector.spans()}
    assert [line["trace_id"] for line in traced.lines()] == [unwanted, wanted]


def test_an_sdk_that_is_switched_off_changes_nothing(environ: Environ, server: Server) -> None:  # noqa: ARG001  # has the log
    with collecting() as own, patch.dict(os.environ, {"OTEL_SDK_DISABLED": "true"}):
        settings = traced_settings(environ, own)
        trace_id, headers = new_trace()
        for log in logged(create_app(settings), settings):
            assert [log.api.get("/api/nothing", headers=sent).status_code for sent in (headers, {})] == [404, 404]
            assert [line["trace_id"] for line in log.lines()] == [trace_id, None]
        assert own.bodies == []

"""A function and the collector of its traces: what it gets at the end, and what it cannot do to a function."""

import json
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from shared.observability.traces import CLOSE_SECONDS
from tests.support.api import JSON
from tests.support.collector import collecting
from tests.support.leaks import MARK
from tests.support.people import People, Person
from tests.support.processes import Environ, base_environ, free_port, process, wait_until_ready

REQUESTS = 40
SLACK_SECONDS = 5.0
"""For the rest of a stop, on a machine that is busy; the SDK by itself would wait for ten at least."""
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "20"}
"""Milliseconds until a span is sent: some have been tried before the process stops."""


@contextmanager
def running(environ: Environ, **variables: str) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    """The function ``issues`` in a process of its own, and a client of it."""
    port = free_port()
    given = {**base_environ(environ, "issues"), "FUNCTION": "issues", "PORT": str(port), "LOG_LEVEL": "info"}
    with process(["functions"], {**given, **variables}) as function:
        wait_until_ready(function, port)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            yield function, client


def ask(client: httpx2.Client, person: Person, path: str = "/api/issues") -> float:
    """Seconds until a request is answered."""
    began = time.perf_counter()
    assert client.get(path, headers={"Authorization": f"Bearer {person.token}"}).status_code == 200
    return time.perf_counter() - began


def stop(function: subprocess.Popen[str]) -> tuple[float, list[JSON]]:
    """End it as the platform does: the seconds that took, and its log."""
    began = time.monotonic()
    function.send_signal(signal.SIGTERM)
    out, err = function.communicate(timeout=20)
    assert (function.returncode, err) == (0, "")
    return time.monotonic() - began, [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "flycatcher-issues"),
        ({"OTEL_SERVICE_NAME": "bugs"}, "bugs"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=tracker"}, "tracker"),
    ],
)
def test_the_last_spans_are_sent_at_the_stop(environ: Environ, people: People, variables: Environ, name: str) -> None:
    bob = people.developer()
    with collecting() as collector:
        given = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "60000", **variables}
        with running(environ, **given) as (function, client):
            ask(client, bob)
            assert collector.bodies == []
            seconds, lines = stop(function)
        assert [span.name for span in collector.spans()] == ["GET /api/issues", "EVAL", "SELECT"]
        assert {span.resource["service.name"] for span in collector.spans()} == {name}
    assert seconds < SLACK_SECONDS
    assert troubles(lines) == []


def troubles(lines: list[JSON]) -> list[str]:
    """What the log tells of traces."""
    return [line["reason"] for line in lines if line["message"] == "trouble with traces"]


@pytest.fixture
def hanging() -> Iterator[str]:
    """The URL of a collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def away() -> str:
    """The URL of a collector that is not there."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize("fault", ["away", "hanging"])
def test_a_collector_that_takes_nothing_slows_nothing(
    environ: Environ, people: People, fault: str, request: pytest.FixtureRequest
) -> None:
    bob = people.developer()
    url: str = request.getfixturevalue(fault)
    with (
        running(environ) as (_, plain),
        running(environ, OTEL_EXPORTER_OTLP_ENDPOINT=url, **QUICK) as (function, client),
    ):
        ask(plain, bob), ask(client, bob)
        both = [(ask(plain, bob), ask(client, bob)) for _ in range(REQUESTS)]
        seconds, lines = stop(function)
    usual, traced = (statistics.median(times) for times in zip(*both, strict=True))
    assert traced < 3 * usual
    assert max(slowest for _, slowest in both) < 2
    assert seconds < CLOSE_SECONDS + SLACK_SECONDS
    told = troubles(lines)
    assert told[-1] == "the last spans were not taken in time"
    assert [line for line in told[:-1] if "Connection refused" not in line] == []
    assert len(told) == {"away": 2, "hanging": 1}[fault]


def test_a_collector_that_refuses_is_told_of_without_the_key_that_it_was_given(
    environ: Environ, people: People
) -> None:
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": f'authorization=Bearer%20{MARK},"{MARK}'}
    with collecting(status=401) as collector:
        with running(environ, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **headers) as (function, client):
            ask(client, people.developer())
            _, lines = stop(function)
        assert collector.credentials == {f"Bearer {MARK}"}
    (told,) = troubles(lines)
    assert "401" in told
    assert MARK not in json.dumps(lines)


def test_a_variable_that_the_sdk_refuses_ends_the_start_with_one_line(environ: Environ) -> None:
    given = {**base_environ(environ, "issues"), "FUNCTION": "issues", "PORT": str(free_port())}
    wrong = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_MAX_QUEUE_SIZE": "0"}
    with process(["functions"], {**given, **wrong}) as function:
        out, err = function.communicate(timeout=20)
    assert function.returncode > 0
    assert err == ""
    messages = [json.loads(line)["message"] for line in out.splitlines()]
    assert [message for message in messages if "OTEL_" in message] == messages[:1]

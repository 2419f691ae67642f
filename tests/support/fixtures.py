"""Fixtures for tests that look behind the API or start servers of their own; a folder's conftest.py imports them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import psycopg
import pytest
from psycopg.rows import TupleRow
from redis import Redis

from functions.auth.tokens import Signer
from shared import workers
from shared.settings import Settings
from tests.support.api import Api, Server, new_client
from tests.support.people import People
from tests.support.world import World, make_world

Owner = psycopg.Connection[TupleRow]
Serve = Callable[..., Api]
Request = Callable[[], httpx2.Response]
AtOnce = Callable[[int, Request], list[httpx2.Response]]


PATIENT = {
    f"{name}_SECONDS": "30"
    for name in ("REQUEST", "DATABASE_WAIT", "DATABASE_LOCK", "DATABASE_STATEMENT", "DATABASE_IDLE")
}
"""For what is judged by its outcome and not by its time: hashes one after another take long on a crowded machine."""


@pytest.fixture
def owner(database: str, clean: None) -> Iterator[Owner]:  # noqa: ARG001  # the cleaning is the point
    """The database as its owner sees it."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def redis(environ: dict[str, str]) -> Iterator[Redis]:
    """The Valkey of this worker."""
    with Redis.from_url(environ["REDIS_URL"], decode_responses=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def servers(environ: dict[str, str]) -> Iterator[Serve]:
    """Starts the whole API with variables of the test's own, once for each set of them."""
    running: dict[frozenset[tuple[str, str]], Api] = {}
    stacks: list[ExitStack] = []

    def start(**variables: str) -> Api:
        key = frozenset(variables.items())
        if key not in running:
            stacks.append(ExitStack())
            server = stacks[-1].enter_context(Server(Settings.load({**environ, **variables})))
            running[key] = Api(stacks[-1].enter_context(new_client(server.url)))
        return running[key]

    yield start
    with ThreadPoolExecutor() as threads:
        list(threads.map(ExitStack.close, stacks))


@pytest.fixture
def serve(servers: Serve, clean: None, counters: Redis) -> Serve:  # noqa: ARG001  # the cleaning is the point
    """The same, with nothing counted yet and nothing left behind; answers as a caller who is not signed in."""
    counters.flushdb()
    return servers


@pytest.fixture
def proxied(serve: Serve) -> Api:
    """A server that takes 3 attempts a minute, and from us whatever address we say."""
    return serve(LOGIN_LIMIT_PER_MINUTE="3", TRUSTED_PROXIES="127.0.0.0/8")


@pytest.fixture
def locking(serve: Serve) -> Api:
    """A server that locks an account after 3 failures in a row, for 100 seconds."""
    return serve(LOCKOUT_THRESHOLD="3", LOCKOUT_SECONDS="100", **PATIENT)


@pytest.fixture
def world(people: People) -> World:
    """One of everything, and an admin who may do all to it."""
    return make_world(people)


@pytest.fixture(scope="module")
def nobody(client: httpx2.Client) -> Api:
    """A caller who is not signed in."""
    return Api(client)


@pytest.fixture(scope="module")
def crowd(nobody: Api, housekeeper: Owner, signer: Signer) -> Iterator[People]:
    """Makes users who stay for a whole file, whose tests change nothing and use no ``api``, which cleans."""
    yield People(nobody, housekeeper, signer)
    housekeeper.execute(
        "DELETE FROM projects; DELETE FROM users; DELETE FROM login_throttles; DELETE FROM audit_events"
    )


@pytest.fixture(scope="module")
def standing(crowd: People) -> World:
    """A world that stays for all tests of a file."""
    return make_world(crowd)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> AtOnce:
    """Sends the same request several times at the same moment, and lets each wait for its turn as long as it takes."""
    monkeypatch.setattr(workers, "WAIT_SECONDS", 30.0)

    def send(times: int, request: Request) -> list[httpx2.Response]:
        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(lambda _: request(), range(times)))

    return send


def wait_until_blocked(owner: Owner, requests: int = 1) -> None:
    """Wait until so many requests wait for a lock that this transaction holds, or for each other's."""
    deadline = time.monotonic() + 15
    with psycopg.connect(owner.info.dsn, autocommit=True) as other:
        query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while other.execute(query).rowcount < requests:
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)


def events(owner: Owner) -> list[tuple[str, str]]:
    """Action and outcome of every audit event, in their order."""
    rows = owner.execute("SELECT action, outcome FROM audit_events ORDER BY at, id").fetchall()
    return [(row[0], row[1]) for row in rows]

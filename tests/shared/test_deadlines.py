"""No wait is without end: each limit of the configuration ends the wait that it is for, with an honest answer."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from shared.data.database import UNAVAILABLE, Connection, Database
from shared.data.statements import statement
from shared.settings import Settings
from tests.support.accounts import outcome
from tests.support.fixtures import PATIENT, Owner, Serve, wait_until_blocked
from tests.support.people import People

LIMIT = 0.3
SLACK = 1.5
"""What a busy machine may add."""
REFUSED = (503, "service_unavailable")
ENDED_BY = {
    "the-request's-time": "REQUEST_SECONDS",
    "the-statement's-time": "DATABASE_STATEMENT_SECONDS",
    "the-lock's-time": "DATABASE_LOCK_SECONDS",
}


@pytest.mark.parametrize("name", ENDED_BY.values(), ids=ENDED_BY)
def test_a_request_that_waits_for_a_lock_ends_in_time(serve: Serve, people: People, owner: Owner, name: str) -> None:
    api = serve(**{**PATIENT, name: str(LIMIT)}).signed_in(people.developer().token)
    assert api.get("/api/projects").status_code == 200
    with owner.transaction():
        owner.execute("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        answer = api.get("/api/projects")
        seconds = time.monotonic() - began
    assert (outcome(answer), answer.headers["Retry-After"]) == (REFUSED, "2")
    assert LIMIT <= seconds < LIMIT + SLACK
    assert api.get("/api/projects").status_code == 200


def test_a_request_that_waits_for_a_connection_ends_in_time(serve: Serve, people: People, owner: Owner) -> None:
    variables = {**PATIENT, "DATABASE_POOL_SIZE": "1", "DATABASE_WAIT_SECONDS": str(LIMIT)}
    api = serve(**variables).signed_in(people.developer().token)
    with ThreadPoolExecutor(1) as thread:
        with owner.transaction():
            owner.execute("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
            first = thread.submit(api.get, "/api/projects")
            wait_until_blocked(owner)
            began = time.monotonic()
            assert outcome(api.get("/api/users")) == REFUSED
            assert LIMIT <= time.monotonic() - began < LIMIT + SLACK
        assert first.result().status_code == 200


def test_a_write_that_ends_by_its_time_has_written_nothing(serve: Serve, people: People, owner: Owner) -> None:
    admin = people.admin()
    api = serve(**{**PATIENT, "REQUEST_SECONDS": str(LIMIT)}).signed_in(admin.token)
    with owner.transaction():
        owner.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        assert outcome(api.post("/api/projects", json={"name": "Kiosk"})) == REFUSED
    assert api.get("/api/projects").json()["total"] == 0
    assert api.post("/api/projects", json={"name": "Kiosk"}).status_code == 201


def test_logins_behind_one_that_hangs_are_refused_in_time(serve: Serve, people: People, owner: Owner) -> None:
    bob = people.developer()
    api = serve(**{**PATIENT, "REQUEST_SECONDS": str(LIMIT)})
    body = {"username": bob.username, "password": "x"}
    with ThreadPoolExecutor(2) as threads, owner.transaction():
        owner.execute("LOCK TABLE login_throttles IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        asked = [threads.submit(api.post, "/api/auth/login", json=body) for _ in range(2)]
        assert [outcome(done.result()) for done in asked] == [REFUSED] * 2
        assert time.monotonic() - began < LIMIT + SLACK


async def _idle(db: Connection) -> None:
    await asyncio.sleep(LIMIT)
    await db.one(statement("SELECT 1"))


async def _sleep(db: Connection) -> None:
    await db.one(statement("SELECT pg_sleep(20)"))


FAULTS: dict[str, tuple[str, Callable[[Connection], object]]] = {
    "a-transaction-that-idles": ("DATABASE_IDLE_SECONDS", _idle),
    "a-statement-that-lasts": ("DATABASE_STATEMENT_SECONDS", _sleep),
}


@pytest.mark.parametrize(("name", "work"), FAULTS.values(), ids=FAULTS)
def test_postgresql_itself_ends_what_takes_too_long(
    environ: dict[str, str], name: str, work: Callable[[Connection], object]
) -> None:
    database = Database(Settings.load({**environ, **PATIENT, name: "0.1"}))

    async def use() -> None:
        await database.open()
        try:
            with pytest.raises(UNAVAILABLE):
                async with database.transaction() as db:
                    await work(db)  # type: ignore[misc]  # each is a coroutine function
            await database.probe(statement("SELECT 1"))
        finally:
            await database.close()

    began = time.monotonic()
    asyncio.run(use())
    assert time.monotonic() - began < LIMIT + SLACK


def test_after_a_restart_no_request_meets_a_connection_that_is_closed(
    serve: Serve, people: People, owner: Owner
) -> None:
    api = serve(DATABASE_POOL_SIZE="5").signed_in(people.developer().token)
    with ThreadPoolExecutor(5) as threads:
        assert {a.status_code for a in threads.map(lambda _: api.get("/api/users"), range(20))} == {200}
        ended = owner.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE usename = 'flycatcher' AND datname = current_database() AND state = 'idle'"
        ).fetchone()
        assert ended
        assert ended[0] >= 1
        time.sleep(0.1)
        assert {a.status_code for a in threads.map(lambda _: api.get("/api/users"), range(20))} == {200}


def test_a_crowded_pool_is_not_taken_for_a_database_that_is_away(serve: Serve, people: People, owner: Owner) -> None:
    variables = {**PATIENT, "DATABASE_POOL_SIZE": "1", "DATABASE_WAIT_SECONDS": "0.1"}
    api = serve(**variables).signed_in(people.developer().token)
    with ThreadPoolExecutor(1) as thread:
        with owner.transaction():
            owner.execute("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
            assert api.get("/api/users").status_code == 200
            first = thread.submit(api.get, "/api/projects")
            wait_until_blocked(owner)
            assert api.get("/readyz").status_code == 200
            time.sleep(1.1)
            assert outcome(api.get("/readyz")) == REFUSED
        assert first.result().status_code == 200
    assert api.get("/readyz").status_code == 200


def test_the_defaults_add_up_to_less_than_a_gateway_waits() -> None:
    gateway_seconds = 15
    settings = Settings.load({"DATABASE_URL": "postgresql:", "REDIS_URL": "redis:", "JWT_PUBLIC_KEYS": "{}"}, "issues")
    waits = (
        settings.database_connect_seconds,
        settings.database_wait_seconds,
        settings.database_statement_seconds,
        settings.database_lock_seconds,
        settings.database_idle_seconds,
    )
    assert sum(waits) < gateway_seconds
    assert settings.request_seconds < 3
    assert issubclass(psycopg.errors.DeadlockDetected, UNAVAILABLE)


def test_work_that_a_thread_has_not_done_in_time_is_refused(
    serve: Serve, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = people.developer()
    api = serve(**{**PATIENT, "REQUEST_SECONDS": str(LIMIT)})
    monkeypatch.setattr("functions.auth.passwords._verify", lambda *_: time.sleep(LIMIT + SLACK + 1))
    began = time.monotonic()
    assert outcome(api.post("/api/auth/login", json={"username": bob.username, "password": "x"})) == REFUSED
    assert time.monotonic() - began < LIMIT + SLACK

"""A client makes a function crash and reads the answer, or the log, for what was sent with it and what is stored.

A crash is answered without a word of its cause (shared/middleware.py). Its log line names the cause, without the values
that the request has sent and without the rows that PostgreSQL shows (shared/observability/redaction.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.rows import TupleRow

from functions.auth.tokens import KeySet
from migrations.tables import metadata
from tests.support.accounts import outcome
from tests.support.leaks import MARK, SECRET, WALK, ask_all, check_unseen, told
from tests.support.logs import Logged
from tests.support.people import PASSWORD, People
from tests.support.world import World, make_world

Owner = psycopg.Connection[TupleRow]

COLUMNS = {"sessions": "ended_at", "users": "password_hash", "refresh_tokens": "token_hash"}
TABLES = [table.name for table in metadata.sorted_tables]
TELLING = ("users", "projects", "issues", "comments")
MESSAGE = ", ".join(f"to_jsonb(new)->>'{name}'" for name in ("username", "email", "name", "title", "content"))


def each(statement: str, tables: list[str]) -> str:
    """The statement for each of the tables."""
    return "; ".join(statement.format(table, COLUMNS.get(table)) for table in tables)


CRASHES: dict[str, tuple[str, str, int]] = {
    "column-that-is-gone": (
        each("ALTER TABLE {0} RENAME {1} TO gone", [*COLUMNS]),
        each("ALTER TABLE {0} RENAME gone TO {1}", [*COLUMNS]),
        len(WALK),
    ),
    "row-that-is-refused": (
        each("ALTER TABLE {0} ADD CONSTRAINT crash CHECK (false) NOT VALID", TABLES),
        each("ALTER TABLE {0} DROP CONSTRAINT crash", TABLES),
        14,
    ),
    "values-in-a-message": (
        "CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE '% % % % %', {MESSAGE}; END $$;"
        + each("CREATE TRIGGER crash BEFORE INSERT OR UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION crash()", [*TELLING]),
        "DROP FUNCTION crash CASCADE",
        8,
    ),
}
"""What breaks the database, what mends it, and how many endpoints crash at least."""


@contextmanager
def broken(owner: Owner, breaks: str, mends: str) -> Iterator[None]:
    """A database on which functions crash."""
    owner.execute(breaks)
    try:
        yield
    finally:
        owner.execute(mends)


@pytest.mark.parametrize(("breaks", "mends", "least"), CRASHES.values(), ids=CRASHES.keys())
def test_a_crash_shows_nothing_of_what_was_sent_or_is_stored(
    debug_log: Logged,
    crowd: People,
    housekeeper: Owner,
    monkeypatch: pytest.MonkeyPatch,
    breaks: str,
    mends: str,
    least: int,
) -> None:
    crowd.admin()  # the last one is refused before anything is written
    world = make_world(crowd)
    monkeypatch.setattr(KeySet, "keys", property(lambda _: 1 // 0), raising=False)
    with broken(housekeeper, breaks, mends):
        answers = ask_all(debug_log.api, world)
    crashed = [answer for answer in answers if answer.status_code == 500]
    assert len(crashed) >= least
    check_unseen((MARK, PASSWORD, world.admin.token, "$argon2"), debug_log.text(), *map(told, answers))
    errors = {line["request_id"] for line in debug_log.lines() if line.get("traceback")}
    assert errors == {answer.headers["X-Request-ID"] for answer in crashed}


WORDS = [
    "error",
    "unexpected error",
    "local",
    "UndefinedColumn",
    "Request-1",
    "request",
    "POST",
    "/api/projects",
    "info",
]
"""What the log lines of a crash consist of, but for the traceback."""
BODIES = {
    "with-a-secret": {"name": SECRET},
    "with-the-words-of-the-line": {f"x{number}": word for number, word in enumerate(WORDS)},
    "with-parts-of-the-words": {f"x{number}": word[:4] for number, word in enumerate(WORDS)},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_the_operator_learns_what_has_crashed_whatever_was_sent(
    debug_log: Logged, standing: World, housekeeper: Owner, body: dict[str, str]
) -> None:
    headers = {"X-Request-ID": "Request-1"}
    with broken(housekeeper, *CRASHES["column-that-is-gone"][:2]):
        crash = debug_log.api.signed_in(standing.admin.token).post("/api/projects", json=body, headers=headers)
    assert outcome(crash) == (500, "internal_error")
    assert set(crash.json()) == {"type", "title", "status", "code", "detail", "instance", "request_id"}
    assert crash.json()["detail"] == "Something went wrong on our side."
    error, request = debug_log.lines()
    assert [error[name] for name in ("level", "message", "function", "error", "request_id")] == WORDS[:5]
    assert [request[name] for name in ("request_id", "message", "method", "route", "level")] == WORDS[4:]
    assert "shared/endpoint.py" in error["traceback"]
    assert "column sessions.ended_at does not exist" in error["traceback"]

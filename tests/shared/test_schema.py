"""Whether a function is ready follows from the schema: over HTTP, with a PostgreSQL at each of the revisions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from functions.issues.app import ENDPOINTS
from operations.migrate import migrate, newest_revision
from shared.data.schema import REVISION, lacking
from shared.function import Function
from shared.settings import Settings
from tests.conftest import database_url
from tests.support.api import Api, Server, new_client
from tests.support.logs import Logged, debug_log, debugged

__all__ = ["debug_log", "debugged"]

OWN, EVERYBODY, OWNER = "flycatcher_issues", "flycatcher", "postgres"
OLDER = f"The schema is at 0004, and this version needs {REVISION}: migrate first."
UNREADABLE = f"The revision of the schema cannot be read, and this version needs {REVISION}: migrate first."
UNMIGRATED = f"The database is not migrated, and this version needs {REVISION}: migrate first."


def _stays(_url: str) -> None:
    """The newest schema of this code."""


def _goes_to(revision: str) -> Callable[[str], object]:
    return lambda url: migrate(url, revision)


def _numbered(revision: str) -> Callable[[str], object]:
    def number(url: str) -> None:
        with psycopg.connect(url) as owner:
            owner.execute("UPDATE alembic_version SET version_num = %s", [revision])

    return number


def _never_migrated(url: str) -> None:
    with psycopg.connect(url) as owner:
        owner.execute("DROP TABLE alembic_version")


CASES: dict[str, tuple[Callable[[str], object], str, str | None]] = {
    # What is done to the database, who signs in, and what is told; None where the function is ready.
    "at-the-head": (_stays, OWN, None),
    "at-the-head-with-the-rights-of-all": (_stays, EVERYBODY, None),
    "newer-than-the-code": (_numbered("0042"), OWN, None),
    "a-number-before": (_numbered("0004"), OWN, OLDER),
    # The groups may read the revision from 0005 on; before that its owner may.
    "at-0004": (_goes_to("0004"), OWN, UNREADABLE),
    "at-0004-with-the-rights-of-all": (_goes_to("0004"), EVERYBODY, UNREADABLE),
    "at-0004-as-the-owner": (_goes_to("0004"), OWNER, OLDER),
    "at-the-base": (_goes_to("base"), EVERYBODY, UNREADABLE),
    "at-the-base-as-the-owner": (_goes_to("base"), OWNER, UNMIGRATED),
    "without-a-table-of-revisions": (_never_migrated, OWN, UNMIGRATED),
}


@contextmanager
def _served(environ: dict[str, str], owner_url: str, role: str) -> Iterator[Api]:
    name = str(conninfo_to_dict(owner_url)["dbname"])
    settings = Settings.load({**environ, "DATABASE_URL": database_url(owner_url, name, role)}, "issues")
    with (
        Server(settings, Function("issues", ENDPOINTS, settings=lambda: settings)) as server,
        new_client(server.url) as client,
    ):
        yield Api(client)


@pytest.mark.parametrize(("prepare", "role", "told"), CASES.values(), ids=CASES)
def test_a_function_is_ready_when_the_schema_is_as_new_as_its_code(
    environ: dict[str, str], migrated: str, prepare: Callable[[str], object], role: str, told: str | None
) -> None:
    prepare(migrated)
    with _served(environ, migrated, role) as api:
        answer = api.get("/readyz")
        assert api.get("/healthz").status_code == 200
    if told is None:
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "redis": "ok"})
    else:
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert answer.json()["detail"] == told


def test_a_function_becomes_ready_when_it_is_migrated_and_needs_no_restart(
    environ: dict[str, str], migrated: str
) -> None:
    migrate(migrated, "0004")
    with _served(environ, migrated, OWN) as api:
        assert api.get("/readyz").status_code == 503
        migrate(migrated)
        assert api.get("/readyz").status_code == 200


def test_the_revision_that_this_code_needs_is_the_newest_one() -> None:
    assert newest_revision() == REVISION
    assert lacking(REVISION) is None


@pytest.mark.usefixtures("clean")
def test_the_probe_asks_one_statement_and_no_other_request_asks_for_the_revision(debug_log: Logged) -> None:
    debug_log.api.get("/readyz")
    (asked,) = _statements(debug_log)
    assert "alembic_version" in asked
    debug_log.clear()
    debug_log.api.post("/api/auth/login", json={"username": f"nobody-{uuid4().hex}", "password": "Nobody-1"})
    others = _statements(debug_log)
    assert len(others) > 3
    assert not [statement for statement in others if "alembic_version" in statement]


def _statements(log: Logged) -> list[str]:
    return [line["sql"] for line in log.all_lines() if "sql" in line]

"""The migrate command: at once with others, under a plain owner, beside other databases, and when it cannot work."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from operations import migrate as command
from operations.migrate import is_current, migrate, newest_revision
from tests.migrations import catalog


@pytest.fixture
def owner_role(cluster_url: str) -> Iterator[str]:
    """A role that may log in and nothing more; it owns the database that a test makes under its name."""
    name = f"owner_{uuid4().hex}"
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def _create_database(cluster_url: str, owner: str, options: str = "ENCODING 'UTF8'") -> str:
    """Make a database of its owner's name and return the name."""
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {0} OWNER {0} TEMPLATE template0 {1}")
        connection.execute(statement.format(sql.Identifier(owner), sql.SQL(options)))
    return owner


def _run(monkeypatch: pytest.MonkeyPatch, url: str | None, *arguments: str) -> int:
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("DATABASE_OWNER_URL", url)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def test_of_several_at_once_one_migrates_and_the_others_find_nothing_to_do(empty_database: str) -> None:
    script = "import sys; from operations.migrate import migrate; print(migrate(sys.argv[1]))"
    started = [
        subprocess.Popen([sys.executable, "-c", script, empty_database], stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own
        for _ in range(3)
    ]
    assert sorted(process.communicate()[0].strip() for process in started) == ["False", "False", "True"]
    assert is_current(empty_database)


def test_an_owner_that_may_not_make_roles_uses_the_one_that_is_there(
    empty_database: str, cluster_url: str, owner_role: str
) -> None:
    migrate(empty_database)
    url = make_conninfo(cluster_url, dbname=_create_database(cluster_url, owner_role), user=owner_role)
    assert migrate(url)
    with psycopg.connect(url) as connection:
        may = connection.execute("SELECT has_table_privilege('flycatcher_functions', 'users', 'DELETE')").fetchone()
    assert may == (True,)
    assert migrate(url, "base")


def test_down_leaves_the_role_to_other_databases(empty_database: str, cluster_url: str, owner_role: str) -> None:
    other = make_conninfo(cluster_url, dbname=_create_database(cluster_url, owner_role))
    migrate(other)
    rights = catalog.read(other)["rights"]
    migrate(empty_database)
    migrate(empty_database, "base")
    assert catalog.read(other)["rights"] == rights
    assert ("schema", "flycatcher_functions", "USAGE") in rights


def test_a_database_that_counts_bytes_is_refused(cluster_url: str, owner_role: str) -> None:
    name = _create_database(cluster_url, owner_role, "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'")
    with pytest.raises(RuntimeError, match="UTF8, not SQL_ASCII"):
        migrate(make_conninfo(cluster_url, dbname=name))


def test_each_migration_is_told_of_when_it_is_applied(empty_database: str) -> None:
    newest = int(newest_revision())
    steps: list[tuple[str, int, int]] = []
    for revision, due in (("0002", 2), ("head", newest - 2), ("0001", newest - 1)):
        assert migrate(empty_database, revision, lambda *step: steps.append(step))
        assert steps == [("applying migrations", done, due) for done in range(1, due + 1)]
        steps.clear()


def test_the_command_says_what_it_did(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not is_current(empty_database)
    for arguments, said in (
        ((), "migrated: the database is at head"),
        ((), "nothing to migrate"),
        (("--to", "0001"), "migrated: the database is at 0001"),
        (("--to", "base"), "migrated: the database is at base"),
    ):
        assert _run(monkeypatch, empty_database, *arguments) == 0
        assert capsys.readouterr() == (f"{said}\n", "")


@pytest.mark.parametrize(
    ("url", "arguments", "code", "problem"),
    [
        (None, (), 2, "DATABASE_OWNER_URL is missing"),
        ("mysql://root@127.0.0.1/x", (), 2, "DATABASE_OWNER_URL must be a URL that starts with postgresql://"),
        ("postgresql://127.0.0.1:1/x", (), 1, "connection failed"),
        ("postgresql://127.0.0.1:1/x", ("--to", "0001"), 1, "connection failed"),
    ],
)
def test_a_failure_is_one_line(
    url: str | None,
    arguments: tuple[str, ...],
    code: int,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run(monkeypatch, url, *arguments) == code
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"migrate: {problem}")
    assert err.count("\n") == 1


def test_an_unknown_revision_is_one_line_and_changes_nothing(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert migrate(empty_database)
    assert _run(monkeypatch, empty_database, "--to", "9999") == 1
    out, err = capsys.readouterr()
    assert not out
    assert re.fullmatch("migrate: Can't locate revision identified by '9999'; migrations/versions has .*\n", err)
    assert is_current(empty_database)


def test_a_database_newer_than_the_code_is_left_alone(empty_database: str) -> None:
    from alembic.util import CommandError

    migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CommandError, match="9999"):
        migrate(empty_database)
    assert not is_current(empty_database)

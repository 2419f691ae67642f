"""The seed in a database: whole, the same every time, added once, and careful with what is there."""

import argparse
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from operations import seed as command
from operations.migrate import migrate
from operations.seed import is_empty, seed
from shared.markdown import render
from shared.text import fold, words
from tests.conftest import TEMPLATE, copied
from tests.operations.conftest import hash_cheaply

PASSWORD = "Kingfisher-7-blue"
COUNTS = {"users": 50, "projects": 10, "issues": 500, "issue_history": 1_406, "comments": 1_500}


def _rows(url: str, table: str, *without: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute(sql.SQL("SELECT * FROM {} ORDER BY id").format(sql.Identifier(table)))
        return [{name: value for name, value in row.items() if name not in without} for row in found]


def _everything(url: str) -> dict[str, list[dict[str, Any]]]:
    return {table: _rows(url, table, "password_hash") for table in (*COUNTS, "comment_revisions")}


@pytest.fixture(scope="module")
def seeded(cluster_url: str) -> Iterator[str]:
    """A database that was seeded once and that no test changes."""
    with copied(cluster_url, TEMPLATE) as url, pytest.MonkeyPatch.context() as patch:
        hash_cheaply(patch)
        assert seed(url, PASSWORD)
        yield url


def test_twice_adds_nothing_and_another_database_gets_the_same(migrated: str, seeded: str) -> None:
    assert is_empty(migrated)
    steps: list[tuple[str, int, int]] = []
    assert seed(migrated, PASSWORD, lambda *step: steps.append(step))
    assert not is_empty(migrated)
    first = _everything(migrated)
    hashes = {row["password_hash"] for row in _rows(migrated, "users")}
    assert {table: len(first[table]) for table in COUNTS} == COUNTS
    assert len(first["comment_revisions"]) == sum(row["updated_at"] > row["created_at"] for row in first["comments"])
    assert len(hashes) == 50
    assert [(done, total) for _, done, total in steps] == [(n, 50) for n in range(1, 51)] + [
        (n, 4) for n in range(1, 5)
    ]

    assert not seed(migrated, "Another-pass-1")
    assert _everything(migrated) == first
    assert {row["password_hash"] for row in _rows(migrated, "users")} == hashes

    assert _everything(seeded) == first


def test_columns_made_from_text_are_those_of_the_shared_rules(seeded: str) -> None:
    with psycopg.connect(seeded) as connection:
        for title, folded, description, html, lexemes in connection.execute(
            "SELECT title, title_folded, description, description_html, tsvector_to_array(search) FROM issues"
        ):
            assert (folded, html) == (fold(title), render(description))
            assert sorted(lexemes) == words(title, description)
        for name, folded, description, lexemes in connection.execute(
            "SELECT name, name_folded, description, tsvector_to_array(search) FROM projects"
        ):
            assert (folded, sorted(lexemes)) == (fold(name), words(name, description))
        for name, folded, email, email_folded, lexemes in connection.execute(
            "SELECT username, username_folded, email, email_folded, tsvector_to_array(search) FROM users"
        ):
            assert (folded, email_folded, lexemes) == (fold(name), fold(email), words(name))
        for table in ("comments", "comment_revisions"):
            found = connection.execute(sql.SQL("SELECT content, content_html FROM {}").format(sql.Identifier(table)))
            assert all(html == render(content) for content, html in found)


def test_names_that_are_taken_are_used_as_they_are(migrated: str) -> None:
    chief, stranger, portal = uuid4(), uuid4(), uuid4()
    with psycopg.connect(migrated) as connection:
        for row in (
            (chief, "Admin", "admin", "chief@example.com", "chief@example.com"),
            (stranger, "stranger", "stranger", "Dev7@Flycatcher.example", "dev7@flycatcher.example"),
        ):
            connection.execute(
                """INSERT INTO users (id, username, username_folded, email, email_folded, password_hash, search)
                VALUES (%s, %s, %s, %s, %s, 'untouched', '')""",
                row,
            )
        connection.execute(
            """INSERT INTO projects (id, name, name_folded, created_by, search)
            VALUES (%s, 'CUSTOMER portal', 'customer portal', %s, '')""",
            (portal, chief),
        )
    before = {table: _rows(migrated, table) for table in ("users", "projects")}

    assert seed(migrated, PASSWORD)
    after = {table: _rows(migrated, table) for table in ("users", "projects")}
    for table, rows in before.items():
        assert all(row in after[table] for row in rows)
        assert len(after[table]) == COUNTS[table] + len(rows) - (2 if table == "users" else 1)
    issues, history = _rows(migrated, "issues"), _rows(migrated, "issue_history")
    assert len(issues) == 500
    assert any(row["project_id"] == portal for row in issues)
    assert {"Admin", "admin"} & {row["actor_username"] for row in history if row["actor_id"] == chief} <= {"Admin"}
    assigned = [row["to"] for row in history if row["field"] == "assignee"]
    assert {"id": str(stranger), "username": "stranger"} in assigned
    assert any(row["reporter_id"] == chief for row in issues)
    assert not seed(migrated, PASSWORD)


def test_what_users_changed_since_stays(cluster_url: str, seeded: str) -> None:
    with copied(cluster_url, str(conninfo_to_dict(seeded)["dbname"])) as url:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE projects SET name = 'Kiosk', name_folded = 'kiosk' WHERE name = 'Mobile App'")
            connection.execute("UPDATE issues SET status = 'open', title = 'Mine', title_folded = 'mine'")
        changed = _everything(url)
        assert not seed(url, PASSWORD)
        assert _everything(url) == changed


@pytest.mark.parametrize(
    ("url", "password", "code", "problem"),
    [
        (None, PASSWORD, 2, "DATABASE_OWNER_URL is missing"),
        ("postgresql://127.0.0.1:1/x", None, 2, "SEED_PASSWORD is missing"),
        ("postgresql://127.0.0.1:1/x", "Short-1", 2, "SEED_PASSWORD: Must have at least 8 characters"),
        ("postgresql://127.0.0.1:1/x", "Admin-demo-1", 2, "SEED_PASSWORD: Must not contain the user name"),
        ("postgresql://127.0.0.1:1/x", PASSWORD, 1, "connection failed"),
    ],
)
def test_a_failure_of_the_command_is_one_line(
    url: str | None,
    password: str | None,
    code: int,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (("DATABASE_OWNER_URL", url), ("SEED_PASSWORD", password)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert command.run(argparse.Namespace(wait=0.0)) == code
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"seed: {problem}")
    assert err.count("\n") == 1


def test_the_command_asks_for_migrations_first_then_seeds_once(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", empty_database)
    monkeypatch.setenv("SEED_PASSWORD", PASSWORD)
    assert command.run(argparse.Namespace(wait=0.0)) == 1
    assert "python -m operations migrate" in capsys.readouterr().err
    migrate(empty_database)
    for said in ("the demo is written", "nothing to add"):
        assert command.run(argparse.Namespace(wait=0.0)) == 0
        assert capsys.readouterr() == (f"{said}\n", "")

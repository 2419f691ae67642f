"""Large data: ``python -m benchmarks.data URL ISSUES COMMENTS`` fills a migrated, empty database of its owner."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from random import Random
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from sqlalchemy import Table

from benchmarks.lines import SEED, START, Line, Lines, uuid7
from functions.auth.passwords import hash_password
from migrations import tables
from operations.rows import add
from shared.text import fold, words

PASSWORD = "Flycatcher-bench-1"  # noqa: S105  # of made-up users
ROLES = {
    "admin": ("admin",),
    "manager": tuple(f"manager{number}" for number in range(1, 10)),
    "developer": tuple(f"dev{number}" for number in range(1, 41)),
}
PROJECTS = ("Apollo", "Borealis", "Cascade", "Drift", "Ember", "Fathom", "Glacier", "Harbour", "Iris", "Juniper")
TABLES = (tables.issues, tables.comments, tables.comment_revisions, tables.issue_history, tables.audit_events)
AT_ONCE = 250_000
"""Lines of one COPY: PostgreSQL keeps the rows of a statement for its triggers."""

BLOCK = 500
"""Lines that are sent together."""

Owner = psycopg.Connection[TupleRow]


def fill(owner_url: str, *, issues: int, comments: int) -> None:
    """Fill a migrated, empty database with 50 users, 10 projects and so many issues and comments; then vacuum it.

    Everybody signs in with ``PASSWORD``. A million issues and five million comments take some minutes.

    Raises:
        psycopg.Error: PostgreSQL refuses.
    """
    with psycopg.connect(owner_url, autocommit=True) as owner:
        # VACUUM marks nothing as visible to all while a commit near it, its own included, may still be lost.
        owner.execute("SET synchronous_commit = on")
        with owner.transaction():
            owner.execute("SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '64MB'")
            made = _with_people(owner, issues, comments)
            with _bare(owner):
                for table, rows in zip(TABLES, _lines(made), strict=True):
                    _copy(owner, table, rows)
        owner.execute("VACUUM (ANALYZE)")


def _with_people(owner: Owner, issues: int, comments: int) -> Lines:
    """Users and projects first; everything else refers to them."""
    random = Random(SEED)
    password_hash = hash_password(PASSWORD)
    people = [
        {
            "id": UUID(uuid7(random, START)),
            "username": name,
            "username_folded": fold(name),
            "email": f"{name}@corp.local",
            "email_folded": f"{name}@corp.local",
            "password_hash": password_hash,
            "role": role,
            "created_at": START,
            "search": words(name),
        }
        for role, names in ROLES.items()
        for name in names
    ]
    places = [
        {
            "id": UUID(uuid7(random, START)),
            "name": name,
            "name_folded": fold(name),
            "created_by": people[0]["id"],
            "created_at": START,
            "updated_at": START,
            "search": words(name),
        }
        for name in PROJECTS
    ]
    add(owner, "users", people)
    add(owner, "projects", places)
    return Lines(
        issues,
        comments,
        users=[str(user["id"]) for user in people],
        usernames=[str(user["username"]) for user in people],
        projects=[str(place["id"]) for place in places],
    )


def _lines(made: Lines) -> Iterator[Iterator[Line]]:
    """One after the other, as ``TABLES``: comments are written on issues that are there."""
    yield made.issue_lines()
    yield made.comment_lines()
    yield made.revision_lines()
    yield made.history_lines()
    yield made.event_lines()


def _copy(owner: Owner, table: Table, rows: Iterator[Line]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.c.keys()))
    )
    with owner.cursor() as cursor:
        while first := next(rows, None):
            part = chain([first], islice(rows, AT_ONCE - 1))
            with cursor.copy(statement) as copy:
                while block := "".join("\t".join(line) + "\n" for line in islice(part, BLOCK)):
                    copy.write(block)


@contextmanager
def _bare(owner: Owner) -> Iterator[None]:
    """The tables without foreign keys and without indexes other than of keys, which are made anew at the end."""
    names = [table.name for table in TABLES]
    keys = owner.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND conrelid::regclass::text = ANY (%s)",
        [names],
    ).fetchall()
    indexes = owner.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY (%s) "
        "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [names],
    ).fetchall()
    for table, name, _ in keys:
        owner.execute(_ddl("ALTER TABLE {} DROP CONSTRAINT {}", table, name))
    for name, _ in indexes:
        owner.execute(_ddl("DROP INDEX {}", name))
    yield
    for _, definition in indexes:
        owner.execute(definition)
    for table, name, definition in keys:
        owner.execute(_ddl("ALTER TABLE {} ADD CONSTRAINT {} ", table, name) + sql.SQL(definition))


def _ddl(template: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(template).format(*map(sql.Identifier, names))


if __name__ == "__main__":
    fill(sys.argv[1], issues=int(sys.argv[2]), comments=int(sys.argv[3]))

"""What there is in the database, to see whether an attack has changed it."""

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

TABLES = ("users", "sessions", "refresh_tokens", "projects", "issues", "issue_history", "comments", "comment_revisions")
"""What the audit log and the limits keep may grow by an attack."""
_FINGERPRINT = sql.SQL("(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t)")
_COUNT = sql.SQL("(SELECT count(*) FROM {})")


def state(owner: psycopg.Connection[TupleRow]) -> dict[str, str | None]:
    """A fingerprint of every row of each table."""
    return dict(zip(TABLES, _of_each(owner, _FINGERPRINT), strict=True))


def counts(owner: psycopg.Connection[TupleRow]) -> dict[str, int]:
    """How many rows each table has."""
    return dict(zip(TABLES, _of_each(owner, _COUNT), strict=True))


def _of_each(owner: psycopg.Connection[TupleRow], question: sql.SQL) -> TupleRow:
    asked = sql.SQL("SELECT {}").format(sql.SQL(", ").join(question.format(sql.Identifier(name)) for name in TABLES))
    row = owner.execute(asked).fetchone()
    assert row is not None
    return row

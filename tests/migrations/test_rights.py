"""What the functions' role may do, by trying it as a member that can log in."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from migrations.tables import metadata
from operations.migrate import migrate

EXPECTED = {
    "users": "SELECT INSERT UPDATE DELETE",
    "projects": "SELECT INSERT UPDATE",
    "issues": "SELECT INSERT UPDATE",
    "issue_history": "SELECT INSERT",
    "comments": "SELECT INSERT UPDATE",
    "comment_revisions": "SELECT INSERT",
    "sessions": "SELECT INSERT UPDATE",
    "refresh_tokens": "SELECT INSERT UPDATE DELETE",
    "login_throttles": "SELECT INSERT UPDATE DELETE",
    "idempotency_keys": "SELECT INSERT DELETE",
    "audit_events": "SELECT INSERT",
    "issue_counts": "SELECT",
    "audit_counts": "SELECT",
    "alembic_version": "",
}
ATTEMPTS = {
    "SELECT": "SELECT FROM {table}",
    "INSERT": "INSERT INTO {table} SELECT * FROM {table} WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE false",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
    "REFERENCES": "CREATE TABLE mine (other text REFERENCES {table})",
    "TRIGGER": "CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "OWNER": "ALTER TABLE {table} ADD mine text",
}


@pytest.fixture
def functions(empty_database: str, cluster_url: str) -> Iterator[psycopg.Connection]:
    """A connection as a login role that is a member of the functions' role and nothing else."""
    migrate(empty_database)
    name = sql.Identifier(f"functions_{uuid4().hex}")
    with psycopg.connect(cluster_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE flycatcher_functions").format(name))
        with psycopg.connect(empty_database, user=name.as_string().strip('"'), autocommit=True) as connection:
            yield connection
        owner.execute(sql.SQL("DROP ROLE {}").format(name))


def _may(connection: psycopg.Connection, statement: str, **names: str) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()}))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def test_every_right_on_every_table(functions: psycopg.Connection) -> None:
    assert set(EXPECTED) == {*metadata.tables, "alembic_version"}
    columns = {table.name: table.columns.keys()[-1] for table in metadata.tables.values()}
    found = {
        table: " ".join(
            right
            for right, attempt in ATTEMPTS.items()
            if _may(functions, attempt, table=table, column=columns.get(table, "version_num"))
        )
        for table in EXPECTED
    }
    assert found == EXPECTED


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE users (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
        "DROP TYPE user_role",
        "CREATE ROLE mine",
        "ALTER ROLE flycatcher_functions SUPERUSER",
    ],
)
def test_nothing_can_be_made_or_broken(functions: psycopg.Connection, statement: str) -> None:
    assert not _may(functions, statement)


def test_rows_can_be_locked_where_a_rule_spans_rows(functions: psycopg.Connection) -> None:
    for table in ("users", "projects", "issues", "comments", "sessions", "refresh_tokens", "login_throttles"):
        assert _may(functions, "SELECT FROM {table} FOR UPDATE", table=table)


def test_deleting_a_user_ends_sessions_and_unassigns_without_a_right_to_do_so(
    functions: psycopg.Connection, empty_database: str
) -> None:
    leaver, other, project, issue, session = (uuid4() for _ in range(5))
    with psycopg.connect(empty_database) as owner:
        for number, user in enumerate((leaver, other)):
            owner.execute(
                """INSERT INTO users (id, username, username_folded, email, email_folded, password_hash, search)
                VALUES (%(id)s, %(name)s, %(name)s, %(name)s, %(name)s, 'none', '')""",
                {"id": user, "name": f"user{number}"},
            )
        owner.execute(
            "INSERT INTO projects (id, name, name_folded, created_by, search) VALUES (%s, 'p', 'p', %s, '')",
            (project, other),
        )
        owner.execute(
            """INSERT INTO issues (id, project_id, title, title_folded, reporter_id, assignee_id, search)
            VALUES (%s, %s, 't', 't', %s, %s, '')""",
            (issue, project, other, leaver),
        )
        owner.execute(
            "INSERT INTO sessions (id, user_id, expires_at, ip, user_agent) VALUES (%s, %s, now(), '', '')",
            (session, leaver),
        )
    functions.execute("DELETE FROM users WHERE id = %s", (leaver,))
    assert functions.execute("SELECT id, user_id FROM sessions").fetchall() == [(session, None)]
    assert functions.execute("SELECT assignee_id FROM issues").fetchall() == [(None,)]
    with pytest.raises(psycopg.IntegrityError):
        functions.execute("DELETE FROM users WHERE id = %s", (other,))

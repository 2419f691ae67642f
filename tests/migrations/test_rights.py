"""What the groups of the functions may do, by trying it as a member that can log in, column by column."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from migrations.tables import metadata
from operations.migrate import migrate
from tests.conftest import copied

EVERYBODY = "flycatcher_functions"
AUTH, PROJECTS, ISSUES, COMMENTS = (f"{EVERYBODY}_{name}" for name in ("auth", "projects", "issues", "comments"))

SESSION = "SELECT(id, user_id, ended_at)"
IDEMPOTENCY = "SELECT INSERT(user_id, path, key, body_hash, status, headers, body) DELETE"
EVENT = (
    "INSERT(id, action, outcome, actor_id, actor_username, target_type, target_id, ip, user_agent, request_id, details)"
)

# Group: its rights on each table; without columns, on all of them. On a table that is not named it has none.
EXPECTED = {
    EVERYBODY: {
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
        "alembic_version": "SELECT",
    },
    AUTH: {
        "users": (
            "SELECT INSERT(id, username, username_folded, email, email_folded, password_hash, role, search) "
            "UPDATE(password_hash, role, is_active, last_login) DELETE"
        ),
        "sessions": (
            "SELECT INSERT(id, user_id, expires_at, ip, user_agent) UPDATE(last_used_at, expires_at, ended_at)"
        ),
        "refresh_tokens": "SELECT INSERT(token_hash, session_id, expires_at) UPDATE(replaced_at) DELETE",
        "login_throttles": ("SELECT INSERT(key, attempts) UPDATE(attempts, failures, locked_until, updated_at) DELETE"),
        "audit_events": f"SELECT {EVENT}",
        "audit_counts": "SELECT(actor, action, count)",
        "alembic_version": "SELECT",
    },
    PROJECTS: {
        "users": "SELECT(id, username)",
        "projects": (
            "SELECT INSERT(id, name, name_folded, description, created_by, search) "
            "UPDATE(name, name_folded, description, updated_at, is_archived, search)"
        ),
        "sessions": SESSION,
        "idempotency_keys": IDEMPOTENCY,
        "audit_events": EVENT,
        "alembic_version": "SELECT",
    },
    ISSUES: {
        "users": "SELECT(id, username, is_active)",
        "projects": "SELECT(id, name, created_by, is_archived)",
        "issues": (
            "SELECT INSERT(id, project_id, title, title_folded, description, description_html, status, priority, "
            "reporter_id, assignee_id, due_date, search) UPDATE(title, title_folded, description, description_html, "
            "status, priority, assignee_id, due_date, updated_at, search)"
        ),
        "issue_counts": "SELECT(counted_by, user_id, project_id, status, priority, count)",
        "issue_history": "SELECT INSERT",
        "comments": "SELECT(issue_id)",
        "sessions": SESSION,
        "idempotency_keys": IDEMPOTENCY,
        "audit_events": EVENT,
        "alembic_version": "SELECT",
    },
    COMMENTS: {
        "users": "SELECT(id, username)",
        "projects": "SELECT(id, is_archived)",
        "issues": "SELECT(id, project_id)",
        "comments": (
            "SELECT INSERT(id, issue_id, author_id, content, content_html) UPDATE(content, content_html, updated_at)"
        ),
        "comment_revisions": "SELECT INSERT",
        "sessions": SESSION,
        "idempotency_keys": IDEMPOTENCY,
        "audit_events": EVENT,
        "alembic_version": "SELECT",
    },
}
COLUMNS = {
    **{table.name: table.columns.keys() for table in metadata.tables.values()},
    "alembic_version": ["version_num"],
}
# Of one column, or of a table as a whole.
ATTEMPTS = {
    "SELECT": "SELECT {column} FROM {table} WHERE false",
    "INSERT": "INSERT INTO {table} ({column}) SELECT NULL WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
    "REFERENCES": "CREATE TABLE mine (other text REFERENCES {table})",
    "TRIGGER": "CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "OWNER": "ALTER TABLE {table} ADD mine text",
}
LOCKED = {
    EVERYBODY: {"users", "projects", "issues", "comments", "sessions", "refresh_tokens", "login_throttles"},
    AUTH: {"users", "sessions", "refresh_tokens", "login_throttles"},
    PROJECTS: {"projects"},
    ISSUES: {"issues"},
    COMMENTS: {"comments"},
}
"""The tables whose rows are locked, where a rule spans rows; whoever may lock a row can keep others from it."""


@pytest.fixture(scope="module")
def database_of_rights(cluster_url: str) -> Iterator[str]:
    """The owner's URL of a migrated database that holds nothing, for all tests of this file that change nothing.

    A copy would not have the rights on the database itself.
    """
    with copied(cluster_url, "template1") as url:
        migrate(url)
        yield url


@contextmanager
def _member(cluster_url: str, url: str, group: str) -> Iterator[psycopg.Connection]:
    """A connection as a login role that is a member of the group and nothing else."""
    name = f"functions_{uuid4().hex}"
    names = {"name": sql.Identifier(name), "group": sql.Identifier(group)}
    with psycopg.connect(cluster_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {name} LOGIN IN ROLE {group}").format(**names))
        try:
            with psycopg.connect(url, user=name, autocommit=True) as connection:
                yield connection
        finally:
            owner.execute(sql.SQL("DROP ROLE {name}").format(**names))


@pytest.fixture(scope="module", params=EXPECTED)
def group(request: pytest.FixtureRequest) -> str:
    """Each of the groups."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def member(cluster_url: str, database_of_rights: str, group: str) -> Iterator[psycopg.Connection]:
    """Somebody of the group."""
    with _member(cluster_url, database_of_rights, group) as connection:
        yield connection


def _may(connection: psycopg.Connection, statement: str, **names: str) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()}))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def _rights(connection: psycopg.Connection, table: str) -> str:
    """What may be done to a table, as it is written above."""
    found = []
    for right, attempt in ATTEMPTS.items():
        if "{column}" not in attempt:
            found += [right] if _may(connection, attempt, table=table) else []
            continue
        columns = [column for column in COLUMNS[table] if _may(connection, attempt, table=table, column=column)]
        if columns:
            found.append(right if columns == COLUMNS[table] else f"{right}({', '.join(columns)})")
    return " ".join(found)


def test_every_right_on_every_column_of_every_table(member: psycopg.Connection, group: str) -> None:
    found = {table: _rights(member, table) for table in COLUMNS}
    assert {table: rights for table, rights in found.items() if rights} == EXPECTED[group]


def test_no_function_but_auth_has_to_do_with_secrets() -> None:
    for rights in (EXPECTED[name] for name in (PROJECTS, ISSUES, COMMENTS)):
        assert not {"refresh_tokens", "login_throttles"} & set(rights)
        assert rights["sessions"] == SESSION
        assert set(rights["users"].removeprefix("SELECT(").removesuffix(")").split(", ")) <= {
            "id",
            "username",
            "is_active",
        }


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE users (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
        "DROP TYPE user_role",
        "CREATE ROLE mine",
        "ALTER ROLE {group} SUPERUSER",
        "GRANT {group} TO CURRENT_USER",
        "SET ROLE flycatcher_functions_auth",
    ],
)
def test_nothing_can_be_made_or_broken(member: psycopg.Connection, group: str, statement: str) -> None:
    is_own_group = statement.endswith(group)
    assert _may(member, statement, group=group) is is_own_group


def test_rows_can_be_locked_where_a_rule_spans_rows_and_nowhere_else(member: psycopg.Connection, group: str) -> None:
    found = {table for table in COLUMNS if _may(member, "SELECT FROM {table} FOR UPDATE", table=table)}
    assert found == LOCKED[group]


@pytest.mark.parametrize("name", [EVERYBODY, AUTH])
def test_deleting_a_user_ends_sessions_and_unassigns_without_a_right_to_do_so(
    migrated: str, cluster_url: str, name: str
) -> None:
    leaver, other, project, issue, session = (uuid4() for _ in range(5))
    with psycopg.connect(migrated, autocommit=True) as owner, _member(cluster_url, migrated, name) as functions:
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
        assert owner.execute("SELECT id, user_id FROM sessions").fetchall() == [(session, None)]
        assert owner.execute("SELECT assignee_id FROM issues").fetchall() == [(None,)]
        with pytest.raises(psycopg.IntegrityError):
            functions.execute("DELETE FROM users WHERE id = %s", (other,))


def test_going_back_takes_every_right_of_the_functions_own_groups_back(migrated: str, cluster_url: str) -> None:
    migrate(migrated, "0004")
    for name in (AUTH, PROJECTS, ISSUES, COMMENTS):
        with _member(cluster_url, migrated, name) as connection:
            assert {table: rights for table in COLUMNS if (rights := _rights(connection, table))} == {}
    with _member(cluster_url, migrated, EVERYBODY) as connection:
        assert _rights(connection, "users") == EXPECTED[EVERYBODY]["users"]
        assert _rights(connection, "alembic_version") == ""

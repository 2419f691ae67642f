"""What PostgreSQL itself refuses, as the owner of the tables, and what it takes along."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import (
    CheckViolation,
    ForeignKeyViolation,
    IntegrityError,
    InvalidTextRepresentation,
    NotNullViolation,
    UniqueViolation,
)

IDS = {
    name: f"01890000-0000-7000-8000-00000000000{number}"
    for number, name in enumerate(("creator", "reporter", "author", "assignee", "project", "issue", "comment"), 1)
}
ROWS = """
INSERT INTO projects (id, name, name_folded, created_by, search) VALUES ('{project}', 'P', 'p', '{creator}', '');
INSERT INTO issues (id, project_id, title, title_folded, reporter_id, assignee_id, search)
    VALUES ('{issue}', '{project}', 'T', 't', '{reporter}', '{assignee}', '');
INSERT INTO issue_history (id, issue_id, actor_id, actor_username, field, "from", "to")
    VALUES ('{issue}', '{issue}', '{reporter}', 'reporter', 'title', '"S"', '"T"');
INSERT INTO comments (id, issue_id, author_id, content, content_html)
    VALUES ('{comment}', '{issue}', '{author}', 'C', 'C');
INSERT INTO comment_revisions (id, comment_id, content, content_html, created_at)
    VALUES ('{comment}', '{comment}', 'B', 'B', now());
INSERT INTO idempotency_keys (user_id, path, key, body_hash, status, headers, body)
    VALUES ('{creator}', '/', 'k', '', 201, '{{}}', '');
INSERT INTO audit_events (id, action, outcome, ip, user_agent, request_id)
    VALUES ('{issue}', 'auth.login', 'success', '', '', '');
"""
TABLES = ("users", "projects", "issues", "issue_history", "comments", "comment_revisions")


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    """The owner, in a transaction that is undone: four users, and one row of everything else."""
    with psycopg.connect(database) as connection:
        for name in ("creator", "reporter", "author", "assignee"):
            connection.execute(
                "INSERT INTO users (id, username, username_folded, email, email_folded, password_hash, search) "
                "VALUES (%(id)s, %(name)s, %(name)s, %(name)s, %(name)s, 'none', '')",
                {"id": IDS[name], "name": name},
            )
        connection.execute(ROWS.format(**IDS).encode())
        yield connection
        connection.rollback()


def _counts(owner: psycopg.Connection) -> dict[str, int]:
    rows = owner.execute(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in TABLES).encode())  # noqa: S608  # names of our own
    return dict(rows.fetchall())


COPY = "SELECT gen_random_uuid(), 'P', name_folded, NULL, created_by, now(), now(), true, '' FROM projects"
REFUSED: list[tuple[str, type[psycopg.Error]]] = [
    ("UPDATE users SET role = 'owner'", InvalidTextRepresentation),
    ("UPDATE users SET role = NULL", NotNullViolation),
    ("UPDATE users SET is_active = NULL", NotNullViolation),
    ("UPDATE users SET username = ''", CheckViolation),
    ("UPDATE users SET username = repeat('x', 51)", CheckViolation),
    ("UPDATE users SET username = 'Käfer'", CheckViolation),
    ("UPDATE users SET username = '.x'", CheckViolation),
    ("UPDATE users SET username = E'x\\n'", CheckViolation),
    ("UPDATE users SET username_folded = 'same'", UniqueViolation),
    ("UPDATE users SET email = repeat('x', 255)", CheckViolation),
    ("UPDATE users SET email = ''", CheckViolation),
    ("UPDATE users SET email_folded = 'same'", UniqueViolation),
    ("UPDATE users SET password_hash = NULL", NotNullViolation),
    ("UPDATE projects SET name = ''", CheckViolation),
    ("UPDATE projects SET name = repeat('x', 101)", CheckViolation),
    ("UPDATE projects SET name = NULL", NotNullViolation),
    ("UPDATE projects SET description = repeat('x', 1001)", CheckViolation),
    ("UPDATE projects SET created_by = NULL", NotNullViolation),
    ("UPDATE projects SET created_by = id", ForeignKeyViolation),
    ("UPDATE projects SET is_archived = NULL", NotNullViolation),
    (f"INSERT INTO projects {COPY}", UniqueViolation),
    ("UPDATE issues SET title = ''", CheckViolation),
    ("UPDATE issues SET title = repeat('x', 201)", CheckViolation),
    ("UPDATE issues SET title = NULL", NotNullViolation),
    ("UPDATE issues SET description = repeat('x', 5001)", CheckViolation),
    ("UPDATE issues SET description = NULL", NotNullViolation),
    ("UPDATE issues SET status = 'done'", InvalidTextRepresentation),
    ("UPDATE issues SET status = NULL", NotNullViolation),
    ("UPDATE issues SET priority = 'urgent'", InvalidTextRepresentation),
    ("UPDATE issues SET priority = NULL", NotNullViolation),
    ("UPDATE issues SET project_id = NULL", NotNullViolation),
    ("UPDATE issues SET project_id = id", ForeignKeyViolation),
    ("UPDATE issues SET reporter_id = NULL", NotNullViolation),
    ("UPDATE issues SET reporter_id = id", ForeignKeyViolation),
    ("UPDATE issues SET assignee_id = id", ForeignKeyViolation),
    ("UPDATE issue_history SET field = 'votes'", CheckViolation),
    ("UPDATE issue_history SET issue_id = actor_id", ForeignKeyViolation),
    ("UPDATE comments SET content = ''", CheckViolation),
    ("UPDATE comments SET content = repeat('x', 2001)", CheckViolation),
    ("UPDATE comments SET author_id = NULL", NotNullViolation),
    ("UPDATE comments SET author_id = id", ForeignKeyViolation),
    ("UPDATE comments SET issue_id = NULL", NotNullViolation),
    ("UPDATE comments SET issue_id = id", ForeignKeyViolation),
    ("UPDATE comment_revisions SET content = ''", CheckViolation),
    ("UPDATE comment_revisions SET content = repeat('x', 2001)", CheckViolation),
    ("UPDATE comment_revisions SET comment_id = gen_random_uuid()", ForeignKeyViolation),
    ("UPDATE idempotency_keys SET key = ''", CheckViolation),
    ("UPDATE idempotency_keys SET key = repeat('x', 256)", CheckViolation),
    ("UPDATE audit_events SET action = 'auth.magic'", CheckViolation),
    ("UPDATE audit_events SET outcome = 'maybe'", CheckViolation),
    ("UPDATE audit_events SET target_type = 'planet'", CheckViolation),
]


@pytest.mark.parametrize(("statement", "error"), REFUSED, ids=[statement for statement, _ in REFUSED])
def test_what_breaks_a_limit_is_refused(owner: psycopg.Connection, statement: str, error: type[psycopg.Error]) -> None:
    with pytest.raises(error):
        owner.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET username = repeat('x', 50), email = repeat('x', 254)",
        "UPDATE projects SET name = repeat('🐛', 100), description = repeat('🐛', 1000)",
        "UPDATE projects SET description = NULL",
        "UPDATE issues SET title = repeat('🐛', 200), description = repeat('🐛', 5000)",
        "UPDATE issues SET description = '', assignee_id = NULL, due_date = NULL",
        "UPDATE comments SET content = repeat('🐛', 2000)",
        "UPDATE comment_revisions SET content = repeat('🐛', 2000)",
        "UPDATE idempotency_keys SET key = repeat('x', 255)",
    ],
)
def test_what_reaches_a_limit_is_taken(owner: psycopg.Connection, statement: str) -> None:
    assert owner.execute(statement.encode()).rowcount > 0


@pytest.mark.parametrize("who", ["creator", "reporter", "author"])
def test_a_user_who_left_work_cannot_be_deleted(owner: psycopg.Connection, who: str) -> None:
    with pytest.raises(IntegrityError, match="fk_"):
        owner.execute("DELETE FROM users WHERE id = %s", (IDS[who],))


def test_deleting_an_assignee_unassigns(owner: psycopg.Connection) -> None:
    before = _counts(owner)
    owner.execute("DELETE FROM users WHERE id = %s", (IDS["assignee"],))
    assert owner.execute("SELECT assignee_id FROM issues").fetchall() == [(None,)]
    assert _counts(owner) == {**before, "users": 3}


GONE = {
    "comments": ("comments", "comment_revisions"),
    "issues": ("issues", "issue_history", "comments", "comment_revisions"),
    "projects": ("projects", "issues", "issue_history", "comments", "comment_revisions"),
}


@pytest.mark.parametrize("table", GONE)
def test_what_belongs_to_a_row_goes_with_it(owner: psycopg.Connection, table: str) -> None:
    before = _counts(owner)
    assert set(before.values()) == {1, 4}
    owner.execute(f"DELETE FROM {table}".encode())  # noqa: S608  # a name of our own
    assert _counts(owner) == {**before, **dict.fromkeys(GONE[table], 0)}


def test_after_its_work_is_gone_a_user_can_be_deleted(owner: psycopg.Connection) -> None:
    owner.execute("DELETE FROM projects")
    assert owner.execute("DELETE FROM users").rowcount == 4

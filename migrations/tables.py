"""The tables, as the newest migration leaves them. Every rule that PostgreSQL can hold, it holds."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from shared.vocabulary import AUDIT_ACTIONS, AUDIT_OUTCOMES, AUDIT_TARGETS, HISTORY_FIELDS, PRIORITIES, ROLES, STATUSES

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Timestamp = DateTime(timezone=True)
Folded = Text(collation="C")
"""The output of shared.text.fold: unique and sorted by code point, whatever the database's locale."""
Role = Enum(*ROLES, name="user_role", metadata=metadata)
Status = Enum(*STATUSES, name="issue_status", metadata=metadata)
Priority = Enum(*PRIORITIES, name="issue_priority", metadata=metadata)


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True)


def _time(name: str) -> Column[object]:
    return Column(name, Timestamp, nullable=False, server_default=func.now())


def _length(column: str, low: int, high: int) -> CheckConstraint:
    return CheckConstraint(f"char_length({column}) BETWEEN {low} AND {high}", name=f"{column}_length")


def _member(column: str, choices: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{choice}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _descending(*, table: str, on: tuple[str, ...], by: str) -> str:
    return f"ix_{table}_{'_'.join((*on, by))}_desc"


users = Table(
    "users",
    metadata,
    _id(),
    Column("username", Text, nullable=False),
    Column("username_folded", Folded, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("email_folded", Folded, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Role, nullable=False, server_default="developer"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    _time("created_at"),
    Column("last_login", Timestamp),
    Column("search", TSVECTOR, nullable=False),
    CheckConstraint("username ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$'", name="username"),
    _length("email", 3, 254),
    Index(None, "created_at", "id"),
    Index(None, "role", "username_folded"),
    Index(None, "is_active", "username_folded"),
    Index(None, "search", postgresql_using="gin"),
)

projects = Table(
    "projects",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("name_folded", Folded, nullable=False, unique=True),
    Column("description", Text),
    Column("created_by", ForeignKey(users.c.id, ondelete="RESTRICT"), nullable=False),
    _time("created_at"),
    _time("updated_at"),
    Column("is_archived", Boolean, nullable=False, server_default=text("false")),
    Column("search", TSVECTOR, nullable=False),
    _length("name", 1, 100),
    _length("description", 1, 1000),
    Index(None, "is_archived", "created_at", "id"),
    Index(None, "is_archived", "updated_at", "id"),
    Index(None, "is_archived", "name_folded", "id"),
    Index(None, "created_by"),
    Index(None, "search", postgresql_using="gin"),
)

issues = Table(
    "issues",
    metadata,
    _id(),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("title_folded", Folded, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("description_html", Text, nullable=False, server_default=""),
    Column("status", Status, nullable=False, server_default="open"),
    Column("priority", Priority, nullable=False, server_default="medium"),
    Column("reporter_id", ForeignKey(users.c.id, ondelete="RESTRICT"), nullable=False),
    Column("assignee_id", ForeignKey(users.c.id, ondelete="SET NULL")),
    Column("due_date", Date),
    _time("created_at"),
    _time("updated_at"),
    Column("search", TSVECTOR, nullable=False),
    _length("title", 1, 200),
    _length("description", 0, 5000),
    Index(None, "reporter_id", "created_at", "id", postgresql_include=["project_id", "status", "priority"]),
    Index(None, "assignee_id", "created_at", "id", postgresql_include=["project_id", "status", "priority"]),
    Index(None, "status", "priority", "id"),
    Index(None, "project_id", "status", "priority", "id"),
    Index(None, "reporter_id", "assignee_id"),
    Index(None, "reporter_id", "project_id", "status", "priority"),
    Index(None, "assignee_id", "project_id", "status", "priority"),
    Index(None, "search", postgresql_using="gin"),
)

# Every sort of the contract, over all projects and within one. Times and titles hardly tie, so that one index serves
# both directions; priorities, statuses and dates tie by the thousand, and ties go up by id whatever the direction.
# They hold what is filtered by, too, so that looking for a page touches no row that is not on it.
_FILTERED = ("status", "priority", "assignee_id", "reporter_id")
for _scope in ((), ("project_id",)):
    for _field in ("created_at", "updated_at", "title_folded", "priority", "status", "due_date"):
        Index(
            None,
            *(issues.c[name] for name in (*_scope, _field, "id")),
            postgresql_include=[name for name in _FILTERED if name != _field],
        )
    for _field in ("priority", "status", "due_date"):
        _key = issues.c[_field].desc()
        Index(
            _descending(table="issues", on=_scope, by=_field),
            *(issues.c[name] for name in _scope),
            _key.nulls_last() if issues.c[_field].nullable else _key,
            issues.c.id,
            postgresql_include=[name for name in _FILTERED if name != _field],
        )

# How many issues there are, kept by triggers (decision 0011). A cell is everything but the id and the count; it may
# have several rows, whose sum counts, and has none where there is no issue.
issue_counts = Table(
    "issue_counts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("counted_by", Text, nullable=False),
    # The assignee or the reporter; nil (RFC 9562) for nobody, and where it is not counted by user.
    Column("user_id", Uuid, nullable=False),
    Column("project_id", Uuid, nullable=False),
    Column("status", Status, nullable=False),
    Column("priority", Priority, nullable=False),
    Column("count", Integer, nullable=False),
    _member("counted_by", ("all", "assignee", "reporter")),
    Index(None, "counted_by", "user_id", "project_id", "status", "priority"),
    postgresql_with={"fillfactor": "50"},
)

issue_history = Table(
    "issue_history",
    metadata,
    _id(),
    Column("issue_id", ForeignKey(issues.c.id, ondelete="CASCADE"), nullable=False),
    _time("at"),
    Column("actor_id", Uuid, nullable=False),
    Column("actor_username", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("from", JSONB, nullable=False),
    Column("to", JSONB, nullable=False),
    _member("field", HISTORY_FIELDS),
    Index(None, "issue_id", "at", "id"),
)

comments = Table(
    "comments",
    metadata,
    _id(),
    Column("issue_id", ForeignKey(issues.c.id, ondelete="CASCADE"), nullable=False),
    Column("author_id", ForeignKey(users.c.id, ondelete="RESTRICT"), nullable=False),
    Column("content", Text, nullable=False),
    Column("content_html", Text, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    _length("content", 1, 2000),
    Index(None, "issue_id", "created_at", "id"),
    Index(None, "author_id"),
)

comment_revisions = Table(
    "comment_revisions",
    metadata,
    _id(),
    Column("comment_id", ForeignKey(comments.c.id, ondelete="CASCADE"), nullable=False),
    Column("content", Text, nullable=False),
    Column("content_html", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    _length("content", 1, 2000),
    Index(None, "comment_id", "created_at", "id"),
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    # Null for a user who was deleted: the session is over, and its refresh tokens are still known as revoked.
    Column("user_id", ForeignKey(users.c.id, ondelete="SET NULL")),
    _time("created_at"),
    _time("last_used_at"),
    Column("expires_at", Timestamp, nullable=False),
    Column("ended_at", Timestamp),
    Column("ip", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Index(None, "user_id", "created_at", "id"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", ForeignKey(sessions.c.id, ondelete="CASCADE"), nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("replaced_at", Timestamp),
    Index(None, "session_id"),
)

login_throttles = Table(
    "login_throttles",
    metadata,
    Column("key", Text, primary_key=True),
    Column("attempts", ARRAY(Timestamp), nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("locked_until", Timestamp),
    _time("updated_at"),
    Index(None, "updated_at"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _time("created_at"),
    _length("key", 1, 255),
)

audit_events = Table(
    "audit_events",
    metadata,
    _id(),
    _time("at"),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("actor_username", Text),
    Column("target_type", Text),
    Column("target_id", Uuid),
    Column("ip", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    _member("action", AUDIT_ACTIONS),
    _member("outcome", AUDIT_OUTCOMES),
    _member("target_type", AUDIT_TARGETS),
    Index(None, "at", "id"),
    Index(None, "action", "at", "id"),
    Index(None, "actor_id", "at", "id"),
    Index(None, "target_id", "at", "id"),
)

# How many events there are, kept as those of the issues are; nil stands for an event without an actor.
audit_counts = Table(
    "audit_counts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("actor", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "actor", "action"),
    postgresql_with={"fillfactor": "50"},
)

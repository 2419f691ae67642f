"""The first tables, with an index for every list, filter, sort and search of the contract, which it names."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "0001"
down_revision = None

# In the order in which each sorts.
ROLE = sa.Enum("developer", "manager", "admin", name="user_role")
STATUS = sa.Enum("open", "in_progress", "resolved", "closed", "reopened", name="issue_status")
PRIORITY = sa.Enum("low", "medium", "high", "critical", name="issue_priority")

TABLES = (
    "users",
    "projects",
    "issues",
    "issue_history",
    "comments",
    "comment_revisions",
    "sessions",
    "refresh_tokens",
    "login_throttles",
    "idempotency_keys",
    "audit_events",
)


def upgrade() -> None:
    users()
    projects()
    issues()
    issue_history()
    comments()
    comment_revisions()
    sessions()
    refresh_tokens()
    login_throttles()
    idempotency_keys()
    audit_events()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for enum in (PRIORITY, STATUS, ROLE):
        enum.drop(op.get_bind())


def users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        folded("username_folded"),
        sa.Column("email", sa.Text, nullable=False),
        folded("email_folded"),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", ROLE, server_default="developer", nullable=False),
        sa.Column("is_active", sa.Boolean, server_default=sa.text("true"), nullable=False),
        time("created_at"),
        sa.Column("last_login", sa.DateTime(timezone=True)),
        sa.Column("search", TSVECTOR, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        # POST /api/auth/login by user name; GET /api/users?sort=username
        sa.UniqueConstraint("username_folded", name=op.f("uq_users_username_folded")),
        # POST /api/auth/login by e-mail
        sa.UniqueConstraint("email_folded", name=op.f("uq_users_email_folded")),
        sa.CheckConstraint("username ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$'", name=op.f("ck_users_username")),
        sa.CheckConstraint("char_length(email) BETWEEN 3 AND 254", name=op.f("ck_users_email_length")),
    )
    index("users", "created_at", "id")  # GET /api/users?sort=created_at
    index("users", "role", "username_folded")  # GET /api/users?role=; the count of active admins
    index("users", "is_active", "username_folded")  # GET /api/users?is_active=
    search_index("users")  # GET /api/users?search=


def projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        folded("name_folded"),
        sa.Column("description", sa.Text),
        sa.Column("created_by", sa.Uuid, nullable=False),
        time("created_at"),
        time("updated_at"),
        sa.Column("is_archived", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("search", TSVECTOR, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        # POST /api/projects: a name that is taken
        sa.UniqueConstraint("name_folded", name=op.f("uq_projects_name_folded")),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 100", name=op.f("ck_projects_name_length")),
        sa.CheckConstraint("char_length(description) BETWEEN 1 AND 1000", name=op.f("ck_projects_description_length")),
        reference("projects", "created_by", "users", on_delete="RESTRICT"),
    )
    index("projects", "is_archived", "created_at", "id")  # GET /api/projects; ?sort=created_at
    index("projects", "is_archived", "updated_at", "id")  # GET /api/projects?sort=updated_at
    index("projects", "is_archived", "name_folded", "id")  # GET /api/projects?sort=name
    index("projects", "created_by")  # DELETE /api/users/{id}: still_referenced
    search_index("projects")  # GET /api/projects?search=


def issues() -> None:
    op.create_table(
        "issues",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("project_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        folded("title_folded"),
        sa.Column("description", sa.Text, server_default="", nullable=False),
        sa.Column("description_html", sa.Text, server_default="", nullable=False),
        sa.Column("status", STATUS, server_default="open", nullable=False),
        sa.Column("priority", PRIORITY, server_default="medium", nullable=False),
        sa.Column("reporter_id", sa.Uuid, nullable=False),
        sa.Column("assignee_id", sa.Uuid),
        sa.Column("due_date", sa.Date),
        time("created_at"),
        time("updated_at"),
        sa.Column("search", TSVECTOR, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
        sa.CheckConstraint("char_length(title) BETWEEN 1 AND 200", name=op.f("ck_issues_title_length")),
        sa.CheckConstraint("char_length(description) BETWEEN 0 AND 5000", name=op.f("ck_issues_description_length")),
        reference("issues", "project_id", "projects", on_delete="CASCADE"),
        reference("issues", "reporter_id", "users", on_delete="RESTRICT"),
        reference("issues", "assignee_id", "users", on_delete="SET NULL"),
    )
    index("issues", "created_at", "id")  # GET /api/issues; ?sort=created_at
    index("issues", "updated_at", "id")  # GET /api/issues?sort=updated_at
    index("issues", "title_folded", "id")  # GET /api/issues?sort=title
    index("issues", "priority", "id")  # GET /api/issues?sort=priority; ?priority=
    index("issues", "status", "id")  # GET /api/issues?sort=status; ?status=
    index("issues", "due_date", "id")  # GET /api/issues?sort=due_date
    descending_index("issues", "priority")  # GET /api/issues?sort=-priority
    descending_index("issues", "status")  # GET /api/issues?sort=-status
    descending_index("issues", "due_date", nulls="NULLS LAST")  # GET /api/issues?sort=-due_date
    index("issues", "project_id", "created_at", "id")  # GET /api/projects/{id}/issues; GET /api/issues?project=
    index("issues", "project_id", "updated_at", "id")  # GET /api/projects/{id}/issues?sort=updated_at
    index("issues", "project_id", "title_folded", "id")  # GET /api/projects/{id}/issues?sort=title
    index("issues", "project_id", "priority", "id")  # GET /api/projects/{id}/issues?sort=priority; ?priority=
    index("issues", "project_id", "status", "id")  # GET /api/projects/{id}/issues?sort=status; ?status=
    index("issues", "project_id", "due_date", "id")  # GET /api/projects/{id}/issues?sort=due_date
    descending_index("issues", "project_id", "priority")  # GET /api/projects/{id}/issues?sort=-priority
    descending_index("issues", "project_id", "status")  # GET /api/projects/{id}/issues?sort=-status
    descending_index("issues", "project_id", "due_date", nulls="NULLS LAST")  # …/issues?sort=-due_date
    index("issues", "reporter_id", "created_at")  # GET /api/issues?reporter=; DELETE /api/users/{id}: still_referenced
    index("issues", "assignee_id", "created_at")  # GET /api/issues?assignee=; DELETE /api/users/{id}: unassigning
    search_index("issues")  # GET /api/issues?search=; GET /api/projects/{id}/issues?search=


def issue_history() -> None:
    op.create_table(
        "issue_history",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("issue_id", sa.Uuid, nullable=False),
        time("at"),
        sa.Column("actor_id", sa.Uuid, nullable=False),
        sa.Column("actor_username", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("from", JSONB, nullable=False),
        sa.Column("to", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_history")),
        sa.CheckConstraint(
            "field IN ('title', 'description', 'status', 'priority', 'assignee', 'due_date')",
            name=op.f("ck_issue_history_field"),
        ),
        reference("issue_history", "issue_id", "issues", on_delete="CASCADE"),
    )
    index("issue_history", "issue_id", "at", "id")  # GET /api/issues/{id}/history


def comments() -> None:
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("issue_id", sa.Uuid, nullable=False),
        sa.Column("author_id", sa.Uuid, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("content_html", sa.Text, nullable=False),
        time("created_at"),
        time("updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.CheckConstraint("char_length(content) BETWEEN 1 AND 2000", name=op.f("ck_comments_content_length")),
        reference("comments", "issue_id", "issues", on_delete="CASCADE"),
        reference("comments", "author_id", "users", on_delete="RESTRICT"),
    )
    index("comments", "issue_id", "created_at", "id")  # GET /api/issues/{id}/comments; comment_count of an issue
    index("comments", "author_id")  # DELETE /api/users/{id}: still_referenced


def comment_revisions() -> None:
    op.create_table(
        "comment_revisions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("comment_id", sa.Uuid, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("content_html", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment_revisions")),
        sa.CheckConstraint("char_length(content) BETWEEN 1 AND 2000", name=op.f("ck_comment_revisions_content_length")),
        reference("comment_revisions", "comment_id", "comments", on_delete="CASCADE"),
    )
    index("comment_revisions", "comment_id", "created_at", "id")  # GET /api/comments/{id}/revisions


def sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        time("created_at"),
        time("last_used_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ip", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        reference("sessions", "user_id", "users", on_delete="CASCADE"),
    )
    index("sessions", "user_id", "created_at", "id")  # GET /api/auth/sessions; POST /api/auth/logout-all


def refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True)),
        # POST /api/auth/refresh
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
        reference("refresh_tokens", "session_id", "sessions", on_delete="CASCADE"),
    )
    index("refresh_tokens", "session_id")  # forgetting old tokens of a session, and the cascade from it


def login_throttles() -> None:
    op.create_table(
        "login_throttles",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("attempts", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("failures", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
        time("updated_at"),
        # POST /api/auth/login
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_throttles")),
    )
    index("login_throttles", "updated_at")  # clearing away names and addresses that are idle


def idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        time("created_at"),
        # Every POST with an Idempotency-Key
        sa.PrimaryKeyConstraint("user_id", "path", "key", name=op.f("pk_idempotency_keys")),
        sa.CheckConstraint("char_length(key) BETWEEN 1 AND 255", name=op.f("ck_idempotency_keys_key_length")),
        reference("idempotency_keys", "user_id", "users", on_delete="CASCADE"),
    )


def audit_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Uuid, nullable=False),
        time("at"),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_username", sa.Text),
        sa.Column("target_type", sa.Text),
        sa.Column("target_id", sa.Uuid),
        sa.Column("ip", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("details", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        sa.CheckConstraint(
            "action IN ('auth.register', 'auth.login', 'auth.lockout', 'auth.unlock', 'auth.refresh', "
            "'auth.refresh_reuse', 'auth.logout', 'auth.logout_all', 'auth.session_end', 'auth.password_change', "
            "'user.role_change', 'user.activate', 'user.deactivate', 'user.delete', 'permission.denied', "
            "'project.create', 'project.edit', 'project.archive', 'project.restore')",
            name=op.f("ck_audit_events_action"),
        ),
        sa.CheckConstraint("outcome IN ('success', 'failure', 'denied')", name=op.f("ck_audit_events_outcome")),
        sa.CheckConstraint(
            "target_type IN ('user', 'project', 'issue', 'comment', 'session')",
            name=op.f("ck_audit_events_target_type"),
        ),
    )
    index("audit_events", "at", "id")  # GET /api/audit; ?since=, ?until=
    index("audit_events", "action", "at", "id")  # GET /api/audit?action=
    index("audit_events", "actor_id", "at", "id")  # GET /api/audit?actor=
    index("audit_events", "target_id", "at", "id")  # GET /api/audit?target=


def time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def folded(name: str) -> sa.Column[str]:
    """Text that the application has folded: by code point, whatever the database's locale."""
    return sa.Column(name, sa.Text(collation="C"), nullable=False)


def reference(table: str, column: str, to: str, *, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], ondelete=on_delete, name=op.f(f"fk_{table}_{column}_{to}"))


def index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))


def descending_index(table: str, *columns: str, nulls: str = "") -> None:
    """The last column descends, and ties go up by id."""
    *scope, last = columns
    name = op.f(f"ix_{table}_{'_'.join(columns)}_desc")
    op.create_index(name, table, [*scope, sa.text(f"{last} DESC {nulls}"), "id"])


def search_index(table: str) -> None:
    op.create_index(op.f(f"ix_{table}_search"), table, ["search"], postgresql_using="gin")

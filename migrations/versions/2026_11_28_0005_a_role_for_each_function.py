"""A role for each function: groups without login, each with the rights that its function needs and no others.

``flycatcher_functions`` keeps its rights, for old code that still runs and for one process with all four functions. All
of them may read at which revision the schema is, by which a function knows whether it can work with it.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

SESSION = "SELECT (id, user_id, ended_at)"
NAMES = "SELECT (id, username)"
IDEMPOTENCY = "SELECT, INSERT (user_id, path, key, body_hash, status, headers, body), DELETE"

# When an event was is PostgreSQL's to say.
EVENT = """INSERT (
    id, action, outcome, actor_id, actor_username, target_type, target_id, ip, user_agent, request_id, details
)"""

# Function: its rights on each table. A row is locked by whoever may update a column of it; cascades, references and the
# triggers that count need no right of the caller's.
RIGHTS = {
    "auth": {
        "users": """
            SELECT,
            INSERT (id, username, username_folded, email, email_folded, password_hash, role, search),
            UPDATE (password_hash, role, is_active, last_login),
            DELETE
        """,
        "sessions": """
            SELECT, INSERT (id, user_id, expires_at, ip, user_agent), UPDATE (last_used_at, expires_at, ended_at)
        """,
        "refresh_tokens": "SELECT, INSERT (token_hash, session_id, expires_at), UPDATE (replaced_at), DELETE",
        "login_throttles": """
            SELECT, INSERT (key, attempts), UPDATE (attempts, failures, locked_until, updated_at), DELETE
        """,
        "audit_events": f"SELECT, {EVENT}",
        "audit_counts": "SELECT (actor, action, count)",
    },
    "projects": {
        "users": NAMES,
        "projects": """
            SELECT,
            INSERT (id, name, name_folded, description, created_by, search),
            UPDATE (name, name_folded, description, updated_at, is_archived, search)
        """,
        "sessions": SESSION,
        "idempotency_keys": IDEMPOTENCY,
        "audit_events": EVENT,
    },
    "issues": {
        "users": "SELECT (id, username, is_active)",
        "projects": "SELECT (id, name, created_by, is_archived)",
        "issues": """
            SELECT,
            INSERT (
                id, project_id, title, title_folded, description, description_html, status, priority, reporter_id,
                assignee_id, due_date, search
            ),
            UPDATE (
                title, title_folded, description, description_html, status, priority, assignee_id, due_date,
                updated_at, search
            )
        """,
        "issue_counts": "SELECT (counted_by, user_id, project_id, status, priority, count)",
        "issue_history": "SELECT, INSERT",
        "comments": "SELECT (issue_id)",
        "sessions": SESSION,
        "idempotency_keys": IDEMPOTENCY,
        "audit_events": EVENT,
    },
    "comments": {
        "users": NAMES,
        "projects": "SELECT (id, is_archived)",
        "issues": "SELECT (id, project_id)",
        "comments": """
            SELECT,
            INSERT (id, issue_id, author_id, content, content_html),
            UPDATE (content, content_html, updated_at)
        """,
        "comment_revisions": "SELECT, INSERT",
        "sessions": SESSION,
        "idempotency_keys": IDEMPOTENCY,
        "audit_events": EVENT,
    },
}

# As in 0002: roles belong to the whole cluster, where another database may have made one, or go on needing it.
CREATE_ROLE = """
DO $$ BEGIN
    IF to_regrole('{role}') IS NULL THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$
"""
DROP_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_auth_members WHERE roleid = '{role}'::regrole AND member <> current_user::regrole
    ) THEN
        DROP ROLE {role};
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    NULL;
END $$
"""


def upgrade() -> None:
    op.execute("GRANT SELECT ON alembic_version TO flycatcher_functions")
    for function, tables in RIGHTS.items():
        role = f"flycatcher_functions_{function}"
        op.execute(CREATE_ROLE.format(role=role))
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        op.execute(f"GRANT SELECT ON alembic_version TO {role}")
        for table, rights in tables.items():
            op.execute(f"GRANT {rights} ON {table} TO {role}")


def downgrade() -> None:
    for function, tables in RIGHTS.items():
        role = f"flycatcher_functions_{function}"
        # Of a whole table: that takes the rights on its columns back, too.
        for table in (*tables, "alembic_version"):
            op.execute(f"REVOKE ALL ON {table} FROM {role}")
        op.execute(f"REVOKE USAGE ON SCHEMA public FROM {role}")
        op.execute(DROP_ROLE.format(role=role))
    op.execute("REVOKE SELECT ON alembic_version FROM flycatcher_functions")

"""The role of the functions: a group without login, with the rights that the functions need and no others.

Whoever runs the functions makes a login role a member of it. Roles belong to the whole cluster: other databases may
know this one already, make it at this moment, or go on needing it.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

# What was said and done stays: nothing is deleted from issues, comments and projects (an operator with SQL may), and
# what is a record is not even changed. Cascades need no right of the caller's.
RIGHTS = {
    "users": "SELECT, INSERT, UPDATE, DELETE",
    "projects": "SELECT, INSERT, UPDATE",
    "issues": "SELECT, INSERT, UPDATE",
    "issue_history": "SELECT, INSERT",
    "comments": "SELECT, INSERT, UPDATE",
    "comment_revisions": "SELECT, INSERT",
    "sessions": "SELECT, INSERT, UPDATE",
    "refresh_tokens": "SELECT, INSERT, UPDATE, DELETE",
    "login_throttles": "SELECT, INSERT, UPDATE, DELETE",
    "idempotency_keys": "SELECT, INSERT, DELETE",
    "audit_events": "SELECT, INSERT",
}

# Looked for first, because an owner without CREATEROLE may find the role that an administrator made.
CREATE_ROLE = """
DO $$ BEGIN
    IF to_regrole('flycatcher_functions') IS NULL THEN
        CREATE ROLE flycatcher_functions NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database's migration made it meanwhile
END $$
"""

# The role goes with the last that needs it: not while someone is a member (from PostgreSQL 16 on its maker always
# is), not while another database grants it a right, and not if it was made by someone else.
DROP_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_auth_members
        WHERE roleid = 'flycatcher_functions'::regrole AND member <> current_user::regrole
    ) THEN
        DROP ROLE flycatcher_functions;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    NULL;
END $$
"""

# A temporary table would stand before a real one of its name for as long as the pooled connection lives.
TEMPORARY = """
DO $$ BEGIN
    EXECUTE format('{change}', current_database());
END $$
"""


def upgrade() -> None:
    op.execute(CREATE_ROLE)
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    op.execute(TEMPORARY.format(change="REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC"))
    op.execute("GRANT USAGE ON SCHEMA public TO flycatcher_functions")
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO flycatcher_functions")


def downgrade() -> None:
    for table in RIGHTS:
        op.execute(f"REVOKE ALL ON {table} FROM flycatcher_functions")
    op.execute("REVOKE USAGE ON SCHEMA public FROM flycatcher_functions")
    op.execute(TEMPORARY.format(change="GRANT TEMPORARY ON DATABASE %I TO PUBLIC"))
    op.execute(DROP_ROLE)

"""Lists whose cost does not follow the number of issues: counts kept by triggers, and indexes that hold the filters.

The functions of before go on working: triggers count for them. While it runs, nothing is written to issues and to the
audit log, and what would be waits or is answered 503: less than a second for ten thousand issues, forty for a million.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ENUM

revision = "0004"
down_revision = "0003"

FILTERED = ("status", "priority", "assignee_id", "reporter_id")
SORTED = ("created_at", "updated_at", "title_folded", "priority", "status", "due_date")
DESCENDING = {"priority": "", "status": "", "due_date": " NULLS LAST"}

USERS = ("reporter_id", "assignee_id")
COLLECTED = (
    ("status", "priority", "id"),
    ("project_id", "status", "priority", "id"),
    ("reporter_id", "assignee_id"),
    ("reporter_id", "project_id", "status", "priority"),
    ("assignee_id", "project_id", "status", "priority"),
)
NOBODY = "'00000000-0000-0000-0000-000000000000'::uuid"

# What is counted: the columns of its counts but for the number, and how they follow from its rows.
COUNTED = {
    "issues": (
        "issue_counts",
        ("counted_by", "user_id", "project_id", "status", "priority"),
        f"""CROSS JOIN LATERAL (VALUES
                ('all', {NOBODY}), ('assignee', coalesce(assignee_id, {NOBODY})), ('reporter', reporter_id)
            ) AS counted (counted_by, user_id)""",
    ),
    "audit_events": (
        "audit_counts",
        ("actor", "action"),
        f"CROSS JOIN LATERAL (VALUES (coalesce(actor_id, {NOBODY}))) AS counted (actor)",
    ),
}

# Event: the rows that it adds and removes.
EVENTS = {
    "insert": ("NEW TABLE AS added", "SELECT *, 1 AS difference FROM added"),
    "delete": ("OLD TABLE AS removed", "SELECT *, -1 AS difference FROM removed"),
    "update": (
        "NEW TABLE AS added OLD TABLE AS removed",
        "SELECT *, 1 AS difference FROM added UNION ALL SELECT *, -1 FROM removed",
    ),
}
DELTAS = """
    SELECT {columns}, sum(difference)::integer AS difference FROM ({changed}) AS changed {cells}
    GROUP BY {columns} HAVING sum(difference) <> 0 ORDER BY {columns}
"""

# A cell that another transaction has locked is not waited for: the difference becomes a row of its own. So nobody ever
# waits for a count, nothing can deadlock, and a cell has no more rows than it ever had writers at once.
FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    delta record;
    cell record;
BEGIN
    FOR delta IN {deltas} LOOP
        SELECT id, count INTO cell FROM public.{counts} WHERE ({columns}) = ({of_delta}) LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            INSERT INTO public.{counts} ({columns}, count) VALUES ({of_delta}, delta.difference);
        ELSIF cell.count + delta.difference = 0 THEN
            DELETE FROM public.{counts} WHERE id = cell.id;
        ELSE
            UPDATE public.{counts} SET count = count + delta.difference WHERE id = cell.id;
        END IF;
    END LOOP;
    RETURN NULL;
END $$
"""
EMPTYING = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.{counts};
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("LOCK TABLE issues, audit_events IN SHARE ROW EXCLUSIVE MODE")
    issue_counts()
    audit_counts()
    for table in COUNTED:
        count(table)
    indexes()


def downgrade() -> None:
    for table, (counts, _, _) in COUNTED.items():
        for event in (*EVENTS, "truncate"):
            op.execute(f"DROP TRIGGER count_{event} ON {table}")
            op.execute(f"DROP FUNCTION {counts}_{event}()")
        op.drop_table(counts)
    for collected in COLLECTED:
        op.drop_index(f"ix_issues_{'_'.join(collected)}")
    for user in USERS:
        replace_index(f"{user}_created_at_id", f"{user}_created_at", f"{user}, created_at")
    for name, columns, _ in sorts():
        replace_index(name, name, columns)


def issue_counts() -> None:
    op.create_table(
        "issue_counts",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("counted_by", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("project_id", sa.Uuid, nullable=False),
        sa.Column("status", ENUM(name="issue_status", create_type=False), nullable=False),
        sa.Column("priority", ENUM(name="issue_priority", create_type=False), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_counts")),
        sa.CheckConstraint("counted_by IN ('all', 'assignee', 'reporter')", name=op.f("ck_issue_counts_counted_by")),
        postgresql_with={"fillfactor": "50"},
    )


def audit_counts() -> None:
    op.create_table(
        "audit_counts",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("actor", sa.Uuid, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_counts")),
        postgresql_with={"fillfactor": "50"},
    )


def count(table: str) -> None:
    """Count what is there, and from now on what changes."""
    counts, cell, cells = COUNTED[table]
    columns = ", ".join(cell)
    op.create_index(op.f(f"ix_{counts}_{'_'.join(cell)}"), counts, list(cell))
    every = DELTAS.format(columns=columns, changed=f"SELECT *, 1 AS difference FROM {table}", cells=cells)  # noqa: S608  # names of our own
    op.execute(f"INSERT INTO {counts} ({columns}, count) {every}")
    op.execute(f"GRANT SELECT ON {counts} TO flycatcher_functions")
    of_delta = ", ".join(f"delta.{column}" for column in cell)
    for event, (rows, changed) in EVENTS.items():
        name, deltas = f"{counts}_{event}", DELTAS.format(columns=columns, changed=changed, cells=cells)
        function = FUNCTION.format(name=name, counts=counts, columns=columns, of_delta=of_delta, deltas=deltas)
        trigger(table, event, name, function, f"REFERENCING {rows}")
    trigger(table, "truncate", f"{counts}_truncate", EMPTYING.format(name=f"{counts}_truncate", counts=counts))


def trigger(table: str, event: str, name: str, function: str, rows: str = "") -> None:
    op.execute(function)
    op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute(
        f"CREATE TRIGGER count_{event} AFTER {event} ON {table} {rows} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )


def indexes() -> None:
    for user in USERS:
        name, columns = f"{user}_created_at", f"{user}, created_at, id"
        replace_index(name, f"{name}_id", columns, " INCLUDE (project_id, status, priority)")
    for collected in COLLECTED:
        op.create_index(op.f(f"ix_issues_{'_'.join(collected)}"), "issues", list(collected))
    for name, columns, held in sorts():
        replace_index(name, name, columns, f" INCLUDE ({', '.join(held)})")


def sorts() -> list[tuple[str, str, list[str]]]:
    """The name, the columns and what else is held, of the index of every sort, over all projects and within one."""
    found = []
    for scope in ((), ("project_id",)):
        for field in SORTED:
            held = [name for name in FILTERED if name != field]
            columns = [*scope, field, "id"]
            found.append(("_".join(columns), ", ".join(columns), held))
            if field in DESCENDING:
                down = [*scope, f"{field} DESC{DESCENDING[field]}", "id"]
                found.append((f"{'_'.join((*scope, field))}_desc", ", ".join(down), held))
    return found


def replace_index(old: str, new: str, columns: str, held: str = "") -> None:
    op.execute(f"DROP INDEX ix_issues_{old}")
    op.execute(f"CREATE INDEX ix_issues_{new} ON issues ({columns}){held}")

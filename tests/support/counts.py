"""The counts that triggers keep, held against the rows that they count (decision 0011)."""

from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

NOBODY = UUID(int=0)
TRUTH = """
    SELECT counted_by, user_id, project_id, status::text, priority::text, count(*)
    FROM issues CROSS JOIN LATERAL (VALUES
        ('all', %(nobody)s), ('assignee', coalesce(assignee_id, %(nobody)s)), ('reporter', reporter_id)
    ) AS counted (counted_by, user_id)
    GROUP BY 1, 2, 3, 4, 5
"""
COUNTED = """
    SELECT counted_by, user_id, project_id, status::text, priority::text, sum(count)
    FROM issue_counts GROUP BY 1, 2, 3, 4, 5 HAVING sum(count) <> 0
"""
ISSUES_COUNTED = (TRUTH, COUNTED)
EVENTS_COUNTED = (
    "SELECT coalesce(actor_id, %(nobody)s), action, count(*) FROM audit_events GROUP BY 1, 2",
    "SELECT actor, action, sum(count) FROM audit_counts GROUP BY 1, 2 HAVING sum(count) <> 0",
)


def check_counts(owner: psycopg.Connection[TupleRow]) -> None:
    """The counts are those of the rows."""
    for truth, counted in (ISSUES_COUNTED, EVENTS_COUNTED):
        found = owner.execute(truth, {"nobody": NOBODY}).fetchall()
        assert set(owner.execute(counted).fetchall()) == set(found)

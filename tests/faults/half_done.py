"""What one transaction writes is there whole or not at all: each statement finds what is there by half."""

from collections.abc import Mapping
from typing import LiteralString

import psycopg
from psycopg.rows import TupleRow

from tests.support.counts import check_counts

_STORIES: LiteralString = """
    WITH last AS (
        SELECT DISTINCT ON (issue_id, field) issue_id, field, "to"
        FROM issue_history ORDER BY issue_id, field, at DESC, id DESC
    ), moves AS (
        SELECT issue_id, "from", "to", lag("to", 1, '"open"') OVER (PARTITION BY issue_id ORDER BY at, id) AS before
        FROM issue_history WHERE field = 'status'
    )
"""
HALF_DONE: Mapping[str, LiteralString] = {
    "a project without its audit row, or with two": """
        SELECT projects.id FROM projects
        LEFT JOIN audit_events ON target_id = projects.id AND action = 'project.create'
        GROUP BY 1 HAVING count(audit_events.id) <> 1
    """,
    "an audit row without its project": """
        SELECT target_id FROM audit_events
        WHERE action LIKE 'project.%' AND target_id NOT IN (SELECT id FROM projects)
    """,
    "a project that was edited without an audit row, or the other way round": """
        SELECT id FROM projects WHERE (updated_at > created_at)
            <> EXISTS (SELECT FROM audit_events WHERE target_id = projects.id AND action = 'project.edit')
    """,
    "an issue reported twice": """
        SELECT description FROM issues WHERE description LIKE 'Issue %' GROUP BY 1 HAVING count(*) > 1
    """,
    "a comment written twice": """
        SELECT split_part(content, ',', 1) FROM comments WHERE content LIKE 'Comment %' GROUP BY 1 HAVING count(*) > 1
    """,
    "a move that is not allowed": """
        SELECT issue_id FROM moves WHERE ("from" #>> '{}', "to" #>> '{}') NOT IN (
            ('open', 'in_progress'), ('in_progress', 'resolved'), ('resolved', 'closed'), ('resolved', 'reopened'),
            ('closed', 'reopened'), ('reopened', 'in_progress')
        )
    """,
    "moves that are no chain from open on": """
        SELECT issue_id FROM moves WHERE before <> "from"
    """,
    "an issue that is not as its history says": """
        SELECT issue_id FROM issues JOIN last ON issue_id = issues.id
        WHERE "to" <> CASE field
            WHEN 'assignee' THEN coalesce(
                (SELECT jsonb_build_object('id', id, 'username', username) FROM users WHERE id = assignee_id), 'null'
            )
            ELSE to_jsonb(issues) -> field END
    """,
    "an issue that moved without a history": """
        SELECT id FROM issues WHERE status <> 'open'
            AND NOT EXISTS (SELECT FROM issue_history WHERE issue_id = issues.id AND field = 'status')
    """,
    "an issue that was updated at another time than its newest history says": """
        SELECT id FROM issues
        WHERE updated_at <> coalesce((SELECT max(at) FROM issue_history WHERE issue_id = issues.id), created_at)
    """,
    "an edited comment without a revision, or the other way round": """
        SELECT id FROM comments WHERE (updated_at > created_at)
            <> EXISTS (SELECT FROM comment_revisions WHERE comment_id = comments.id)
    """,
    "a revision that does not follow on the one before": """
        SELECT comments.id FROM comments JOIN comment_revisions ON comment_id = comments.id
        GROUP BY comments.id
        HAVING min(comment_revisions.created_at) <> comments.created_at
            OR max(comment_revisions.created_at) >= comments.updated_at
            OR count(DISTINCT comment_revisions.created_at) <> count(*)
    """,
    "a key without what was created with it": """
        SELECT key FROM idempotency_keys WHERE (convert_from(body, 'UTF8')::jsonb ->> 'id')::uuid NOT IN (
            SELECT id FROM projects UNION SELECT id FROM issues UNION SELECT id FROM comments
        )
    """,
    "two live refresh tokens of a session, or none": """
        SELECT sessions.id FROM sessions JOIN refresh_tokens ON session_id = sessions.id
        GROUP BY 1 HAVING count(*) FILTER (WHERE replaced_at IS NULL) <> 1
    """,
    "a session without its login": """
        SELECT id FROM sessions WHERE user_agent <> 'tests' AND 1 <> (
            SELECT count(*) FROM audit_events WHERE action = 'auth.login' AND details ->> 'session' = sessions.id::text
        )
    """,
    "a session without a refresh token": """
        SELECT id FROM sessions
        WHERE user_agent <> 'tests' AND NOT EXISTS (SELECT FROM refresh_tokens WHERE session_id = sessions.id)
    """,
    "a login without its session": """
        SELECT id FROM audit_events WHERE action = 'auth.login'
            AND details ->> 'session' NOT IN (SELECT sessions.id::text FROM sessions)
    """,
    "a refresh without its audit row, or the other way round": """
        SELECT session_id FROM refresh_tokens GROUP BY 1 HAVING count(*) <> 1 + (
            SELECT count(*) FROM audit_events WHERE action = 'auth.refresh' AND target_id = session_id
        )
    """,
    "a theft that has not ended the session, or the other way round": """
        SELECT id FROM sessions WHERE (ended_at IS NOT NULL)::int <> (
            SELECT count(*) FROM audit_events WHERE action = 'auth.refresh_reuse' AND target_id = sessions.id
        )
    """,
}


def check_nothing_half_done(owner: psycopg.Connection[TupleRow]) -> None:
    """Nothing is there by half, and the counts are right."""
    found = {name: owner.execute(_STORIES + query).fetchall() for name, query in HALF_DONE.items()}
    assert {name: rows for name, rows in found.items() if rows} == {}
    check_counts(owner)

"""What PostgreSQL is asked and told when an issue is reported or changed."""

import json
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from functions.issues.queries import DOCUMENT, JOINS
from shared.data.database import Connection
from shared.data.documents import SEARCH_VECTOR, written
from shared.data.statements import guarded, statement
from shared.security.permissions import ASSIGNEE, CREATOR, REPORTER, Standing
from shared.text import fold, words
from shared.vocabulary import HistoryField, PriorityName, StatusName


class ProjectRow(NamedTuple):
    """The project in which an issue is to be created."""

    is_archived: bool

    def relations(self, _user_id: UUID) -> frozenset[Standing]:
        """None that matter here."""
        return frozenset()


class IssueRow(NamedTuple):
    """An issue, locked, with what its rules ask about."""

    id: UUID
    title: str
    description: str
    status: StatusName
    priority: PriorityName
    reporter_id: UUID
    assignee_id: UUID | None
    assignee_username: str | None
    due_date: date | None
    project_creator_id: UUID
    project_is_archived: bool
    document: bytes

    def relations(self, user_id: UUID) -> frozenset[Standing]:
        """What a user is to the issue."""
        standings = {REPORTER: self.reporter_id, ASSIGNEE: self.assignee_id, CREATOR: self.project_creator_id}
        return frozenset(standing for standing, holder in standings.items() if holder == user_id)


class Change(NamedTuple):
    """One member of an issue that changes, as the history keeps it."""

    field: HistoryField
    before: Any
    after: Any


_LOCK = statement("SELECT id FROM issues WHERE id = %(id)s FOR NO KEY UPDATE")
_ROW = guarded(
    """
    SELECT issues.id, title, issues.description, status, priority, reporter_id, assignee_id, assignee.username,
        due_date, projects.created_by, projects.is_archived, {document}, {session_ended}
    FROM issues {joins}
    WHERE issues.id = %(id)s
    """,
    document=DOCUMENT,
    joins=JOINS,
)
_PROJECT = guarded("SELECT is_archived, {session_ended} FROM projects WHERE id = %(id)s")
_ACTIVE_USER = statement("SELECT username FROM users WHERE id = %(id)s AND is_active")
_HAS_COMMENT = statement("SELECT EXISTS (SELECT FROM comments WHERE issue_id = %(issue_id)s)")
_INSERT = written(
    "issues",
    DOCUMENT,
    """
    INSERT INTO issues (
        id, project_id, title, title_folded, description, description_html, status, priority, reporter_id,
        assignee_id, due_date, search
    )
    VALUES (
        %(id)s, %(project_id)s, %(title)s, %(title_folded)s, %(description)s, %(description_html)s, 'open',
        %(priority)s, %(reporter_id)s, %(assignee_id)s, %(due_date)s, {search}
    )
    """,
    joins=JOINS,
    search=SEARCH_VECTOR,
)
_UPDATE = written(
    "issues",
    DOCUMENT,
    """
    UPDATE issues SET title = %(title)s, title_folded = %(title_folded)s, description = %(description)s,
        description_html = coalesce(%(description_html)s, description_html), status = %(status)s,
        priority = %(priority)s, assignee_id = %(assignee_id)s, due_date = %(due_date)s, search = {search},
        updated_at = clock_timestamp()
    WHERE id = %(id)s
    """,
    joins=JOINS,
    search=SEARCH_VECTOR,
)
_INSERT_HISTORY = statement("""
    INSERT INTO issue_history (id, issue_id, at, actor_id, actor_username, field, "from", "to")
    SELECT entry.id, issues.id, issues.updated_at, %(actor_id)s,
        (SELECT username FROM users WHERE id = %(actor_id)s), entry.field, entry.before, entry.after
    FROM issues, unnest(%(ids)s::uuid[], %(fields)s::text[], %(befores)s::jsonb[], %(afters)s::jsonb[])
        AS entry (id, field, before, after)
    WHERE issues.id = %(issue_id)s
""")
"""One row a change, all at the time of the issue's update. A user who has been deleted since has no name: refused."""


async def lock(db: Connection, issue_id: UUID) -> IssueRow | None:
    """The issue, locked against other changes until the transaction ends, or None.

    Locked first and read after: a statement that waits for the lock sees the new row, but joins it with what it had
    found before for the old one.
    """
    await db.run(_LOCK, id=issue_id)
    return await db.record(IssueRow._make, _ROW, id=issue_id)


async def project(db: Connection, project_id: UUID) -> ProjectRow | None:
    """The project, or None. Not locked: an issue that arrives while it is archived arrived before that."""
    return await db.record(ProjectRow._make, _PROJECT, id=project_id)


async def active_username(db: Connection, user_id: UUID) -> str | None:
    """The name of a user who is active, or None."""
    name: str | None = await db.value(_ACTIVE_USER, id=user_id)
    return name


async def has_comment(db: Connection, issue_id: UUID) -> bool:
    """Whether anybody has commented. Comments cannot be deleted, so this stays true."""
    found: bool = await db.value(_HAS_COMMENT, issue_id=issue_id)
    return found


async def add(
    db: Connection,
    project_id: UUID,
    reporter_id: UUID,
    *,
    title: str,
    description: str,
    description_html: str,
    priority: PriorityName,
    assignee_id: UUID | None,
    due_date: date | None,
) -> tuple[UUID, bytes]:
    """Insert an issue; its id, and how it is shown.

    Raises:
        ForeignKeyViolation: the assignee has just been deleted.
    """
    issue_id = uuid7()
    document: bytes = await db.value(
        _INSERT,
        id=issue_id,
        project_id=project_id,
        reporter_id=reporter_id,
        priority=priority,
        assignee_id=assignee_id,
        due_date=due_date,
        **_text(title, description, description_html),
    )
    return issue_id, document


async def change(
    db: Connection,
    issue: IssueRow,
    actor_id: UUID,
    changes: list[Change],
    *,
    assignee_id: UUID | None,
    description_html: str | None,
) -> bytes:
    """Apply the changes and write them into the history; how the issue is shown now.

    ``description_html`` is None where it stays.

    Raises:
        ForeignKeyViolation: the assignee has just been deleted.
    """
    after = {change.field: change.after for change in changes}
    title, description = after.get("title", issue.title), after.get("description", issue.description)
    document: bytes = await db.value(
        _UPDATE,
        id=issue.id,
        status=after.get("status", issue.status),
        priority=after.get("priority", issue.priority),
        assignee_id=assignee_id,
        due_date=after.get("due_date", issue.due_date),
        **_text(title, description, description_html),
    )
    await db.run(
        _INSERT_HISTORY,
        issue_id=issue.id,
        actor_id=actor_id,
        ids=[uuid7() for _ in changes],
        fields=[change.field for change in changes],
        befores=[json.dumps(change.before, default=str) for change in changes],
        afters=[json.dumps(change.after, default=str) for change in changes],
    )
    return document


def _text(title: str, description: str, description_html: str | None) -> dict[str, Any]:
    return {
        "title": title,
        "title_folded": fold(title),
        "description": description,
        "description_html": description_html,
        "words": words(title, description),
    }

"""What PostgreSQL is asked and told when an issue is reported or changed."""

import json
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Select, Text, Uuid, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import Executable
from uuid_utils.compat import uuid7

from functions.issues.queries import ASSIGNEE_USER, DOCUMENT, JOINED
from shared.data.database import Connection
from shared.data.documents import search_vector
from shared.data.statements import bindparams, guarded, statement
from shared.data.tables import comments, issue_history, issues, projects, users
from shared.security.permissions import ASSIGNEE, CREATOR, REPORTER, Standing
from shared.text import fold, words
from shared.vocabulary import HistoryField, PriorityName, StatusName

_issue = issues.c


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


@statement
def _lock() -> Executable:
    return select(_issue.id).where(_issue.id == bindparam("id")).with_for_update(key_share=True)


@guarded
def _row() -> Select[Any]:
    columns = (
        _issue.id,
        _issue.title,
        _issue.description,
        _issue.status,
        _issue.priority,
        _issue.reporter_id,
        _issue.assignee_id,
        ASSIGNEE_USER.c.username,
        _issue.due_date,
        projects.c.created_by,
        projects.c.is_archived,
        DOCUMENT,
    )
    return select(*columns).select_from(JOINED).where(_issue.id == bindparam("id"))


@guarded
def _project() -> Select[Any]:
    return select(projects.c.is_archived).where(projects.c.id == bindparam("id"))


@statement
def _active_user() -> Executable:
    return select(users.c.username).where(users.c.id == bindparam("id"), users.c.is_active)


@statement
def _insert() -> Executable:
    return insert(issues).values(
        id=bindparam("id"),
        project_id=bindparam("project_id"),
        status="open",
        reporter_id=bindparam("reporter_id"),
        **_written(),
    )


@statement
def _update() -> Executable:
    html = func.coalesce(bindparam("description_html", type_=Text), _issue.description_html)
    values = _written() | {"description_html": html}
    changed = update(issues).where(_issue.id == bindparam("issue_id"))
    return changed.values(status=bindparam("status"), updated_at=func.clock_timestamp(), **values)


def _written() -> dict[str, Any]:
    names = ("title", "title_folded", "description", "description_html", "priority", "assignee_id", "due_date")
    return bindparams(*names) | {"search": search_vector()}


@statement
def _insert_history() -> Executable:
    """One row a change, all at the time of the issue's update."""
    entry = (
        func.unnest(
            bindparam("ids", type_=ARRAY(Uuid)),
            bindparam("fields", type_=ARRAY(Text)),
            bindparam("befores", type_=ARRAY(JSONB)),
            bindparam("afters", type_=ARRAY(JSONB)),
        )
        .table_valued("id", "field", "before", "after", name="entry")
        .render_derived()
    )
    actor = select(users.c.username).where(users.c.id == bindparam("actor_id")).scalar_subquery()
    rows = select(
        entry.c.id,
        _issue.id,
        _issue.updated_at,
        bindparam("actor_id", type_=Uuid),
        actor,
        entry.c.field,
        entry.c.before,
        entry.c.after,
    ).where(_issue.id == bindparam("issue_id"))
    columns = ["id", "issue_id", "at", "actor_id", "actor_username", "field", "from", "to"]
    return insert(issue_history).from_select(columns, rows)


@statement
def _has_comment() -> Executable:
    return select(select(comments.c.id).where(comments.c.issue_id == bindparam("issue_id")).exists())


async def lock(db: Connection, issue_id: UUID) -> IssueRow | None:
    """The issue, locked against other changes until the transaction ends, or None.

    Locked first and read after: a statement that waits for the lock sees the new row, but joins it with what it had
    found before for the old one.
    """
    await db.run(_lock(), id=issue_id)
    return await db.record(IssueRow._make, _row(), id=issue_id)


async def project(db: Connection, project_id: UUID) -> ProjectRow | None:
    """The project, or None. Not locked: an issue that arrives while it is archived arrived before that."""
    return await db.record(ProjectRow._make, _project(), id=project_id)


async def active_username(db: Connection, user_id: UUID) -> str | None:
    """The name of a user who is active, or None."""
    name: str | None = await db.value(_active_user(), id=user_id)
    return name


async def has_comment(db: Connection, issue_id: UUID) -> bool:
    """Whether anybody has commented. Comments cannot be deleted, so this stays true."""
    found: bool = await db.value(_has_comment(), issue_id=issue_id)
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
) -> UUID:
    """Insert an issue.

    Raises:
        ForeignKeyViolation: the assignee has just been deleted.
    """
    issue_id = uuid7()
    await db.run(
        _insert(),
        id=issue_id,
        project_id=project_id,
        reporter_id=reporter_id,
        priority=priority,
        assignee_id=assignee_id,
        due_date=due_date,
        **_text(title, description, description_html),
    )
    return issue_id


async def change(
    db: Connection,
    issue: IssueRow,
    actor_id: UUID,
    changes: list[Change],
    *,
    assignee_id: UUID | None,
    description_html: str | None,
) -> None:
    """Apply the changes and write them into the history; ``description_html`` is None where it stays.

    Raises:
        ForeignKeyViolation: the assignee has just been deleted.
    """
    after = {change.field: change.after for change in changes}
    title, description = after.get("title", issue.title), after.get("description", issue.description)
    await db.run(
        _update(),
        issue_id=issue.id,
        status=after.get("status", issue.status),
        priority=after.get("priority", issue.priority),
        assignee_id=assignee_id,
        due_date=after.get("due_date", issue.due_date),
        **_text(title, description, description_html),
    )
    await db.run(
        _insert_history(),
        issue_id=issue.id,
        actor_id=actor_id,
        ids=[uuid7() for _ in changes],
        fields=[change.field for change in changes],
        befores=[json.dumps(change.before, default=str) for change in changes],
        afters=[json.dumps(change.after, default=str) for change in changes],
    )


def _text(title: str, description: str, description_html: str | None) -> dict[str, Any]:
    return {
        "title": title,
        "title_folded": fold(title),
        "description": description,
        "description_html": description_html,
        "words": words(title, description),
    }

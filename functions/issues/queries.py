"""What is asked of PostgreSQL about issues."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import Executable
from uuid_utils.compat import uuid7

from functions.issues.schemas import IssueQuery, ProjectIssueQuery
from functions.issues.workflow import allowed_statuses
from shared.data.database import Connection
from shared.data.documents import fetch_document, fetch_page, list_page, matches, ordered, search_vector
from shared.data.statements import guarded, json_object, rfc3339, statement
from shared.data.tables import Priority, Status, comments, issue_history, issues, projects, users
from shared.http.paging import PageQuery, SortKeys
from shared.markdown import render
from shared.security.permissions import ASSIGNEE, CREATOR, REPORTER, Standing
from shared.text import fold, prefix_query, words
from shared.vocabulary import STATUSES, HistoryField, PriorityName, StatusName

_issue = issues.c
_reporter, _assignee = users.alias("reporter"), users.alias("assignee")
_JOINED = (
    issues.join(projects, projects.c.id == _issue.project_id)
    .join(_reporter, _reporter.c.id == _issue.reporter_id)
    .outerjoin(_assignee, _assignee.c.id == _issue.assignee_id)
)
_ALLOWED = case(
    *(
        (
            _issue.status == literal_column(f"'{status}'"),
            literal_column(f"'{json.dumps(allowed_statuses(status))}'::json"),
        )
        for status in STATUSES
    )
)
_COMMENT_COUNT = select(func.count(literal_column("*"))).where(comments.c.issue_id == _issue.id).scalar_subquery()
_DOCUMENT = json_object(
    id=_issue.id,
    project=json_object(id=projects.c.id, name=projects.c.name),
    title=_issue.title,
    description=_issue.description,
    description_html=_issue.description_html,
    status=_issue.status,
    allowed_statuses=_ALLOWED,
    priority=_issue.priority,
    reporter=json_object(id=_reporter.c.id, username=_reporter.c.username),
    assignee=case(
        (_assignee.c.id.is_not(None), json_object(id=_assignee.c.id, username=_assignee.c.username)), else_=null()
    ),
    due_date=_issue.due_date,
    created_at=rfc3339(_issue.created_at),
    updated_at=rfc3339(_issue.updated_at),
    comment_count=_COMMENT_COUNT,
)
_SORT = {
    "created_at": _issue.created_at,
    "updated_at": _issue.updated_at,
    "due_date": _issue.due_date,
    "priority": _issue.priority,
    "status": _issue.status,
    "title": _issue.title_folded,
}


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


@dataclass(frozen=True, slots=True)
class Filters:
    """Which filters a list has: the shape of its statement."""

    project: bool
    status: bool
    priority: bool
    assignee: Literal["user", "none"] | None
    reporter: bool
    search: bool


@guarded
def _document() -> Select[Any]:
    return select(_DOCUMENT).select_from(_JOINED).where(_issue.id == bindparam("id"))


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
        _assignee.c.username,
        _issue.due_date,
        projects.c.created_by,
        projects.c.is_archived,
        _DOCUMENT,
    )
    return select(*columns).select_from(_JOINED).where(_issue.id == bindparam("id"))


@guarded
def _project() -> Select[Any]:
    return select(projects.c.is_archived).where(projects.c.id == bindparam("id"))


def _listed(filters: Filters, sort: SortKeys) -> Select[Any]:
    where = []
    if filters.project:
        where.append(_issue.project_id == bindparam("project_id"))
    if filters.status:
        where.append(_issue.status == any_(bindparam("statuses", type_=ARRAY(Status))))
    if filters.priority:
        where.append(_issue.priority == any_(bindparam("priorities", type_=ARRAY(Priority))))
    if filters.assignee == "none":
        where.append(_issue.assignee_id.is_(None))
    elif filters.assignee == "user":
        where.append(_issue.assignee_id == bindparam("assignee_id"))
    if filters.reporter:
        where.append(_issue.reporter_id == bindparam("reporter_id"))
    if filters.search:
        where.append(matches(_issue.search))
    rows = ordered(select(_DOCUMENT).select_from(_JOINED).where(*where), sort, _SORT, _issue.id)
    return list_page(rows, select(issues).where(*where))


@guarded
def _page(filters: Filters, sort: SortKeys) -> Select[Any]:
    return _listed(filters, sort)


@guarded
def _project_page(filters: Filters, sort: SortKeys) -> Select[Any]:
    """No row where the project does not exist."""
    return _listed(filters, sort).where(select(projects.c.id).where(projects.c.id == bindparam("project_id")).exists())


@guarded
def _history() -> Select[Any]:
    entry = issue_history.c
    shown = json_object(
        id=entry.id,
        at=rfc3339(entry.at),
        actor=json_object(id=entry.actor_id, username=entry.actor_username),
        field=entry.field,
        **{"from": entry["from"], "to": entry.to},
    )
    found = entry.issue_id == bindparam("id")
    rows = select(shown).where(found).order_by(entry.at.desc(), entry.id.desc())
    page = list_page(rows, select(issue_history).where(found))
    return page.where(select(_issue.id).where(_issue.id == bindparam("id")).exists())


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
    changed = update(issues).where(_issue.id == bindparam("issue_id"))
    return changed.values(status=bindparam("status"), updated_at=func.clock_timestamp(), **_written())


def _written() -> dict[str, Any]:
    names = ("title", "title_folded", "description", "description_html", "priority", "assignee_id", "due_date")
    return {name: bindparam(name) for name in names} | {"search": search_vector()}


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


async def document(db: Connection, issue_id: UUID) -> bytes:
    """The issue as it is shown.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _document(), id=issue_id)


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


async def page(
    db: Connection, query: ProjectIssueQuery, caller_id: UUID, project_id: UUID | None = None
) -> tuple[bytes, int]:
    """One page of the issues as JSON, and how many there are; of one project, where one is given.

    Raises:
        Problem: not_found, for a project that is not there.
    """
    filtered = query.project if isinstance(query, IssueQuery) else None
    reporter = query.reporter if isinstance(query, IssueQuery) else None
    search = prefix_query(query.search)
    filters = Filters(
        project=(project_id or filtered) is not None,
        status=bool(query.status),
        priority=bool(query.priority),
        assignee=None if query.assignee is None else "none" if query.assignee == "none" else "user",
        reporter=reporter is not None,
        search=search is not None,
    )
    return await fetch_page(
        db,
        (_project_page if project_id else _page)(filters, query.sort),
        query,
        project_id=project_id or filtered,
        statuses=list(query.status),
        priorities=list(query.priority),
        assignee_id=caller_id if query.assignee == "me" else query.assignee,
        reporter_id=caller_id if reporter == "me" else reporter,
        search=search,
    )


async def history(db: Connection, issue_id: UUID, query: PageQuery) -> tuple[bytes, int]:
    """One page of what has changed, newest first, and how much there is.

    Raises:
        Problem: not_found.
    """
    return await fetch_page(db, _history(), query, id=issue_id)


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
        **_text(title, description),
    )
    return issue_id


async def change(
    db: Connection,
    issue: IssueRow,
    actor_id: UUID,
    changes: list[Change],
    *,
    assignee_id: UUID | None,
) -> None:
    """Apply the changes and write them into the history.

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
        **_text(title, description),
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


def _text(title: str, description: str) -> dict[str, Any]:
    return {
        "title": title,
        "title_folded": fold(title),
        "description": description,
        "description_html": render(description),
        "words": words(title, description),
    }

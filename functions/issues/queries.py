"""What is asked of PostgreSQL about issues."""

import json
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
)

from functions.issues.schemas import IssueQuery, ProjectIssueQuery
from functions.issues.workflow import allowed_statuses
from shared.data.database import Connection
from shared.data.documents import fetch_document, fetch_page, list_page, matches, ordered, user_ref
from shared.data.statements import guarded, json_object, rfc3339
from shared.data.tables import Priority, Status, comments, issue_history, issues, projects, users
from shared.http.paging import PageQuery, SortKeys
from shared.text import prefix_query
from shared.vocabulary import STATUSES

_issue = issues.c
_reporter, ASSIGNEE_USER = users.alias("reporter"), users.alias("assignee")
JOINED = (
    issues.join(projects, projects.c.id == _issue.project_id)
    .join(_reporter, _reporter.c.id == _issue.reporter_id)
    .outerjoin(ASSIGNEE_USER, ASSIGNEE_USER.c.id == _issue.assignee_id)
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
DOCUMENT = json_object(
    id=_issue.id,
    project=json_object(id=projects.c.id, name=projects.c.name),
    title=_issue.title,
    description=_issue.description,
    description_html=_issue.description_html,
    status=_issue.status,
    allowed_statuses=_ALLOWED,
    priority=_issue.priority,
    reporter=user_ref(_reporter),
    assignee=case(
        (ASSIGNEE_USER.c.id.is_not(None), user_ref(ASSIGNEE_USER)),
        else_=null(),
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
    return select(DOCUMENT).select_from(JOINED).where(_issue.id == bindparam("id"))


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
    rows = ordered(select(DOCUMENT).select_from(JOINED).where(*where), sort, _SORT, _issue.id)
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


async def document(db: Connection, issue_id: UUID) -> bytes:
    """The issue as it is shown.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _document(), id=issue_id)


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

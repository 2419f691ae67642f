"""What is asked of PostgreSQL about issues."""

import json
from functools import lru_cache
from typing import LiteralString
from uuid import UUID

from psycopg.sql import Literal

from functions.issues.listing import SORTS, Filter, Filters, page_ids, total
from functions.issues.schemas import IssueQuery, ProjectIssueQuery
from functions.issues.workflow import allowed_statuses
from shared.data.database import Connection
from shared.data.documents import fetch_document, fetch_page, indexed_page, list_page, ordered
from shared.data.statements import SHAPES, Statement, compose, guarded, json_object, rfc3339, user_ref
from shared.http.paging import PageQuery, SortKeys
from shared.text import prefix_query
from shared.vocabulary import STATUSES

JOINS = """
    JOIN projects ON projects.id = issues.project_id
    JOIN users reporter ON reporter.id = issues.reporter_id
    LEFT JOIN users assignee ON assignee.id = issues.assignee_id
"""
_MOVES = json.dumps({status: allowed_statuses(status) for status in STATUSES})
DOCUMENT = json_object(
    id="issues.id",
    project=json_object(id="projects.id", name="projects.name"),
    title="issues.title",
    description="issues.description",
    description_html="issues.description_html",
    status="issues.status",
    allowed_statuses=compose("{moves}::json -> issues.status::text", moves=Literal(_MOVES)),
    priority="issues.priority",
    reporter=user_ref("reporter"),
    assignee=compose("CASE WHEN assignee.id IS NOT NULL THEN {user} END", user=user_ref("assignee")),
    due_date="issues.due_date",
    created_at=rfc3339("issues.created_at"),
    updated_at=rfc3339("issues.updated_at"),
    comment_count="(SELECT count(*) FROM comments WHERE comments.issue_id = issues.id)",
)

_ONE = guarded(
    "SELECT {document}, {session_ended} FROM issues {joins} WHERE issues.id = %(id)s", document=DOCUMENT, joins=JOINS
)
_HISTORY = list_page(
    "issue_history",
    json_object(
        id="issue_history.id",
        at=rfc3339("issue_history.at"),
        actor="json_build_object('id', issue_history.actor_id, 'username', issue_history.actor_username)",
        field="issue_history.field",
        **{"from": 'issue_history."from"', "to": "issue_history.to"},
    ),
    where=["issue_id = %(id)s"],
    order="issue_history.at DESC, issue_history.id DESC",
    provided="WHERE EXISTS (SELECT FROM issues WHERE id = %(id)s)",
)


@lru_cache(SHAPES)
def _page(filters: Filters, sort: SortKeys, provided: LiteralString, *, first: bool) -> Statement:
    return indexed_page(
        "issues",
        DOCUMENT,
        ids=page_ids(filters, sort, first=first),
        order=ordered(sort, SORTS, "issues.id"),
        total=total(filters),
        joins=JOINS,
        provided=provided,
    )


async def document(db: Connection, issue_id: UUID) -> bytes:
    """The issue as it is shown.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _ONE, id=issue_id)


async def page(
    db: Connection, query: ProjectIssueQuery, caller_id: UUID, project_id: UUID | None = None
) -> tuple[bytes, int]:
    """One page of the issues as JSON, and how many there are; of one project, where one is given.

    Raises:
        Problem: not_found, for a project that is not there.
    """
    reporter = query.reporter if isinstance(query, IssueQuery) else None
    filtered = query.project if isinstance(query, IssueQuery) else None
    values: dict[Filter, object] = {
        "project": project_id or filtered,
        **_one_or_several("status", "statuses", query.status),
        **_one_or_several("priority", "priorities", query.priority),
        "assignee": caller_id if query.assignee == "me" else query.assignee != "none" and query.assignee,
        "unassigned": query.assignee == "none",
        "reporter": caller_id if reporter == "me" else reporter,
        "search": prefix_query(query.search),
    }
    given = {name: value for name, value in values.items() if value}
    provided = "WHERE EXISTS (SELECT FROM projects WHERE id = %(project)s)" if project_id else ""
    return await fetch_page(db, _page(frozenset(given), query.sort, provided, first=query.page == 1), query, **given)


def _one_or_several(one: Filter, several: Filter, values: tuple[str, ...]) -> dict[Filter, object]:
    return {one: values[0]} if len(values) == 1 else {several: list(values)}


async def history(db: Connection, issue_id: UUID, query: PageQuery) -> tuple[bytes, int]:
    """One page of what has changed, newest first, and how much there is.

    Raises:
        Problem: not_found.
    """
    return await fetch_page(db, _HISTORY, query, id=issue_id)

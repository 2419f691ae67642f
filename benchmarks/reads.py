"""The reads whose cost must not follow the size, and the statements that the functions send for them."""

import re
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from benchmarks.lines import SEED, vocabulary
from functions.auth import events, users
from functions.auth.schemas import AuditQuery, MemberQuery
from functions.comments import queries as comments
from functions.comments.schemas import CommentQuery
from functions.issues import queries as issues
from functions.issues.schemas import IssueQuery, ProjectIssueQuery
from functions.projects import queries as projects
from functions.projects.schemas import ProjectQuery
from shared.data.database import Connection
from shared.data.statements import Statement
from shared.http.paging import PageQuery

FILTERS = (
    "status=open",
    "status=closed",
    "status=open,in_progress,reopened",
    "priority=critical",
    "priority=low,medium",
    "status=open&priority=critical",
    "assignee={user}",
    "assignee=none",
    "assignee={user}&status=open,in_progress",
    "assignee=none&priority=critical",
)
SORTS = tuple(
    sign + name
    for name in ("created_at", "updated_at", "due_date", "priority", "status", "title")
    for sign in ("", "-")
)
SEARCHES = ("{rare}", "{usual}", "{frequent}", "{rare} {frequent}", "{letter}", "nothing")
ISSUES = ("/api/issues?", "/api/projects/{project}/issues?")

READS = (
    *ISSUES,
    *(scope + given for scope in ISSUES for given in FILTERS),
    *(f"{scope}sort={sort}" for scope in ISSUES for sort in SORTS),
    *(
        f"{ISSUES[0]}{given}&sort={sort}"
        for given in FILTERS
        for sort in ("-updated_at", "title", "due_date", "-status")
    ),
    *(
        f"{ISSUES[1]}{given}&sort={sort}"
        for given in FILTERS
        for sort in ("created_at", "-title", "-due_date", "priority")
    ),
    *(f"{scope}search={search}" for scope in ISSUES for search in SEARCHES),
    *(f"{scope}page=100" for scope in ISSUES),
    "/api/issues?search={usual}&sort=title",
    "/api/issues?search={usual}&status=open",
    "/api/issues?sort=-priority,title",
    "/api/issues?sort=status,-updated_at",
    "/api/issues?project={project}&sort=-updated_at",
    "/api/issues?reporter={user}",
    "/api/issues?reporter={user}&status=open",
    "/api/issues?reporter={user}&sort=-updated_at",
    "/api/issues?reporter={user}&sort=due_date",
    "/api/issues?reporter={user}&assignee={other}",
    "/api/issues?project={project}&assignee={user}",
    "/api/issues/{issue}",
    "/api/issues/{issue}/history?",
    "/api/issues/{issue}/comments?",
    "/api/issues/{issue}/comments?sort=-created_at",
    "/api/comments/{comment}",
    "/api/comments/{comment}/revisions?",
    "/api/projects?",
    "/api/projects?sort=name",
    "/api/projects?search=apollo",
    "/api/users?",
    "/api/users?role=developer&search=dev",
    "/api/audit?",
    "/api/audit?page=100",
    "/api/audit?action=user.role_change",
    "/api/audit?action=auth.refresh",
    "/api/audit?actor={user}",
    "/api/audit?target={user}",
    "/api/audit?actor={user}&action=permission.denied",
    "/api/audit?since=2026-10-01T00:00:00Z",
    "/api/audit?since=2026-10-01T00:00:00Z&until=2026-10-02T00:00:00Z&action=auth.login",
)
"""Paths with their parameters; the names in braces are members of ``Subjects``."""


_TALKED_OVER = """
SELECT id FROM issues WHERE (SELECT count(*) FROM comments WHERE issue_id = issues.id) > 20
ORDER BY created_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class Subjects:
    """What the paths name, taken from the data."""

    user: str
    other: str
    project: str
    issue: str
    comment: str
    rare: str
    usual: str
    frequent: str
    letter: str

    @classmethod
    def choose(cls, owner: psycopg.Connection[TupleRow]) -> "Subjects":
        """The same at every run on the same data; the issue has many comments, and the comment a revision.

        Raises:
            IndexError: the database is not filled.
        """
        user, other, project, issue, comment = (
            str(owner.execute(query).fetchall()[0][0])
            for query in (
                "SELECT id FROM users WHERE username = 'dev1'",
                "SELECT id FROM users WHERE username = 'dev2'",
                "SELECT id FROM projects ORDER BY name LIMIT 1",
                _TALKED_OVER,
                "SELECT comment_id FROM comment_revisions ORDER BY id LIMIT 1",
            )
        )
        words = vocabulary(Random(SEED))
        return cls(user, other, project, issue, comment, words[10_000], words[300], words[0], letter="b")


class _Asked(Exception):
    """Ends a function where it waits for its answer."""


class _Recorder(Connection):
    """A connection that keeps what it is asked, and does not ask it."""

    asked: tuple[Statement, Mapping[str, Any]]

    def __init__(self) -> None:
        """Without a connection."""

    async def one(self, query: Statement, **parameters: Any) -> TupleRow | None:
        self.asked = query, {**parameters, "session_id": None}
        raise _Asked


def read(path: str, subjects: Subjects) -> tuple[Statement, Mapping[str, Any]]:
    """The one statement of a path of ``READS``, and its parameters."""
    place, _, text = path.format(**vars(subjects)).partition("?")
    ids = [UUID(part) for part in place.split("/") if _ID.fullmatch(part)]
    recorder = _Recorder()
    with suppress(_Asked):
        _CALLS[_ID.sub("…", place)](recorder, dict(parse_qsl(text)), *ids).send(None)
    return recorder.asked


_ID = re.compile("[0-9a-f-]{36}")
_CALLER = UUID(int=0)
_CALLS: dict[str, Callable[..., Coroutine[None, None, object]]] = {
    "/api/issues": lambda db, given: issues.page(db, IssueQuery.model_validate(given), _CALLER),
    "/api/projects/…/issues": lambda db, given, project: issues.page(
        db, ProjectIssueQuery.model_validate(given), _CALLER, project
    ),
    "/api/issues/…": lambda db, _, issue: issues.document(db, issue),
    "/api/issues/…/history": lambda db, given, issue: issues.history(db, issue, PageQuery.model_validate(given)),
    "/api/issues/…/comments": lambda db, given, issue: comments.page(db, issue, CommentQuery.model_validate(given)),
    "/api/comments/…": lambda db, _, comment: comments.document(db, comment),
    "/api/comments/…/revisions": lambda db, given, comment: comments.revisions(
        db, comment, PageQuery.model_validate(given)
    ),
    "/api/projects": lambda db, given: projects.page(db, ProjectQuery.model_validate(given)),
    "/api/users": lambda db, given: users.page(db, MemberQuery.model_validate(given)),
    "/api/audit": lambda db, given: events.page(db, AuditQuery.model_validate(given)),
}

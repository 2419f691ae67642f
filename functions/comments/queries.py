"""What is asked of PostgreSQL about comments."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.sql import Executable
from uuid_utils.compat import uuid7

from functions.comments.schemas import CommentQuery
from shared.data.database import Connection
from shared.data.documents import fetch_document, fetch_page, list_page, ordered, user_ref
from shared.data.statements import bindparams, guarded, json_object, rfc3339, statement
from shared.data.tables import comment_revisions, comments, issues, projects, users
from shared.http.paging import PageQuery, SortKeys
from shared.security.permissions import AUTHOR, Standing

_comment, _revision = comments.c, comment_revisions.c
_DOCUMENT = json_object(
    id=_comment.id,
    issue_id=_comment.issue_id,
    author=user_ref(users),
    content=_comment.content,
    content_html=_comment.content_html,
    created_at=rfc3339(_comment.created_at),
    updated_at=rfc3339(_comment.updated_at),
    edited=_comment.updated_at > _comment.created_at,
)
_REVISION = json_object(
    id=_revision.id,
    content=_revision.content,
    content_html=_revision.content_html,
    created_at=rfc3339(_revision.created_at),
)
_JOINED = comments.join(users, users.c.id == _comment.author_id)
_PROJECT_IS_ARCHIVED = (
    select(projects.c.is_archived)
    .join(issues, issues.c.project_id == projects.c.id)
    .where(issues.c.id == bindparam("issue_id"))
)


class IssueRow(NamedTuple):
    """The issue on which somebody comments."""

    project_is_archived: bool

    def relations(self, _user_id: UUID) -> frozenset[Standing]:
        """None that matter here."""
        return frozenset()


class CommentRow(NamedTuple):
    """A comment, locked."""

    id: UUID
    content: str
    author_id: UUID
    project_is_archived: bool
    document: bytes

    def relations(self, user_id: UUID) -> frozenset[Standing]:
        """What a user is to the comment."""
        return frozenset({AUTHOR} if user_id == self.author_id else ())


@guarded
def _document() -> Select[Any]:
    return select(_DOCUMENT).select_from(_JOINED).where(_comment.id == bindparam("id"))


@guarded
def _locked() -> Select[Any]:
    project = projects.join(issues, issues.c.project_id == projects.c.id)
    return (
        select(_comment.id, _comment.content, _comment.author_id, projects.c.is_archived, _DOCUMENT)
        .select_from(_JOINED.join(project, issues.c.id == _comment.issue_id))
        .where(_comment.id == bindparam("id"))
        .with_for_update(of=comments, key_share=True)
    )


@guarded
def _issue() -> Select[Any]:
    return _PROJECT_IS_ARCHIVED


@guarded
def _page(sort: SortKeys) -> Select[Any]:
    found = _comment.issue_id == bindparam("id")
    rows = ordered(
        select(_DOCUMENT).select_from(_JOINED).where(found), sort, {"created_at": _comment.created_at}, _comment.id
    )
    page = list_page(rows, select(comments).where(found))
    return page.where(select(issues.c.id).where(issues.c.id == bindparam("id")).exists())


@guarded
def _revisions() -> Select[Any]:
    found = _revision.comment_id == bindparam("id")
    rows = select(_REVISION).where(found).order_by(_revision.created_at.desc(), _revision.id.desc())
    page = list_page(rows, select(comment_revisions).where(found))
    return page.where(select(_comment.id).where(_comment.id == bindparam("id")).exists())


@statement
def _insert() -> Executable:
    return insert(comments).values(bindparams("id", "issue_id", "author_id", "content", "content_html"))


@statement
def _keep_revision() -> Executable:
    """The text as it stands; it was written when the comment was last updated."""
    current = select(
        bindparam("revision_id"), _comment.id, _comment.content, _comment.content_html, _comment.updated_at
    )
    columns = ["id", "comment_id", "content", "content_html", "created_at"]
    return insert(comment_revisions).from_select(columns, current.where(_comment.id == bindparam("comment_id")))


@statement
def _update() -> Executable:
    changed = update(comments).where(_comment.id == bindparam("comment_id"))
    return changed.values(bindparams("content", "content_html") | {"updated_at": func.clock_timestamp()})


async def document(db: Connection, comment_id: UUID) -> bytes:
    """The comment as it is shown.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _document(), id=comment_id)


async def lock(db: Connection, comment_id: UUID) -> CommentRow | None:
    """The comment, locked against other changes until the transaction ends, or None."""
    return await db.record(CommentRow._make, _locked(), id=comment_id)


async def issue(db: Connection, issue_id: UUID) -> IssueRow | None:
    """The issue, or None. Not locked: a comment that arrives while the project is archived arrived before that."""
    return await db.record(IssueRow._make, _issue(), issue_id=issue_id)


async def page(db: Connection, issue_id: UUID, query: CommentQuery) -> tuple[bytes, int]:
    """One page of an issue's comments as JSON, and how many there are.

    Raises:
        Problem: not_found.
    """
    return await fetch_page(db, _page(query.sort), query, id=issue_id)


async def revisions(db: Connection, comment_id: UUID, query: PageQuery) -> tuple[bytes, int]:
    """One page of a comment's earlier texts, newest first, and how many there are.

    Raises:
        Problem: not_found.
    """
    return await fetch_page(db, _revisions(), query, id=comment_id)


async def add(db: Connection, issue_id: UUID, author_id: UUID, content: str, content_html: str) -> UUID:
    """Insert a comment."""
    comment_id = uuid7()
    parameters = {"id": comment_id, "issue_id": issue_id, "author_id": author_id}
    await db.run(_insert(), **parameters, content=content, content_html=content_html)
    return comment_id


async def change(db: Connection, comment_id: UUID, content: str, content_html: str) -> None:
    """Give a locked comment a new text and keep the old one."""
    await db.run(_keep_revision(), revision_id=uuid7(), comment_id=comment_id)
    await db.run(_update(), comment_id=comment_id, content=content, content_html=content_html)

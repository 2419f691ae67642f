"""What is asked of PostgreSQL about comments."""

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from functions.comments.schemas import CommentQuery
from shared.data.database import Connection
from shared.data.documents import by, fetch_document, fetch_page, list_page, ordered, written
from shared.data.statements import SHAPES, Statement, guarded, json_object, rfc3339, statement, user_ref
from shared.http.paging import PageQuery, SortKeys
from shared.security.permissions import AUTHOR, Standing

_DOCUMENT = json_object(
    id="comments.id",
    issue_id="comments.issue_id",
    author=user_ref("users"),
    content="comments.content",
    content_html="comments.content_html",
    created_at=rfc3339("comments.created_at"),
    updated_at=rfc3339("comments.updated_at"),
    edited="comments.updated_at > comments.created_at",
)
_REVISION = json_object(
    id="comment_revisions.id",
    content="comment_revisions.content",
    content_html="comment_revisions.content_html",
    created_at=rfc3339("comment_revisions.created_at"),
)
_AUTHOR = "JOIN users ON users.id = comments.author_id"
_SORT = {"created_at": by("comments.created_at")}


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


_ONE = guarded(
    "SELECT {document}, {session_ended} FROM comments {author} WHERE comments.id = %(id)s",
    document=_DOCUMENT,
    author=_AUTHOR,
)
_LOCKED = guarded(
    """
    SELECT comments.id, comments.content, comments.author_id, projects.is_archived, {document}, {session_ended}
    FROM comments {author} JOIN issues ON issues.id = comments.issue_id JOIN projects ON projects.id = issues.project_id
    WHERE comments.id = %(id)s
    FOR NO KEY UPDATE OF comments
    """,
    document=_DOCUMENT,
    author=_AUTHOR,
)
_ISSUE = guarded("""
    SELECT projects.is_archived, {session_ended}
    FROM projects JOIN issues ON issues.project_id = projects.id
    WHERE issues.id = %(issue_id)s
""")
_REVISIONS = list_page(
    "comment_revisions",
    _REVISION,
    where=["comment_id = %(id)s"],
    order="comment_revisions.created_at DESC, comment_revisions.id DESC",
    provided="WHERE EXISTS (SELECT FROM comments WHERE id = %(id)s)",
)
_INSERT = written(
    "comments",
    _DOCUMENT,
    """
    INSERT INTO comments (id, issue_id, author_id, content, content_html)
    VALUES (%(id)s, %(issue_id)s, %(author_id)s, %(content)s, %(content_html)s)
    """,
    joins=_AUTHOR,
)
_UPDATE = statement(
    """
    WITH revision AS (
        INSERT INTO comment_revisions (id, comment_id, content, content_html, created_at)
        SELECT %(revision_id)s, id, content, content_html, updated_at FROM comments WHERE id = %(id)s
    ), comments AS (
        UPDATE comments SET content = %(content)s, content_html = %(content_html)s, updated_at = clock_timestamp()
        WHERE id = %(id)s
        RETURNING *
    )
    SELECT {document} FROM comments {author}
    """,
    document=_DOCUMENT,
    author=_AUTHOR,
)
"""The revision is the text as it stood; it was written when the comment was last updated."""


@lru_cache(SHAPES)
def _page(sort: SortKeys) -> Statement:
    return list_page(
        "comments",
        _DOCUMENT,
        where=["issue_id = %(id)s"],
        order=ordered(sort, _SORT, "comments.id"),
        joins=_AUTHOR,
        provided="WHERE EXISTS (SELECT FROM issues WHERE id = %(id)s)",
    )


async def document(db: Connection, comment_id: UUID) -> bytes:
    """The comment as it is shown.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _ONE, id=comment_id)


async def lock(db: Connection, comment_id: UUID) -> CommentRow | None:
    """The comment, locked against other changes until the transaction ends, or None."""
    return await db.record(CommentRow._make, _LOCKED, id=comment_id)


async def issue(db: Connection, issue_id: UUID) -> IssueRow | None:
    """The issue, or None. Not locked: a comment that arrives while the project is archived arrived before that."""
    return await db.record(IssueRow._make, _ISSUE, issue_id=issue_id)


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
    return await fetch_page(db, _REVISIONS, query, id=comment_id)


async def add(db: Connection, issue_id: UUID, author_id: UUID, content: str, content_html: str) -> tuple[UUID, bytes]:
    """Insert a comment; its id, and how it is shown."""
    comment_id = uuid7()
    document: bytes = await db.value(
        _INSERT, id=comment_id, issue_id=issue_id, author_id=author_id, content=content, content_html=content_html
    )
    return comment_id, document


async def change(db: Connection, comment_id: UUID, content: str, content_html: str) -> bytes:
    """Give a locked comment a new text and keep the old one; how it is shown now."""
    document: bytes = await db.value(
        _UPDATE, id=comment_id, revision_id=uuid7(), content=content, content_html=content_html
    )
    return document

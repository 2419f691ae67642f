"""What is asked of PostgreSQL about projects."""

from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from functions.projects.schemas import ProjectQuery
from shared.data.database import Connection
from shared.data.documents import SEARCH, SEARCH_VECTOR, by, fetch_document, fetch_page, list_page, ordered, written
from shared.data.statements import SHAPES, Statement, guarded, json_object, rfc3339, user_ref
from shared.http.paging import SortKeys
from shared.security.permissions import CREATOR, Standing
from shared.text import fold, prefix_query, words

_DOCUMENT = json_object(
    id="projects.id",
    name="projects.name",
    description="projects.description",
    created_by=user_ref("users"),
    created_at=rfc3339("projects.created_at"),
    updated_at=rfc3339("projects.updated_at"),
    is_archived="projects.is_archived",
)
_CREATOR = "JOIN users ON users.id = projects.created_by"
_SORT = {
    "name": by("projects.name_folded"),
    "created_at": by("projects.created_at"),
    "updated_at": by("projects.updated_at"),
}


class ProjectRow(NamedTuple):
    """A project, locked."""

    id: UUID
    name: str
    description: str | None
    is_archived: bool
    created_by: UUID
    document: bytes

    def relations(self, user_id: UUID) -> frozenset[Standing]:
        """What a user is to the project."""
        return frozenset({CREATOR} if user_id == self.created_by else ())


_ONE = guarded(
    "SELECT {document}, {session_ended} FROM projects {creator} WHERE projects.id = %(id)s",
    document=_DOCUMENT,
    creator=_CREATOR,
)
_LOCKED = guarded(
    """
    SELECT projects.id, name, description, is_archived, created_by, {document}, {session_ended}
    FROM projects {creator}
    WHERE projects.id = %(id)s
    FOR NO KEY UPDATE OF projects
    """,
    document=_DOCUMENT,
    creator=_CREATOR,
)
_INSERT = written(
    "projects",
    _DOCUMENT,
    """
    INSERT INTO projects (id, name, name_folded, description, created_by, search)
    VALUES (%(id)s, %(name)s, %(name_folded)s, %(description)s, %(created_by)s, {search})
    """,
    joins=_CREATOR,
    search=SEARCH_VECTOR,
)
_UPDATE = written(
    "projects",
    _DOCUMENT,
    """
    UPDATE projects SET name = %(name)s, name_folded = %(name_folded)s, description = %(description)s,
        is_archived = %(is_archived)s, updated_at = clock_timestamp(), search = {search}
    WHERE id = %(id)s
    """,
    joins=_CREATOR,
    search=SEARCH_VECTOR,
)


@lru_cache(SHAPES)
def _page(sort: SortKeys, *, searching: bool) -> Statement:
    return list_page(
        "projects",
        _DOCUMENT,
        where=["is_archived = %(is_archived)s", *([SEARCH] if searching else [])],
        order=ordered(sort, _SORT, "projects.id"),
        joins=_CREATOR,
    )


async def document(db: Connection, project_id: UUID) -> bytes:
    """The project as it is shown.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _ONE, id=project_id)


async def lock(db: Connection, project_id: UUID) -> ProjectRow | None:
    """The project, locked against other changes until the transaction ends, or None."""
    return await db.record(ProjectRow._make, _LOCKED, id=project_id)


async def page(db: Connection, query: ProjectQuery) -> tuple[bytes, int]:
    """One page of the projects as JSON, and how many there are."""
    search = prefix_query(query.search)
    shape = _page(query.sort, searching=search is not None)
    return await fetch_page(db, shape, query, is_archived=query.is_archived, search=search)


async def add(db: Connection, name: str, description: str | None, created_by: UUID) -> tuple[UUID, bytes]:
    """Insert a project; its id, and how it is shown.

    Raises:
        UniqueViolation: the name is taken.
    """
    project_id = uuid7()
    document: bytes = await db.value(_INSERT, id=project_id, created_by=created_by, **_named(name, description))
    return project_id, document


async def change(db: Connection, project_id: UUID, name: str, description: str | None, *, is_archived: bool) -> bytes:
    """Give a project these values; how it is shown now.

    Raises:
        UniqueViolation: the name is taken.
    """
    document: bytes = await db.value(_UPDATE, id=project_id, is_archived=is_archived, **_named(name, description))
    return document


def _named(name: str, description: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "name_folded": fold(name),
        "description": description,
        "words": words(name, description),
    }

"""What is asked of PostgreSQL about projects."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.sql import Executable
from uuid_utils.compat import uuid7

from functions.projects.schemas import ProjectQuery
from shared.data.database import Connection
from shared.data.documents import fetch_document, fetch_page, list_page, matches, ordered, search_vector, user_ref
from shared.data.statements import guarded, json_object, rfc3339, statement
from shared.data.tables import projects, users
from shared.http.paging import SortKeys
from shared.security.permissions import CREATOR, Standing
from shared.text import fold, prefix_query, words

_project = projects.c
_DOCUMENT = json_object(
    id=_project.id,
    name=_project.name,
    description=_project.description,
    created_by=user_ref(users),
    created_at=rfc3339(_project.created_at),
    updated_at=rfc3339(_project.updated_at),
    is_archived=_project.is_archived,
)
_SORT = {"name": _project.name_folded, "created_at": _project.created_at, "updated_at": _project.updated_at}
_JOINED = projects.join(users, users.c.id == _project.created_by)


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


@guarded
def _document() -> Select[Any]:
    return select(_DOCUMENT).select_from(_JOINED).where(_project.id == bindparam("id"))


@guarded
def _locked() -> Select[Any]:
    columns = (_project.id, _project.name, _project.description, _project.is_archived, _project.created_by, _DOCUMENT)
    found = select(*columns).select_from(_JOINED).where(_project.id == bindparam("id"))
    return found.with_for_update(of=projects, key_share=True)


@guarded
def _page(sort: SortKeys, *, searching: bool) -> Select[Any]:
    filters = [_project.is_archived == bindparam("is_archived")]
    if searching:
        filters.append(matches(_project.search))
    rows = select(_DOCUMENT).select_from(_JOINED).where(*filters)
    return list_page(ordered(rows, sort, _SORT, _project.id), select(projects).where(*filters))


@statement
def _insert() -> Executable:
    return insert(projects).values(
        id=bindparam("id"),
        name=bindparam("name"),
        name_folded=bindparam("name_folded"),
        description=bindparam("description"),
        created_by=bindparam("created_by"),
        search=search_vector(),
    )


@statement
def _update() -> Executable:
    return (
        update(projects)
        .where(_project.id == bindparam("project_id"))
        .values(
            name=bindparam("name"),
            name_folded=bindparam("name_folded"),
            description=bindparam("description"),
            is_archived=bindparam("is_archived"),
            updated_at=func.clock_timestamp(),
            search=search_vector(),
        )
    )


async def document(db: Connection, project_id: UUID) -> bytes:
    """The project as it is shown.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _document(), id=project_id)


async def lock(db: Connection, project_id: UUID) -> ProjectRow | None:
    """The project, locked against other changes until the transaction ends, or None."""
    return await db.record(ProjectRow._make, _locked(), id=project_id)


async def page(db: Connection, query: ProjectQuery) -> tuple[bytes, int]:
    """One page of the projects as JSON, and how many there are."""
    search = prefix_query(query.search)
    shape = _page(query.sort, searching=search is not None)
    return await fetch_page(db, shape, query, is_archived=query.is_archived, search=search)


async def add(db: Connection, name: str, description: str | None, created_by: UUID) -> UUID:
    """Insert a project.

    Raises:
        UniqueViolation: the name is taken.
    """
    project_id = uuid7()
    await db.run(_insert(), id=project_id, created_by=created_by, **_named(name, description))
    return project_id


async def change(db: Connection, project_id: UUID, name: str, description: str | None, *, is_archived: bool) -> None:
    """Give a project these values.

    Raises:
        UniqueViolation: the name is taken.
    """
    await db.run(_update(), project_id=project_id, is_archived=is_archived, **_named(name, description))


def _named(name: str, description: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "name_folded": fold(name),
        "description": description,
        "words": words(name, description),
    }

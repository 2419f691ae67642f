"""What the documents and lists of every function have in common."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from shared.data.database import Connection
from shared.data.statements import Statement, guarded, json_object, json_page
from shared.http.paging import PageQuery, SortKeys
from shared.http.problems import Problem


def user_ref(user: FromClause) -> ColumnElement[Any]:
    """How a user is shown inside other objects."""
    return json_object(id=user.c.id, username=user.c.username)


def ordered(
    rows: Select[Any], sort: SortKeys, columns: Mapping[str, ColumnElement[Any]], tie: ColumnElement[Any]
) -> Select[Any]:
    """Rows by the sort's fields, whose columns are given; missing values last both ways, ties up by ``tie``."""
    keys = []
    for name, descending in sort:
        column = columns[name]
        key = column.desc() if descending else column.asc()
        nullable = getattr(column, "nullable", False)
        keys.append(key.nulls_last() if descending and nullable else key)
    return rows.order_by(*keys, tie)


def list_page(rows: Select[Any], counted: Select[Any]) -> Select[Any]:
    """A page and its total from one statement: the columns ``items`` (a JSON array) and ``total``.

    Args:
        rows: one JSON column, ordered.
        counted: the same rows with nothing but their filters.
    """
    page = rows.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=BigInteger))
    total = (
        counted.with_only_columns(func.count(literal_column("*")), maintain_column_froms=True)
        .order_by(None)
        .scalar_subquery()
    )
    return select(json_page(page).label("items"), total.label("total"))


def matches(search: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the words of a row match the parameter ``search``, made by shared.text.prefix_query."""
    return search.bool_op("@@")(bindparam("search", type_=TSQUERY))


def search_vector() -> ColumnElement[Any]:
    """What is stored of a row's words: the parameter ``words``, made by shared.text.words."""
    return func.array_to_tsvector(bindparam("words", type_=ARRAY(Text)))


async def fetch_page(db: Connection, page: Statement, query: PageQuery, **parameters: Any) -> tuple[bytes, int]:
    """The items of a page as a JSON array, and the total of rows.

    Raises:
        Problem: token_revoked; not_found, where the statement has no row because what the list belongs to is not there.
    """
    items, total = await _found(db, page, limit=query.limit, offset=query.offset, **parameters)
    return items, total


async def fetch_document(db: Connection, document: Statement, **parameters: Any) -> bytes:
    """One object as JSON.

    Raises:
        Problem: not_found, token_revoked.
    """
    found: bytes
    (found,) = await _found(db, document, **parameters)
    return found


async def _found(db: Connection, query: Statement, **parameters: Any) -> TupleRow:
    row = await db.one(query, **parameters)
    if row is None:
        raise Problem("not_found")
    return row


def exists_in(table: Table) -> Callable[[Connection, UUID], Awaitable[bool]]:
    """A question for an endpoint's ``exists``: whether the table has a row of this id."""

    @guarded
    def found() -> Select[Any]:
        return select(table.c.id).where(table.c.id == bindparam("id"))

    async def exists(db: Connection, row_id: UUID) -> bool:
        return await db.one(found(), id=row_id) is not None

    return exists

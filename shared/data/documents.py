"""What the documents and lists of every function have in common."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import TupleRow
from psycopg.sql import Composable

from shared.data.database import Connection
from shared.data.statements import Part, Statement, compose, guarded, statement
from shared.http.paging import PageQuery, SortKeys
from shared.http.problems import Problem

SEARCH: LiteralString = "search @@ %(search)s::tsquery"
"""The rows whose words match the parameter ``search``, made by shared.text.prefix_query."""
SEARCH_VECTOR: LiteralString = "array_to_tsvector(%(words)s::text[])"
"""What is stored of a row's words: the parameter ``words``, made by shared.text.words."""

Columns = Mapping[str, tuple[LiteralString, LiteralString]]
"""What each sort field is in an ORDER BY, upwards and downwards; missing values last both ways."""


def by(column: LiteralString) -> tuple[LiteralString, LiteralString]:
    """Both directions of a column that is never null."""
    return column, f"{column} DESC"


def all_of(conditions: Iterable[LiteralString]) -> LiteralString:
    """Every one of these; without any, every row."""
    return " AND ".join(conditions) or "true"


def ordered(sort: SortKeys, columns: Columns, tie: LiteralString) -> Composable:
    """The ORDER BY of the sort's fields; ties go up by ``tie``."""
    keys: list[LiteralString] = [columns[name][descending] for name, descending in sort]
    return compose(", ".join([*keys, tie]))


def list_page(
    table: LiteralString,
    document: Composable,
    *,
    where: list[LiteralString],
    order: Part,
    joins: LiteralString = "",
    provided: LiteralString = "",
) -> Statement:
    """A page and its total from one statement: a JSON array, and a number.

    The rows of the page are chosen by the table alone; only they are joined with what is shown of them.

    Args:
        table: from which the rows are; ``document``, ``order`` and ``joins`` call it by its name.
        document: a row as it is shown.
        where: what a row must fulfil, written with the table's own columns.
        order: of the table's rows.
        joins: with what else is shown.
        provided: a condition without which there is no page at all, but 404.
    """
    return guarded(
        """
        SELECT coalesce((SELECT json_agg(page.document) FROM (
            SELECT {document} AS document
            FROM (SELECT * FROM {table} WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s) {table}
            {joins}
            ORDER BY {order}
        ) page), '[]'), (SELECT count(*) FROM {table} WHERE {where}), {session_ended}
        {provided}
        """,
        document=document,
        table=table,
        where=compose(all_of(where)),
        order=order,
        joins=joins,
        provided=provided,
    )


def page_of(rows: Part, table: LiteralString, *, first: bool) -> Composable:
    """The rows of a page, of ordered ones, in a plan for every limit; ``first`` where nothing comes before the page.

    PostgreSQL takes a limit that it does not know for a tenth of all rows, and plans to read the whole table; a
    constant one, which is the longest that a client can ask for, tells it better.
    """
    if first:
        bounded = compose("{rows} LIMIT 100", rows=rows)
    else:
        passed = compose("{rows} LIMIT %(limit)s OFFSET %(offset)s", rows=rows)
        bounded = compose("SELECT * FROM ({passed}) {table} LIMIT 100", passed=passed, table=table)
    return compose("SELECT * FROM ({bounded}) {table} LIMIT %(limit)s", bounded=bounded, table=table)


def indexed_page(
    table: LiteralString,
    document: Composable,
    *,
    ids: Part,
    order: Part,
    total: Part,
    joins: LiteralString = "",
    provided: LiteralString = "",
) -> Statement:
    """As ``list_page``, for a large table: its page is found in indexes alone, its total elsewhere (decision 0014).

    Args:
        table: from which the rows are.
        document: a row as it is shown.
        ids: a statement that finds the ids of the page.
        order: of the table's rows.
        total: a statement that counts, as ``n``; ``ids`` may ask the table ``total`` for it.
        joins: with what else is shown.
        provided: a condition without which there is no page at all, but 404.
    """
    return guarded(
        """
        WITH total AS MATERIALIZED ({total})
        SELECT coalesce((SELECT json_agg(page.document) FROM (
            SELECT {document} AS document
            FROM ({ids}) picked JOIN {table} ON {table}.id = picked.id
            {joins}
            ORDER BY {order}
        ) page), '[]'), (SELECT n FROM total), {session_ended}
        {provided}
        """,
        table=table,
        document=document,
        ids=ids,
        order=order,
        total=total,
        joins=joins,
        provided=provided,
    )


def written(
    table: LiteralString, document: Composable, write: LiteralString, *, joins: LiteralString = "", **parts: Part
) -> Statement:
    """A statement that writes a row and gives it back as it is shown; ``joins`` are what else is shown."""
    return statement(
        "WITH {table} AS ({write} RETURNING *) SELECT {document} FROM {table} {joins}",
        table=table,
        document=document,
        write=compose(write, **parts),
        joins=joins,
    )


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


def exists_in(table: LiteralString) -> Callable[[Connection, UUID], Awaitable[bool]]:
    """A question for an endpoint's ``exists``: whether the table has a row of this id."""
    found = guarded("SELECT id, {session_ended} FROM {table} WHERE id = %(id)s", table=table)

    async def exists(db: Connection, row_id: UUID) -> bool:
        return await db.one(found, id=row_id) is not None

    return exists

"""Write rows into a table, where what is there already stays."""

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy import ARRAY, Table, Text, bindparam, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import Executable

from shared.data.statements import statement

Row = dict[str, Any]


def add(connection: psycopg.Connection[TupleRow], table: Table, rows: Iterable[Row]) -> int:
    """Insert rows that all have the same columns; those that break a unique constraint are left out.

    ``search`` is a list of words, as shared.text.words makes it. Returns how many rows were new.

    Raises:
        psycopg.Error: PostgreSQL refuses.
    """
    every = list(rows)
    if not every:
        return 0
    query = _insert(table, tuple(every[0]))
    with connection.cursor() as cursor:
        cursor.executemany(query.text, every)
        return cursor.rowcount


@statement
def _insert(table: Table, columns: tuple[str, ...]) -> Executable:
    values: dict[str, Any] = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    if "search" in columns:
        values["search"] = func.array_to_tsvector(bindparam("search", type_=ARRAY(Text)))
    return insert(table).values(values).on_conflict_do_nothing()

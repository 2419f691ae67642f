"""Write rows into a table, where what is there already stays."""

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composable, Identifier, Placeholder

Row = dict[str, Any]


def add(connection: psycopg.Connection[TupleRow], table: str, rows: Iterable[Row]) -> int:
    """Insert rows that all have the same columns; those that break a unique constraint are left out.

    ``search`` is a list of words, as shared.text.words makes it. Returns how many rows were new.

    Raises:
        psycopg.Error: PostgreSQL refuses.
    """
    every = list(rows)
    if not every:
        return 0
    names = list(every[0])
    query = SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
        Identifier(table), SQL(", ").join(map(Identifier, names)), SQL(", ").join(map(_value, names))
    )
    with connection.cursor() as cursor:
        cursor.executemany(query, every)
        return cursor.rowcount


def _value(column: str) -> Composable:
    value = Placeholder(column)
    return SQL("array_to_tsvector({}::text[])").format(value) if column == "search" else value

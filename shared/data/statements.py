"""SQLAlchemy builds a statement once per shape; psycopg executes the text (decision 0001)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ParamSpec, cast

from sqlalchemy import Boolean, ColumnElement, Select, Text, bindparam, func, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.sql import Executable

from shared.data.tables import sessions

P = ParamSpec("P")

_DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects have no annotations
SHAPES = 1024
"""Compiled statements kept for each query: more shapes than clients use, few enough for memory."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as text for psycopg, with the values that belong to its shape.

    ``guarded``: the last column says whether the caller's session has ended; the connection takes it off and checks it.
    """

    text: bytes
    constants: Mapping[str, Any]
    guarded: bool


_SESSION_ENDED = func.coalesce(
    select(or_(sessions.c.ended_at.is_not(None), sessions.c.user_id.is_(None)))
    .where(sessions.c.id == bindparam("session_id"))
    .scalar_subquery(),
    true(),
    type_=Boolean,
)


def statement(build: Callable[P, Executable]) -> Callable[P, Statement]:
    """Decorator for a function that builds a statement of a shape: it is built and compiled once for each shape."""
    return _compiled(build, guarded=False)


def guarded(build: Callable[P, Select[Any]]) -> Callable[P, Statement]:
    """The same for what a signed-in caller reads: the statement also asks whether the caller's session still lives.

    PostgreSQL is the truth about sessions, and asking it costs no round trip of its own (decision 0004).
    """

    def with_session(*args: P.args, **kwargs: P.kwargs) -> Executable:
        return build(*args, **kwargs).add_columns(_SESSION_ENDED)

    return _compiled(with_session, guarded=True)


def _compiled(build: Callable[P, Executable], *, guarded: bool) -> Callable[P, Statement]:
    def compile_shape(*args: P.args, **kwargs: P.kwargs) -> Statement:
        compiled = build(*args, **kwargs).compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # every Executable in use here has it
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        return Statement(compiled.string.encode(), constants, guarded)

    return cast(Callable[P, Statement], lru_cache(SHAPES)(compile_shape))


def bindparams(*names: str) -> dict[str, Any]:
    """A parameter for each column, of the column's own name."""
    return {name: bindparam(name) for name in names}


def json_object(**members: Any) -> ColumnElement[Any]:
    """A JSON object with these members, made by PostgreSQL."""
    pairs = [part for name, value in members.items() for part in (literal_column(f"'{name}'", Text), value)]
    return func.json_build_object(*pairs)


def json_page(rows: Select[Any]) -> ColumnElement[Any]:
    """The single JSON column of the rows as one array, in their order; ``[]`` for none."""
    page = rows.subquery("page")
    return (
        select(func.coalesce(func.json_agg(page.c[0]), literal_column("'[]'::json")))
        .select_from(page)
        .scalar_subquery()
    )


def rfc3339(time: ColumnElement[Any]) -> ColumnElement[Any]:
    """A time as JSON text in UTC with ``Z`` (RFC 3339), to the microsecond; null stays null."""
    utc = func.timezone(literal_column("'UTC'"), time)
    return func.to_char(utc, literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""", Text))

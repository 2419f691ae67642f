"""Statements: written as SQL, put together from constants by psycopg, their values bound by name (decision 0012)."""

from dataclasses import dataclass
from typing import LiteralString

from psycopg.sql import SQL, Composable, Literal

SHAPES = 1024
"""Statements kept for each list: more filters and sorts than clients use, few enough for memory."""

Part = LiteralString | Composable
"""SQL that the code itself writes; a text from anywhere else is no part of a statement."""

_SESSION_ENDED = SQL("""coalesce((
    SELECT sessions.ended_at IS NOT NULL OR sessions.user_id IS NULL FROM sessions WHERE sessions.id = %(session_id)s
), true)""")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as psycopg executes it.

    ``guarded``: the last column says whether the caller's session has ended; the connection takes it off and checks it.
    """

    text: bytes
    guarded: bool = False


def statement(text: LiteralString, **parts: Part) -> Statement:
    """A statement, with ``{name}`` in its text for each part."""
    return Statement(compose(text, **parts).as_bytes())


def guarded(text: LiteralString, **parts: Part) -> Statement:
    """The same for what a signed-in caller reads; its last column, ``{session_ended}``, asks for the caller's session.

    PostgreSQL is the truth about sessions, and asking it costs no round trip of its own (decision 0004).
    """
    return Statement(compose(text, session_ended=_SESSION_ENDED, **parts).as_bytes(), guarded=True)


def compose(text: LiteralString, **parts: Part) -> Composable:
    """A piece of SQL, with ``{name}`` in its text for each part."""
    return SQL(text).format(**{name: _composable(part) for name, part in parts.items()})


def json_object(**members: Part) -> Composable:
    """A JSON object with these members, made by PostgreSQL."""
    pairs = [SQL("{}, {}").format(Literal(name), _composable(value)) for name, value in members.items()]
    return SQL("json_build_object({})").format(SQL(", ").join(pairs))


def rfc3339(time: LiteralString) -> Composable:
    """A time as JSON text in UTC with ``Z`` (RFC 3339), to the microsecond; null stays null."""
    return compose("""to_char({time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""", time=time)


def user_ref(user: LiteralString) -> Composable:
    """How a user, whose table goes by the name ``user``, is shown inside other objects."""
    return compose("json_build_object('id', {user}.id, 'username', {user}.username)", user=user)


def _composable(part: Part) -> Composable:
    return SQL(part) if isinstance(part, str) else part

"""What is asked of PostgreSQL about sessions and their refresh tokens."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from functions.auth.tokens import new_refresh_token, refresh_token_hash
from shared.data.database import Connection
from shared.data.documents import fetch_page, list_page
from shared.data.statements import guarded, json_object, rfc3339, statement
from shared.http.paging import PageQuery
from shared.observability.redaction import redact
from shared.security.permissions import Standing
from shared.services import Origin
from shared.settings import Settings
from shared.vocabulary import RoleName

_LIVE = "ended_at IS NULL AND expires_at > now()"
_DOCUMENT = json_object(
    id="sessions.id",
    created_at=rfc3339("sessions.created_at"),
    last_used_at=rfc3339("sessions.last_used_at"),
    expires_at=rfc3339("sessions.expires_at"),
    ip="sessions.ip",
    user_agent="sessions.user_agent",
    current="sessions.id = %(current)s",
)


class SessionRow(NamedTuple):
    """A session that lives, locked."""

    id: UUID
    user_id: UUID

    def relations(self, _user_id: UUID) -> frozenset[Standing]:
        """None: whose it is, the handler asks, and answers 404 to anybody else."""
        return frozenset()


class RefreshRow(NamedTuple):
    """A refresh token with its session, both locked."""

    session_id: UUID
    user_id: UUID
    role: RoleName
    started_at: datetime
    expires_at: datetime
    replaced_at: datetime | None
    is_over: bool
    """The session has ended or its user was deleted, who is then null, and so is the role."""
    now: datetime


def token_lifetime(settings: Settings, age: timedelta = timedelta()) -> timedelta:
    """How long the next refresh token of a session of this age may live; not positive at the end of the session."""
    left = timedelta(seconds=settings.session_seconds) - age
    return min(timedelta(seconds=settings.refresh_token_seconds), left)


_INSERT = statement("""
    INSERT INTO sessions (id, user_id, ip, user_agent, expires_at)
    VALUES (%(id)s, %(user_id)s, %(ip)s, %(user_agent)s, now() + %(lifetime)s)
""")
_INSERT_TOKEN = statement("""
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    VALUES (%(token_hash)s, %(session)s, now() + %(lifetime)s)
""")
_LOCK_TOKEN = statement("""
    SELECT sessions.id, user_id, role, sessions.created_at, refresh_tokens.expires_at, replaced_at,
        ended_at IS NOT NULL OR user_id IS NULL, clock_timestamp()
    FROM refresh_tokens JOIN sessions ON sessions.id = session_id LEFT JOIN users ON users.id = user_id
    WHERE token_hash = %(token_hash)s
    FOR UPDATE OF refresh_tokens, sessions
""")
"""Both rows are locked, so that a second use of a token waits here and then sees what the first has done."""
_REPLACE_TOKEN = statement("UPDATE refresh_tokens SET replaced_at = now() WHERE token_hash = %(token_hash)s")
_FORGET_TOKENS = statement("""
    DELETE FROM refresh_tokens WHERE session_id = %(session)s AND expires_at < now() - interval '30 days'
""")
"""Until then a refresh token is known, so that its reuse is still seen as theft."""
_PROLONG = statement("""
    UPDATE sessions SET last_used_at = now(), expires_at = now() + %(lifetime)s WHERE id = %(session)s
""")
_LOCKED = guarded(
    "SELECT id, user_id, {session_ended} FROM sessions WHERE id = %(id)s AND {live} FOR UPDATE", live=_LIVE
)
_PAGE = list_page(
    "sessions",
    _DOCUMENT,
    where=["user_id = %(user_id)s", _LIVE],
    order="sessions.created_at DESC, sessions.id",
)
_END = statement("UPDATE sessions SET ended_at = now() WHERE id = %(session)s AND ended_at IS NULL")
_END_ALL = statement("""
    UPDATE sessions SET ended_at = now() WHERE user_id = %(user_id)s AND ended_at IS NULL RETURNING id
""")


async def start(db: Connection, user_id: UUID, origin: Origin, lifetime: timedelta) -> tuple[UUID, str]:
    """Begin a session; its id and its first refresh token."""
    session_id = uuid7()
    parameters = {"ip": origin.ip, "user_agent": redact(origin.user_agent), "lifetime": lifetime}
    await db.run(_INSERT, id=session_id, user_id=user_id, **parameters)
    return session_id, await _add_token(db, session_id, lifetime)


async def find_token(db: Connection, token: str) -> RefreshRow | None:
    """The token with its session, both locked until commit, or None."""
    return await db.record(RefreshRow._make, _LOCK_TOKEN, token_hash=refresh_token_hash(token))


async def rotate(db: Connection, token: str, session_id: UUID, lifetime: timedelta) -> str:
    """Replace a token that ``find_token`` has locked; the new one."""
    await db.run(_REPLACE_TOKEN, token_hash=refresh_token_hash(token))
    await db.run(_FORGET_TOKENS, session=session_id)
    await db.run(_PROLONG, session=session_id, lifetime=lifetime)
    return await _add_token(db, session_id, lifetime)


async def lock(db: Connection, session_id: UUID) -> SessionRow | None:
    """A session that lives, locked, or None."""
    return await db.record(SessionRow._make, _LOCKED, id=session_id)


async def page(db: Connection, user_id: UUID, current: UUID, query: PageQuery) -> tuple[bytes, int]:
    """One page of a user's sessions that live, newest first, and how many there are."""
    return await fetch_page(db, _PAGE, query, user_id=user_id, current=current)


async def end(db: Connection, session_id: UUID) -> bool:
    """End a session; False where it had ended."""
    return await db.run(_END, session=session_id) > 0


async def end_all(db: Connection, user_id: UUID) -> list[UUID]:
    """End every session of a user; those that ended."""
    return [row[0] for row in await db.all(_END_ALL, user_id=user_id)]


async def _add_token(db: Connection, session_id: UUID, lifetime: timedelta) -> str:
    token = new_refresh_token()
    await db.run(_INSERT_TOKEN, token_hash=refresh_token_hash(token), session=session_id, lifetime=lifetime)
    return token

"""What is asked of PostgreSQL about sessions and their refresh tokens."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Interval, Select, bindparam, delete, func, insert, literal, or_, select, update
from sqlalchemy.sql import Executable
from uuid_utils.compat import uuid7

from functions.auth.tokens import new_refresh_token, refresh_token_hash
from shared.data.database import Connection
from shared.data.documents import fetch_page, list_page
from shared.data.statements import bindparams, guarded, json_object, rfc3339, statement
from shared.data.tables import refresh_tokens, sessions, users
from shared.http.paging import PageQuery
from shared.observability.redaction import redact
from shared.security.permissions import Standing
from shared.services import Origin
from shared.settings import Settings
from shared.vocabulary import RoleName

REMEMBERED = timedelta(days=30)
"""How long a refresh token is known after it expired, so that its reuse is still seen as theft."""

_session, _token = sessions.c, refresh_tokens.c
_LIVE = (_session.ended_at.is_(None), _session.expires_at > func.now())
_DOCUMENT = json_object(
    id=_session.id,
    created_at=rfc3339(_session.created_at),
    last_used_at=rfc3339(_session.last_used_at),
    expires_at=rfc3339(_session.expires_at),
    ip=_session.ip,
    user_agent=_session.user_agent,
    current=_session.id == bindparam("current"),
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


def _expiry() -> Any:
    return func.now() + bindparam("lifetime", type_=Interval)


@statement
def _insert() -> Executable:
    return insert(sessions).values(bindparams("id", "user_id", "ip", "user_agent") | {"expires_at": _expiry()})


@statement
def _insert_token() -> Executable:
    return insert(refresh_tokens).values(
        token_hash=bindparam("token_hash"), session_id=bindparam("session_id"), expires_at=_expiry()
    )


@statement
def _lock_token() -> Executable:
    """Both rows are locked, so that a second use of a token waits here and then sees what the first has done."""
    columns = (
        _session.id,
        _session.user_id,
        users.c.role,
        _session.created_at,
        _token.expires_at,
        _token.replaced_at,
        or_(_session.ended_at.is_not(None), _session.user_id.is_(None)),
        func.clock_timestamp(),
    )
    joined = refresh_tokens.join(sessions, _session.id == _token.session_id)
    joined = joined.outerjoin(users, users.c.id == _session.user_id)
    found = select(*columns).select_from(joined).where(_token.token_hash == bindparam("token_hash"))
    return found.with_for_update(of=[refresh_tokens, sessions])


@statement
def _replace_token() -> Executable:
    return update(refresh_tokens).where(_token.token_hash == bindparam("hash")).values(replaced_at=func.now())


@statement
def _forget_tokens() -> Executable:
    """Tokens whose reuse would tell nothing any more."""
    old = _token.expires_at < func.now() - literal(REMEMBERED)
    return delete(refresh_tokens).where(_token.session_id == bindparam("session_id"), old)


@statement
def _prolong() -> Executable:
    changed = update(sessions).where(_session.id == bindparam("prolonged"))
    return changed.values(last_used_at=func.now(), expires_at=_expiry())


@guarded
def _locked() -> Select[Any]:
    found = select(_session.id, _session.user_id).where(_session.id == bindparam("id"), *_LIVE)
    return found.with_for_update()


@guarded
def _page() -> Select[Any]:
    mine = (_session.user_id == bindparam("user_id"), *_LIVE)
    rows = select(_DOCUMENT).where(*mine).order_by(_session.created_at.desc(), _session.id)
    return list_page(rows, select(sessions).where(*mine))


@statement
def _end() -> Executable:
    ended = update(sessions).where(_session.id == bindparam("session"), _session.ended_at.is_(None))
    return ended.values(ended_at=func.now())


@statement
def _end_all() -> Executable:
    ended = update(sessions).where(_session.user_id == bindparam("owner"), _session.ended_at.is_(None))
    return ended.values(ended_at=func.now()).returning(_session.id)


async def start(db: Connection, user_id: UUID, origin: Origin, lifetime: timedelta) -> tuple[UUID, str]:
    """Begin a session; its id and its first refresh token."""
    session_id = uuid7()
    parameters = {"ip": origin.ip, "user_agent": redact(origin.user_agent), "lifetime": lifetime}
    await db.run(_insert(), id=session_id, user_id=user_id, **parameters)
    return session_id, await _add_token(db, session_id, lifetime)


async def find_token(db: Connection, token: str) -> RefreshRow | None:
    """The token with its session, both locked until commit, or None."""
    return await db.record(RefreshRow._make, _lock_token(), token_hash=refresh_token_hash(token))


async def rotate(db: Connection, token: str, session_id: UUID, lifetime: timedelta) -> str:
    """Replace a token that ``find_token`` has locked; the new one."""
    await db.run(_replace_token(), hash=refresh_token_hash(token))
    await db.run(_forget_tokens(), session_id=session_id)
    await db.run(_prolong(), prolonged=session_id, lifetime=lifetime)
    return await _add_token(db, session_id, lifetime)


async def lock(db: Connection, session_id: UUID) -> SessionRow | None:
    """A session that lives, locked, or None."""
    return await db.record(SessionRow._make, _locked(), id=session_id)


async def page(db: Connection, user_id: UUID, current: UUID, query: PageQuery) -> tuple[bytes, int]:
    """One page of a user's sessions that live, newest first, and how many there are."""
    return await fetch_page(db, _page(), query, user_id=user_id, current=current)


async def end(db: Connection, session_id: UUID) -> bool:
    """End a session; False where it had ended."""
    return await db.run(_end(), session=session_id) > 0


async def end_all(db: Connection, user_id: UUID) -> list[UUID]:
    """End every session of a user; those that ended."""
    return [row[0] for row in await db.all(_end_all(), owner=user_id)]


async def _add_token(db: Connection, session_id: UUID, lifetime: timedelta) -> str:
    token = new_refresh_token()
    await db.run(_insert_token(), token_hash=refresh_token_hash(token), session_id=session_id, lifetime=lifetime)
    return token

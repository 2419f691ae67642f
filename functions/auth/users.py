"""What is asked of PostgreSQL about users."""

from collections.abc import Mapping
from functools import lru_cache
from typing import LiteralString, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from functions.auth.schemas import MemberQuery
from shared.data.database import Connection
from shared.data.documents import SEARCH, SEARCH_VECTOR, by, fetch_document, fetch_page, list_page, ordered
from shared.data.statements import SHAPES, Statement, guarded, json_object, rfc3339, statement
from shared.http.paging import SortKeys
from shared.security.permissions import Standing
from shared.text import fold, prefix_query, words
from shared.vocabulary import RoleName

_DOCUMENT = json_object(
    id="users.id",
    username="users.username",
    email="users.email",
    role="users.role",
    is_active="users.is_active",
    created_at=rfc3339("users.created_at"),
    last_login=rfc3339("users.last_login"),
)
_MEMBER = json_object(id="users.id", username="users.username", role="users.role", is_active="users.is_active")
_SORT = {"username": by("users.username_folded"), "created_at": by("users.created_at")}
_ADMINISTRATION = 0x666C79_01
"""The advisory lock under which users are administrated, one at a time, so that the last admin stays."""


class Account(NamedTuple):
    """What signing in needs of a user."""

    id: UUID
    username: str
    password_hash: str


class UserRow(NamedTuple):
    """A user, locked, under administration."""

    id: UUID
    role: RoleName
    is_active: bool
    document: bytes

    def relations(self, _user_id: UUID) -> frozenset[Standing]:
        """None: administration goes by role."""
        return frozenset()


_CONDITIONS: Mapping[str, LiteralString] = {
    "role": "role = %(role)s",
    "is_active": "is_active = %(is_active)s",
    "search": SEARCH,
}
"""What a row fulfils of each filter."""

_ONE = guarded("SELECT {document}, {session_ended} FROM users WHERE id = %(id)s", document=_DOCUMENT)
_NEW = statement("SELECT {document} FROM users WHERE id = %(id)s", document=_DOCUMENT)
_LOCKED = guarded(
    "SELECT id, role, is_active, {document}, {session_ended} FROM users WHERE id = %(id)s FOR UPDATE",
    document=_DOCUMENT,
)
_SERIALISE = statement("SELECT pg_advisory_xact_lock(%(lock)s)")
_OTHER_ADMINS = statement("SELECT count(*) FROM users WHERE role = 'admin' AND is_active AND id <> %(id)s")
_BY_NAME = statement("""
    SELECT id, username, password_hash FROM users WHERE username_folded = %(name)s OR email_folded = %(name)s
""")
_ACCOUNT = guarded("SELECT id, username, password_hash, {session_ended} FROM users WHERE id = %(id)s")
_INSERT = statement(
    """
    INSERT INTO users (id, username, username_folded, email, email_folded, password_hash, role, search)
    VALUES (
        %(id)s, %(username)s, %(username_folded)s, %(email)s, %(email_folded)s, %(password_hash)s, %(role)s, {search}
    )
    """,
    search=SEARCH_VECTOR,
)
_SIGNED_IN = statement("""
    UPDATE users SET last_login = now()
    WHERE id = %(id)s AND password_hash = %(verified_hash)s AND is_active
    RETURNING role
""")
_SET_PASSWORD = statement("""
    UPDATE users SET password_hash = %(new_hash)s WHERE id = %(id)s AND password_hash = %(old_hash)s
""")
_UPDATE = statement("UPDATE users SET role = %(role)s, is_active = %(is_active)s WHERE id = %(id)s")
_DELETE = statement("DELETE FROM users WHERE id = %(id)s")


@lru_cache(SHAPES)
def _page(filters: tuple[str, ...], sort: SortKeys) -> Statement:
    where = [_CONDITIONS[name] for name in filters]
    return list_page("users", _MEMBER, where=where, order=ordered(sort, _SORT, "users.id"))


async def document(db: Connection, user_id: UUID) -> bytes:
    """The user as the user or an admin sees one.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _ONE, id=user_id)


async def page(db: Connection, query: MemberQuery) -> tuple[bytes, int]:
    """One page of the members as JSON, and how many there are."""
    values = {"role": query.role, "is_active": query.is_active, "search": prefix_query(query.search)}
    given = {name: value for name, value in values.items() if value is not None}
    return await fetch_page(db, _page(tuple(given), query.sort), query, **given)


async def lock(db: Connection, user_id: UUID) -> UserRow | None:
    """A user to administrate, or None. Administration goes on one at a time."""
    await db.run(_SERIALISE, lock=_ADMINISTRATION)
    return await db.record(UserRow._make, _LOCKED, id=user_id)


async def is_last_admin(db: Connection, user: UserRow) -> bool:
    """Whether nobody else is an active admin."""
    return user.role == "admin" and user.is_active and not await db.value(_OTHER_ADMINS, id=user.id)


async def account_by_name(db: Connection, folded: str) -> Account | None:
    """The account that a folded user name or e-mail address signs in to, or None. A name never holds an @."""
    return await db.record(Account._make, _BY_NAME, name=folded)


async def own_account(db: Connection, user_id: UUID) -> Account | None:
    """The account of a signed-in user."""
    return await db.record(Account._make, _ACCOUNT, id=user_id)


async def add(db: Connection, username: str, email: str, password_hash: str, role: RoleName) -> UUID:
    """Insert a user.

    Raises:
        UniqueViolation: the name or the e-mail address is taken.
    """
    user_id = uuid7()
    await db.run(
        _INSERT,
        id=user_id,
        username=username,
        username_folded=fold(username),
        email=email,
        email_folded=fold(email),
        password_hash=password_hash,
        role=role,
        words=words(username),
    )
    return user_id


async def new_document(db: Connection, user_id: UUID) -> bytes:
    """A user who has just registered and has no session yet."""
    return await fetch_document(db, _NEW, id=user_id)


async def signed_in(db: Connection, account: Account) -> RoleName | None:
    """Remember the time of a login and lock the user; the role, or None for who may not sign in.

    Hashing takes its time: a user who was deactivated, deleted or given another password meanwhile does not get in.
    """
    role: RoleName | None = await db.value(_SIGNED_IN, id=account.id, verified_hash=account.password_hash)
    return role


async def set_password(db: Connection, user_id: UUID, old_hash: str, new_hash: str) -> bool:
    """Replace a password hash; False where it is not the old one any more."""
    return await db.run(_SET_PASSWORD, id=user_id, old_hash=old_hash, new_hash=new_hash) > 0


async def change(db: Connection, user_id: UUID, role: RoleName, *, is_active: bool) -> None:
    """Give a user this role and state."""
    await db.run(_UPDATE, id=user_id, role=role, is_active=is_active)


async def remove(db: Connection, user_id: UUID) -> None:
    """Delete a user.

    Raises:
        ForeignKeyViolation, RestrictViolation: the user created a project, reported an issue or wrote a comment.
    """
    await db.run(_DELETE, id=user_id)

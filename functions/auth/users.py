"""What is asked of PostgreSQL about users."""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql import Executable
from uuid_utils.compat import uuid7

from functions.auth.schemas import MemberQuery
from shared.data.database import Connection
from shared.data.documents import fetch_document, fetch_page, list_page, matches, ordered, search_vector
from shared.data.statements import bindparams, guarded, json_object, rfc3339, statement
from shared.data.tables import users
from shared.http.paging import SortKeys
from shared.security.permissions import Standing
from shared.text import fold, prefix_query, words
from shared.vocabulary import RoleName

_user = users.c
_DOCUMENT = json_object(
    id=_user.id,
    username=_user.username,
    email=_user.email,
    role=_user.role,
    is_active=_user.is_active,
    created_at=rfc3339(_user.created_at),
    last_login=rfc3339(_user.last_login),
)
_MEMBER = json_object(id=_user.id, username=_user.username, role=_user.role, is_active=_user.is_active)
_SORT = {"username": _user.username_folded, "created_at": _user.created_at}
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


@dataclass(frozen=True, slots=True)
class Filters:
    """Which filters a list has: the shape of its statement."""

    role: bool
    is_active: bool
    search: bool


@guarded
def _document() -> Select[Any]:
    return select(_DOCUMENT).where(_user.id == bindparam("id"))


@statement
def _new_document() -> Executable:
    return select(_DOCUMENT).where(_user.id == bindparam("id"))


@guarded
def _locked() -> Select[Any]:
    columns = (_user.id, _user.role, _user.is_active, _DOCUMENT)
    return select(*columns).where(_user.id == bindparam("id")).with_for_update()


@statement
def _serialise() -> Executable:
    return select(func.pg_advisory_xact_lock(literal_column(str(_ADMINISTRATION), BigInteger)))


@statement
def _other_admins() -> Executable:
    admins = select(func.count(literal_column("*"))).select_from(users)
    return admins.where(_user.role == literal_column("'admin'"), _user.is_active, _user.id != bindparam("id"))


@guarded
def _page(filters: Filters, sort: SortKeys) -> Select[Any]:
    where = []
    if filters.role:
        where.append(_user.role == bindparam("role"))
    if filters.is_active:
        where.append(_user.is_active == bindparam("is_active"))
    if filters.search:
        where.append(matches(_user.search))
    return list_page(ordered(select(_MEMBER).where(*where), sort, _SORT, _user.id), select(users).where(*where))


@statement
def _by_name() -> Executable:
    name: BindParameter[str] = bindparam("name")
    columns = (_user.id, _user.username, _user.password_hash)
    return select(*columns).where(or_(_user.username_folded == name, _user.email_folded == name))


@guarded
def _account() -> Select[Any]:
    columns = (_user.id, _user.username, _user.password_hash)
    return select(*columns).where(_user.id == bindparam("id"))


@statement
def _insert() -> Executable:
    return insert(users).values(
        bindparams("id", "username", "username_folded", "email", "email_folded", "password_hash", "role")
        | {"search": search_vector()}
    )


@statement
def _signed_in() -> Executable:
    mine = (_user.id == bindparam("user_id"), _user.password_hash == bindparam("verified_hash"), _user.is_active)
    return update(users).where(*mine).values(last_login=func.now()).returning(_user.role)


@statement
def _set_password() -> Executable:
    mine = (_user.id == bindparam("user_id"), _user.password_hash == bindparam("old_hash"))
    return update(users).where(*mine).values(password_hash=bindparam("new_hash"))


@statement
def _update() -> Executable:
    changed = update(users).where(_user.id == bindparam("user_id"))
    return changed.values(role=bindparam("role"), is_active=bindparam("is_active"))


@statement
def _delete() -> Executable:
    return delete(users).where(_user.id == bindparam("id"))


async def document(db: Connection, user_id: UUID) -> bytes:
    """The user as the user or an admin sees one.

    Raises:
        Problem: not_found.
    """
    return await fetch_document(db, _document(), id=user_id)


async def page(db: Connection, query: MemberQuery) -> tuple[bytes, int]:
    """One page of the members as JSON, and how many there are."""
    search = prefix_query(query.search)
    filters = Filters(role=query.role is not None, is_active=query.is_active is not None, search=search is not None)
    shape = _page(filters, query.sort)
    return await fetch_page(db, shape, query, role=query.role, is_active=query.is_active, search=search)


async def lock(db: Connection, user_id: UUID) -> UserRow | None:
    """A user to administrate, or None. Administration goes on one at a time."""
    await db.run(_serialise())
    return await db.record(UserRow._make, _locked(), id=user_id)


async def is_last_admin(db: Connection, user: UserRow) -> bool:
    """Whether nobody else is an active admin."""
    return user.role == "admin" and user.is_active and not await db.value(_other_admins(), id=user.id)


async def account_by_name(db: Connection, folded: str) -> Account | None:
    """The account that a folded user name or e-mail address signs in to, or None. A name never holds an @."""
    return await db.record(Account._make, _by_name(), name=folded)


async def own_account(db: Connection, user_id: UUID) -> Account | None:
    """The account of a signed-in user."""
    return await db.record(Account._make, _account(), id=user_id)


async def add(db: Connection, username: str, email: str, password_hash: str, role: RoleName) -> UUID:
    """Insert a user.

    Raises:
        UniqueViolation: the name or the e-mail address is taken.
    """
    user_id = uuid7()
    await db.run(
        _insert(),
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
    return await fetch_document(db, _new_document(), id=user_id)


async def signed_in(db: Connection, account: Account) -> RoleName | None:
    """Remember the time of a login and lock the user; the role, or None for who may not sign in.

    Hashing takes its time: a user who was deactivated, deleted or given another password meanwhile does not get in.
    """
    role: RoleName | None = await db.value(_signed_in(), user_id=account.id, verified_hash=account.password_hash)
    return role


async def set_password(db: Connection, user_id: UUID, old_hash: str, new_hash: str) -> bool:
    """Replace a password hash; False where it is not the old one any more."""
    return await db.run(_set_password(), user_id=user_id, old_hash=old_hash, new_hash=new_hash) > 0


async def change(db: Connection, user_id: UUID, role: RoleName, *, is_active: bool) -> None:
    """Give a user this role and state."""
    await db.run(_update(), user_id=user_id, role=role, is_active=is_active)


async def remove(db: Connection, user_id: UUID) -> None:
    """Delete a user.

    Raises:
        ForeignKeyViolation, RestrictViolation: the user created a project, reported an issue or wrote a comment.
    """
    await db.run(_delete(), id=user_id)

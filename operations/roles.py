"""The roles that the functions sign in with: members of the groups to which the migrations gave their rights."""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote, urlencode

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from shared.settings import FUNCTION_NAMES, SettingsError, read_url

GROUP = "flycatcher_functions"
"""Has the rights of all functions, for one process that is all of them."""
GROUPS: Mapping[str, str] = {
    "DATABASE_URL": GROUP,
    **{f"{name.upper()}_DATABASE_URL": f"{GROUP}_{name}" for name in FUNCTION_NAMES},
}
"""The group of the role with which each of these variables signs in."""
CONNECT_SECONDS = 5
NAME_BYTES = 63
ATTEMPTS = 10
ACCOUNT = ("user", "password", "dbname")
COLLISIONS = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)
"""What PostgreSQL reports when two instances make or change the same role at the same moment."""


class RoleError(Exception):
    """The functions cannot be let in; the text is one line that says why."""


def read_logins(environ: Mapping[str, str]) -> dict[str, str]:
    """The URLs with which functions sign in, by the groups of their roles: of those variables that are set.

    Raises:
        SettingsError: one is no PostgreSQL URL, or two of them name the same role.
    """
    given = {name: url for name in GROUPS if (url := read_url(environ, name))}
    named: dict[str, str] = {}
    for name, url in given.items():
        login = str(conninfo_to_dict(url).get("user", ""))
        if login in named:
            raise SettingsError(f"{named[login]} and {name} name the same role; each needs one of its own")
        named[login] = name
    return {GROUPS[name]: url for name, url in given.items()}


def ensure_login(
    owner_url: str, functions_url: str | None = None, *, name: str | None = None, group: str = GROUP
) -> str:
    """Make sure that a function can sign in with the rights of ``group``, and return the URL with which it can.

    Its role is the user of ``functions_url``, made with its password if missing. Where that is None the role is
    ``name`` or ``flycatcher_<database>``, with a password that follows from the owner's: every instance finds the same.
    A role of one function's group is a member of no other of ours: what it was before is taken from it.

    Raises:
        RoleError: the server cannot be reached, the owner may not make the role, or it has another function's rights
            by a way that is not ours to close.
    """
    with connect(owner_url) as owner:
        url = functions_url or _derived_url(owner, owner_url, name)
        account = conninfo_to_dict(url)
        login, password = str(account.get("user", "")), str(account.get("password", ""))
        for _ in range(ATTEMPTS):
            refusal = _refusal(url, group)
            if refusal is None:
                return url
            # Another instance may be at the same; then the next look finds the role made.
            with suppress(*COLLISIONS):
                _make_member(owner, login, password, group, reset=functions_url is None)
    raise RoleError(f"the functions' role cannot sign in: {refusal}")


def connect(url: str) -> psycopg.Connection:
    """A connection in autocommit, or one line that says why there is none.

    Raises:
        RoleError: the server cannot be reached or refuses.
    """
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS)
    except psycopg.Error as error:
        raise RoleError(
            f"cannot sign in to PostgreSQL: {first_line(error)}; look whether it runs, and whether the URL is right"
        ) from error


def first_line(error: Exception | None) -> str:
    """PostgreSQL explains at length; its first line says what is wrong."""
    return str(error).strip().splitlines()[0]


def _derived_url(owner: psycopg.Connection, owner_url: str, name: str | None) -> str:
    parameters = {key: value for key, value in conninfo_to_dict(owner_url).items() if key not in ACCOUNT}
    database = owner.info.dbname
    login = name or f"flycatcher_{database}".encode()[:NAME_BYTES].decode(errors="ignore")
    key = owner.info.password.encode()
    password = hmac.digest(key, login.encode(), "sha256").hex() if key else ""
    account = f"{quote(login, safe='')}:{password}".rstrip(":")
    return f"postgresql://{account}@/{quote(database, safe='')}?{urlencode(parameters, quote_via=quote, safe='')}"


def _refusal(url: str, group: str) -> str | None:
    """Why a function cannot work with this URL, or is not to, or None where it can."""
    try:
        with connect(url) as connection:
            held = connection.execute(_HELD, [list(GROUPS.values())]).fetchall()
            if (group, True) not in held:
                return f"{connection.info.user} is not a member of {group}"
            others = sorted(other for other, _ in held if group not in (other, GROUP))
            return f"{connection.info.user} is a member of {', '.join(others)}, too" if others else None
    except (RoleError, psycopg.Error) as error:
        return first_line(error)


_HELD = """
    SELECT rolname, pg_has_role(oid, 'USAGE') FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(oid, 'MEMBER')
"""
_MEMBERSHIPS = """
    SELECT rolname FROM pg_roles JOIN pg_auth_members ON roleid = pg_roles.oid
    WHERE rolname = ANY(%s) AND member = to_regrole(quote_ident(%s))
"""


def _make_member(owner: psycopg.Connection, login: str, password: str, group: str, *, reset: bool) -> None:
    """Make the role if missing, else set its password where ``reset`` says that it is ours; then give it its rights."""
    try:
        with owner.transaction():
            found = owner.execute("SELECT FROM pg_roles WHERE rolname = %s", [login]).rowcount
            if not found or reset:
                statement = sql.SQL("{verb} ROLE {login} LOGIN PASSWORD {password}").format(
                    verb=sql.SQL("ALTER" if found else "CREATE"),
                    login=sql.Identifier(login),
                    password=sql.Literal(_verifier(owner, login, password)),
                )
                owner.execute(statement)
            owner.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(login)))
            if group != GROUP:
                _leave_others(owner, login, group)
    except errors.InsufficientPrivilege as error:
        raise RoleError(f"{owner.info.user} cannot make the role {login}: {first_line(error)}") from error


def _leave_others(owner: psycopg.Connection, login: str, group: str) -> None:
    for (other,) in owner.execute(_MEMBERSHIPS, [list(GROUPS.values()), login]).fetchall():
        if other != group:
            owner.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(other), sql.Identifier(login)))


def _verifier(owner: psycopg.Connection, login: str, password: str) -> str | None:
    """What the server keeps of a password. Made here, so that no log of statements ever holds the password."""
    if not password:
        return None
    return owner.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()

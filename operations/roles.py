"""The role that the functions sign in with: a member of the group to which the migrations gave their rights."""

import hmac
from contextlib import suppress
from urllib.parse import quote, urlencode

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

GROUP = "flycatcher_functions"
CONNECT_SECONDS = 5
NAME_BYTES = 63
ATTEMPTS = 10
ACCOUNT = ("user", "password", "dbname")
COLLISIONS = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)
"""What PostgreSQL reports when two instances make or change the same role at the same moment."""


class RoleError(Exception):
    """The functions cannot be let in; the text is one line that says why."""


def ensure_login(owner_url: str, functions_url: str | None = None, *, name: str | None = None) -> str:
    """Make sure that the functions can sign in with their rights, and return the URL with which they can.

    Their role is the user of ``functions_url``, made with its password if missing. Where that is None the role is
    ``name`` or ``flycatcher_<database>``, with a password that follows from the owner's: every instance finds the same.

    Raises:
        RoleError: the server cannot be reached, or the owner may not make the role.
    """
    with connect(owner_url) as owner:
        url = functions_url or _derived_url(owner, owner_url, name)
        account = conninfo_to_dict(url)
        login, password = str(account.get("user", "")), str(account.get("password", ""))
        for _ in range(ATTEMPTS):
            refusal = _refusal(url)
            if refusal is None:
                return url
            # Another instance may be at the same; then the next look finds the role made.
            with suppress(*COLLISIONS):
                _make_member(owner, login, password, reset=functions_url is None)
    raise RoleError(f"the functions' role cannot sign in: {refusal}")


def connect(url: str) -> psycopg.Connection:
    """A connection in autocommit, or one line that says why there is none.

    Raises:
        RoleError: the server cannot be reached or refuses.
    """
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS)
    except psycopg.Error as error:
        raise RoleError(f"cannot sign in to PostgreSQL: {first_line(error)}") from error


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


def _refusal(url: str) -> str | None:
    """Why the functions cannot work with this URL, or None where they can."""
    try:
        with connect(url) as connection:
            member = connection.execute("SELECT pg_has_role(%s, 'USAGE')", [GROUP]).fetchone()
            return None if member and member[0] else f"{connection.info.user} is not a member of {GROUP}"
    except (RoleError, psycopg.Error) as error:
        return first_line(error)


def _make_member(owner: psycopg.Connection, login: str, password: str, *, reset: bool) -> None:
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
            owner.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(GROUP), sql.Identifier(login)))
    except errors.InsufficientPrivilege as error:
        raise RoleError(f"{owner.info.user} cannot make the role {login}: {first_line(error)}") from error


def _verifier(owner: psycopg.Connection, login: str, password: str) -> str | None:
    """What the server keeps of a password. Made here, so that no log of statements ever holds the password."""
    if not password:
        return None
    return owner.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()

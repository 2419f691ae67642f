"""The database that ``make run`` serves: migrated, filled with the demo when empty, opened to the functions."""

import psycopg

from local.errors import StartError
from local.progress import say
from operations.console import advise
from operations.migrate import is_current, migrate
from operations.progress import Bar
from operations.roles import RoleError, connect, ensure_login, first_line


def prepare_database(
    owner_url: str, seed_password: str, *, functions_url: str | None = None, login: str | None = None
) -> str:
    """Bring the database of ``owner_url`` to where the functions can work on it, and return the URL for them.

    ``functions_url`` or ``login`` name the role that they sign in with, as for ``ensure_login``.

    Raises:
        StartError: PostgreSQL cannot be reached or refuses.
    """
    try:
        connect(owner_url).close()
        if not is_current(owner_url):
            say("  migrating the database")
            _migrate(owner_url)
        url = ensure_login(owner_url, functions_url, name=login)
        _seed_if_empty(owner_url, seed_password)
        return url
    except RoleError as error:
        raise StartError(str(error)) from error
    except psycopg.Error as error:
        raise StartError(f"PostgreSQL refuses: {first_line(error)}") from error


def _migrate(owner_url: str) -> None:
    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError

    try:
        with Bar() as bar:
            migrate(owner_url, progress=bar)
    except (CommandError, DBAPIError, RuntimeError) as error:
        line = advise(first_line(getattr(error, "orig", error)))
        raise StartError(f"cannot migrate the database: {line}") from error


def _seed_if_empty(owner_url: str, password: str) -> None:
    from operations.seed import is_empty, seed

    if is_empty(owner_url):
        with Bar() as bar:
            seed(owner_url, password, bar)

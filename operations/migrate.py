"""Bring a database to a revision of the schema: ``python -m operations migrate``."""

import argparse
import os
import sys
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from operations.console import finish, owner_url
from operations.progress import Bar, Progress
from operations.roles import RoleError, ensure_login, read_logins
from operations.waiting import add_wait, wait_for_postgres

if TYPE_CHECKING:
    from alembic.config import Config

ROOT = Path(__file__).resolve().parent.parent


def newest_revision() -> str:
    """The revision to which the files lead. Read from their names: importing Alembic takes longer than all the rest."""
    return _revisions()[-1]


def _revisions() -> list[str]:
    return sorted(path.name.split("_")[3] for path in (ROOT / "migrations" / "versions").glob("*_*.py"))


def is_current(owner_url: str) -> bool:
    """Whether the database is at the newest revision.

    Raises:
        psycopg.Error: it cannot be asked.
    """
    return revision_of(owner_url) == newest_revision()


def migrate(owner_url: str, revision: str = "head", progress: Progress | None = None) -> bool:
    """Apply the migrations up or down to ``revision``: a number such as 0001, ``head`` or ``base``.

    False if none was due. A migration by someone else at the same moment is waited for.

    Raises:
        alembic.util.CommandError: there is no such revision, or the database is at one that is not known here.
        sqlalchemy.exc.DBAPIError, psycopg.Error: PostgreSQL cannot be reached or refuses.
        RuntimeError: the database's encoding is not UTF8.
    """
    from alembic import command

    applied = 0
    present = revision_of(owner_url) or ""
    due = _distance(present, revision)

    def report(**_: object) -> None:
        nonlocal applied
        applied += 1
        if progress:
            progress("applying migrations", applied, max(applied, due))

    config = configuration(owner_url)
    config.attributes["on_version_apply"] = report
    goes_down = revision == "base" or (revision != "head" and revision < present)
    (command.downgrade if goes_down else command.upgrade)(config, revision)
    return applied > 0


def _distance(present: str, revision: str) -> int:
    """How many migrations lie between two revisions, as far as their numbers tell."""
    known = _revisions()
    goal = {"head": len(known), "base": 0}.get(revision, bisect_right(known, revision))
    return abs(goal - bisect_right(known, present))


def configuration(owner_url: str) -> "Config":
    """Alembic's configuration for a database, for what ``migrate`` does not do."""
    from alembic.config import Config

    # Alembic's own default is the stream of the moment in which it was imported.
    config = Config(ROOT / "alembic.ini", stdout=sys.stdout)
    config.attributes["owner_url"] = owner_url
    return config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Apply the migrations to the database of DATABASE_OWNER_URL. At head, see that the functions can sign in: the "
        "roles of AUTH_DATABASE_URL, PROJECTS_DATABASE_URL, ISSUES_DATABASE_URL and COMMENTS_DATABASE_URL each with "
        "the rights of its function and no others, the role of DATABASE_URL with the rights of all; of those that are "
        "given, each is made if it is missing. Each name with _FILE behind it gives the path of a file instead."
    )
    parser.add_argument("--to", metavar="REVISION", default="head", help="a number, head (the default) or base")
    add_wait(parser, "a PostgreSQL that does not answer yet")


def run(args: argparse.Namespace) -> int:
    """The command: 0 when done, 1 when PostgreSQL or a migration fails, 2 when the configuration is wrong."""
    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError

    def work() -> str:
        url, logins = owner_url(), read_logins(os.environ)
        wait_for_postgres(url, args.wait)
        with Bar(sys.stderr, lines=False) as bar:
            applied = migrate(url, args.to, bar)
        # Before the head there may be no group yet, and whoever goes back has let the functions in before.
        if args.to == "head":
            for group, login in logins.items():
                ensure_login(url, login, group=group)
        return f"migrated: the database is at {args.to}" if applied else "nothing to migrate"

    return finish("migrate", work, CommandError, DBAPIError, RoleError, RuntimeError)


def revision_of(owner_url: str) -> str | None:
    """The revision of a database; None where it is at none.

    Raises:
        psycopg.Error: it cannot be asked.
    """
    with psycopg.connect(owner_url) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None

"""Write the demo into a database: ``python -m operations seed``. What is there already stays as it is."""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from operations.accounts import Account, user_row, weaknesses
from operations.console import finish, owner_url
from operations.migrate import revision_of
from operations.progress import Bar, Progress
from operations.rows import Row, add
from operations.seed_demo import Demo, build
from operations.seed_rows import UserRef, issue_rows, project_row
from operations.waiting import add_wait, answers, wait_until
from shared.data.schema import lacking
from shared.settings import SettingsError, read_variable
from shared.text import fold


class OutdatedError(Exception):
    """The schema is older than what is to be written; the text is one line that says so."""


def is_empty(owner_url: str) -> bool:
    """Whether the database, migrated, has no users yet.

    Raises:
        psycopg.Error: it cannot be asked.
    """
    with psycopg.connect(owner_url) as connection:
        return connection.execute("SELECT FROM users LIMIT 1").rowcount == 0


def seed(owner_url: str, password: str, progress: Progress | None = None) -> bool:
    """Add what is missing of the demo, in one transaction; False if nothing was.

    A user name, an e-mail or a project name that is taken is used as it is: no password or role of anyone changes.

    Raises:
        psycopg.Error: PostgreSQL cannot be reached or refuses; nothing was written.
    """
    report = progress or (lambda _step, _done, _total: None)
    demo = build()
    with psycopg.connect(owner_url) as connection:
        there = _users_by_name(connection, demo)
        new = [user for user in demo.users if user.username not in there]
        added = add(connection, "users", _user_rows(new, password, report))
        people = _users_by_name(connection, demo)
        added += add(connection, "projects", (project_row(project, people) for project in demo.projects))
        places = _projects_by_name(connection, demo)
        for number, (table, rows) in enumerate(issue_rows(demo.issues, people, places), start=1):
            added += add(connection, table, rows)
            report("writing the demo", number, 4)
    return added > 0


def check_seed_password(password: str) -> None:
    """Judge the password of the demo's accounts by the rules of registration.

    Raises:
        SettingsError: an account could not have it; the text is one line that says why.
    """
    try:
        password.encode()
    except UnicodeEncodeError:
        raise SettingsError("SEED_PASSWORD must be in UTF-8") from None
    for user in build().users:
        if weak := weaknesses(password, user.username):
            raise SettingsError(f"SEED_PASSWORD: {'; '.join(weak)}")


def _user_rows(new: list[Account], password: str, report: Progress) -> Iterator[Row]:
    """Rows with a salt each. Threads help, because Argon2 lets go of the interpreter's lock."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, row in enumerate(pool.map(lambda account: user_row(account, password), new), start=1):
            report("hashing passwords", number, len(new))
            yield row


_SELECT_USERS = """
    SELECT id, username, username_folded, email_folded FROM users
    WHERE username_folded = ANY(%(names)s) OR email_folded = ANY(%(emails)s)
"""
_SELECT_PROJECTS = "SELECT id, name_folded FROM projects WHERE name_folded = ANY(%(names)s) OR id = ANY(%(ids)s)"


def _users_by_name(connection: psycopg.Connection[TupleRow], demo: Demo) -> dict[str, UserRef]:
    """The users of the demo that the database has, by their names in the demo: found by name, else by e-mail."""
    keys = {"names": [user.username for user in demo.users], "emails": [user.email for user in demo.users]}
    found = connection.execute(_SELECT_USERS, keys).fetchall()
    by_name = {name: UserRef(user_id, username) for user_id, username, name, _ in found}
    by_email = {email: UserRef(user_id, username) for user_id, username, _, email in found}
    matched = ((user.username, by_name.get(user.username) or by_email.get(user.email)) for user in demo.users)
    return {name: row for name, row in matched if row}


def _projects_by_name(connection: psycopg.Connection[TupleRow], demo: Demo) -> dict[str, UUID]:
    """The ids of the projects by their names in the demo: the demo's own, renamed or not, else the one of that name."""
    keys = {"names": [fold(p.text.name) for p in demo.projects], "ids": [p.id for p in demo.projects]}
    found = connection.execute(_SELECT_PROJECTS, keys).fetchall()
    ids, by_name = {row[0] for row in found}, {name: project_id for project_id, name in found}
    return {p.text.name: p.id if p.id in ids else by_name[fold(p.text.name)] for p in demo.projects}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Add the demo (50 users, 10 projects, 500 issues, 1,500 comments) to the database of DATABASE_OWNER_URL; "
        "SEED_PASSWORD is the password of the accounts. What is there already stays as it is."
    )
    add_wait(parser, "a PostgreSQL that does not answer yet, and for the schema to be migrated")


def run(args: argparse.Namespace) -> int:
    """The command: 0 when done, 1 when PostgreSQL fails, 2 when the configuration or the password is wrong."""

    def work() -> str:
        url, password = owner_url(), read_variable(os.environ, "SEED_PASSWORD", str)
        if password is None:
            raise SettingsError("SEED_PASSWORD is missing: set it to the password that the demo's accounts shall have")
        check_seed_password(password)
        _wait(url, args.wait)
        with Bar(sys.stderr, lines=False) as bar:
            return "the demo is written" if seed(url, password, bar) else "nothing to add"

    return finish("seed", work, OutdatedError)


def _wait(url: str, seconds: float) -> None:
    """Wait for PostgreSQL and for its schema.

    Raises:
        OutdatedError: the schema is too old even then.
        psycopg.Error: PostgreSQL cannot be asked.
    """
    wait_until(lambda: answers(url) and lacking(revision_of(url)) is None, seconds)
    if lack := lacking(revision_of(url)):
        raise OutdatedError(f"{lack} (python -m operations migrate)")

"""What the commands share: where the database is, and how they end."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg

from shared.settings import SettingsError, read_url

NEXT = {
    "failed to resolve host": "; look whether DATABASE_OWNER_URL is right",
    "connection ": "; look whether PostgreSQL runs there, and whether DATABASE_OWNER_URL is right",
    "Can't locate revision": "; migrations/versions has what there is, and a database that is newer needs newer code",
}
"""What to do next, by the words with which PostgreSQL's driver and Alembic begin."""


def owner_url() -> str:
    """The URL of ``DATABASE_OWNER_URL``.

    Raises:
        SettingsError: it is missing or no PostgreSQL URL.
    """
    url = read_url(os.environ, "DATABASE_OWNER_URL")
    if url is None:
        raise SettingsError(
            "DATABASE_OWNER_URL is missing: give the owner's URL, postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        )
    return url


def finish(command: str, work: Callable[[], str], *failures: type[Exception]) -> int:
    """Do the work and print the line that it returns, or say on stderr why not, in one line for each thing wrong.

    Returns the exit code: 0 when done, 1 when PostgreSQL fails or one of ``failures`` is raised, 2 when what was given
    to the command is wrong (SettingsError, a line each).
    """
    expected: tuple[type[Exception], ...] = (psycopg.Error, *failures)
    try:
        print(work())
    except SettingsError as error:
        return max(fail(command, line, 2) for line in str(error).splitlines())
    except psycopg.errors.UndefinedTable:
        return fail(command, "the database is not migrated; do that first: python -m operations migrate", 1)
    except expected as error:
        if isinstance(error, OSError) and error.filename:
            return fail(command, f"cannot use {error.filename}: {error.strerror}; name what can be used", 1)
        return fail(command, getattr(error, "orig", error), 1)
    return 0


def write(command: str, text: str, output: Path | None) -> int:
    """Write what a command makes to a file, or to standard output; 0, or 1 where the file cannot be written."""
    if output is None:
        sys.stdout.write(text)
        return 0
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        return fail(command, f"cannot write {output}: {error.strerror}", 1)
    return 0


def fail(command: str, problem: object, code: int) -> int:
    """Print the first line of the problem on stderr, with what to do about it, and return the exit code."""
    print(f"{command}: {advise((str(problem) or type(problem).__name__).splitlines()[0])}", file=sys.stderr)
    return code


def advise(line: str) -> str:
    """The line, with what to do next where we know that."""
    return line + next((told for begin, told in NEXT.items() if line.startswith(begin)), "")

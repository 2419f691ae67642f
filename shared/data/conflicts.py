"""Constraints that clients can run into, told as answers.

Nothing is looked up before it is tried: that would be a race.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import ForeignKeyViolation, RestrictViolation, UniqueViolation

from shared.http.problems import Problem


@contextmanager
def unique(detail: str) -> Iterator[None]:
    """A taken name is 409 ``already_exists``."""
    try:
        yield
    except UniqueViolation:
        raise Problem("already_exists", detail) from None


@contextmanager
def referenced(problem: Problem, constraint: str | None = None) -> Iterator[None]:
    """A row that others refer to, or one that is not there to be referred to, is this problem.

    Of a statement that writes several references, ``constraint`` names the one that is meant.
    """
    try:
        yield
    except (ForeignKeyViolation, RestrictViolation) as error:  # PostgreSQL 18 tells the two apart
        if constraint not in (None, error.diag.constraint_name):
            raise
        raise problem from None

"""Whether the schema of the database is new enough for this code; a newer one is, after a step back of the code."""

from psycopg import errors

from shared.data.database import Database
from shared.data.statements import statement
from shared.http.problems import Problem

REVISION = "0005"
"""The oldest revision of the schema with which this code works."""
_SCHEMA = statement("SELECT min(version_num) FROM alembic_version")


async def check_schema(database: Database) -> None:
    """Ask PostgreSQL for the revision of the schema, by which it also shows that it answers.

    Raises:
        Problem: service_unavailable: the schema is older than ``REVISION``, or at none, or may not be asked for it.
        UNAVAILABLE: PostgreSQL does not answer.
    """
    try:
        found = await database.probe(_SCHEMA)
    except errors.UndefinedTable:
        lack = lacking(None)
    except errors.InsufficientPrivilege:
        # The groups of the functions may read it from 0005 on.
        lack = f"The revision of the schema cannot be read, and this version needs {REVISION}: migrate first"
    else:
        lack = lacking(found[0]) if found else None
    if lack:
        raise Problem("service_unavailable", f"{lack}.")


def lacking(revision: str | None) -> str | None:
    """What is told where a schema at this revision, or at none, is too old; None where it is not."""
    if revision is None:
        return f"The database is not migrated, and this version needs {REVISION}: migrate first"
    if revision < REVISION:
        return f"The schema is at {revision}, and this version needs {REVISION}: migrate first"
    return None

"""``make migrations``: check on a database of its own that the migrations lead to the tables of the code, and back."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from local.errors import StartError
from local.postgres import start_postgres
from operations.migrate import configuration, migrate
from shared.usage import take_no_arguments


@contextmanager
def empty_server() -> Iterator[str]:
    """The owner's URL of a PostgreSQL that holds nothing: that of ``TEST_POSTGRES_URL``, or an embedded one.

    Raises:
        StartError: the embedded one cannot start.
    """
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="flycatcher-") as directory:
        postgres = start_postgres(Path(directory) / "postgres", durable=False)
        try:
            yield postgres.owner_url
        finally:
            postgres.stop()


def main() -> int:
    """Go up, compare, go down to nothing and up again, and down: 0 when all agrees, 1 when not."""
    try:
        with empty_server() as owner_url:
            migrate(owner_url)
            command.check(configuration(owner_url))
            migrate(owner_url, "base")
            migrate(owner_url)
            migrate(owner_url, "base")
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    except (CommandError, DBAPIError) as error:
        print(f"migrations: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    take_no_arguments("python -m local.drift", "Check that the migrations lead to the tables of the code, and back.")
    sys.exit(main())

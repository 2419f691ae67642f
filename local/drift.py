"""``make migrations``: check on a database of its own that the migrations lead to the tables of the code, and back."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from local.errors import StartError
from local.postgres import start_postgres
from operations.migrate import configuration, migrate


def main() -> int:
    """Go up, compare, go down to nothing and up again: 0 when all agrees, 1 when not."""
    with tempfile.TemporaryDirectory(prefix="flycatcher-") as directory:
        try:
            postgres = start_postgres(Path(directory) / "postgres", durable=False)
        except StartError as error:
            print(error, file=sys.stderr)
            return 1
        try:
            migrate(postgres.owner_url)
            command.check(configuration(postgres.owner_url))
            migrate(postgres.owner_url, "base")
            migrate(postgres.owner_url)
        except (CommandError, DBAPIError) as error:
            print(f"migrations: {error}", file=sys.stderr)
            return 1
        finally:
            postgres.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

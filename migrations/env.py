"""How migrations run: as the owner, one at a time, each in a transaction of its own, none waiting long for a lock."""

import psycopg
from alembic import context
from psycopg.rows import TupleRow
from sqlalchemy import Connection, NullPool, create_engine, text

from migrations.tables import metadata
from operations.console import owner_url

ADVISORY_LOCK = 0x666C7963617463
"""``flycatc`` in ASCII: one migration at a time in a database."""


def prepare(connection: Connection) -> None:
    """Wait for another migration without limit, then set the limits that keep the running service from waiting for us.

    The lock belongs to the session, as each migration commits; it ends with the connection.
    """
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": ADVISORY_LOCK})
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.execute(text("SET statement_timeout = '60s'"))
    connection.commit()


def connect(url: str) -> psycopg.Connection[TupleRow]:
    """A connection for SQLAlchemy; psycopg reads the URL, as elsewhere.

    Raises:
        RuntimeError: the database would count bytes where the contract counts code points.
    """
    connection = psycopg.connect(url)
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise RuntimeError(f"the database must have the encoding UTF8, not {encoding}")
    return connection


def run() -> None:
    """Do what ``operations.migrate`` or the ``alembic`` command asks for."""
    url = context.config.attributes.get("owner_url") or owner_url()
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url), poolclass=NullPool)
    with engine.connect() as connection:
        prepare(connection)
        context.configure(
            connection=connection,
            target_metadata=metadata,
            compare_type=True,
            compare_server_default=True,
            transaction_per_migration=True,
            on_version_apply=context.config.attributes.get("on_version_apply"),
        )
        with context.begin_transaction():
            context.run_migrations()


run()

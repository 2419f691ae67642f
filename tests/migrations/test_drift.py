"""The migrations lead to the tables of the code and back to nothing."""

import psycopg
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine

from migrations.tables import metadata
from operations.migrate import configuration, is_current, migrate, newest_revision
from tests.migrations import catalog


def test_migrations_and_tables_of_the_code_agree(empty_database: str) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(empty_database), poolclass=NullPool)
    metadata.create_all(engine)
    by_code = catalog.read(empty_database)
    metadata.drop_all(engine)
    migrate(empty_database)
    by_migrations = catalog.read(empty_database)
    for part in ("columns", "constraints", "indexes", "enums", "others"):
        assert by_migrations[part] == by_code[part], part
    assert {row[0] for row in by_code["columns"]} == set(metadata.tables)


def test_alembic_finds_nothing_to_generate(empty_database: str) -> None:
    migrate(empty_database)
    command.check(configuration(empty_database))


def test_down_leaves_nothing_and_up_works_again(empty_database: str) -> None:
    before = catalog.read(empty_database)
    assert migrate(empty_database)
    first = catalog.read(empty_database)
    assert migrate(empty_database, "base")
    assert catalog.read(empty_database) == before
    assert migrate(empty_database)
    assert catalog.read(empty_database) == first != before


def test_every_revision_is_a_step_of_its_own(empty_database: str) -> None:
    script = ScriptDirectory.from_config(configuration(empty_database))
    revisions = [revision.revision for revision in reversed(list(script.walk_revisions()))]
    for revision in (*revisions, *reversed(revisions[:-1])):
        assert migrate(empty_database, revision)
        assert not migrate(empty_database, revision)
        assert is_current(empty_database) == (revision == revisions[-1])
    assert newest_revision() == script.get_current_head()

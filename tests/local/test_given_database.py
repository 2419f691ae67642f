"""A database that ``make run`` is given: migrated, opened to the functions, and one line where that cannot be."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from local.__main__ import start_database
from local.database import prepare_database
from local.errors import StartError
from operations.migrate import is_current, migrate
from tests.conftest import database_url
from tests.local.conftest import drop_role

PASSWORD = "Kingfisher-7-blue"


@pytest.fixture
def used(empty_database: str) -> str:
    """The owner's URL of a database of the first revision that is not empty: it will be migrated and not seeded."""
    migrate(empty_database)
    with psycopg.connect(empty_database) as owner:
        owner.execute(
            "INSERT INTO users (id, username, username_folded, email, email_folded, password_hash, search)"
            "VALUES (gen_random_uuid(), 'ada', 'ada', 'ada@example.com', 'ada@example.com', '', '')"
        )
    migrate(empty_database, "0001")
    assert not is_current(empty_database)
    return empty_database


@pytest.fixture
def derived(used: str, cluster_url: str) -> Iterator[str]:
    """The name of the role that is made for this database where none is given."""
    name = f"flycatcher_{conninfo_to_dict(used)['dbname']}"
    yield name
    drop_role(cluster_url, name)


def _start(directory: Path, **environ: str) -> str:
    with ExitStack() as resources:
        url = start_database(environ, directory, PASSWORD, resources)
    assert not directory.exists()
    return url


def _user(url: str) -> str:
    """Who this URL signs in as: somebody who can work with the tables and make none."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT username FROM users")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")
        return connection.info.user


@pytest.mark.parametrize("name", ["DATABASE_OWNER_URL", "DATABASE_URL"])
def test_one_url_is_the_owners_and_the_functions_get_a_role_of_their_own(
    directory: Path, used: str, derived: str, name: str
) -> None:
    assert _user(_start(directory, **{name: used})) == derived
    assert is_current(used)
    with psycopg.connect(used) as owner:
        assert owner.execute("SELECT count(*) FROM users").fetchone() == (1,)


def test_of_two_urls_one_is_the_owners_and_the_other_the_functions(directory: Path, used: str, role: str) -> None:
    given = database_url(used, str(conninfo_to_dict(used)["dbname"]), user=role).replace("postgres@", "")
    assert _start(directory, DATABASE_OWNER_URL=used, DATABASE_URL=given) == given
    assert _user(given) == role
    assert is_current(used)


def test_a_database_newer_than_the_code_is_told_in_one_line(used: str) -> None:
    with psycopg.connect(used) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartError, match=r"^cannot migrate the database: .*9999[^\n]*$"):
        prepare_database(used, PASSWORD)


def test_a_user_who_may_not_read_the_database_is_told_in_one_line(used: str, role: str) -> None:
    with psycopg.connect(used, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    stranger = database_url(used, str(conninfo_to_dict(used)["dbname"]), user=role)
    with pytest.raises(StartError, match=r"^PostgreSQL refuses: permission denied for table alembic_version$"):
        prepare_database(stranger, PASSWORD)

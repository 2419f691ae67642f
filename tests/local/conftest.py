"""The fixtures that these tests share."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.local.running import temporary_directory


@pytest.fixture
def directory() -> Iterator[Path]:
    """A data directory that is not there yet; what runs in it after the test is ended."""
    with temporary_directory() as parent:
        yield parent / "data"


@pytest.fixture
def role(cluster_url: str) -> Iterator[str]:
    """The name of a role that is not there yet; what a test makes of it is gone after the test."""
    name = f"role_{uuid4().hex}"
    yield name
    drop_role(cluster_url, name)


def drop_role(cluster_url: str, name: str) -> None:
    """No role of this name."""
    with psycopg.connect(cluster_url, autocommit=True) as owner:
        owner.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))

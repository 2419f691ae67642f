"""Every read of the contract on large data: none goes through a large table, or sorts what an index has in order."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from benchmarks.data import fill
from benchmarks.plans import EXCEPTIONS, faults
from benchmarks.reads import READS
from tests.conftest import TEMPLATE, create_database, database_url, drop_database

ISSUES, COMMENTS = 10_000, 15_000
"""Enough for PostgreSQL to plan as it does for a million."""


@pytest.fixture(scope="module")
def filled(cluster_url: str, worker_id: str) -> Iterator[str]:
    """The owner's URL of a database with large data."""
    name = f"filled_{worker_id}"
    create_database(cluster_url, name, TEMPLATE)
    url = database_url(cluster_url, name)
    fill(url, issues=ISSUES, comments=COMMENTS)
    yield url
    drop_database(cluster_url, name)


def test_no_read_goes_through_a_large_table_or_sorts_more_than_a_page(filled: str) -> None:
    with closing(psycopg.connect(filled, autocommit=True)) as owner:
        assert list(faults(owner)) == []


def test_a_missing_index_is_noticed(filled: str) -> None:
    with closing(psycopg.connect(filled)) as owner:
        owner.execute("DROP INDEX ix_comments_issue_id_created_at_id, ix_issues_title_folded_id")
        found = "\n".join(faults(owner, ("/api/issues?sort=title", "/api/issues/{issue}/comments?")))
        owner.rollback()
    assert "/api/issues?sort=title sorts 10000 rows by issues" in found
    assert "/api/issues/{issue}/comments? goes through all of comments" in found


def test_exceptions_are_reads() -> None:
    assert set(EXCEPTIONS) <= set(READS)

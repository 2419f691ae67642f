"""Transactions that PostgreSQL ends because of each other: 503, nothing written, and a retry succeeds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.accounts import outcome
from tests.support.api import Api
from tests.support.fixtures import Owner, Serve, owner, serve, servers, wait_until_blocked
from tests.support.people import People, Person

__all__ = ["owner", "serve", "servers"]

REFUSED = (503, "service_unavailable")
PATIENT = {"DATABASE_LOCK_SECONDS": "20", "DATABASE_STATEMENT_SECONDS": "20", "REQUEST_SECONDS": "20"}


@pytest.fixture
def strict(serve: Serve, owner: Owner) -> Iterator[Api]:
    """A server in a database whose transactions see nothing of those that ended after they began."""
    name = psycopg.sql.Identifier(owner.info.dbname)
    level = "ALTER DATABASE {} SET default_transaction_isolation TO 'repeatable read'"
    owner.execute(psycopg.sql.SQL(level).format(name))
    yield serve(**PATIENT, DATABASE_POOL_SIZE="4")
    owner.execute(psycopg.sql.SQL("ALTER DATABASE {} RESET default_transaction_isolation").format(name))


def check_unchanged(admin: Person, path: str, before: object) -> None:
    """The issue is as it was, and its history tells of nothing."""
    assert admin.api.get(path).json() == before
    assert admin.api.get(f"{path}/history").json()["total"] == 0


def test_the_victim_of_a_deadlock_is_told_to_try_again(serve: Serve, people: People, owner: Owner) -> None:
    admin, bob = people.admin(), people.developer()
    issue = admin.issue(admin.project())
    path = f"/api/issues/{issue['id']}"
    before = admin.api.get(path).json()
    api = serve(**PATIENT).signed_in(admin.token)
    with ThreadPoolExecutor(1) as thread:
        with owner.transaction():
            owner.execute("SET LOCAL deadlock_timeout = '60s'")
            owner.execute("SELECT FROM users WHERE id = %s FOR UPDATE", [bob.id])
            asked = thread.submit(api.patch, path, json={"title": "Other", "assignee_id": bob.id})
            wait_until_blocked(owner)
            owner.execute("UPDATE issues SET due_date = due_date WHERE id = %s", [issue["id"]])
            answer = asked.result()
        assert (outcome(answer), answer.headers["Retry-After"]) == (REFUSED, "2")
    check_unchanged(admin, path, before)
    assert api.patch(path, json={"title": "Other", "assignee_id": bob.id}).status_code == 200


def test_a_transaction_that_cannot_be_serialised_is_told_to_try_again(
    strict: Api, people: People, owner: Owner
) -> None:
    admin = people.admin()
    project = admin.project()
    path, api = f"/api/projects/{project['id']}", strict.signed_in(admin.token)
    with ThreadPoolExecutor(1) as thread:
        with owner.transaction():
            owner.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            owner.execute("UPDATE projects SET description = 'meanwhile' WHERE id = %s", [project["id"]])
            asked = thread.submit(api.patch, path, json={"name": "Other"})
            wait_until_blocked(owner)
        answer = asked.result()
    assert (outcome(answer), answer.headers["Retry-After"]) == (REFUSED, "2")
    assert api.get(path).json()["name"] == project["name"]
    assert api.patch(path, json={"name": "Other"}).json()["description"] == "meanwhile"

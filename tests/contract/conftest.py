"""What the tests of the contract share."""

from collections.abc import Iterator

import httpx2
import psycopg
import pytest
from psycopg.rows import TupleRow

from functions.auth.tokens import Signer
from tests.support.api import Api
from tests.support.people import People
from tests.support.world import World, make_world


@pytest.fixture
def world(people: People) -> World:
    """One of everything, and an admin who may do all to it."""
    return make_world(people)


@pytest.fixture(scope="module")
def nobody(client: httpx2.Client) -> Api:
    """A caller who is not signed in."""
    return Api(client)


@pytest.fixture(scope="module")
def crowd(nobody: Api, housekeeper: psycopg.Connection[TupleRow], signer: Signer) -> Iterator[People]:
    """Makes users who stay for a whole file, whose tests change nothing and use no ``api``, which cleans."""
    yield People(nobody, housekeeper, signer)
    housekeeper.execute("DELETE FROM projects; DELETE FROM users; DELETE FROM audit_events")


@pytest.fixture(scope="module")
def standing(crowd: People) -> World:
    """A world that stays for all tests of a file."""
    return make_world(crowd)

"""The list of users, to choose assignees from."""

import pytest

from tests.support.accounts import faults, outcome
from tests.support.fixtures import Owner
from tests.support.people import People, Person


@pytest.fixture
def crowd(people: People, owner: Owner) -> Person:
    """Bob, who looks at Ann (admin), Carl (manager, inactive), Bob-Junior and himself; made in another order."""
    people.manager("Carl")
    bob = people.developer("bob")
    people.admin("ann")
    people.developer("Bob-Junior")
    owner.execute("UPDATE users SET is_active = false WHERE username = 'Carl'")
    return bob


def names(person: Person, query: str = "") -> list[str]:
    response = person.api.get(f"/api/users{query}")
    assert response.status_code == 200, response.text
    return [item["username"] for item in response.json()["items"]]


def test_everybody_sees_members_without_their_addresses(crowd: Person) -> None:
    items = crowd.api.get("/api/users").json()["items"]
    assert items[1] == {"id": crowd.id, "username": "bob", "role": "developer", "is_active": True}
    assert [set(item) for item in items] == [{"id", "username", "role", "is_active"}] * 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", ["ann", "bob", "Bob-Junior", "Carl"], id="by-name-without-regard-to-case"),
        pytest.param("?sort=-username", ["Carl", "Bob-Junior", "bob", "ann"], id="by-name-descending"),
        pytest.param("?sort=created_at", ["Carl", "bob", "ann", "Bob-Junior"], id="oldest-first"),
        pytest.param("?sort=-created_at,username", ["Bob-Junior", "ann", "bob", "Carl"], id="newest-first"),
        pytest.param("?role=manager", ["Carl"], id="role"),
        pytest.param("?is_active=true", ["ann", "bob", "Bob-Junior"], id="active"),
        pytest.param("?is_active=false", ["Carl"], id="inactive"),
        pytest.param("?search=BOB", ["bob", "Bob-Junior"], id="search-in-another-case"),
        pytest.param("?search=jun", ["Bob-Junior"], id="search-from-the-start-of-a-word"),
        pytest.param("?search=unior", [], id="search-not-from-within-a-word"),
        pytest.param("?search=jun+bo", ["Bob-Junior"], id="search-for-every-word"),
        pytest.param("?search=bob@flycatcher.example", [], id="search-not-in-addresses"),
        pytest.param("?search=%25%20%26!:*()", ["ann", "bob", "Bob-Junior", "Carl"], id="search-without-a-word"),
        pytest.param("?search=bob&role=developer&is_active=true&sort=-username", ["Bob-Junior", "bob"], id="all"),
        pytest.param("?limit=2&page=2", ["Bob-Junior", "Carl"], id="second-page"),
        pytest.param("?limit=2&page=1000000000", [], id="past-the-end"),
    ],
)
def test_users_are_filtered_and_sorted(crowd: Person, query: str, expected: list[str]) -> None:
    assert names(crowd, query) == expected


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        pytest.param("role=owner", ("role", "literal_error"), id="role"),
        pytest.param("is_active=1", ("is_active", "bool_type"), id="boolean"),
        pytest.param("is_active=True", ("is_active", "bool_type"), id="boolean-in-another-case"),
        pytest.param("sort=email", ("sort", "sort"), id="sort-by-what-is-not-offered"),
        pytest.param("sort=password_hash", ("sort", "sort"), id="sort-by-a-secret"),
        pytest.param("sort=username,-username", ("sort", "sort"), id="sort-twice"),
        pytest.param("sort=", ("sort", "sort"), id="empty-sort"),
        pytest.param("search=" + "x" * 201, ("search", "string_too_long"), id="long-search"),
        pytest.param("search=%00", ("search", "string_unicode"), id="nul"),
        pytest.param("search=%ff", ("search", "string_unicode"), id="no-utf-8"),
        pytest.param("email=x", ("email", "extra_forbidden"), id="unknown"),
        pytest.param("page=1&page=2", ("page", "repeated"), id="repeated"),
        pytest.param("limit=101", ("limit", "less_than_equal"), id="limit"),
        pytest.param("page=0", ("page", "greater_than_equal"), id="page"),
    ],
)
def test_a_wrong_query_is_refused(people: People, query: str, fault: tuple[str, str]) -> None:
    response = people.developer().api.get(f"/api/users?{query}")
    assert outcome(response) == (422, "validation_failed")
    assert faults(response) == {fault}
    assert response.json()["errors"][0]["in"] == "query"

"""Lists come in pages: what the envelope says, and what is on which page."""

import pytest

from tests.support.people import People, Person


def test_an_empty_list_has_no_pages(people: People) -> None:
    assert people.developer().api.get("/api/issues").json() == {
        "items": [],
        "page": 1,
        "limit": 20,
        "total": 0,
        "pages": 0,
    }


@pytest.mark.parametrize(
    ("limit", "pages", "lengths"),
    [(1, 5, [1, 1, 1, 1, 1, 0]), (2, 3, [2, 2, 1, 0]), (4, 2, [4, 1, 0]), (5, 1, [5, 0]), (100, 1, [5, 0])],
)
def test_every_row_is_on_one_page(people: People, limit: int, pages: int, lengths: list[int]) -> None:
    manager = with_projects(people, 5)
    found = [manager.api.get(f"/api/projects?limit={limit}&page={number + 1}").json() for number in range(len(lengths))]
    assert [len(page["items"]) for page in found] == lengths
    assert {(page["total"], page["pages"]) for page in found} == {(5, pages)}
    assert len({item["id"] for page in found for item in page["items"]}) == 5


def test_the_total_counts_what_the_filters_let_through(people: People) -> None:
    manager = with_projects(people, 3)
    manager.project(name="Käfer")
    page = manager.api.get("/api/projects?search=käfer&limit=1").json()
    assert (page["total"], page["pages"]) == (1, 1)


def with_projects(people: People, number: int) -> Person:
    """A manager who has created so many projects."""
    manager = people.manager()
    for _ in range(number):
        manager.project()
    return manager

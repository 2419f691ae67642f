"""The ``Link`` header of a list: its neighbours, with every other parameter kept."""

import re
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from shared.endpoint import Endpoint
from tests.support.people import People, Person
from tests.support.world import LISTS, World, named

FIVE_ROWS = {
    "the only page": ("limit=5", {"first": 1, "last": 1}),
    "the first": ("limit=2", {"first": 1, "last": 3, "next": 2}),
    "the first, named": ("limit=2&page=1", {"first": 1, "last": 3, "next": 2}),
    "in the middle": ("limit=2&page=2", {"first": 1, "last": 3, "next": 3, "prev": 1}),
    "the last": ("limit=2&page=3", {"first": 1, "last": 3, "prev": 2}),
    "one past the end": ("limit=2&page=4", {"first": 1, "last": 3, "prev": 3}),
    "far past the end": ("limit=2&page=1000000000", {"first": 1, "last": 3, "prev": 3}),
    "past the only page": ("limit=100&page=9", {"first": 1, "last": 1, "prev": 1}),
    "nothing matches": ("search=nothing", {"first": 1}),
    "past the end of nothing": ("search=nothing&page=7", {"first": 1}),
}
KEPT = {
    "filters": "status=open,closed&priority=high&assignee=me",
    "sort": "sort=-priority,title",
    "limit": "limit=1",
    "text in UTF-8": "search=K%C3%A4fer+%F0%9F%90%9E",
    "text with separators": "search=a%26page%3D2%3B%23%25%2B%3C%3E%22%2C",
    "an empty value": "search=",
    "page in the middle": "limit=3&page=2&search=",
}


@pytest.fixture
def manager(people: People) -> Person:
    """A manager with five projects."""
    found = people.manager()
    for _ in range(5):
        found.project()
    return found


def links(response: httpx2.Response) -> dict[str, str]:
    """The targets of the ``Link`` header by relation; nothing else may be in it."""
    entry = r'<([^<>" ]+)>; rel="(first|last|next|prev)"'
    assert re.fullmatch(f"{entry}(, {entry})*", response.headers["Link"])
    found = re.findall(entry, response.headers["Link"])
    assert len(found) == len({relation for _, relation in found})
    return {relation: target for target, relation in found}


def parameters(target: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(target).query, keep_blank_values=True, strict_parsing=True))


@pytest.mark.parametrize(("query", "expected"), FIVE_ROWS.values(), ids=FIVE_ROWS.keys())
def test_a_page_links_to_its_neighbours(manager: Person, query: str, expected: dict[str, int]) -> None:
    found = links(manager.api.get(f"/api/projects?{query}"))
    assert {relation: int(parameters(target)["page"]) for relation, target in found.items()} == expected


@pytest.mark.parametrize("query", KEPT.values(), ids=KEPT.keys())
def test_links_keep_every_other_parameter(world: World, query: str) -> None:
    sent = dict(parse_qsl(query, keep_blank_values=True))
    for target in links(world.admin.api.get(f"/api/issues?{query}")).values():
        assert target.startswith("/api/issues?")
        assert parameters(target) == {**sent, "page": parameters(target)["page"]}


@pytest.mark.parametrize("endpoint", LISTS, ids=named)
def test_every_list_links_to_itself(world: World, endpoint: Endpoint) -> None:
    path = world.path(endpoint)
    assert links(world.admin.api.get(f"{path}?limit=7"))["first"] == f"{path}?limit=7&page=1"


def test_following_next_visits_every_row_once_and_prev_goes_back(manager: Person) -> None:
    response = manager.api.get("/api/projects?limit=2&sort=name")
    forth = [response.json()["items"]]
    while target := links(response).get("next"):
        response = manager.api.get(target)
        forth.append(response.json()["items"])
    names = [item["name"] for items in forth for item in items]
    assert len(names) == 5
    assert names == sorted(names)
    back = [response.json()["items"]]
    while target := links(response).get("prev"):
        response = manager.api.get(target)
        back.append(response.json()["items"])
    assert back == forth[::-1]


def test_first_and_last_lead_there_from_past_the_end(manager: Person) -> None:
    found = links(manager.api.get("/api/projects?limit=2&page=50"))
    assert manager.api.get(found["first"]).json()["page"] == 1
    assert len(manager.api.get(found["last"]).json()["items"]) == 1
    assert manager.api.get(found["prev"]).json() == manager.api.get(found["last"]).json()

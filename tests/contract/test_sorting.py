"""Lists sort by fields of their own whitelist; ties break on the id, so that paging never repeats or skips."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import psycopg
import pytest

from shared.vocabulary import PRIORITIES, STATUSES
from tests.support.api import JSON, Api
from tests.support.faults import faults
from tests.support.people import People, Person

FIELDS = {
    "/api/projects": ["name", "created_at", "updated_at"],
    "/api/users": ["username", "created_at"],
    "/api/issues": ["created_at", "updated_at", "due_date", "priority", "status", "title"],
    "/api/projects/{project}/issues": ["created_at", "updated_at", "due_date", "priority", "status", "title"],
    "/api/issues/{issue}/comments": ["created_at"],
}
UNSORTED = ["/api/audit", "/api/auth/sessions", "/api/issues/{issue}/history", "/api/comments/{comment}/revisions"]
ISSUE_SORTS = [
    *(f"{sign}{name}" for name in FIELDS["/api/issues"] for sign in ("", "-")),
    "priority,status",
    "-priority,due_date",
    "status,-priority,title",
    "-due_date,-title",
    "due_date,-created_at",
    "title,updated_at,created_at,due_date,priority,status",
]
REFUSED = ["", ",", "name,", ",name", "--name", "+name", "-", " name", "name ", "NAME", "name desc", "name;created_at"]
REFUSED += ["name,name", "name,-name", "-created_at,name,created_at", "name\0", "1", "id", "description", "priority"]
TITLES = ("beta", "Alpha", "ALPHA", "äpfel", "Zebra", "émile", "alpha 10", "alpha 2", "straße", "STRASSEN")
DAYS = (None, "2026-03-01", "2026-01-31", None, "0001-01-01", "2026-03-01", "9999-12-31")
TIMES = ("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")


def make_issues(people: People, database: str) -> Person:
    """Thirty issues in which every field has ties."""
    manager = people.manager()
    project = manager.project()
    statuses, times, changes = cycle(STATUSES), cycle(TIMES), cycle(TIMES[::-1])
    rows = []
    for number in range(30):
        members = {
            "title": TITLES[number * 7 % 10],
            "due_date": DAYS[number % 7],
            "priority": PRIORITIES[number * 3 % 4],
        }
        rows.append((next(statuses), next(times), next(changes), manager.issue(project, **members)["id"]))
    with psycopg.connect(database) as owner:
        owner.cursor().executemany(
            "UPDATE issues SET status = %s, created_at = %s, updated_at = %s WHERE id = %s", rows
        )
    return manager


def in_order(issues: list[JSON], sort: str) -> list[str]:
    """The ids, sorted anew: by one field after the other, the last first, since Python's sort keeps ties in order."""
    ranks: dict[str, Callable[[str], Any]] = {
        "priority": PRIORITIES.index,
        "status": STATUSES.index,
        "title": str.casefold,
    }
    issues = sorted(issues, key=lambda issue: str(issue["id"]))
    for item in reversed(sort.split(",")):
        name = item.removeprefix("-")
        rank = ranks.get(name, str)
        issues.sort(key=lambda issue: rank(issue[name]), reverse=item.startswith("-"))
        issues.sort(key=lambda issue: issue[name] is None)
    return [issue["id"] for issue in issues]


def pages(api: Api, path: str, limit: int) -> list[JSON]:
    """Every item, page by page."""
    response = api.get(f"{path}&limit={limit}&page=1").json()
    found: list[JSON] = response["items"]
    for page in range(2, response["pages"] + 1):
        found += api.get(f"{path}&limit={limit}&page={page}").json()["items"]
    return found


@pytest.mark.parametrize("sort", ISSUE_SORTS)
def test_issues_come_in_the_order_that_is_asked_for_on_any_page(people: People, database: str, sort: str) -> None:
    api = make_issues(people, database).api
    everything = api.get("/api/issues?limit=100").json()["items"]
    assert len(everything) == 30
    assert [issue["id"] for issue in pages(api, f"/api/issues?sort={sort}", 7)] == in_order(everything, sort)


def test_issues_come_newest_first_where_nothing_is_said(people: People, database: str) -> None:
    api = make_issues(people, database).api
    items = api.get("/api/issues?limit=100").json()["items"]
    assert [issue["id"] for issue in items] == in_order(items, "-created_at")


@pytest.mark.parametrize(("sort", "reverse"), [("name", False), ("-name", True)])
def test_projects_sort_by_name_without_regard_to_case(people: People, sort: str, reverse: bool) -> None:
    manager = people.manager()
    for name in ("beta", "Alpha", "alpha 2", "Zebra", "ÄPFEL", "apfel", "STRASSE 2", "straße 1"):
        manager.project(name=name)
    names = [item["name"] for item in pages(manager.api, f"/api/projects?sort={sort}", 3)]
    assert names == sorted(names, key=str.casefold, reverse=reverse)
    assert len(names) == 8


@pytest.mark.parametrize(("query", "expected"), [("", "ABC"), ("sort=created_at", "ABC"), ("sort=-created_at", "CBA")])
def test_comments_come_oldest_first_or_newest_first(people: People, query: str, expected: str) -> None:
    author = people.manager()
    issue = author.issue(author.project())
    for content in "ABC":
        author.comment(issue, content)
    items = author.api.get(f"/api/issues/{issue['id']}/comments?{query}").json()["items"]
    assert "".join(item["content"] for item in items) == expected


@pytest.mark.parametrize(("query", "expected"), [("", "aBc"), ("sort=-username", "cBa"), ("sort=-created_at", "Bac")])
def test_users_sort_by_name_without_regard_to_case_or_by_time(people: People, query: str, expected: str) -> None:
    for name in "caB":
        person = people.developer(name)
    items = person.api.get(f"/api/users?{query}").json()["items"]
    assert "".join(item["username"] for item in items) == expected


@pytest.mark.parametrize(("path", "names"), FIELDS.items(), ids=FIELDS.keys())
def test_a_list_takes_each_field_of_its_whitelist_and_all_at_once(people: People, path: str, names: list[str]) -> None:
    manager = people.manager()
    project = manager.project()
    path = path.format(project=project["id"], issue=manager.issue(project)["id"])
    for sort in (*names, ",".join(names), ",".join(f"-{name}" for name in names)):
        assert manager.api.get(f"{path}?sort={sort}").status_code == 200


@pytest.mark.parametrize("sort", REFUSED, ids=repr)
def test_a_sort_that_is_not_on_the_whitelist_is_422(people: People, sort: str) -> None:
    assert faults(people.developer().api.get("/api/projects", params={"sort": sort})) == [("query", "sort", "sort")]


@pytest.mark.parametrize("path", UNSORTED)
def test_a_list_in_an_order_of_its_own_takes_no_sort(people: People, path: str) -> None:
    admin = people.admin()
    issue = admin.issue(admin.project())
    path = path.format(issue=issue["id"], comment=admin.comment(issue)["id"])
    assert faults(admin.api.get(f"{path}?sort=created_at")) == [("query", "sort", "extra_forbidden")]

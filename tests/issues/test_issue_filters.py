"""The filters of the two lists of issues, alone and together, against the same choice made in Python."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.support.api import JSON
from tests.support.people import People, Person

STEPS = {"open": 0, "in_progress": 1, "resolved": 2, "closed": 3}
ISSUES = [
    # title, description, status, priority, assignee, reporter, project
    ("Login fails", "Wrong colour", "open", "low", None, "me", "live"),
    ("Logout fails", "", "open", "high", "me", "other", "live"),
    ("Colour of the login", "", "in_progress", "critical", "other", "me", "live"),
    ("Crash", "at login", "resolved", "medium", "me", "me", "live"),
    ("Crash again", "", "closed", "high", None, "other", "live"),
    ("Blogging", "", "open", "high", "other", "other", "archived"),
    ("Crash", "", "resolved", "low", "me", "other", "archived"),
    ("Colour", "login", "in_progress", "medium", None, "me", "archived"),
]


@dataclass(frozen=True)
class World:
    """The issues, and who is who."""

    me: Person
    other: Person
    projects: dict[str, JSON]


@pytest.fixture
def world(people: People) -> World:
    """Every row of ISSUES, in two projects, one of them archived."""
    me, other = people.manager(), people.manager()
    everyone = {"me": me, "other": other}
    projects = {name: me.project(name=name) for name in ("live", "archived")}
    for title, description, status, priority, assignee, reporter, project in ISSUES:
        issue = everyone[reporter].issue(
            projects[project],
            title=title,
            description=description,
            priority=priority,
            assignee_id=everyone[assignee].id if assignee else None,
        )
        for step in ("in_progress", "resolved", "closed")[: STEPS[status]]:
            assert me.api.patch(f"/api/issues/{issue['id']}", json={"status": step}).status_code == 200
    assert me.api.delete(f"/api/projects/{projects['archived']['id']}").status_code == 204
    return World(me, other, projects)


def _word(prefix: str) -> Callable[[JSON], bool]:
    return lambda issue: any(
        word.lower().startswith(prefix) for word in f"{issue['title']} {issue['description']}".split()
    )


FILTERS: dict[str, Callable[[JSON, World], bool]] = {
    "": lambda _i, _w: True,
    "status=open": lambda i, _w: i["status"] == "open",
    "status=open,closed": lambda i, _w: i["status"] in ("open", "closed"),
    "status=resolved,resolved": lambda i, _w: i["status"] == "resolved",
    "status=reopened": lambda _i, _w: False,
    "status=open,in_progress,resolved,closed,reopened": lambda _i, _w: True,
    "priority=critical": lambda i, _w: i["priority"] == "critical",
    "priority=high,low": lambda i, _w: i["priority"] in ("high", "low"),
    "assignee=me": lambda i, w: i["assignee"] == w.me.ref,
    "assignee=none": lambda i, _w: i["assignee"] is None,
    "assignee={other}": lambda i, w: i["assignee"] == w.other.ref,
    "assignee={nobody}": lambda _i, _w: False,
    "search=login": lambda i, _w: _word("login")(i),
    "search=LOG": lambda i, _w: _word("log")(i),
    "search=colour%20login": lambda i, _w: _word("colour")(i) and _word("login")(i),
    "status=open&priority=high": lambda i, _w: (i["status"], i["priority"]) == ("open", "high"),
    "status=open,resolved&assignee=me&priority=high,low": lambda i, w: (
        i["status"] in ("open", "resolved") and i["assignee"] == w.me.ref and i["priority"] in ("high", "low")
    ),
    "assignee=none&search=log": lambda i, _w: i["assignee"] is None and _word("log")(i),
}
GLOBAL_FILTERS: dict[str, Callable[[JSON, World], bool]] = {
    "reporter=me": lambda i, w: i["reporter"] == w.me.ref,
    "reporter={other}": lambda i, w: i["reporter"] == w.other.ref,
    "reporter={nobody}": lambda _i, _w: False,
    "project={live}": lambda i, _w: i["project"]["name"] == "live",
    "project={archived}": lambda i, _w: i["project"]["name"] == "archived",
    "project={nobody}": lambda _i, _w: False,
    "project={archived}&status=open": lambda i, _w: (i["project"]["name"], i["status"]) == ("archived", "open"),
    "reporter=me&assignee=me": lambda i, w: (i["reporter"], i["assignee"]) == (w.me.ref, w.me.ref),
    "project={live}&reporter={other}&assignee=none&status=closed&priority=high&search=crash": lambda i, _w: (
        i["title"] == "Crash again"
    ),
}


def _query(template: str, world: World) -> str:
    ids = {name: project["id"] for name, project in world.projects.items()}
    return template.format(**ids, other=world.other.id, nobody=uuid4())


def _listed(world: World, path: str, template: str) -> list[JSON]:
    page = world.me.api.get(f"{path}?limit=100&{_query(template, world)}").json()
    items: list[JSON] = page["items"]
    assert page["total"] == len(items)
    assert page["pages"] == bool(items)
    return items


@pytest.mark.parametrize("template", [*FILTERS, *GLOBAL_FILTERS])
def test_the_list_of_all_projects(world: World, template: str) -> None:
    everything = world.me.api.get("/api/issues").json()["items"]
    assert len(everything) == len(ISSUES)
    chosen = (FILTERS | GLOBAL_FILTERS)[template]
    assert _listed(world, "/api/issues", template) == [issue for issue in everything if chosen(issue, world)]


@pytest.mark.parametrize("project", ["live", "archived"])
def test_the_list_of_one_project(world: World, project: str) -> None:
    everything = world.me.api.get("/api/issues").json()["items"]
    path = f"/api/projects/{world.projects[project]['id']}/issues"
    for template, chosen in FILTERS.items():
        expected = [issue for issue in everything if issue["project"]["name"] == project and chosen(issue, world)]
        assert _listed(world, path, template) == expected, template


def test_the_table_leaves_no_filter_untried(world: World) -> None:
    everything = world.me.api.get("/api/issues").json()["items"]
    chosen = {
        template: sum(choose(issue, world) for issue in everything)
        for template, choose in (FILTERS | GLOBAL_FILTERS).items()
    }
    never = {template for template, count in chosen.items() if count == 0}
    assert never == {"status=reopened", "assignee={nobody}", "reporter={nobody}", "project={nobody}"}


def test_the_newest_issue_comes_first(world: World) -> None:
    titles = [issue["title"] for issue in world.me.api.get("/api/issues").json()["items"]]
    assert titles == [row[0] for row in reversed(ISSUES)]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("status=done", "status"),
        ("status=", "status"),
        ("status=open,", "status"),
        ("status=open,done", "status"),
        ("status=Open", "status"),
        ("priority=urgent", "priority"),
        ("priority=high,,low", "priority"),
        ("assignee=", "assignee"),
        ("assignee=nobody", "assignee"),
        ("assignee=Me", "assignee"),
        ("assignee=me,none", "assignee"),
        ("project=me", "project"),
        ("project=none", "project"),
        ("reporter=none", "reporter"),
        ("reporter=7", "reporter"),
        ("is_archived=true", "is_archived"),
        ("due_date=2030-01-31", "due_date"),
    ],
)
def test_what_is_no_filter_is_refused(people: People, query: str, parameter: str) -> None:
    response = people.developer().api.get(f"/api/issues?{query}")
    assert {(error["in"], error["path"]) for error in response.json()["errors"]} == {("query", parameter)}


@pytest.mark.parametrize("parameter", ["project", "reporter"])
def test_one_project_has_no_filter_by_project_or_reporter(people: People, parameter: str) -> None:
    manager = people.manager()
    project = manager.project()
    response = manager.api.get(f"/api/projects/{project['id']}/issues?{parameter}={project['id']}")
    assert [(error["path"], error["code"]) for error in response.json()["errors"]] == [(parameter, "extra_forbidden")]

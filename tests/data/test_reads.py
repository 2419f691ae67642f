"""A read is one statement, which does not load the caller, and a list's total is the number of its rows."""

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from operations.openapi import ENDPOINTS
from shared.security.permissions import needs_token
from tests.support.api import JSON, find_endpoint
from tests.support.people import People, Person

Executed = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> Executed:
    """Every statement that the server sends to PostgreSQL, with its parameters."""
    statements: Executed = []
    execute = psycopg.AsyncCursor.execute

    async def recording(cursor: Any, query: bytes, parameters: Any = None, **options: Any) -> Any:
        statements.append((query.decode(), parameters or {}))
        return await execute(cursor, query, parameters, **options)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", recording)
    return statements


READS = [
    "/api/projects",
    "/api/projects?search=pro&is_archived=true&sort=-name",
    "/api/projects/{project}",
    "/api/projects/{project}/issues",
    "/api/projects/{project}/issues?status=open,closed&priority=high&assignee=none&search=it&sort=priority,title",
    "/api/issues",
    "/api/issues?status=open&priority=medium&search=it&project={project}&reporter={user}&assignee={user}",
    "/api/issues/{issue}",
    "/api/issues/{issue}/history",
    "/api/issues/{issue}/comments",
    "/api/issues/{issue}/comments?sort=-created_at",
    "/api/comments/{comment}",
    "/api/comments/{comment}/revisions",
    "/api/users",
    "/api/users?search=dev&role=developer&is_active=true&sort=-created_at",
    "/api/users/{user}",
    "/api/audit",
    "/api/audit?action=project.create&actor={user}&target={project}&since=2020-01-01T00:00:00Z",
]
OWN_READS = [
    "/api/issues?assignee=me",
    "/api/issues?reporter=me&assignee=me",
    "/api/auth/me",
    "/api/auth/sessions",
]


def _ids(people: People) -> dict[str, str]:
    other = people.manager()
    project = other.project()
    issue = other.issue(project)
    comment = other.comment(issue)
    return {"user": other.id, "project": project["id"], "issue": issue["id"], "comment": comment["id"]}


@pytest.mark.parametrize("path", [*READS, *OWN_READS])
def test_a_read_is_one_statement(people: People, executed: Executed, path: str) -> None:
    ids, caller = _ids(people), people.admin()
    executed.clear()
    assert caller.api.get(path.format(**ids)).status_code == 200
    assert len(executed) == 1, executed


@pytest.mark.parametrize("path", READS)
def test_a_read_does_not_ask_for_the_caller(people: People, executed: Executed, path: str) -> None:
    ids, caller = _ids(people), people.admin()
    executed.clear()
    caller.api.get(path.format(**ids))
    ((_, parameters),) = executed
    assert caller.id not in map(str, parameters.values())
    assert caller.session_id in map(str, parameters.values())


@pytest.mark.parametrize("path", OWN_READS[:2])
def test_me_is_compared_with_issues_alone(people: People, executed: Executed, path: str) -> None:
    caller = people.developer()
    caller.api.get(path)
    ((statement, _),) = executed
    assert "assignee_id = %(assignee)s" in statement
    assert "users.id = %(" not in statement


def test_the_paths_above_are_all_there_are() -> None:
    paths = {endpoint.path for endpoint in ENDPOINTS if endpoint.method == "GET" and needs_token(endpoint.permission)}
    found = [find_endpoint("GET", path.partition("?")[0]) for path in (*READS, *OWN_READS)]
    assert {endpoint.path for endpoint in found if endpoint} == paths


def _populate(people: People) -> tuple[Person, dict[str, str]]:
    """Three live projects and two archived; issues, comments, history and revisions on the first."""
    manager, developer = people.manager("manager"), people.developer("developer")
    projects = [manager.project(name=f"Project {name}") for name in "ABCDE"]
    issues = [manager.issue(projects[0], title=f"Crash {name}", assignee_id=developer.id) for name in "abc"]
    issues += [developer.issue(projects[4], title=f"Failure {name}", priority="high") for name in "de"]
    for project in projects[3:]:
        manager.api.delete(f"/api/projects/{project['id']}")
    comments: list[JSON] = [developer.comment(issues[0], content) for content in ("x", "y", "z", "1")]
    for text in ("2", "3", "4"):
        developer.api.patch(f"/api/comments/{comments[3]['id']}", json={"content": text})
    manager.api.patch(
        f"/api/issues/{issues[0]['id']}", json={"title": "Crash", "priority": "low", "status": "in_progress"}
    )
    ids = {"a": projects[0]["id"], "b": projects[1]["id"], "issue": issues[0]["id"], "comment": comments[3]["id"]}
    return manager, ids | {"developer": developer.id}


TOTALS = {
    "/api/projects": 3,
    "/api/projects?is_archived=true": 2,
    "/api/projects?search=project": 3,
    "/api/projects?search=project%20b": 1,
    "/api/projects?search=nothing": 0,
    "/api/issues": 5,
    "/api/issues?project={a}": 3,
    "/api/issues?search=crash": 3,
    "/api/issues?status=open": 4,
    "/api/issues?status=open,in_progress&priority=medium,low&assignee={developer}": 3,
    "/api/issues?reporter={developer}&assignee=none&search=fail": 2,
    "/api/issues?reporter=me": 3,
    "/api/projects/{a}/issues": 3,
    "/api/projects/{a}/issues?search=crash&priority=medium": 2,
    "/api/projects/{b}/issues": 0,
    "/api/issues/{issue}/history": 3,
    "/api/issues/{issue}/comments": 4,
    "/api/comments/{comment}/revisions": 3,
    "/api/users": 2,
    "/api/users?search=dev": 1,
    "/api/users?role=manager&is_active=true": 1,
    "/api/auth/sessions": 1,
}


def test_totals_are_right_with_and_without_filters_on_every_page(people: People) -> None:
    manager, ids = _populate(people)
    for template, total in TOTALS.items():
        path = template.format(**ids)
        page_number = f"{'&' if '?' in path else '?'}limit=1&page="
        for number in (1, total, total + 1):
            page = manager.api.get(f"{path}{page_number}{max(number, 1)}").json()
            assert (page["total"], page["pages"]) == (total, total), template
            assert len(page["items"]) == (1 <= max(number, 1) <= total), template

"""PATCH changes what it names. ``{}``, or the values of today, is 200 and changes nothing at all."""

from typing import Any

import pytest

from tests.support.api import JSON, Api
from tests.support.people import People
from tests.support.world import World

PROJECT: list[JSON] = [
    {},
    {"name": "Name"},
    {"name": "  Name\n"},
    {"description": "Café"},
    {"description": " Cafe\u0301 "},
    {"is_archived": False},
    {"name": "Name", "description": "Café", "is_archived": False},
]
ISSUE: list[JSON] = [
    {},
    {"title": " Title "},
    {"description": "Café"},
    {"description": "Cafe\u0301"},
    {"status": "open"},
    {"priority": "high"},
    {"due_date": "2026-01-31"},
    {"title": "Title", "description": "Café", "status": "open", "priority": "high", "due_date": "2026-01-31"},
]
COMMENT: list[JSON] = [{}, {"content": "Café"}, {"content": "  Cafe\u0301\n"}]


def check_unchanged(api: Api, path: str, body: JSON) -> None:
    """The change is 200 with what was there, and what was there is still the same, tag and all."""
    before = api.get(path)
    answer = api.patch(path, json=body)
    after = api.get(path)
    assert answer.status_code == 200
    assert before.content == answer.content == after.content
    assert before.headers["ETag"] == answer.headers["ETag"] == after.headers["ETag"]


@pytest.mark.parametrize("body", PROJECT, ids=ascii)
def test_a_project_stays_as_it_is(people: People, body: JSON) -> None:
    admin = people.admin()
    project = admin.project(name="Name", description="Café")
    events = admin.api.get("/api/audit").json()["total"]
    check_unchanged(admin.api, f"/api/projects/{project['id']}", body)
    assert admin.api.get("/api/audit").json()["total"] == events


@pytest.mark.parametrize("body", ISSUE, ids=ascii)
def test_an_issue_stays_as_it_is(people: People, body: JSON) -> None:
    admin = people.admin()
    members = {"title": "Title", "description": "Café", "priority": "high", "due_date": "2026-01-31"}
    issue = admin.issue(admin.project(), **members, assignee_id=admin.id)
    path = f"/api/issues/{issue['id']}"
    check_unchanged(admin.api, path, body)
    check_unchanged(admin.api, path, {**body, "assignee_id": admin.id})
    assert admin.api.get(f"{path}/history").json()["total"] == 0


@pytest.mark.parametrize("body", COMMENT, ids=ascii)
def test_a_comment_stays_as_it_is(people: People, body: JSON) -> None:
    admin = people.admin()
    comment = admin.comment(admin.issue(admin.project()), "Café")
    path = f"/api/comments/{comment['id']}"
    check_unchanged(admin.api, path, body)
    assert admin.api.get(path).json()["edited"] is False
    assert admin.api.get(f"{path}/revisions").json()["total"] == 0


@pytest.mark.parametrize(
    "body", [{}, {"role": "developer"}, {"is_active": True}, {"role": "developer", "is_active": True}]
)
def test_a_user_stays_as_they_are_and_signed_in(people: People, body: JSON) -> None:
    admin, developer = people.admin(), people.developer()
    path = f"/api/users/{developer.id}"
    before = admin.api.get(path).json()
    assert admin.api.patch(path, json=body).json() == before
    assert developer.api.get("/api/auth/me").json() == before


def test_what_is_archived_stays_as_it_is_without_a_conflict(world: World) -> None:
    api = world.admin.api
    api.delete(f"/api/projects/{world.project['id']}")
    check_unchanged(api, f"/api/projects/{world.project['id']}", {"name": world.project["name"], "is_archived": True})
    check_unchanged(api, f"/api/issues/{world.issue['id']}", {"title": world.issue["title"], "status": "open"})
    check_unchanged(api, f"/api/comments/{world.comment['id']}", {"content": world.comment["content"]})


CHANGES: dict[str, tuple[str, JSON, dict[str, Any]]] = {
    "a project's name": ("projects", {"name": "New"}, {"name": "New"}),
    "a project's name in case alone": ("projects", {"name": "NAME"}, {"name": "NAME"}),
    "a project's description": ("projects", {"description": "New"}, {"description": "New"}),
    "a project's description to null": ("projects", {"description": None}, {"description": None}),
    "a project's description to nothing": ("projects", {"description": " "}, {"description": None}),
    "an issue's title": ("issues", {"title": "New"}, {"title": "New"}),
    "an issue's description to null": ("issues", {"description": None}, {"description": "", "description_html": ""}),
    "an issue's due date": ("issues", {"due_date": "1999-12-31"}, {"due_date": "1999-12-31"}),
    "an issue's due date to null": ("issues", {"due_date": None}, {"due_date": None}),
    "an issue's priority": ("issues", {"priority": "low"}, {"priority": "low"}),
    "an issue's status": (
        "issues",
        {"status": "in_progress"},
        {"status": "in_progress", "allowed_statuses": ["resolved"]},
    ),
}


@pytest.mark.parametrize(("kind", "body", "expected"), CHANGES.values(), ids=CHANGES.keys())
def test_only_what_is_named_changes(people: People, kind: str, body: JSON, expected: JSON) -> None:
    admin = people.admin()
    project = admin.project(name="Name", description="Old")
    issue = admin.issue(project, description="Old", due_date="2026-01-31")
    before = {"projects": project, "issues": issue}[kind]
    after = admin.api.patch(f"/api/{kind}/{before['id']}", json=body).json()
    assert after["updated_at"] > before["updated_at"]
    assert after == {**before, **expected, "updated_at": after["updated_at"]}
    assert admin.api.get(f"/api/{kind}/{before['id']}").json() == after

"""Issues, through HTTP: what is created, shown and changed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.people import People

EMPTY = {"null": {"description": None}, "empty": {"description": ""}, "blank": {"description": " \n\t "}}


def test_creating_answers_the_whole_issue_with_its_defaults(people: People) -> None:
    project, reporter = people.manager().project(), people.developer()
    response = reporter.api.post(f"/api/projects/{project['id']}/issues", json={"title": "  It breaks "})
    issue = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/issues/{issue['id']}"
    assert issue == {
        "id": issue["id"],
        "project": {"id": project["id"], "name": project["name"]},
        "title": "It breaks",
        "description": "",
        "description_html": "",
        "status": "open",
        "allowed_statuses": ["in_progress"],
        "priority": "medium",
        "reporter": reporter.ref,
        "assignee": None,
        "due_date": None,
        "created_at": issue["created_at"],
        "updated_at": issue["created_at"],
        "comment_count": 0,
    }
    assert UUID(issue["id"]).version == 7
    now, at = datetime.now(UTC), datetime.fromisoformat(issue["created_at"])
    assert issue["created_at"].endswith("Z")
    assert now - timedelta(minutes=1) < at < now + timedelta(minutes=1)
    assert people.developer().api.get(response.headers["Location"]).json() == issue


def test_creating_takes_every_member(people: People) -> None:
    assignee = people.developer()
    members = {"title": "Käfer", "description": "It **breaks**", "priority": "critical", "due_date": "2030-02-28"}
    issue = people.manager().issue(people.manager().project(), **members, assignee_id=assignee.id)
    assert {name: issue[name] for name in members} == members
    assert issue["assignee"] == assignee.ref
    assert issue["description_html"] == "<p>It <strong>breaks</strong></p>"


@pytest.mark.parametrize("member", ["status", "reporter_id", "project_id", "description_html", "created_at", "id"])
def test_nothing_else_can_be_set(people: People, member: str) -> None:
    manager = people.manager()
    project = manager.project()
    issue = manager.issue(project)
    body = {"title": "New", member: "open" if member == "status" else manager.id}
    answers = [manager.api.post(f"/api/projects/{project['id']}/issues", json=body)]
    if member != "status":
        answers.append(manager.api.patch(f"/api/issues/{issue['id']}", json=body))
    for answer in answers:
        assert [(e["path"], e["code"]) for e in answer.json()["errors"]] == [(f"/{member}", "extra_forbidden")]


@pytest.mark.parametrize("members", [{}, *EMPTY.values()], ids=["left out", *EMPTY])
def test_a_description_left_out_is_empty_text(people: People, members: dict[str, Any]) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project(), **members)
    assert (issue["description"], issue["description_html"]) == ("", "")


@pytest.mark.parametrize("members", EMPTY.values(), ids=EMPTY)
def test_a_description_can_be_emptied(people: People, members: dict[str, Any]) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project(), description="Text")
    path = f"/api/issues/{issue['id']}"
    assert manager.api.patch(path, json={"title": "Other"}).json()["description"] == "Text"
    changed = manager.api.patch(path, json=members).json()
    assert (changed["description"], changed["description_html"]) == ("", "")


LIMITS = [
    pytest.param("title", "ä", None, id="title of 1"),
    pytest.param("title", "🐛" * 200, None, id="title of 200"),
    pytest.param("title", "", "string_too_short", id="title empty"),
    pytest.param("title", " \t\n\u00a0", "string_too_short", id="title blank"),
    pytest.param("title", "x" * 201, "string_too_long", id="title of 201"),
    pytest.param("title", None, "string_type", id="title null"),
    pytest.param("description", "🐛" * 5000, None, id="description of 5000"),
    pytest.param("description", "x" * 5001, "string_too_long", id="description of 5001"),
    pytest.param("description", 7, "string_type", id="description a number"),
    pytest.param("priority", "High", "literal_error", id="priority in the wrong case"),
    pytest.param("priority", "urgent", "literal_error", id="priority unknown"),
    pytest.param("priority", None, "literal_error", id="priority null"),
    pytest.param("due_date", "2024-02-29", None, id="due date on a leap day"),
    pytest.param("due_date", "0001-01-01", None, id="due date first"),
    pytest.param("due_date", "9999-12-31", None, id="due date last"),
    pytest.param("due_date", "2023-02-29", "date_from_datetime_parsing", id="due date on no day"),
    pytest.param("due_date", "0000-01-01", "date_parsing", id="due date in no year"),
    pytest.param("due_date", "2023-1-1", "date_parsing", id="due date unpadded"),
    pytest.param("due_date", "20230101", "date_parsing", id="due date without hyphens"),
    pytest.param("due_date", "2023-01-01T00:00:00Z", "date_parsing", id="due date with a time"),
    pytest.param("due_date", "\u0662\u0660\u0662\u0663-01-01", "date_parsing", id="due date in other digits"),
    pytest.param("due_date", "", "date_parsing", id="due date empty"),
    pytest.param("due_date", 1672531200, "date_parsing", id="due date a number"),
    pytest.param("assignee_id", "me", "uuid_parsing", id="assignee no id"),
    pytest.param("assignee_id", "", "uuid_parsing", id="assignee empty"),
]


@pytest.mark.parametrize(("member", "value", "code"), LIMITS)
def test_limits_hold_for_new_issues_and_for_changes(
    people: People, member: str, value: object, code: str | None
) -> None:
    manager = people.manager()
    project = manager.project()
    issue = manager.issue(project)
    creation = manager.api.post(f"/api/projects/{project['id']}/issues", json={"title": "New", member: value})
    change = manager.api.patch(f"/api/issues/{issue['id']}", json={member: value})
    if code is None:
        assert (creation.status_code, creation.json()[member]) == (201, value)
        assert (change.status_code, change.json()[member]) == (200, value)
        return
    for response in (creation, change):
        assert response.status_code == 422
        assert [(error["path"], error["code"]) for error in response.json()["errors"]] == [(f"/{member}", code)]
    assert manager.api.get(f"/api/issues/{issue['id']}").json() == issue


def test_a_title_is_required(people: People) -> None:
    manager = people.manager()
    response = manager.api.post(f"/api/projects/{manager.project()['id']}/issues", json={"priority": "low"})
    assert [(error["path"], error["code"]) for error in response.json()["errors"]] == [("/title", "missing")]


@pytest.mark.parametrize("status", ["done", "Open", "", None, 1], ids=repr)
def test_a_status_that_there_is_not(people: People, status: object) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project())
    response = manager.api.patch(f"/api/issues/{issue['id']}", json={"status": status})
    assert [(error["path"], error["code"]) for error in response.json()["errors"]] == [("/status", "literal_error")]


def test_a_due_date_may_lie_in_the_past_and_null_clears_it(people: People) -> None:
    manager = people.manager()
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    issue = manager.issue(manager.project(), due_date=date(1999, 12, 31).isoformat())
    path = f"/api/issues/{issue['id']}"
    assert issue["due_date"] == "1999-12-31"
    assert manager.api.patch(path, json={"due_date": yesterday}).json()["due_date"] == yesterday
    assert manager.api.patch(path, json={"due_date": None}).json()["due_date"] is None


@pytest.mark.parametrize(
    "members",
    [
        {"title": "Renamed"},
        {"description": "Rewritten", "description_html": "<p>Rewritten</p>"},
        {"status": "in_progress", "allowed_statuses": ["resolved"]},
        {"priority": "high"},
        {"due_date": "2030-01-31"},
        {"title": "Renamed", "priority": "low", "status": "in_progress", "allowed_statuses": ["resolved"]},
    ],
    ids="+".join,
)
def test_a_change_is_what_it_names_and_the_time_of_it(people: People, members: dict[str, Any]) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project(), description="Text")
    named = {name: value for name, value in members.items() if name not in ("description_html", "allowed_statuses")}
    changed = manager.api.patch(f"/api/issues/{issue['id']}", json=named).json()
    assert changed == {**issue, **members, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > issue["updated_at"]
    assert manager.api.get(f"/api/issues/{issue['id']}").json() == changed


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"title": " Same ", "description": "Text\n"},
        {"status": "open", "priority": "medium", "assignee_id": None, "due_date": "2030-01-31"},
    ],
    ids="+".join,
)
def test_no_change_leaves_everything_as_it_was(people: People, members: dict[str, Any]) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project(), title="Same", description="Text", due_date="2030-01-31")
    response = manager.api.patch(f"/api/issues/{issue['id']}", json=members)
    assert (response.status_code, response.json()) == (200, issue)
    assert manager.api.get(f"/api/issues/{issue['id']}/history").json()["total"] == 0


def test_comments_are_counted_and_are_no_change_of_the_issue(people: People) -> None:
    manager = people.manager()
    project = manager.project()
    issue, other = manager.issue(project), manager.issue(project)
    path = f"/api/issues/{issue['id']}"
    before = manager.api.get(path)
    for _ in range(3):
        people.developer().comment(issue)
    after = manager.api.get(path)
    assert after.json() == {**issue, "comment_count": 3}
    assert after.headers["ETag"] != before.headers["ETag"]
    listed = manager.api.get("/api/issues").json()["items"]
    assert {item["id"]: item["comment_count"] for item in listed} == {issue["id"]: 3, other["id"]: 0}


def test_an_issue_shows_the_new_name_of_its_project(people: People) -> None:
    manager = people.manager()
    project = manager.project()
    issue = manager.issue(project)
    manager.api.patch(f"/api/projects/{project['id']}", json={"name": "Renamed"})
    shown = manager.api.get(f"/api/issues/{issue['id']}").json()
    assert shown == {**issue, "project": {"id": project["id"], "name": "Renamed"}}


def test_an_issue_that_is_not_there(people: People) -> None:
    admin, path = people.admin(), f"/api/issues/{uuid4()}"
    for response in (
        admin.api.get(path),
        admin.api.get(f"{path}/history"),
        admin.api.patch(path, json={"title": "New"}),
        admin.api.get(f"/api/projects/{uuid4()}/issues"),
        admin.api.post(f"/api/projects/{uuid4()}/issues", json={"title": "New"}),
    ):
        assert response.status_code == 404
    assert admin.api.delete(path).status_code == 405

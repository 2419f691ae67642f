"""The order among 409s, and 403s that hang on the members that a body names."""

import pytest

from tests.support.api import JSON
from tests.support.faults import code
from tests.support.people import People, Person


def archived_with(admin: Person, **members: object) -> JSON:
    """An issue in a project that is archived after the issue has these members."""
    project = admin.project()
    issue = admin.issue(project)
    assert admin.api.patch(f"/api/issues/{issue['id']}", json=members).status_code == 200
    assert admin.api.delete(f"/api/projects/{project['id']}").status_code == 204
    return issue


def moved(admin: Person, issue: JSON, *statuses: str) -> JSON:
    """The issue, after these moves."""
    for status in statuses:
        assert admin.api.patch(f"/api/issues/{issue['id']}", json={"status": status}).status_code == 200
    return issue


def test_an_archived_project_before_a_move_that_is_not_allowed(people: People) -> None:
    admin = people.admin()
    issue = archived_with(admin)
    assert code(admin.api.patch(f"/api/issues/{issue['id']}", json={"status": "closed"})) == "project_archived"


def test_an_archived_project_before_a_missing_comment(people: People) -> None:
    admin = people.admin()
    project = admin.project()
    issue = moved(admin, admin.issue(project, priority="critical"), "in_progress", "resolved")
    admin.api.delete(f"/api/projects/{project['id']}")
    assert code(admin.api.patch(f"/api/issues/{issue['id']}", json={"status": "closed"})) == "project_archived"


def test_an_archived_project_before_a_name_that_is_taken(people: People) -> None:
    admin = people.admin()
    taken, archived = admin.project(name="Taken"), admin.project()
    admin.api.delete(f"/api/projects/{archived['id']}")
    path = f"/api/projects/{archived['id']}"
    assert code(admin.api.patch(path, json={"name": "taken"})) == "project_archived"
    assert code(admin.api.patch(path, json={"name": "taken", "is_archived": False})) == "already_exists"
    assert admin.api.get(path).json()["is_archived"] is True
    assert admin.api.get(f"/api/projects/{taken['id']}").json() == taken


def test_a_move_that_is_not_allowed_before_a_missing_comment(people: People) -> None:
    admin = people.admin()
    issue = admin.issue(admin.project(), priority="critical")
    problem = admin.api.patch(f"/api/issues/{issue['id']}", json={"status": "closed"}).json()
    assert problem["code"] == "invalid_transition"
    assert (problem["from"], problem["to"], problem["allowed"]) == ("open", "closed", ["in_progress"])


def test_the_last_admin_before_what_still_refers_to_them(people: People) -> None:
    admin = people.admin()
    admin.project()
    assert code(admin.api.delete(f"/api/users/{admin.id}")) == "last_admin"
    people.admin()
    assert code(admin.api.delete(f"/api/users/{admin.id}")) == "still_referenced"


@pytest.mark.parametrize("given", ["own", "other", "none"])
def test_an_assignee_may_not_name_the_assignee_whatever_the_value(people: People, given: str) -> None:
    manager, assignee = people.manager(), people.developer()
    issue = manager.issue(manager.project(), assignee_id=assignee.id)
    value = {"own": assignee.id, "other": manager.id, "none": None}[given]
    path = f"/api/issues/{issue['id']}"
    assert code(assignee.api.patch(path, json={"assignee_id": value, "title": "New"})) == "permission_denied"
    assert assignee.api.get(path).json() == issue
    assert assignee.api.patch(path, json={"title": "New"}).status_code == 200


@pytest.mark.parametrize("value", [True, False])
def test_a_manager_may_not_name_is_archived_of_another_s_project_whatever_the_value(
    people: People, value: object
) -> None:
    manager = people.manager()
    project = people.admin().project()
    path = f"/api/projects/{project['id']}"
    assert code(manager.api.patch(path, json={"is_archived": value, "name": "New"})) == "permission_denied"
    assert manager.api.get(path).json() == project
    assert manager.api.patch(path, json={"name": "New"}).status_code == 200

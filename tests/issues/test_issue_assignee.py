"""Whom an issue can be assigned to."""

from uuid import uuid4

import pytest

from tests.support.people import People, Person


def _deactivate(people: People, person: Person) -> None:
    response = people.admin().api.patch(f"/api/users/{person.id}", json={"is_active": False})
    assert response.status_code == 200


@pytest.mark.parametrize("kind", ["inactive", "unknown", "a project's id"])
def test_an_assignee_must_be_an_active_user(people: People, kind: str) -> None:
    manager, leaver = people.manager(), people.developer()
    project = manager.project()
    issue = manager.issue(project)
    _deactivate(people, leaver)
    wanted = {"inactive": leaver.id, "unknown": str(uuid4()), "a project's id": project["id"]}[kind]
    for response in (
        manager.api.post(f"/api/projects/{project['id']}/issues", json={"title": "New", "assignee_id": wanted}),
        manager.api.patch(f"/api/issues/{issue['id']}", json={"title": "Lost", "assignee_id": wanted}),
    ):
        assert response.status_code == 422
        assert [(error["in"], error["path"]) for error in response.json()["errors"]] == [("body", "/assignee_id")]
    assert manager.api.get("/api/issues").json()["items"] == [issue]


def test_assigning_reassigning_and_unassigning(people: People) -> None:
    manager, first, second = people.manager(), people.developer(), people.developer()
    issue = manager.issue(manager.project(), assignee_id=first.id)
    path = f"/api/issues/{issue['id']}"
    assert issue["assignee"] == first.ref
    assert manager.api.patch(path, json={"assignee_id": second.id.upper()}).json()["assignee"] == second.ref
    assert manager.api.patch(path, json={"title": "Other"}).json()["assignee"] == second.ref
    assert manager.api.patch(path, json={"assignee_id": None}).json()["assignee"] is None


def test_an_assignee_who_becomes_inactive_stays_and_can_be_named_again(people: People) -> None:
    manager, leaver = people.manager(), people.developer()
    issue = manager.issue(manager.project(), assignee_id=leaver.id)
    _deactivate(people, leaver)
    path = f"/api/issues/{issue['id']}"
    assert manager.api.patch(path, json={"assignee_id": leaver.id}).json() == issue
    changed = manager.api.patch(path, json={"assignee_id": leaver.id, "title": "Other"}).json()
    assert (changed["title"], changed["assignee"]) == ("Other", leaver.ref)
    assert manager.api.patch(path, json={"assignee_id": None}).status_code == 200
    assert manager.api.patch(path, json={"assignee_id": leaver.id}).status_code == 422


def test_a_bad_assignee_is_told_before_any_conflict(people: People) -> None:
    manager = people.manager()
    project = manager.project()
    issue = manager.issue(project)
    manager.api.delete(f"/api/projects/{project['id']}")
    for response in (
        manager.api.post(f"/api/projects/{project['id']}/issues", json={"title": "New", "assignee_id": str(uuid4())}),
        manager.api.patch(f"/api/issues/{issue['id']}", json={"status": "closed", "assignee_id": str(uuid4())}),
    ):
        assert response.status_code == 422


def test_deleting_an_assignee_unassigns(people: People) -> None:
    manager, leaver = people.manager(), people.developer()
    issue = manager.issue(manager.project(), assignee_id=leaver.id)
    assert people.admin().api.delete(f"/api/users/{leaver.id}").status_code == 204
    assert manager.api.get(f"/api/issues/{issue['id']}").json() == {**issue, "assignee": None}
    assert manager.api.get("/api/issues?assignee=none").json()["total"] == 1

"""Archiving: a project's soft end, in which everything can be read and nothing changed, and the way back."""

from typing import Any

import pytest

from tests.support.api import JSON
from tests.support.people import People, Person


def _world(manager: Person) -> dict[str, str]:
    """An archived project with an issue and a comment: the ids by kind."""
    project = manager.project(name="Old", description="Text")
    issue = manager.issue(project, title="It breaks", assignee_id=manager.id)
    comment = manager.comment(issue, "Me too.")
    assert manager.api.delete(f"/api/projects/{project['id']}").status_code == 204
    return {"project": project["id"], "issue": issue["id"], "comment": comment["id"]}


def test_archiving_twice_is_once(people: People) -> None:
    manager = people.manager()
    project = manager.project()
    path = f"/api/projects/{project['id']}"
    assert manager.api.delete(path).status_code == 204
    archived = manager.api.get(path).json()
    assert archived == {**project, "is_archived": True, "updated_at": archived["updated_at"]}
    assert archived["updated_at"] > project["updated_at"]
    assert manager.api.delete(path).status_code == 204
    assert manager.api.patch(path, json={"is_archived": True}).json() == archived
    assert manager.api.get(path).json() == archived


REFUSED: list[Any] = [
    pytest.param("POST", "/api/projects/{project}/issues", {"title": "New"}, id="new issue"),
    pytest.param("POST", "/api/issues/{issue}/comments", {"content": "New"}, id="new comment"),
    *(
        pytest.param("PATCH", "/api/issues/{issue}", members, id=f"issue {members}")
        for members in (
            {"title": "New"},
            {"description": "New"},
            {"status": "in_progress"},
            {"status": "closed"},
            {"priority": "low"},
            {"assignee_id": None},
            {"due_date": "2030-01-31"},
            {"title": "It breaks", "description": "New"},
        )
    ),
    pytest.param("PATCH", "/api/comments/{comment}", {"content": "New"}, id="comment"),
    pytest.param("PATCH", "/api/projects/{project}", {"name": "New"}, id="name"),
    pytest.param("PATCH", "/api/projects/{project}", {"name": "OLD"}, id="name in another case"),
    pytest.param("PATCH", "/api/projects/{project}", {"name": "Taken"}, id="a name that is taken"),
    pytest.param("PATCH", "/api/projects/{project}", {"description": None}, id="description"),
    pytest.param("PATCH", "/api/projects/{project}", {"name": "New", "is_archived": True}, id="name, archived again"),
]


@pytest.mark.parametrize(("method", "path", "members"), REFUSED)
def test_an_archived_project_is_read_only(people: People, method: str, path: str, members: JSON) -> None:
    manager = people.manager()
    manager.project(name="Taken")
    ids = _world(manager)
    reads = [
        f"/api/projects/{ids['project']}",
        f"/api/projects/{ids['project']}/issues",
        f"/api/issues/{ids['issue']}",
        f"/api/issues/{ids['issue']}/history",
        f"/api/issues/{ids['issue']}/comments",
        f"/api/comments/{ids['comment']}",
        f"/api/comments/{ids['comment']}/revisions",
    ]
    before = [manager.api.get(read).json() for read in reads]
    response = manager.api.request(method, path.format(**ids), json=members)
    assert response.json()["code"] == "project_archived"
    assert [manager.api.get(read).json() for read in reads] == before


@pytest.mark.parametrize(("method", "path", "members"), REFUSED)
def test_a_restored_project_takes_it_all_again(people: People, method: str, path: str, members: JSON) -> None:
    manager = people.manager()
    ids = _world(manager)
    response = manager.api.patch(f"/api/projects/{ids['project']}", json={"is_archived": False})
    assert (response.status_code, response.json()["is_archived"]) == (200, False)
    response = manager.api.request(method, path.format(**ids), json=members)
    if members == {"status": "closed"}:
        assert response.json()["code"] == "invalid_transition"
    else:
        assert response.status_code == (201 if method == "POST" else 200)


@pytest.mark.parametrize(
    ("path", "members"),
    [
        pytest.param("/api/issues/{issue}", {}, id="issue, nothing named"),
        pytest.param("/api/issues/{issue}", {"title": " It breaks ", "status": "open", "due_date": None}, id="issue"),
        pytest.param("/api/comments/{comment}", {}, id="comment, nothing named"),
        pytest.param("/api/comments/{comment}", {"content": "Me too. "}, id="comment"),
        pytest.param("/api/projects/{project}", {}, id="project, nothing named"),
        pytest.param("/api/projects/{project}", {"name": "Old", "description": "Text"}, id="project"),
        pytest.param("/api/projects/{project}", {"name": "Old", "is_archived": True}, id="project, archived again"),
    ],
)
def test_no_change_is_no_conflict(people: People, path: str, members: JSON) -> None:
    manager = people.manager()
    ids = _world(manager)
    before = manager.api.get(path.format(**ids)).json()
    response = manager.api.patch(path.format(**ids), json=members)
    assert (response.status_code, response.json()) == (200, before)


def test_restoring_may_change_the_rest_in_the_same_patch(people: People) -> None:
    manager = people.manager()
    ids = _world(manager)
    members = {"is_archived": False, "name": "New", "description": None}
    changed = manager.api.patch(f"/api/projects/{ids['project']}", json=members).json()
    assert {name: changed[name] for name in members} == members


def test_a_restore_that_fails_restores_nothing(people: People) -> None:
    manager = people.manager()
    manager.project(name="Taken")
    path = f"/api/projects/{_world(manager)['project']}"
    response = manager.api.patch(path, json={"is_archived": False, "name": "taken"})
    assert response.json()["code"] == "already_exists"
    assert manager.api.get(path).json()["is_archived"] is True


def test_archiving_may_change_the_rest_in_the_same_patch(people: People) -> None:
    manager = people.manager()
    project = manager.project()
    members = {"is_archived": True, "name": "Last words"}
    changed = manager.api.patch(f"/api/projects/{project['id']}", json=members).json()
    assert {name: changed[name] for name in members} == members


@pytest.mark.parametrize("value", [None, "true", 1, 0], ids=repr)
def test_is_archived_is_a_boolean(people: People, value: object) -> None:
    manager = people.manager()
    response = manager.api.patch(f"/api/projects/{manager.project()['id']}", json={"is_archived": value})
    assert [error["path"] for error in response.json()["errors"]] == ["/is_archived"]

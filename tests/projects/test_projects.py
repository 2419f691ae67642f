"""Projects, through HTTP."""

from tests.support.api import Api
from tests.support.people import People


def test_a_manager_creates_a_project(api: Api, people: People) -> None:
    manager = people.manager()
    project = manager.project(name="  Käfer  ")
    assert project["name"] == "Käfer"
    assert project["created_by"] == manager.ref
    assert manager.api.get(f"/api/projects/{project['id']}").json() == project
    assert manager.api.get("/api/users").json()["total"] == 1

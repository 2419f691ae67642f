"""Projects, through HTTP: what is created, shown, changed and listed."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.api import Api
from tests.support.people import People

EMPTY = {"null": {"description": None}, "empty": {"description": ""}, "blank": {"description": " \n\t "}}


def test_creating_answers_the_whole_project_and_where_it_is(people: People) -> None:
    manager = people.manager()
    response = manager.api.post("/api/projects", json={"name": "  Käfer  ", "description": " For\nbugs "})
    project = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/projects/{project['id']}"
    assert project == {
        "id": project["id"],
        "name": "Käfer",
        "description": "For\nbugs",
        "created_by": manager.ref,
        "created_at": project["created_at"],
        "updated_at": project["created_at"],
        "is_archived": False,
    }
    assert UUID(project["id"]).version == 7
    assert manager.api.get(response.headers["Location"]).json() == project


@pytest.mark.parametrize("members", [{}, *EMPTY.values()], ids=["left out", *EMPTY])
def test_an_empty_description_is_null(people: People, members: dict[str, Any]) -> None:
    assert people.manager().project(**members)["description"] is None


@pytest.mark.parametrize("members", EMPTY.values(), ids=EMPTY)
def test_an_empty_description_becomes_null(people: People, members: dict[str, Any]) -> None:
    manager = people.manager()
    project = manager.project(description="Text")
    path = f"/api/projects/{project['id']}"
    assert manager.api.patch(path, json={"name": "Other"}).json()["description"] == "Text"
    assert manager.api.patch(path, json=members).json()["description"] is None
    assert manager.api.get(path).json()["description"] is None


LIMITS = [
    pytest.param("name", "ä", None, id="name of 1"),
    pytest.param("name", "🐛" * 100, None, id="name of 100"),
    pytest.param("name", " " + "a\u0308" * 100 + " ", None, id="name of 100 when trimmed and composed"),
    pytest.param("name", "", "string_too_short", id="name empty"),
    pytest.param("name", " \t\n\u00a0", "string_too_short", id="name blank"),
    pytest.param("name", "x" * 101, "string_too_long", id="name of 101"),
    pytest.param("name", None, "string_type", id="name null"),
    pytest.param("name", 7, "string_type", id="name a number"),
    pytest.param("description", "🐛" * 1000, None, id="description of 1000"),
    pytest.param("description", "x" * 1001, "string_too_long", id="description of 1001"),
    pytest.param("description", ["x"], "string_type", id="description a list"),
]


@pytest.mark.parametrize(("member", "value", "code"), LIMITS)
def test_limits_hold_for_new_projects_and_for_changes(
    people: People, member: str, value: object, code: str | None
) -> None:
    manager = people.manager()
    project = manager.project()
    creation = manager.api.post("/api/projects", json={"name": "New", member: value})
    change = manager.api.patch(f"/api/projects/{project['id']}", json={member: value})
    if code is None:
        assert creation.status_code == 201
        assert change.status_code == 409 if member == "name" else change.json()[member] == value
        return
    for response in (creation, change):
        assert response.status_code == 422
        assert [(error["path"], error["code"]) for error in response.json()["errors"]] == [(f"/{member}", code)]


def test_a_name_is_required_and_is_archived_is_no_member_of_a_new_project(people: People) -> None:
    response = people.manager().api.post("/api/projects", json={"is_archived": False})
    assert {(error["path"], error["code"]) for error in response.json()["errors"]} == {
        ("/name", "missing"),
        ("/is_archived", "extra_forbidden"),
    }


@pytest.mark.parametrize(
    "members",
    [
        {"name": "Renamed"},
        {"description": "Rewritten"},
        {"is_archived": True},
        {"name": "Renamed", "description": "Rewritten", "is_archived": True},
    ],
    ids="+".join,
)
def test_a_change_is_what_it_names_and_the_time_of_it(people: People, members: dict[str, Any]) -> None:
    manager = people.manager()
    project = manager.project(description="Text")
    changed = manager.api.patch(f"/api/projects/{project['id']}", json=members).json()
    assert changed == {**project, **members, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > project["updated_at"]
    assert manager.api.get(f"/api/projects/{project['id']}").json() == changed


@pytest.mark.parametrize("members", [{}, {"name": " Same "}, {"description": "Text", "is_archived": False}])
def test_no_change_leaves_everything_as_it_was(people: People, members: dict[str, Any]) -> None:
    manager = people.manager()
    project = manager.project(name="Same", description="Text")
    response = manager.api.patch(f"/api/projects/{project['id']}", json=members)
    assert (response.status_code, response.json()) == (200, project)


LISTS = [
    pytest.param("", ["zebra", "Ant"], id="newest first, archived left out"),
    pytest.param("?is_archived=false", ["zebra", "Ant"], id="live"),
    pytest.param("?is_archived=true", ["Bee", "Ape"], id="archived"),
    pytest.param("?sort=name", ["Ant", "zebra"], id="by name, whatever the case"),
    pytest.param("?sort=-name", ["zebra", "Ant"], id="by name, descending"),
    pytest.param("?sort=created_at", ["Ant", "zebra"], id="oldest first"),
    pytest.param("?sort=-updated_at", ["Ant", "zebra"], id="changed last first"),
    pytest.param("?is_archived=true&sort=updated_at", ["Ape", "Bee"], id="archived, changed first first"),
    pytest.param("?search=AN", ["Ant"], id="search in names"),
    pytest.param("?search=strip", ["zebra"], id="search in descriptions"),
    pytest.param("?search=striped%20zeb", ["zebra"], id="search over both"),
    pytest.param("?search=ape", [], id="search leaves archived out"),
    pytest.param("?search=ape&is_archived=true", ["Ape"], id="search among archived"),
]


@pytest.mark.parametrize(("query", "names"), LISTS)
def test_projects_are_listed(people: People, query: str, names: list[str]) -> None:
    manager = people.manager()
    first = manager.project(name="Ant")
    for name in ("Ape", "Bee"):
        archived = manager.project(name=name)
        assert manager.api.delete(f"/api/projects/{archived['id']}").status_code == 204
    manager.project(name="zebra", description="Striped")
    manager.api.patch(f"/api/projects/{first['id']}", json={"description": "Small"})
    page = people.developer().api.get(f"/api/projects{query}").json()
    assert [project["name"] for project in page["items"]] == names
    assert page["total"] == len(names)


def test_a_list_shows_what_each_project_shows(people: People) -> None:
    manager = people.manager()
    projects = [manager.project(description="Text"), people.admin().project()]
    assert manager.api.get("/api/projects?sort=created_at").json()["items"] == projects


def test_what_a_word_of_an_old_text_found_is_found_no_more(people: People) -> None:
    manager = people.manager()
    project = manager.project(name="Alpha", description="Beta")
    manager.api.patch(f"/api/projects/{project['id']}", json={"name": "Gamma", "description": None})
    found = {word: manager.api.get(f"/api/projects?search={word}").json()["total"] for word in ("alpha", "beta", "gam")}
    assert found == {"alpha": 0, "beta": 0, "gam": 1}


def test_a_project_that_is_not_there(people: People, api: Api) -> None:
    path = f"/api/projects/{uuid4()}"
    admin = people.admin()
    for response in (admin.api.get(path), admin.api.patch(path, json={"name": "New"}), admin.api.delete(path)):
        assert response.status_code == 404
    assert api.get(path).status_code == 401

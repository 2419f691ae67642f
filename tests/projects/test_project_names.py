"""A project's name is unique, without regard to case or to how its letters are composed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.people import People

SAME = [
    pytest.param("Flycatcher", "Flycatcher", id="same"),
    pytest.param("Flycatcher", "fLYCATCHER", id="other case"),
    pytest.param("Flycatcher", "\tflycatcher ", id="spaces around"),
    pytest.param("Käfer", "KA\u0308FER", id="decomposed and other case"),
    pytest.param("Straße", "STRASSE", id="sharp s"),
    pytest.param("ΣΊΣΥΦΟΣ", "σίσυφος", id="final sigma"),
]


@pytest.mark.parametrize(("taken", "wanted"), SAME)
@pytest.mark.parametrize("archived", [False, True], ids=["live", "archived"])
def test_a_taken_name_is_refused(people: People, taken: str, wanted: str, archived: bool) -> None:
    manager = people.manager()
    holder, other = manager.project(name=taken), manager.project(name="Other")
    if archived:
        manager.api.delete(f"/api/projects/{holder['id']}")
    for response in (
        manager.api.post("/api/projects", json={"name": wanted}),
        manager.api.patch(f"/api/projects/{other['id']}", json={"name": wanted, "description": "Lost"}),
    ):
        assert response.json()["code"] == "already_exists"
    assert manager.api.get(f"/api/projects/{other['id']}").json() == other
    assert manager.api.get("/api/projects").json()["total"] + archived == 2


def test_names_that_differ_in_more_than_case_are_different(people: People) -> None:
    manager = people.manager()
    for name in ("Kafer", "Käfer", "Ka fer", "Ka-fer"):
        manager.project(name=name)
    assert manager.api.get("/api/projects").json()["total"] == 4


@pytest.mark.parametrize("name", ["FLYcatcher", "flycatcher"])
def test_a_project_may_take_its_own_name_in_another_case(people: People, name: str) -> None:
    manager = people.manager()
    project = manager.project(name="Flycatcher")
    response = manager.api.patch(f"/api/projects/{project['id']}", json={"name": name})
    assert (response.status_code, response.json()["name"]) == (200, name)


def test_a_name_that_was_given_up_is_free(people: People) -> None:
    manager = people.manager()
    project = manager.project(name="Flycatcher")
    manager.api.patch(f"/api/projects/{project['id']}", json={"name": "Other"})
    assert manager.project(name="flycatcher")["name"] == "flycatcher"


def test_of_equal_creations_at_once_one_succeeds(people: People) -> None:
    manager = people.manager()
    with ThreadPoolExecutor(4) as threads:
        for number in range(5):
            names = [f"Race {number}", f"race {number}"] * 2
            answers = list(threads.map(lambda name: manager.api.post("/api/projects", json={"name": name}), names))
            assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert manager.api.get("/api/projects").json()["total"] == 5

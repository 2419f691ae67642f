"""Entity tags: a strong one on each project, issue and comment; 304 where it is known, 412 where it is not today's."""

import re

import pytest

from tests.support.api import JSON
from tests.support.faults import code
from tests.support.people import People
from tests.support.world import World

KINDS = ["project", "issue", "comment"]
CHANGES: dict[str, JSON] = {"project": {"name": "New"}, "issue": {"title": "New"}, "comment": {"content": "New"}}
KNOWN = ["{tag}", "W/{tag}", "*", '"x" ,\t{tag}', '"x", {tag}', '"x",W/{tag},"y"', '{tag}, "x"']
UNKNOWN = ['"x"', 'W/"x"', "{bare}", "", '"*"', '"{bare}x"', "x", '"x", "y"']
MATCHING = ["{tag}", "*", '"x", {tag}', '{tag},"x"', '"x" ,\t{tag}']
NOT_MATCHING = ['"x"', "W/{tag}", '"x", W/{tag}', "{bare}", "", '"*"', "x", "W/*"]


def path_of(world: World, kind: str) -> str:
    documents = {"project": world.project, "issue": world.issue, "comment": world.comment}
    return f"/api/{kind}s/{documents[kind]['id']}"


def filled(template: str, tag: str) -> str:
    return template.replace("{tag}", tag).replace("{bare}", tag.strip('"'))


@pytest.mark.parametrize("kind", KINDS)
def test_the_tag_is_strong_and_the_same_for_everybody(world: World, people: People, kind: str) -> None:
    path = path_of(world, kind)
    tags = {person.api.get(path).headers["ETag"] for person in (world.admin, people.developer(), people.manager())}
    assert len(tags) == 1
    assert re.fullmatch(r'"[!#-~]+"', tags.pop())


@pytest.mark.parametrize("kind", KINDS)
def test_the_tag_changes_with_the_object_and_is_told_by_the_change(world: World, kind: str) -> None:
    path = path_of(world, kind)
    before = world.admin.api.get(path).headers["ETag"]
    change = world.admin.api.patch(path, json=CHANGES[kind])
    after = world.admin.api.get(path)
    assert before != after.headers["ETag"] == change.headers["ETag"]
    assert change.content == after.content


def test_a_creation_tells_the_tag_and_the_place(people: People) -> None:
    manager = people.manager()
    path = "/api/projects"
    for kind, below, body in (
        ("projects", "/issues", {"name": "x"}),
        ("issues", "/comments", {"title": "x"}),
        ("comments", "", {"content": "x"}),
    ):
        created = manager.api.post(path, json=body)
        location = created.headers["Location"]
        assert location == f"/api/{kind}/{created.json()['id']}"
        found = manager.api.get(location)
        assert (found.headers["ETag"], found.content) == (created.headers["ETag"], created.content)
        path = location + below


def test_a_comment_changes_the_tag_of_its_issue_but_not_its_time(world: World) -> None:
    path = path_of(world, "issue")
    before = world.admin.api.get(path)
    world.admin.comment(world.issue)
    after = world.admin.api.get(path)
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.json() == {**before.json(), "comment_count": 2}


def test_a_project_s_new_name_changes_the_tag_of_its_issues(world: World) -> None:
    before = world.admin.api.get(path_of(world, "issue")).headers["ETag"]
    world.admin.api.patch(path_of(world, "project"), json={"name": "New"})
    assert world.admin.api.get(path_of(world, "issue")).headers["ETag"] != before


@pytest.mark.parametrize("template", KNOWN)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_known_is_304_with_the_tag_and_no_body(world: World, kind: str, method: str, template: str) -> None:
    path = path_of(world, kind)
    tag = world.admin.api.get(path).headers["ETag"]
    response = world.admin.api.request(method, path, headers={"If-None-Match": filled(template, tag)})
    assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", tag)
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("template", UNKNOWN)
def test_what_is_not_known_is_sent(world: World, template: str) -> None:
    path = path_of(world, "issue")
    tag = world.admin.api.get(path).headers["ETag"]
    response = world.admin.api.get(path, headers={"If-None-Match": filled(template, tag)})
    assert response.status_code == 200
    assert response.json()["id"] == world.issue["id"]


def test_what_has_changed_is_sent(world: World) -> None:
    path = path_of(world, "comment")
    tag = world.admin.api.get(path).headers["ETag"]
    world.admin.api.patch(path, json={"content": "New"})
    assert world.admin.api.get(path, headers={"If-None-Match": tag}).json()["content"] == "New"


def test_an_object_that_is_not_there_is_404_whatever_is_known(world: World) -> None:
    path = path_of(world, "issue")[:-12] + "0" * 12
    assert code(world.admin.api.get(path, headers={"If-None-Match": "*"})) == "not_found"


@pytest.mark.parametrize("template", MATCHING)
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_what_was_seen_is_made(world: World, kind: str, template: str) -> None:
    path = path_of(world, kind)
    tag = world.admin.api.get(path).headers["ETag"]
    response = world.admin.api.patch(path, json=CHANGES[kind], headers={"If-Match": filled(template, tag)})
    assert response.status_code == 200
    assert response.headers["ETag"] != tag


@pytest.mark.parametrize("template", NOT_MATCHING)
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_what_was_not_seen_is_412_and_not_made(world: World, kind: str, template: str) -> None:
    path = path_of(world, kind)
    before = world.admin.api.get(path)
    headers = {"If-Match": filled(template, before.headers["ETag"])}
    assert code(world.admin.api.patch(path, json=CHANGES[kind], headers=headers)) == "precondition_failed"
    assert world.admin.api.get(path).content == before.content


def test_the_second_of_two_changes_of_one_state_is_412(world: World) -> None:
    path = path_of(world, "issue")
    headers = {"If-Match": world.admin.api.get(path).headers["ETag"]}
    assert world.admin.api.patch(path, json={"title": "First"}, headers=headers).status_code == 200
    assert code(world.admin.api.patch(path, json={"title": "Second"}, headers=headers)) == "precondition_failed"
    assert world.admin.api.get(path).json()["title"] == "First"


@pytest.mark.parametrize("template", NOT_MATCHING)
def test_archiving_what_was_not_seen_is_412_and_does_nothing(world: World, template: str) -> None:
    path = path_of(world, "project")
    before = world.admin.api.get(path)
    headers = {"If-Match": filled(template, before.headers["ETag"])}
    assert code(world.admin.api.delete(path, headers=headers)) == "precondition_failed"
    assert world.admin.api.get(path).content == before.content


@pytest.mark.parametrize("template", MATCHING)
def test_archiving_what_was_seen_is_done(world: World, template: str) -> None:
    path = path_of(world, "project")
    tag = world.admin.api.get(path).headers["ETag"]
    assert world.admin.api.delete(path, headers={"If-Match": filled(template, tag)}).status_code == 204
    assert world.admin.api.get(path).json()["is_archived"] is True

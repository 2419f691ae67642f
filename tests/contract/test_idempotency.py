"""Idempotency-Key: a creation that is sent again gives its first answer again, and creates nothing."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import psycopg
import pytest

from tests.support.api import JSON, Api
from tests.support.faults import code, faults
from tests.support.people import People
from tests.support.world import World

CREATIONS: dict[str, tuple[str, str, JSON]] = {
    "project": ("/api/projects", "/api/projects", {"name": "New"}),
    "issue": ("/api/projects/{project}/issues", "/api/projects/{project}/issues", {"title": "New"}),
    "comment": ("/api/issues/{issue}/comments", "/api/issues/{issue}/comments", {"content": "New"}),
}
each_creation = pytest.mark.parametrize(("path", "listed", "body"), CREATIONS.values(), ids=CREATIONS.keys())
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
KEYS = {"one character": "k", "255 characters": "k" * 255, "punctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}
BAD_KEYS = {
    "empty": b"",
    "256 characters": b"k" * 256,
    "a space within": b"a b",
    "a tab within": b"a\tb",
    "UTF-8": "schlüssel".encode(),
    "Latin-1": b"schl\xfcssel",
}


def send(api: Api, path: str, key: str, body: JSON | bytes) -> httpx2.Response:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    return api.post(path, headers=headers, **({"content": body} if isinstance(body, bytes) else {"json": body}))


def total(api: Api, path: str) -> int:
    found: int = api.get(path).json()["total"]
    return found


def filled(world: World, path: str) -> str:
    return path.replace("{project}", world.project["id"]).replace("{issue}", world.issue["id"])


@each_creation
def test_the_first_answer_comes_again_and_nothing_else_is_created(
    world: World, path: str, listed: str, body: JSON
) -> None:
    path, listed = filled(world, path), filled(world, listed)
    first = send(world.admin.api, path, "key", body)
    count = total(world.admin.api, listed)
    again = send(world.admin.api, path, "key", body)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for name in ("Location", "ETag", "Content-Type", "Content-Length"):
        assert first.headers[name] == again.headers[name]
    assert first.headers["X-Request-ID"] != again.headers["X-Request-ID"]
    assert total(world.admin.api, listed) == count


@each_creation
def test_the_first_answer_comes_again_even_where_things_have_changed(
    world: World, path: str, listed: str, body: JSON
) -> None:
    first = send(world.admin.api, filled(world, path), "key", body)
    if "content" in body:
        assert world.admin.api.patch(first.headers["Location"], json={"content": "Other"}).status_code == 200
    world.admin.api.delete(f"/api/projects/{world.project['id']}")
    count = total(world.admin.api, filled(world, listed))
    again = send(world.admin.api, filled(world, path), "key", body)
    assert (again.status_code, again.content) == (201, first.content)
    assert total(world.admin.api, filled(world, listed)) == count


@each_creation
def test_two_at_the_same_moment_create_one(world: World, path: str, listed: str, body: JSON) -> None:
    path, listed = filled(world, path), filled(world, listed)
    count = total(world.admin.api, listed)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(world.admin.api, path, "key", body), range(8)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert made
    assert len({answer.content for answer in made}) == 1
    assert {code(answer) for answer in answers if answer.status_code != 201} <= {"request_in_progress"}
    assert total(world.admin.api, listed) == count + 1


def test_while_the_first_is_running_the_second_is_409_and_then_gets_its_answer(world: World, database: str) -> None:
    path = f"/api/issues/{world.issue['id']}/comments"
    body: JSON = {"content": "New"}
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database) as owner, psycopg.connect(database) as observer:
        observer.autocommit = True
        owner.execute("SELECT FROM issues WHERE id = %s FOR UPDATE", [world.issue["id"]])
        first = pool.submit(send, world.admin.api, path, "key", body)
        while not observer.execute(WAITING).fetchone():
            assert not first.done()
        refused = send(world.admin.api, path, "key", body)
        assert (code(refused), refused.headers["Retry-After"].isdigit()) == ("request_in_progress", True)
        assert faults(send(world.admin.api, path, "key", {})) == [("body", "/content", "missing")]
        owner.rollback()
        assert first.result().status_code == 201
    assert send(world.admin.api, path, "key", body).content == first.result().content
    assert total(world.admin.api, path) == 2


@pytest.mark.parametrize(
    "other", [b'{"name": "Other"}', b'{"name":"New"}', b'{"name": "New"} ', b'{"name": "New", "description": null}']
)
def test_another_body_is_422_though_it_says_the_same(people: People, other: bytes) -> None:
    api = people.manager().api
    assert send(api, "/api/projects", "key", b'{"name": "New"}').status_code == 201
    response = send(api, "/api/projects", "key", other)
    assert (response.status_code, code(response)) == (422, "idempotency_key_reused")
    assert total(api, "/api/projects") == 1


def test_another_user_s_key_is_another_key(people: People) -> None:
    first, second = people.manager().api, people.manager().api
    assert send(first, "/api/projects", "key", {"name": "First"}).json()["name"] == "First"
    assert send(second, "/api/projects", "key", {"name": "Second"}).json()["name"] == "Second"
    assert code(send(second, "/api/projects", "other", {"name": "First"})) == "already_exists"


def test_a_key_at_another_path_is_another_key(people: People) -> None:
    manager = people.manager()
    paths = [f"/api/projects/{manager.project()['id']}/issues" for _ in range(2)]
    first, second = (send(manager.api, path, "key", {"title": "x"}).json() for path in paths)
    assert first["id"] != second["id"]
    assert [total(manager.api, path) for path in paths] == [1, 1]


def test_another_key_creates_anew(world: World) -> None:
    path = f"/api/issues/{world.issue['id']}/comments"
    assert len({send(world.admin.api, path, key, {"content": "x"}).json()["id"] for key in ("a", "A", "b")}) == 3


def test_without_a_key_each_request_creates(world: World) -> None:
    path = f"/api/issues/{world.issue['id']}/comments"
    assert len({world.admin.api.post(path, json={"content": "x"}).json()["id"] for _ in range(2)}) == 2


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_every_printable_key_is_taken(people: People, key: str) -> None:
    api = people.manager().api
    first, again = (send(api, "/api/projects", key, {"name": "New"}) for _ in range(2))
    assert first.status_code == 201
    assert first.content == again.content


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_any_other_key_is_422(people: People, key: bytes) -> None:
    api = people.manager().api
    response = api.post("/api/projects", json={"name": "New"}, headers={"Idempotency-Key": key})
    assert faults(response) == [("header", "Idempotency-Key", "idempotency_key")]
    assert total(api, "/api/projects") == 0


def test_an_answer_that_created_nothing_is_not_kept(people: People) -> None:
    manager = people.manager()
    project, other = manager.project(name="Taken"), people.developer()
    assert code(send(manager.api, "/api/projects", "key", {"name": "taken"})) == "already_exists"
    assert code(send(manager.api, "/api/projects", "key", {"name": ""})) == "validation_failed"
    assert code(send(manager.api, "/api/projects", "key", b"{")) == "malformed_json"
    manager.api.patch(f"/api/projects/{project['id']}", json={"name": "Free"})
    assert send(manager.api, "/api/projects", "key", {"name": "taken"}).status_code == 201
    assert code(send(other.api, "/api/projects", "key", {"name": "taken"})) == "permission_denied"


def test_a_key_lasts_a_day(people: People, database: str) -> None:
    api = people.manager().api
    first = send(api, "/api/projects", "key", {"name": "First"})
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute("UPDATE idempotency_keys SET created_at = now() - interval '23 hours 59 minutes'")
        assert send(api, "/api/projects", "key", {"name": "First"}).content == first.content
        owner.execute("UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second'")
        assert code(send(api, "/api/projects", "key", {"name": "First"})) == "already_exists"
        second = send(api, "/api/projects", "key", {"name": "Second"})
        assert second.status_code == 201
        assert send(api, "/api/projects", "key", {"name": "Second"}).content == second.content
        assert owner.execute("SELECT count(*) FROM idempotency_keys").fetchone() == (1,)


def test_where_no_key_is_offered_none_is_looked_at(world: World) -> None:
    path = f"/api/issues/{world.issue['id']}"
    for title in ("One", "Two"):
        headers = {"Idempotency-Key": "a b"}
        assert world.admin.api.patch(path, json={"title": title}, headers=headers).json()["title"] == title

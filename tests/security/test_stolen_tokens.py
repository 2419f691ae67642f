"""Somebody has copied the tokens of a session and goes on using them, or makes a refresh token from what was copied.

Whatever ends the session must end both at once in every function: by Redis where it has been told, by PostgreSQL where
Redis is away, was away or has forgotten. A refresh token must work once, and in one spelling.
"""

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2
import pytest
from redis import Redis

from tests.support.accounts import logout, me, outcome, refresh, refresh_token_of, registration
from tests.support.api import JSON, Api, Headers
from tests.support.fixtures import Owner, events, wait_until_blocked
from tests.support.functions import DOORS, Functions
from tests.support.people import PASSWORD, People, Person

REVOKED = (401, "token_revoked")
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "Other-horse-1"}


@dataclass(frozen=True)
class Scene:
    """Bob, whose tokens have been copied, with a second session, and an admin; all of them at one function auth."""

    person: Person
    stolen: str
    auth: Api
    bob: Api
    elsewhere: Api
    admin: Api

    def use(self) -> httpx2.Response:
        """Somebody uses the copy."""
        return refresh(self.auth, self.stolen)

    def patch(self, **members: object) -> httpx2.Response:
        """The admin changes Bob."""
        return self.admin.patch(f"/api/users/{self.person.id}", json=members)

    def delete(self) -> httpx2.Response:
        """The admin deletes Bob."""
        return self.admin.delete(f"/api/users/{self.person.id}")


def make_scene(people: People, owner: Owner, auth: Api) -> Scene:
    bob, admin, session_id = people.developer("bob"), people.admin(), uuid4()
    insert = "INSERT INTO sessions (id, user_id, expires_at, ip, user_agent) VALUES (%s, %s, 'infinity', '', '')"
    owner.execute(insert, (session_id, bob.id))
    elsewhere = people.token(UUID(bob.id), session_id, "developer")
    signed_in = [auth.signed_in(token) for token in (bob.token, elsewhere, admin.token)]
    return Scene(bob, refresh_token_of(bob, owner), auth, *signed_in)


ENDINGS: dict[str, list[Callable[[Scene], httpx2.Response]]] = {
    "logout": [lambda scene: logout(scene.auth, scene.stolen)],
    "logout-all": [lambda scene: scene.bob.post("/api/auth/logout-all")],
    "logout-all-from-another-session": [lambda scene: scene.elsewhere.post("/api/auth/logout-all")],
    "end-of-the-session": [lambda scene: scene.bob.delete(f"/api/auth/sessions/{scene.person.session_id}")],
    "end-from-another-session": [lambda scene: scene.elsewhere.delete(f"/api/auth/sessions/{scene.person.session_id}")],
    "password-change": [lambda scene: scene.bob.post("/api/auth/password", json=NEW_PASSWORD)],
    "role-change": [lambda scene: scene.patch(role="manager")],
    "role-change-and-back": [lambda scene: scene.patch(role="admin"), lambda scene: scene.patch(role="developer")],
    "deactivation": [lambda scene: scene.patch(is_active=False)],
    "reactivation": [lambda scene: scene.patch(is_active=False), lambda scene: scene.patch(is_active=True)],
    "deletion": [Scene.delete],
    "new-account-of-the-same-name": [
        Scene.delete,
        lambda scene: scene.auth.post("/api/auth/register", json=registration(username="bob")),
    ],
    "reuse-of-the-refresh-token": [Scene.use, Scene.use],
    "logout-with-a-used-refresh-token": [Scene.use, lambda scene: logout(scene.auth, scene.stolen)],
}


def doors(functions: Functions, token: str) -> dict[str, int]:
    """What each function answers to an access token; a refusal must say that the token has been revoked."""
    answers = {name: functions[name].signed_in(token).get(path) for name, (path, _) in DOORS.items()}
    assert all(outcome(answer) == REVOKED for answer in answers.values() if answer.status_code == 401)
    return {name: answer.status_code for name, answer in answers.items()}


@pytest.fixture
def both(functions: Functions, functions_without_redis: Functions) -> tuple[Functions, Functions]:
    """The functions with Redis, and without it."""
    return functions, functions_without_redis


@pytest.mark.parametrize("told", ["redis-told", "redis-away-at-the-end"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_stolen_tokens_are_dead_at_once_everywhere(
    people: People, owner: Owner, redis: Redis, both: tuple[Functions, Functions], ending: str, told: str
) -> None:
    scene = make_scene(people, owner, both[told != "redis-told"]["auth"])
    refused = dict.fromkeys(DOORS, 401)
    assert scene.bob.get("/api/auth/me").status_code == 200
    answers = [step(scene) for step in ENDINGS[ending]]
    assert [doors(functions, scene.person.token) for functions in both] == [refused, refused]
    assert bool(redis.exists(f"denied:{scene.person.session_id}")) == (told == "redis-told")
    redis.flushdb()
    assert doors(both[0], scene.person.token) == refused
    for answer in [*answers, None]:
        given = answer.json() if answer and answer.status_code == 200 else {}
        token = given.get("refresh_token", None if answer else scene.stolen)
        if token:
            assert outcome(refresh(scene.auth, token)) == REVOKED
    assert scene.admin.get("/api/auth/me").status_code == 200


def test_before_the_end_they_open_every_function(people: People, both: tuple[Functions, Functions]) -> None:
    token, opened = people.developer().token, {name: status for name, (_, status) in DOORS.items()}
    assert [doors(functions, token) for functions in both] == [opened, opened]


class Replay(NamedTuple):
    """A request that the API could answer from what it remembers, and its answer while the session lives."""

    method: str
    path: str
    status: int
    headers: Headers = {}  # noqa: RUF012  # nobody changes it
    body: JSON | None = None


REPLAYS = {
    "head": Replay("HEAD", "/api/projects", 200),
    "entity-tag-that-is-known": Replay("GET", "/api/projects/{project}", 304, {"If-None-Match": "{tag}"}),
    "any-entity-tag": Replay("GET", "/api/projects/{project}", 304, {"If-None-Match": "*"}),
    "creation-under-its-key": Replay("POST", "/api/projects", 201, {"Idempotency-Key": "k"}, {"name": "Mine"}),
    "change-that-changes-nothing": Replay("PATCH", "/api/projects/{project}", 200, body={}),
    "archiving-what-is-archived": Replay("DELETE", "/api/projects/{archived}", 204),
}


@pytest.mark.parametrize("redis_state", ["as-it-is", "emptied"])
@pytest.mark.parametrize("attack", REPLAYS)
def test_nothing_is_answered_from_memory(people: People, redis: Redis, attack: str, redis_state: str) -> None:
    bob, replay = people.manager(), REPLAYS[attack]
    project, archived = bob.project(), bob.project()
    bob.api.delete(f"/api/projects/{archived['id']}")
    tag = bob.api.get(f"/api/projects/{project['id']}").headers["ETag"]
    path = replay.path.format(project=project["id"], archived=archived["id"])
    options: JSON = {"headers": {name: value.replace("{tag}", tag) for name, value in replay.headers.items()}}
    options |= {} if replay.body is None else {"json": replay.body}
    assert [bob.api.request(replay.method, path, **options).status_code for _ in range(2)] == [replay.status] * 2
    bob.api.post("/api/auth/logout-all")
    if redis_state == "emptied":
        redis.flushdb()
    refused = bob.api.request(replay.method, path, **options)
    assert refused.status_code == 401
    assert replay.method == "HEAD" or outcome(refused) == REVOKED


LOOKALIKES: dict[str, Callable[[str, Person], str]] = {
    "another-case": lambda token, _: token.swapcase(),
    "blank-before": lambda token, _: f" {token}",
    "blank-behind": lambda token, _: f"{token} ",
    "line-feed-behind": lambda token, _: f"{token}\n",
    "padding-behind": lambda token, _: f"{token}=",
    "byte-order-mark-before": lambda token, _: f"\ufeff{token}",
    "combining-mark-behind": lambda token, _: f"{token}\u0301",
    "one-character-less": lambda token, _: token[:-1],
    "one-character-more": lambda token, _: f"{token}A",
    "unused-bits": lambda token, _: token[:-1] + chr(ord(token[-1]) ^ 1),
    "wide-letters": lambda token, _: "".join(chr(ord(character) + 0xFEE0) for character in token),
    "escapes": lambda token, _: quote(token).replace(token[0], f"%{ord(token[0]):02x}"),
    "scheme-before": lambda token, _: f"Bearer {token}",
    "pattern": lambda token, _: f"{token[:-1]}_",
    "twice": lambda token, _: token + token,
    "hash-in-hexadecimal": lambda token, _: hashlib.sha256(token.encode()).hexdigest(),
    "hash-as-postgresql-shows-it": lambda token, _: f"\\x{hashlib.sha256(token.encode()).hexdigest()}",
    "hash-in-base64": lambda token, _: base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode(),
    "access-token": lambda _, bob: bob.token,
    "session-id": lambda _, bob: bob.session_id,
    "sql": lambda token, _: f"{token}' OR '1'='1",
    "rubbish": lambda _token, _: "rubbish",
    "nothing": lambda _token, _: "",
    "beyond-ascii": lambda _token, _: "ä" * 43,
    "a-hundred-thousand": lambda token, _: token + "x" * 100_000,
}


@pytest.mark.parametrize("attack", LOOKALIKES)
def test_a_refresh_token_has_one_spelling(people: People, api: Api, owner: Owner, attack: str) -> None:
    bob = people.developer()
    token = refresh_token_of(bob, owner)
    other = LOOKALIKES[attack](token, bob)
    assert outcome(refresh(api, other)) == (401, "invalid_token")
    assert logout(api, other).status_code == 204
    assert bob.api.get("/api/auth/me").status_code == 200
    assert refresh(api, token).status_code == 200
    assert events(owner) == [("auth.refresh", "success")]


def test_a_refresh_token_opens_nothing(people: People, api: Api, owner: Owner) -> None:
    assert outcome(me(api, refresh_token_of(people.developer(), owner))) == (401, "invalid_token")


def test_a_refresh_token_gives_the_rights_of_its_owner_whoever_brings_it(people: People, owner: Owner) -> None:
    bob, admin = people.developer(), people.admin()
    fresh = admin.api.signed_in(refresh(admin.api, refresh_token_of(bob, owner)).json()["access_token"])
    assert fresh.get("/api/auth/me").json()["id"] == bob.id
    assert outcome(fresh.get("/api/audit")) == (403, "permission_denied")


def test_ten_uses_at_once_give_one_success_whose_session_is_over(people: People, api: Api, owner: Owner) -> None:
    bob = people.developer()
    token = refresh_token_of(bob, owner)
    with ThreadPoolExecutor(10) as threads:
        with owner.transaction():
            owner.execute("SELECT FROM refresh_tokens FOR UPDATE")
            pending = [threads.submit(refresh, api, token) for _ in range(10)]
            wait_until_blocked(owner, 3)
        answers = [answer.result() for answer in pending]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert [outcome(answer) for answer in answers if answer.status_code != 200] == [REVOKED] * 9
    assert outcome(refresh(api, won["refresh_token"])) == REVOKED
    assert outcome(me(api, won["access_token"])) == outcome(bob.api.get("/api/auth/me")) == REVOKED
    assert sorted(events(owner)) == [("auth.refresh", "success"), ("auth.refresh_reuse", "failure")]


RACES = ("logout-all", "end-from-another-session", "password-change", "role-change", "deactivation")


@pytest.mark.parametrize("ending", RACES)
def test_a_refresh_at_the_moment_of_the_end_outlives_nothing(
    people: People, owner: Owner, api: Api, ending: str
) -> None:
    scene = make_scene(people, owner, api)
    with ThreadPoolExecutor(2) as threads:
        with owner.transaction():
            owner.execute("SELECT FROM sessions WHERE id = %s FOR UPDATE", (scene.person.session_id,))
            pending = [threads.submit(step, scene) for step in (Scene.use, ENDINGS[ending][0])]
            wait_until_blocked(owner, 2)
        refreshed, ended = [answer.result() for answer in pending]
    assert ended.is_success
    if refreshed.status_code == 200:
        assert outcome(me(api, refreshed.json()["access_token"])) == REVOKED
        assert outcome(refresh(api, refreshed.json()["refresh_token"])) == REVOKED
    assert outcome(refresh(api, scene.stolen)) == REVOKED

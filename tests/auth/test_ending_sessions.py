"""Ending sessions: what an ended one is refused, and what each way of ending one does besides."""

import pytest
from redis import Redis

from tests.support.accounts import logout, me, outcome, refresh, refresh_token_of, sign_in
from tests.support.api import JSON, Api
from tests.support.fixtures import Owner, Serve, events
from tests.support.people import PASSWORD, People

NOBODY = "00000000-0000-7000-8000-000000000000"
READS = [
    "/api/auth/me",
    "/api/auth/sessions",
    "/api/users",
    "/api/projects",
    f"/api/projects/{NOBODY}",
    f"/api/projects/{NOBODY}/issues",
    "/api/issues",
    f"/api/issues/{NOBODY}",
    f"/api/issues/{NOBODY}/history",
    f"/api/issues/{NOBODY}/comments",
    f"/api/comments/{NOBODY}",
    f"/api/comments/{NOBODY}/revisions",
]
WRITES = [
    ("POST", "/api/auth/logout-all", None),
    ("POST", "/api/auth/password", {"current_password": PASSWORD, "new_password": "Other-horse-1"}),
    ("DELETE", f"/api/auth/sessions/{NOBODY}", None),
    ("POST", "/api/projects", {"name": "P"}),
    ("PATCH", f"/api/projects/{NOBODY}", {"name": "P"}),
    ("DELETE", f"/api/projects/{NOBODY}", None),
    ("POST", f"/api/projects/{NOBODY}/issues", {"title": "T"}),
    ("PATCH", f"/api/issues/{NOBODY}", {"title": "T"}),
    ("POST", f"/api/issues/{NOBODY}/comments", {"content": "C"}),
    ("PATCH", f"/api/comments/{NOBODY}", {"content": "C"}),
]
REQUESTS: list[tuple[str, str, JSON | None]] = [*(("GET", path, None) for path in READS), *WRITES]


@pytest.mark.parametrize("redis_state", ["as-it-is", "flushed", "away"])
def test_every_endpoint_refuses_the_token_of_an_ended_session(
    api: Api, people: People, redis: Redis, serve: Serve, owner: Owner, redis_state: str
) -> None:
    bob = people.admin()
    bob.api.post("/api/auth/logout-all")
    if redis_state == "flushed":
        redis.flushdb()
    server = serve(REDIS_URL="redis://127.0.0.1:1") if redis_state == "away" else api
    before = events(owner)
    caller = server.signed_in(bob.token)
    answers = {(method, path): caller.request(method, path, json=body) for method, path, body in REQUESTS}
    assert {outcome(answer) for answer in answers.values()} == {(401, "token_revoked")}
    assert events(owner) == before


def test_the_deny_list_alone_refuses_too(people: People, redis: Redis) -> None:
    bob = people.developer()
    redis.set(f"denied:{bob.session_id}", 1)
    assert outcome(bob.api.get("/api/auth/me")) == (401, "token_revoked")


def test_the_deny_list_forgets_with_the_token(people: People, redis: Redis) -> None:
    bob = people.developer()
    bob.api.post("/api/auth/logout-all")
    assert 890 < redis.ttl(f"denied:{bob.session_id}") <= 900


def test_logout_ends_one_session_alone(api: Api, people: People, owner: Owner) -> None:
    bob = people.developer()
    tokens = sign_in(api, bob)
    assert logout(api, tokens["refresh_token"]).status_code == 204
    assert bob.api.get("/api/auth/me").status_code == 200
    assert events(owner)[1:] == [("auth.logout", "success")]


@pytest.mark.parametrize("kind", ["ended", "expired", "rubbish", "empty"])
def test_logout_is_204_for_dead_tokens_as_well(api: Api, people: People, owner: Owner, kind: str) -> None:
    token: str = sign_in(api, people.developer())["refresh_token"]
    if kind == "ended":
        logout(api, token)
    elif kind == "expired":
        owner.execute("UPDATE refresh_tokens SET expires_at = now() - interval '1 s'")
    before = events(owner)
    given = {"rubbish": "rubbish", "empty": ""}.get(kind, token)
    assert logout(api, given).status_code == 204
    assert events(owner) == before + ([("auth.logout", "success")] if kind == "expired" else [])


def test_logout_with_a_replaced_token_is_theft(api: Api, people: People, owner: Owner) -> None:
    first = sign_in(api, people.developer())
    second = refresh(api, first["refresh_token"]).json()
    assert logout(api, first["refresh_token"]).status_code == 204
    assert outcome(me(api, second["access_token"])) == (401, "token_revoked")
    assert events(owner)[-1] == ("auth.refresh_reuse", "failure")


def test_logout_needs_no_access_token(api: Api, people: People) -> None:
    token = sign_in(api, people.developer())["refresh_token"]
    assert logout(api.signed_in("rubbish"), token).status_code == 204


def test_logout_all_ends_the_own_sessions_and_no_others(api: Api, people: People, owner: Owner) -> None:
    bob, eve = people.developer(), people.developer()
    tokens = sign_in(api, bob)
    assert bob.api.post("/api/auth/logout-all").status_code == 204
    assert outcome(bob.api.get("/api/auth/me")) == (401, "token_revoked")
    assert outcome(me(api, tokens["access_token"])) == (401, "token_revoked")
    assert eve.api.get("/api/auth/me").status_code == 200
    assert events(owner)[1:] == [("auth.logout_all", "success")]


def test_the_tokens_of_a_user_who_was_deleted_by_hand_are_revoked(api: Api, people: People, owner: Owner) -> None:
    bob = people.developer()
    token = refresh_token_of(bob, owner)
    owner.execute("DELETE FROM users WHERE id = %s", (bob.id,))
    assert outcome(bob.api.get("/api/projects")) == (401, "token_revoked")
    assert outcome(refresh(api, token)) == (401, "token_revoked")

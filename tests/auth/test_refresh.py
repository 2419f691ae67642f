"""Refresh tokens: each works once."""

import pytest

from tests.support.accounts import faults, logout, me, outcome, refresh, sign_in
from tests.support.api import Api
from tests.support.fixtures import Owner, Serve, events
from tests.support.people import People


def test_a_refresh_gives_new_tokens_of_the_same_session(api: Api, people: People) -> None:
    bob = people.developer()
    first = sign_in(api, bob)
    second = refresh(api, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert me(api, first["access_token"]).status_code == me(api, second["access_token"]).status_code == 200
    assert bob.api.get("/api/auth/sessions").json()["total"] == 2
    assert refresh(api, second["refresh_token"]).status_code == 200


def test_a_refresh_prolongs_the_session(api: Api, people: People, owner: Owner) -> None:
    tokens = sign_in(api, people.developer())
    owner.execute("UPDATE sessions SET expires_at = now() + interval '1 minute', last_used_at = '2020-01-01'")
    assert refresh(api, tokens["refresh_token"]).status_code == 200
    sessions = api.signed_in(tokens["access_token"]).get("/api/auth/sessions").json()["items"]
    (current,) = [session for session in sessions if session["current"]]
    assert current["last_used_at"] > current["created_at"]
    row = owner.execute(
        "SELECT expires_at > now() + interval '6 days' FROM sessions WHERE id = %s", (current["id"],)
    ).fetchone()
    assert row == (True,)


def test_no_refresh_prolongs_a_session_beyond_its_longest_life(serve: Serve, people: People, owner: Owner) -> None:
    api = serve(SESSION_SECONDS="1000000")
    tokens = sign_in(api, people.developer())
    assert tokens["refresh_expires_in"] == 604_800
    owner.execute("UPDATE sessions SET created_at = now() - interval '999900 s'")
    last = refresh(api, tokens["refresh_token"]).json()
    assert 90 <= last["refresh_expires_in"] <= 100
    live = "SELECT expires_at < now() + interval '101 s' FROM refresh_tokens WHERE replaced_at IS NULL"
    assert owner.execute(live).fetchall() == [(True,)]
    owner.execute("UPDATE sessions SET created_at = created_at - interval '100 s'")
    assert outcome(refresh(api, last["refresh_token"])) == (401, "token_expired")


def test_a_session_that_may_live_less_than_a_refresh_token_says_so(serve: Serve, people: People) -> None:
    assert sign_in(serve(SESSION_SECONDS="60"), people.developer())["refresh_expires_in"] == 60


def test_using_a_replaced_token_ends_the_whole_session(api: Api, people: People, owner: Owner) -> None:
    bob = people.developer()
    first = sign_in(api, bob)
    second = refresh(api, first["refresh_token"]).json()
    assert outcome(refresh(api, first["refresh_token"])) == (401, "token_revoked")
    assert outcome(refresh(api, second["refresh_token"])) == (401, "token_revoked")
    assert outcome(me(api, first["access_token"])) == (401, "token_revoked")
    assert outcome(me(api, second["access_token"])) == (401, "token_revoked")
    assert bob.api.get("/api/auth/me").status_code == 200
    assert events(owner)[1:] == [("auth.refresh", "success"), ("auth.refresh_reuse", "failure")]


def test_theft_is_told_even_when_the_stolen_token_has_expired(api: Api, people: People, owner: Owner) -> None:
    first = sign_in(api, people.developer())
    refresh(api, first["refresh_token"])
    owner.execute("UPDATE refresh_tokens SET expires_at = now() - interval '1 s' WHERE replaced_at IS NOT NULL")
    assert outcome(refresh(api, first["refresh_token"])) == (401, "token_revoked")
    assert events(owner)[-1] == ("auth.refresh_reuse", "failure")


def test_an_expired_token_is_told_so(api: Api, people: People, owner: Owner) -> None:
    tokens = sign_in(api, people.developer())
    owner.execute("UPDATE refresh_tokens SET expires_at = now() - interval '1 s'")
    assert outcome(refresh(api, tokens["refresh_token"])) == (401, "token_expired")
    assert me(api, tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("path", ["/api/auth/refresh", "/api/auth/logout"])
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param({}, ("/refresh_token", "missing"), id="nothing"),
        pytest.param({"refresh_token": None}, ("/refresh_token", "string_type"), id="null"),
        pytest.param({"refresh_token": 7}, ("/refresh_token", "string_type"), id="number"),
        pytest.param({"refresh_token": "\0"}, ("/refresh_token", "string_unicode"), id="nul"),
    ],
)
def test_the_body_has_its_shape(api: Api, path: str, body: object, fault: tuple[str, str]) -> None:
    response = api.post(path, json=body)
    assert outcome(response) == (422, "validation_failed")
    assert faults(response) == {fault}


def test_refresh_tokens_are_stored_as_hashes_alone(api: Api, people: People, owner: Owner) -> None:
    token = sign_in(api, people.developer())["refresh_token"]
    row = owner.execute("SELECT token_hash FROM refresh_tokens").fetchone()
    assert row is not None
    assert len(row[0]) == 32
    dump = owner.execute("SELECT string_agg(r::text, '') FROM refresh_tokens r").fetchone()
    assert dump is not None
    assert token not in dump[0]
    assert token.encode().hex() not in dump[0]


def test_a_role_given_since_is_in_the_next_token(api: Api, people: People, owner: Owner) -> None:
    tokens = sign_in(api, people.developer())
    owner.execute("UPDATE users SET role = 'admin'")
    fresh = refresh(api, tokens["refresh_token"]).json()["access_token"]
    assert api.signed_in(fresh).get("/api/audit").status_code == 200


def test_a_token_of_an_ended_session_is_revoked_and_no_theft(api: Api, people: People, owner: Owner) -> None:
    token = sign_in(api, people.developer())["refresh_token"]
    assert logout(api, token).status_code == 204
    assert outcome(refresh(api, token)) == (401, "token_revoked")
    assert events(owner)[1:] == [("auth.logout", "success")]

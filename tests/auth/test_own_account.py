"""The own account and the own sessions."""

from typing import Any, LiteralString

import pytest

from tests.support.accounts import me, outcome, refresh, sign_in
from tests.support.api import Api
from tests.support.fixtures import Owner, events
from tests.support.people import People

NOBODY = "00000000-0000-7000-8000-000000000000"


def test_one_sees_the_own_account_whole(people: People) -> None:
    bob = people.manager("bob")
    user = bob.api.get("/api/auth/me").json()
    assert user.pop("created_at").endswith("Z")
    assert user == {
        "id": bob.id,
        "username": "bob",
        "email": "bob@flycatcher.example",
        "role": "manager",
        "is_active": True,
        "last_login": None,
    }


def test_the_own_sessions_are_listed_newest_first_with_the_current_one_marked(api: Api, people: People) -> None:
    bob, eve = people.developer(), people.developer()
    sign_in(api, eve)
    first, second = (api.signed_in(sign_in(api, bob)["access_token"]) for _ in range(2))
    listed = second.get("/api/auth/sessions").json()
    assert (listed["total"], listed["pages"]) == (3, 1)
    assert [session["current"] for session in listed["items"]] == [True, False, False]
    assert [session["user_agent"] for session in listed["items"]] == ["a browser", "a browser", "tests"]
    assert {session["ip"] for session in listed["items"]} == {"127.0.0.1"}
    assert listed["items"][2]["id"] == bob.session_id
    assert [session["current"] for session in first.get("/api/auth/sessions").json()["items"]] == [False, True, False]


def test_sessions_are_paged(api: Api, people: People) -> None:
    bob = people.developer()
    for _ in range(2):
        sign_in(api, bob)
    whole = [session["id"] for session in bob.api.get("/api/auth/sessions").json()["items"]]
    pages = [bob.api.get(f"/api/auth/sessions?limit=2&page={page}") for page in (1, 2, 3)]
    assert [session["id"] for page in pages for session in page.json()["items"]] == whole
    assert pages[0].json()["total"] == 3
    assert 'rel="next"' in pages[0].headers["Link"]
    assert 'rel="next"' not in pages[1].headers["Link"]
    assert pages[2].json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE sessions SET ended_at = now() WHERE user_agent <> 'tests'", id="ended"),
        pytest.param("UPDATE sessions SET expires_at = now() WHERE user_agent <> 'tests'", id="expired"),
    ],
)
def test_sessions_that_are_over_are_not_listed(api: Api, people: People, owner: Owner, change: LiteralString) -> None:
    bob = people.developer()
    sign_in(api, bob)
    owner.execute(change)
    assert [session["id"] for session in bob.api.get("/api/auth/sessions").json()["items"]] == [bob.session_id]


def test_one_ends_another_of_the_own_sessions(api: Api, people: People, owner: Owner) -> None:
    bob = people.developer()
    tokens = sign_in(api, bob)
    (other,) = [s["id"] for s in bob.api.get("/api/auth/sessions").json()["items"] if not s["current"]]
    assert bob.api.delete(f"/api/auth/sessions/{other}").status_code == 204
    assert outcome(me(api, tokens["access_token"])) == (401, "token_revoked")
    assert outcome(refresh(api, tokens["refresh_token"])) == (401, "token_revoked")
    assert bob.api.get("/api/auth/sessions").json()["total"] == 1
    assert events(owner)[1:] == [("auth.session_end", "success")]
    assert outcome(bob.api.delete(f"/api/auth/sessions/{other}")) == (404, "not_found")
    assert events(owner)[1:] == [("auth.session_end", "success")]


def test_one_may_end_the_session_at_hand(people: People) -> None:
    bob = people.developer()
    assert bob.api.delete(f"/api/auth/sessions/{bob.session_id}").status_code == 204
    assert outcome(bob.api.get("/api/auth/me")) == (401, "token_revoked")


@pytest.mark.parametrize("role", ["developer", "admin"])
def test_nobody_ends_the_session_of_another(people: People, owner: Owner, role: Any) -> None:
    bob, eve = people.developer(), people.person(role)
    assert outcome(eve.api.delete(f"/api/auth/sessions/{bob.session_id}")) == (404, "not_found")
    assert bob.api.get("/api/auth/me").status_code == 200
    assert events(owner) == []


@pytest.mark.parametrize("session_id", [NOBODY, "7", "not-a-uuid", "..%2f"])
def test_a_session_that_is_none_is_not_found(people: People, session_id: str) -> None:
    assert outcome(people.developer().api.delete(f"/api/auth/sessions/{session_id}")) == (404, "not_found")


def test_a_session_whose_time_is_up_is_not_found(people: People, owner: Owner) -> None:
    bob = people.developer()
    owner.execute("UPDATE sessions SET expires_at = now() - interval '1 s'")
    assert outcome(bob.api.delete(f"/api/auth/sessions/{bob.session_id}")) == (404, "not_found")

"""Signing in."""

from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import pytest
from argon2 import PasswordHasher

from tests.support.accounts import BROWSER, faults, login, me, outcome, refresh, sign_in
from tests.support.api import Api
from tests.support.fixtures import AtOnce, Owner, events, wait_until_blocked
from tests.support.people import PASSWORD, People


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("bob", id="name"),
        pytest.param("BoB", id="name-in-another-case"),
        pytest.param("  bob\t", id="name-between-blanks"),
        pytest.param("bob@flycatcher.example", id="e-mail"),
        pytest.param("BOB@Flycatcher.EXAMPLE", id="e-mail-in-another-case"),
    ],
)
def test_one_signs_in_by_name_or_address(api: Api, people: People, typed: str) -> None:
    bob = people.developer("bob")
    response = login(api, typed)
    assert response.status_code == 200
    user = me(api, response.json()["access_token"]).json()
    assert user["id"] == bob.id
    assert user["last_login"] is not None


def test_tokens_have_their_shape(api: Api, people: People) -> None:
    tokens = sign_in(api, people.developer())
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "refresh_expires_in"}
    assert tokens["token_type"] == "Bearer"
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (900, 604_800)
    assert tokens["access_token"].count(".") == 2
    assert tokens["refresh_token"].count(".") == 0
    assert len(tokens["refresh_token"]) >= 43


def test_a_login_is_audited_whether_it_succeeds_or_fails(api: Api, people: People, owner: Owner) -> None:
    bob = people.developer("bob")
    login(api, "bob")
    login(api, "bob", "Wrong-horse-1")
    login(api, "nobody")
    assert events(owner) == [("auth.login", "success"), ("auth.login", "failure"), ("auth.login", "failure")]
    rows = owner.execute("SELECT actor_id::text, target_id::text, user_agent FROM audit_events ORDER BY at").fetchall()
    browser = BROWSER["User-Agent"]
    assert rows == [(bob.id, bob.id, browser), (None, bob.id, browser), (None, None, browser)]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param({"username": "bob"}, ("/password", "missing"), id="no-password"),
        pytest.param({"password": PASSWORD}, ("/username", "missing"), id="no-name"),
        pytest.param({"username": " ", "password": "x"}, ("/username", "string_too_short"), id="blank-name"),
        pytest.param({"username": "x" * 255, "password": "x"}, ("/username", "string_too_long"), id="long-name"),
        pytest.param({"username": "b\0b", "password": "x"}, ("/username", "string_unicode"), id="nul-in-the-name"),
        pytest.param({"username": "bob", "password": "\0"}, ("/password", "string_unicode"), id="nul-in-the-password"),
        pytest.param({"username": ["bob"], "password": "x"}, ("/username", "string_type"), id="list"),
        pytest.param({"username": {"$ne": ""}, "password": "x"}, ("/username", "string_type"), id="operator"),
        pytest.param({"username": "bob", "password": "x", "otp": 1}, ("/otp", "extra_forbidden"), id="more"),
    ],
)
def test_credentials_have_their_shape(api: Api, owner: Owner, body: object, fault: tuple[str, str]) -> None:
    response = api.post("/api/auth/login", json=body)
    assert outcome(response) == (422, "validation_failed")
    assert faults(response) == {fault}
    assert events(owner) == []


def test_a_hash_of_lower_cost_is_renewed_at_login(api: Api, people: People, owner: Owner) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    bob = people.developer()
    owner.execute("UPDATE users SET password_hash = %s", (weak,))
    sign_in(api, bob)
    row = owner.execute("SELECT password_hash FROM users").fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    sign_in(api, bob)
    assert owner.execute("SELECT password_hash FROM users").fetchone() == row


def test_logins_at_once_are_sessions_of_their_own(api: Api, people: People, at_once: AtOnce) -> None:
    bob = people.developer()
    tokens = [answer.json() for answer in at_once(4, lambda: login(api, bob.username))]
    assert len({token["refresh_token"] for token in tokens}) == 4
    assert [refresh(api, token["refresh_token"]).status_code for token in tokens] == [200] * 4


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE users SET is_active = false", id="deactivated"),
        pytest.param("UPDATE users SET password_hash = '-'", id="given-another-password"),
        pytest.param("DELETE FROM users", id="deleted"),
    ],
)
def test_who_is_changed_while_the_password_is_checked_does_not_get_in(
    api: Api, people: People, owner: Owner, change: LiteralString
) -> None:
    bob = people.developer()
    with ThreadPoolExecutor(1) as background:
        with owner.transaction():
            owner.execute("SELECT 1 FROM users FOR UPDATE")
            answer = background.submit(login, api, bob.username)
            wait_until_blocked(owner)
            owner.execute(change)
        assert outcome(answer.result()) == (401, "invalid_credentials")
    assert events(owner) == [("auth.login", "failure")]


def test_a_role_that_is_changed_while_the_password_is_checked_is_the_one_that_counts(
    api: Api, people: People, owner: Owner
) -> None:
    bob = people.admin()
    with ThreadPoolExecutor(1) as background:
        with owner.transaction():
            owner.execute("SELECT 1 FROM users FOR UPDATE")
            answer = background.submit(sign_in, api, bob)
            wait_until_blocked(owner)
            owner.execute("UPDATE users SET role = 'developer'")
        token = answer.result()["access_token"]
    assert outcome(api.signed_in(token).get("/api/audit")) == (403, "permission_denied")

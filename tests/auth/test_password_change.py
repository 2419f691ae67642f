"""Changing the own password."""

from typing import Any

import pytest

from tests.support.accounts import code, faults, login, me, outcome, refresh, sign_in
from tests.support.api import Api
from tests.support.fixtures import PATIENT, AtOnce, Owner, Serve, events
from tests.support.people import PASSWORD, People

NEW = "Other-horse-2"
WRONG = "Wrong-horse-1"


def change(api: Api, current: Any = PASSWORD, new: Any = NEW) -> Any:
    return api.post("/api/auth/password", json={"current_password": current, "new_password": new})


def test_a_change_ends_every_session_and_the_new_password_counts(api: Api, people: People, owner: Owner) -> None:
    bob = people.developer()
    tokens = sign_in(api, bob)
    assert change(bob.api).status_code == 204
    assert outcome(bob.api.get("/api/auth/me")) == (401, "token_revoked")
    assert outcome(me(api, tokens["access_token"])) == (401, "token_revoked")
    assert outcome(refresh(api, tokens["refresh_token"])) == (401, "token_revoked")
    assert outcome(login(api, bob.username)) == (401, "invalid_credentials")
    assert login(api, bob.username, NEW).status_code == 200
    assert events(owner)[1] == ("auth.password_change", "success")


def test_a_wrong_current_password_changes_nothing(people: People, owner: Owner) -> None:
    bob = people.developer()
    assert outcome(change(bob.api, WRONG)) == (403, "permission_denied")
    assert bob.api.get("/api/auth/me").status_code == 200
    assert events(owner) == [("auth.password_change", "failure")]


def test_a_new_password_keeps_the_rules(people: People) -> None:
    bob = people.developer("bob")
    response = change(bob.api, new="bob")
    assert outcome(response) == (422, "weak_password")
    assert ("/new_password", "contains_username") in faults(response)
    assert {path for path, _ in faults(response)} == {"/new_password"}
    assert bob.api.get("/api/auth/me").status_code == 200


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param({"new_password": NEW}, ("/current_password", "missing"), id="no-current"),
        pytest.param({"current_password": WRONG}, ("/new_password", "missing"), id="no-new"),
        pytest.param({"current_password": WRONG, "new_password": 1}, ("/new_password", "string_type"), id="number"),
        pytest.param(
            {"current_password": "\0", "new_password": NEW}, ("/current_password", "string_unicode"), id="nul"
        ),
    ],
)
def test_the_shape_is_judged_before_the_lock_and_the_password(
    people: People, owner: Owner, body: object, fault: tuple[str, str]
) -> None:
    bob = people.developer()
    lock(owner, bob.id)
    response = bob.api.post("/api/auth/password", json=body)
    assert outcome(response) == (422, "validation_failed")
    assert faults(response) == {fault}


def lock(owner: Owner, user_id: str) -> None:
    owner.execute(
        "INSERT INTO login_throttles (key, attempts, locked_until) VALUES (%s, '{}', now() + interval '90 s')",
        (f"account:{user_id}",),
    )


@pytest.mark.parametrize("current", [PASSWORD, WRONG])
def test_the_lock_is_judged_before_the_password(people: People, owner: Owner, current: str) -> None:
    bob = people.developer()
    lock(owner, bob.id)
    response = change(bob.api, current, "weak")
    assert outcome(response) == (423, "account_locked")
    assert 80 < int(response.headers["Retry-After"]) <= 90
    assert events(owner) == []


def test_the_current_password_is_judged_before_the_new_one(people: People) -> None:
    assert outcome(change(people.developer().api, WRONG, "weak")) == (403, "permission_denied")


def test_wrong_ones_and_failed_logins_count_together_until_the_lock(serve: Serve, people: People, owner: Owner) -> None:
    api = serve(LOCKOUT_THRESHOLD="3")
    bob = people.developer()
    signed_in = api.signed_in(bob.token)
    assert outcome(login(api, bob.email, WRONG)) == (401, "invalid_credentials")
    assert outcome(change(signed_in, WRONG)) == (403, "permission_denied")
    assert outcome(change(signed_in, WRONG)) == (403, "permission_denied")
    assert outcome(change(signed_in)) == (423, "account_locked")
    assert outcome(login(api, bob.username)) == (423, "account_locked")
    assert events(owner)[-1] == ("auth.lockout", "failure")


def test_guesses_at_once_do_not_slip_past_the_lock(serve: Serve, people: People, owner: Owner, at_once: AtOnce) -> None:
    api = serve(LOCKOUT_THRESHOLD="3", **PATIENT).signed_in(people.developer().token)
    answers = at_once(8, lambda: change(api, WRONG))
    assert sorted(code(answer) for answer in answers) == [*["account_locked"] * 5, *["permission_denied"] * 3]
    assert events(owner).count(("auth.lockout", "failure")) == 1


def test_changes_at_once_give_one_success(people: People, owner: Owner, at_once: AtOnce) -> None:
    bob = people.developer()
    answers = at_once(4, lambda: change(bob.api))
    assert [answer.status_code for answer in answers].count(204) == 1
    assert events(owner).count(("auth.password_change", "success")) == 1

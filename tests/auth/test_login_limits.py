"""Attempts a minute and lockouts, on servers with limits of their own."""

from collections import Counter

import pytest

from tests.support.accounts import code, login, outcome
from tests.support.api import Api
from tests.support.fixtures import AtOnce, Owner, Serve, events
from tests.support.people import PASSWORD, People

WRONG = "Wrong-horse-1"


def test_successes_count_too(proxied: Api, people: People) -> None:
    people.developer("bob")
    answers = [login(proxied, "bob", address=f"198.51.100.{number}").status_code for number in range(4)]
    assert answers == [200, 200, 200, 429]


def test_a_refusal_says_when_to_come_back(serve: Serve, people: People, owner: Owner) -> None:
    api, bob = serve(LOGIN_LIMIT_PER_MINUTE="2"), people.developer()
    login(api, bob.username, WRONG)
    owner.execute("UPDATE login_throttles SET attempts = ARRAY[now() - interval '40 s']")
    login(api, bob.username, WRONG)
    refused = login(api, bob.username)
    assert outcome(refused) == (429, "rate_limited")
    assert 18 <= int(refused.headers["Retry-After"]) <= 20
    owner.execute("UPDATE login_throttles SET attempts = ARRAY(SELECT a - interval '21 s' FROM unnest(attempts) a)")
    assert login(api, bob.username).status_code == 200
    assert outcome(login(api, bob.username)) == (429, "rate_limited")


def test_refused_attempts_do_not_put_the_end_off(serve: Serve, owner: Owner) -> None:
    api = serve(LOGIN_LIMIT_PER_MINUTE="1")
    login(api, "nobody", WRONG)
    before = owner.execute("SELECT attempts FROM login_throttles ORDER BY key").fetchall()
    assert outcome(login(api, "nobody", WRONG)) == (429, "rate_limited")
    assert owner.execute("SELECT attempts FROM login_throttles ORDER BY key").fetchall() == before


def test_the_limit_is_shared_by_all_instances(serve: Serve, people: People) -> None:
    bob = people.developer()
    instances = [serve(LOGIN_LIMIT_PER_MINUTE="2", DATABASE_POOL_SIZE=size) for size in ("2", "3")]
    assert [login(instance, bob.username).status_code for instance in instances] == [200, 200]
    assert [login(instance, bob.username).status_code for instance in instances] == [429, 429]


def test_the_limit_holds_without_redis(serve: Serve, people: People) -> None:
    api = serve(LOGIN_LIMIT_PER_MINUTE="2", REDIS_URL="redis://127.0.0.1:1")
    bob = people.developer()
    assert [login(api, bob.username).status_code for _ in range(3)] == [200, 200, 429]


def test_defaults_are_five_attempts_and_five_failures(serve: Serve, people: People) -> None:
    names = ("LOGIN_LIMIT_PER_MINUTE", "LOCKOUT_THRESHOLD", "LOCKOUT_SECONDS", "RATE_LIMIT_PER_MINUTE")
    api, bob = serve(**dict.fromkeys(names, "")), people.developer()
    answers = [login(api, bob.username, WRONG) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 401, 429]
    assert answers[0].headers["RateLimit-Limit"] == "100"


@pytest.mark.parametrize("username", ["bob", "bob@flycatcher.example", "nobody"])
def test_failures_in_a_row_lock_the_account_whatever_the_password(
    locking: Api, people: People, owner: Owner, username: str
) -> None:
    people.developer("bob")
    assert [login(locking, username, WRONG).status_code for _ in range(3)] == [401, 401, 401]
    for password in (PASSWORD, WRONG):
        refused = login(locking, username, password)
        assert outcome(refused) == (423, "account_locked")
        assert 95 <= int(refused.headers["Retry-After"]) <= 100
    assert events(owner) == [*[("auth.login", "failure")] * 3, ("auth.lockout", "failure")]


def test_name_and_address_are_locked_together(locking: Api, people: People) -> None:
    bob = people.developer()
    for typed in (bob.username, bob.email, bob.username.upper()):
        login(locking, typed, WRONG)
    assert [login(locking, typed).status_code for typed in (bob.email, bob.username)] == [423, 423]


def test_a_lockout_locks_nobody_else(locking: Api, people: People) -> None:
    bob, eve = people.developer(), people.developer()
    for _ in range(3):
        login(locking, bob.username, WRONG)
    assert login(locking, eve.username).status_code == 200
    assert locking.signed_in(bob.token).get("/api/auth/me").status_code == 200


def test_a_success_resets_the_count(locking: Api, people: People) -> None:
    bob = people.developer()
    for password in (WRONG, WRONG, PASSWORD, WRONG, WRONG, PASSWORD):
        assert login(locking, bob.username, password).status_code == (200 if password == PASSWORD else 401)


def test_a_lockout_ends_by_itself_and_the_count_begins_anew(locking: Api, people: People, owner: Owner) -> None:
    bob = people.developer()
    for _ in range(3):
        login(locking, bob.username, WRONG)
    owner.execute("UPDATE login_throttles SET locked_until = now() - interval '1 s' WHERE locked_until IS NOT NULL")
    assert [login(locking, bob.username, WRONG).status_code for _ in range(2)] == [401, 401]
    assert login(locking, bob.username).status_code == 200


def test_an_admin_unlocks(locking: Api, people: People, owner: Owner) -> None:
    admin, bob = people.admin(), people.developer()
    for _ in range(3):
        login(locking, bob.username, WRONG)
    assert outcome(login(locking, bob.username)) == (423, "account_locked")
    assert admin.api.post(f"/api/users/{bob.id}/unlock").status_code == 204
    assert login(locking, bob.username).status_code == 200
    assert ("auth.unlock", "success") in events(owner)


def test_failures_at_once_lock_once(locking: Api, people: People, owner: Owner, at_once: AtOnce) -> None:
    bob = people.developer()
    counted = Counter(code(answer) for answer in at_once(8, lambda: login(locking, bob.username, WRONG)))
    assert counted == {"invalid_credentials": 3, "account_locked": 5}
    assert events(owner).count(("auth.lockout", "failure")) == 1


def test_too_many_is_told_before_locked(serve: Serve, people: People) -> None:
    api, bob = serve(LOGIN_LIMIT_PER_MINUTE="2", LOCKOUT_THRESHOLD="2"), people.developer()
    answers = [login(api, bob.username, WRONG).status_code for _ in range(3)]
    assert answers == [401, 401, 429]

"""Accounts, sessions and limits are one for all instances, with Redis and without it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.settings import FunctionName
from tests.faults.instances import Functions, Race, new_address, patiently, statuses
from tests.support.accounts import login, logout, outcome, refresh, refresh_token_of
from tests.support.api import JSON, Api
from tests.support.fixtures import Owner
from tests.support.functions import DOORS
from tests.support.people import PASSWORD, People, Person
from tests.support.stack import Stack

ROUNDS = range(8)
RACERS = 4
WRONG = "Wrong-horse-1"
REMOVALS: dict[str, tuple[str, JSON | None]] = {
    "demoted": ("PATCH", {"role": "manager"}),
    "deactivated": ("PATCH", {"is_active": False}),
    "deleted": ("DELETE", None),
}


def test_a_refresh_token_is_replaced_once_and_theft_ends_the_session(
    staff: People, functions: Functions, race: Race, owner: Owner
) -> None:
    for _ in ROUNDS:
        bob = staff.developer()
        token = refresh_token_of(bob, owner)
        answers = race([partial(refresh, functions["auth"][number % 2], token) for number in range(RACERS)])
        assert statuses(answers) == {200: 1, 401: RACERS - 1}
        (won,) = [answer.json() for answer in answers if answer.status_code == 200]
        assert {outcome(answer) for answer in answers if answer.status_code != 200} == {(401, "token_revoked")}
        for api in functions["auth"]:
            assert outcome(refresh(api, won["refresh_token"])) == (401, "token_revoked")
            assert outcome(api.signed_in(won["access_token"]).get("/api/auth/me")) == (401, "token_revoked")
        events = owner.execute("SELECT action FROM audit_events WHERE target_id = %s ORDER BY id", [bob.session_id])
        assert Counter(row[0] for row in events) == {"auth.refresh": 1, "auth.refresh_reuse": 1}


def test_failures_lock_an_account_once_and_everywhere(
    staff: People, strict: list[Api], race: Race, owner: Owner
) -> None:
    for _ in range(3):
        bob = staff.developer()
        names = (bob.username, bob.email, bob.username.upper())
        tries = [
            patiently(partial(login_from_elsewhere, strict[number % 2], names[number % 3], WRONG))
            for number in range(6)
        ]
        answers = race(tries)
        assert Counter(map(outcome, answers)) == {(401, "invalid_credentials"): 3, (423, "account_locked"): 3}
        rows = owner.execute("SELECT action FROM audit_events WHERE target_id = %s", [bob.id]).fetchall()
        assert Counter(row[0] for row in rows) == {"auth.login": 3, "auth.lockout": 1}
        for api in strict[:2]:
            assert outcome(login_from_elsewhere(api, bob.username, PASSWORD)) == (423, "account_locked")


def login_from_elsewhere(api: Api, username: str, password: str) -> httpx2.Response:
    return api.post("/api/auth/login", json={"username": username, "password": password}, headers=new_address())


def test_the_logins_of_an_account_are_limited_over_all_instances(staff: People, strict: list[Api], race: Race) -> None:
    for _ in range(2):
        bob = staff.developer()
        names = (bob.username, bob.email)
        tries = [
            patiently(partial(login_from_elsewhere, strict[number % 2], names[number // 2 % 2], PASSWORD))
            for number in range(11)
        ]
        assert statuses(race(tries)) == {200: 8, 429: 3}
        assert [login_from_elsewhere(api, bob.username, PASSWORD).status_code for api in strict[:2]] == [429, 429]


def test_the_logins_of_an_address_are_limited_over_all_instances(strict: list[Api], race: Race) -> None:
    for _ in range(2):
        address = new_address()["X-Forwarded-For"]
        names = [f"nobody-{uuid4()}" for _ in range(11)]
        tries = [
            patiently(partial(login, strict[number % 2], name, address=address)) for number, name in enumerate(names)
        ]
        assert statuses(race(tries)) == {401: 8, 429: 3}
        assert [login(api, f"nobody-{uuid4()}", address=address).status_code for api in strict[:2]] == [429, 429]


@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(REMOVALS, 2)))
@pytest.mark.parametrize("crossed", [True, False], ids=["each-other", "themselves"])
def test_of_the_last_two_admins_one_stays(
    staff: People,
    functions: Functions,
    race: Race,
    owner: Owner,
    one: str,
    other: str,
    crossed: bool,
) -> None:
    for _ in range(4):
        owner.execute("UPDATE users SET role = 'developer' WHERE role = 'admin'")
        admins = [staff.admin(), staff.admin()]
        targets = admins[::-1] if crossed else admins
        requests = []
        for api, admin, target, way in zip(functions["auth"], admins, targets, (one, other), strict=True):
            method, body = REMOVALS[way]
            requests.append(partial(api.signed_in(admin.token).request, method, f"/api/users/{target.id}", json=body))
        answers = race(requests)
        assert sorted(answer.is_success for answer in answers) == [False, True]
        (refused,) = [answer for answer in answers if not answer.is_success]
        assert outcome(refused) in {(409, "last_admin"), *([(401, "token_revoked")] if crossed else [])}
        left = owner.execute("SELECT count(*) FROM users WHERE role = 'admin' AND is_active").fetchone()
        assert left == (1,)


def test_a_user_name_is_given_once(functions: Functions, race: Race) -> None:
    for _ in range(3):
        name = f"u{uuid4().hex}"
        bodies = [
            {"username": name, "email": f"{name}@flycatcher.example", "password": PASSWORD},
            {"username": name.upper(), "email": f"{name}2@flycatcher.example", "password": PASSWORD},
        ]
        answers = race(
            [
                patiently(partial(api.post, "/api/auth/register", json=body))
                for api, body in zip(functions["auth"], bodies, strict=True)
            ]
        )
        assert statuses(answers) == {201: 1, 409: 1}


@dataclass(frozen=True)
class Leaver:
    """Somebody whose session is about to end, and an admin who may end it."""

    person: Person
    refresh_token: str
    admin: Person


Ending = Callable[[Api, Leaver], httpx2.Response]


def _change_password(auth: Api, leaver: Leaver) -> httpx2.Response:
    body = {"current_password": PASSWORD, "new_password": f"{PASSWORD}2"}
    return patiently(partial(auth.signed_in(leaver.person.token).post, "/api/auth/password", json=body))()


def _administrate(method: str, body: JSON | None = None) -> Ending:
    return lambda auth, leaver: auth.signed_in(leaver.admin.token).request(
        method, f"/api/users/{leaver.person.id}", json=body
    )


def _steal(auth: Api, leaver: Leaver) -> httpx2.Response:
    refreshed = refresh(auth, leaver.refresh_token)
    assert outcome(refresh(auth, leaver.refresh_token)) == (401, "token_revoked")
    return refreshed


ENDINGS: Mapping[str, Ending] = {
    "logout": lambda auth, leaver: logout(auth, leaver.refresh_token),
    "logout everywhere": lambda auth, leaver: auth.signed_in(leaver.person.token).post("/api/auth/logout-all"),
    "end of the session": lambda auth, leaver: auth.signed_in(leaver.person.token).delete(
        f"/api/auth/sessions/{leaver.person.session_id}"
    ),
    "change of the password": _change_password,
    "change of the role": _administrate("PATCH", {"role": "manager"}),
    "deactivation": _administrate("PATCH", {"is_active": False}),
    "deletion": _administrate("DELETE"),
    "theft": _steal,
}
NIL = UUID(int=0)
WRITES: Mapping[FunctionName, tuple[str, str, JSON | None]] = {
    "auth": ("POST", "/api/auth/logout-all", None),
    "projects": ("POST", "/api/projects", {"name": "Late"}),
    "issues": ("POST", f"/api/projects/{NIL}/issues", {"title": "Late"}),
    "comments": ("POST", f"/api/issues/{NIL}/comments", {"content": "Late"}),
}


def leavers(staff: People, functions: Functions, owner: Owner) -> dict[str, Leaver]:
    """One for each way to end a session, whose tokens every instance knows already."""
    admin = staff.admin()
    made = {}
    for way in ENDINGS:
        bob = staff.developer()
        made[way] = Leaver(bob, refresh_token_of(bob, owner), admin)
        for name, (path, status) in DOORS.items():
            answers = [api.signed_in(bob.token).get(path) for api in functions[name]]
            assert [answer.status_code for answer in answers] == [status] * len(answers)
    return made


def check_refused(functions: Functions, leaver: Leaver) -> None:
    """Whatever the token is used for, at whichever instance."""
    for name, apis in functions.items():
        for api in apis:
            caller = api.signed_in(leaver.person.token)
            method, path, body = WRITES[name]
            answers = [caller.get(DOORS[name][0]), caller.request(method, path, json=body)]
            assert [outcome(answer) for answer in answers] == [(401, "token_revoked")] * 2


@contextmanager
def redis_away(stack: Stack) -> Iterator[None]:
    """Redis is away for a while, and empty afterwards."""
    stack.valkey.kill()
    try:
        yield
    finally:
        stack.valkey.start()


def test_a_session_ends_everywhere_at_once(staff: People, functions: Functions, owner: Owner) -> None:
    found = leavers(staff, functions, owner)
    for way, leaver in found.items():
        assert ENDINGS[way](functions["auth"][0], leaver).is_success
        check_refused(functions, leaver)
    # That is Redis alone.
    owner.execute("UPDATE sessions SET ended_at = NULL WHERE id = %s", [found["logout"].person.session_id])
    check_refused(functions, found["logout"])


def test_without_redis_a_session_ends_everywhere_at_once(
    patient: Stack, staff: People, functions: Functions, owner: Owner
) -> None:
    found = leavers(staff, functions, owner)
    with redis_away(patient):
        for way, leaver in found.items():
            assert ENDINGS[way](functions["auth"][0], leaver).is_success
            check_refused(functions, leaver)
    for leaver in found.values():
        check_refused(functions, leaver)


def test_an_empty_redis_brings_no_session_back(
    patient: Stack, staff: People, functions: Functions, strict: list[Api], owner: Owner
) -> None:
    found = leavers(staff, functions, owner)
    for way, leaver in found.items():
        assert ENDINGS[way](functions["auth"][0], leaver).is_success
    with redis_away(patient):
        pass
    for leaver in found.values():
        check_refused(functions, leaver)
    wait_until_counting_together(strict)
    for leaver in found.values():
        check_refused(functions, leaver)


def spend(race: Race, apis: Sequence[Api]) -> Counter[int]:
    """What comes of 24 requests of one address at these instances; those that pass have to count down to 0."""
    address = new_address()
    answers = race([partial(apis[number % len(apis)].get, "/api/nothing", headers=address) for number in range(24)])
    left = [int(answer.headers["RateLimit-Remaining"]) for answer in answers if answer.status_code == 404]
    assert sorted(left) == list(range(len(left)))
    return statuses(answers)


def wait_until_counting_together(strict: Sequence[Api]) -> None:
    """Redis is left alone for a second after a failure."""
    deadline = time.monotonic() + 10
    left: list[int] = []
    while left != [19, 18, 17]:
        assert time.monotonic() < deadline, left
        address = new_address()
        left = [int(api.get("/api/nothing", headers=address).headers["RateLimit-Remaining"]) for api in strict]


def test_requests_are_limited_over_all_functions_and_instances(strict: list[Api], race: Race) -> None:
    for _ in range(5):
        assert spend(race, strict) == {404: 20, 429: 4}


def test_without_redis_each_instance_limits_requests_by_itself(patient: Stack, strict: list[Api], race: Race) -> None:
    with redis_away(patient):
        address = new_address()
        for api in strict:
            answers = [api.get("/api/nothing", headers=address) for _ in range(21)]
            assert [answer.status_code for answer in answers] == [*[404] * 20, 429]
            assert spend(race, [api]) == {404: 20, 429: 4}
    wait_until_counting_together(strict)
    assert spend(race, strict) == {404: 20, 429: 4}

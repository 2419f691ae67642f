"""Registering an account."""

import re

import pytest

from tests.support.accounts import code, faults, login, outcome, registration
from tests.support.api import Api
from tests.support.fixtures import AtOnce, Owner, events
from tests.support.people import People


def test_anyone_registers_as_a_developer_and_signs_in(api: Api) -> None:
    response = api.post("/api/auth/register", json=registration(username="  alice ", email=" Alice@Example.com "))
    assert response.status_code == 201
    user = response.json()
    assert response.headers["Location"] == f"/api/users/{user['id']}"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7.*", user["id"])
    assert user | {"id": 0, "created_at": 0} == {
        "id": 0,
        "username": "alice",
        "email": "Alice@Example.com",
        "role": "developer",
        "is_active": True,
        "created_at": 0,
        "last_login": None,
    }
    assert user["created_at"].endswith("Z")
    assert login(api, "alice").status_code == 200


def test_the_password_is_stored_as_argon2id_of_at_least_owasp_cost(api: Api, owner: Owner) -> None:
    api.post("/api/auth/register", json=registration())
    row = owner.execute("SELECT password_hash FROM users").fetchone()
    assert row is not None
    found = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$\S+", row[0])
    assert found
    assert int(found[1]) >= 19_456
    assert int(found[2]) >= 2


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"username": "BOB"}, id="name-in-another-case"),
        pytest.param({"email": "BOB@Flycatcher.Example"}, id="e-mail-in-another-case"),
        pytest.param({"username": "bob", "email": "bob@flycatcher.example"}, id="both-as-they-are"),
    ],
)
def test_a_taken_name_or_address_is_refused(api: Api, people: People, owner: Owner, members: dict[str, str]) -> None:
    people.developer("bob")
    response = api.post("/api/auth/register", json=registration(**members))
    assert outcome(response) == (409, "already_exists")
    assert events(owner) == []
    row = owner.execute("SELECT count(*) FROM users").fetchone()
    assert row == (1,)


@pytest.mark.parametrize("role", ["developer", "manager", "admin", None])
def test_nobody_chooses_a_role(api: Api, role: str | None) -> None:
    response = api.post("/api/auth/register", json=registration(role=role))
    assert outcome(response) == (422, "validation_failed")
    assert faults(response) == {("/role", "extra_forbidden")}


@pytest.mark.parametrize("username", ["a", "7", "A.b_c-D", "x" * 50])
def test_usernames_that_are_taken(api: Api, username: str) -> None:
    response = api.post("/api/auth/register", json=registration(username=username))
    assert response.status_code == 201
    assert response.json()["username"] == username


@pytest.mark.parametrize(
    "username",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param("x" * 51, id="too-long"),
        pytest.param(".alice", id="begins-with-a-dot"),
        pytest.param("-alice", id="begins-with-a-hyphen"),
        pytest.param("_alice", id="begins-with-an-underscore"),
        pytest.param("al ice", id="space-inside"),
        pytest.param("al\nice", id="newline-inside"),
        pytest.param("alice@example.com", id="an-address"),
        pytest.param("älice", id="letter-beyond-ascii"),
        pytest.param("alic\u0435", id="cyrillic-look-alike"),
        pytest.param("alice\u00b2", id="digit-beyond-ascii"),
        pytest.param("ali\u200bce", id="zero-width-space"),
        pytest.param("ali\0ce", id="nul"),
        pytest.param(7, id="number"),
        pytest.param(None, id="null"),
        pytest.param(["alice"], id="list"),
    ],
)
def test_usernames_that_are_refused(api: Api, username: object) -> None:
    response = api.post("/api/auth/register", json=registration(username=username))
    assert outcome(response) == (422, "validation_failed")
    assert {path for path, _ in faults(response)} == {"/username"}


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("alice@corp.local", id="internal-domain"),
        pytest.param("alice@bugs.test", id="reserved-domain"),
        pytest.param("älice@bücher.example", id="internationalised"),
        pytest.param("a.l+ice@example.com", id="dot-and-plus"),
    ],
)
def test_addresses_that_are_taken_as_given(api: Api, email: str) -> None:
    response = api.post("/api/auth/register", json=registration(email=email))
    assert response.status_code == 201
    assert response.json()["email"] == email


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("", id="empty"),
        pytest.param("alice", id="no-at"),
        pytest.param("alice@", id="no-domain"),
        pytest.param("@example.com", id="no-name"),
        pytest.param("alice@example", id="no-dot"),
        pytest.param("alice@@example.com", id="two-ats"),
        pytest.param("al ice@example.com", id="space"),
        pytest.param("alice@example..com", id="two-dots"),
        pytest.param("Alice <alice@example.com>", id="display-name"),
        pytest.param("alice@example.com\r\nBcc: eve@example.com", id="header-injection"),
        pytest.param("ali\0ce@example.com", id="nul"),
        pytest.param("a" * 243 + "@example.com", id="too-long"),
        pytest.param(None, id="null"),
    ],
)
def test_addresses_that_are_refused(api: Api, email: object) -> None:
    response = api.post("/api/auth/register", json=registration(email=email))
    assert outcome(response) == (422, "validation_failed")
    assert {path for path, _ in faults(response)} == {"/email"}


def test_every_fault_is_told_at_once(api: Api) -> None:
    response = api.post("/api/auth/register", json={"username": "", "password": 1, "extra": True})
    assert faults(response) == {
        ("/username", "string_too_short"),
        ("/email", "missing"),
        ("/password", "string_type"),
        ("/extra", "extra_forbidden"),
    }


def test_a_registration_is_audited_with_the_new_user_as_actor(api: Api, owner: Owner) -> None:
    user = api.post("/api/auth/register", json=registration()).json()
    row = owner.execute(
        "SELECT action, outcome, actor_id::text, actor_username, target_type, target_id::text FROM audit_events"
    ).fetchone()
    assert row == ("auth.register", "success", user["id"], "alice", "user", user["id"])


def test_equal_registrations_at_once_make_one_user(api: Api, owner: Owner, at_once: AtOnce) -> None:
    answers = at_once(6, lambda: api.post("/api/auth/register", json=registration()))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    assert {code(answer) for answer in answers if answer.status_code == 409} == {"already_exists"}
    assert events(owner) == [("auth.register", "success")]

"""What a new password has to be."""

import pytest

from functions.auth.passwords import HASHER, UNKNOWN
from tests.support.accounts import faults, login, outcome, registration
from tests.support.api import Api
from tests.support.people import PASSWORD, People

WEAK = [
    pytest.param("Short-1", {"too_short"}, id="seven-characters"),
    pytest.param("Long-1" + "x" * 123, {"too_long"}, id="129-characters"),
    pytest.param("CORRECT-HORSE-1", {"no_lower_case"}, id="no-lower-case"),
    pytest.param("correct-horse-1", {"no_upper_case"}, id="no-upper-case"),
    pytest.param("Correct-horse-x", {"no_digit"}, id="no-digit"),
    pytest.param("CorrectHorse1", {"no_other"}, id="letters-and-digits-alone"),
    pytest.param("Xx-aLiCe-1", {"contains_username"}, id="the-username-in-another-case"),
    pytest.param("P@ssw0rd", {"common"}, id="common-in-another-case"),
    pytest.param("", {"too_short", "no_lower_case", "no_upper_case", "no_digit", "no_other"}, id="empty"),
    pytest.param("alice", {"too_short", "no_upper_case", "no_digit", "no_other", "contains_username"}, id="username"),
    pytest.param("password", {"no_upper_case", "no_digit", "no_other", "common"}, id="the-most-common"),
]


@pytest.mark.parametrize(("password", "codes"), WEAK)
def test_each_rule_that_is_missed_is_told(api: Api, password: str, codes: set[str]) -> None:
    response = api.post("/api/auth/register", json=registration(password=password))
    assert outcome(response) == (422, "weak_password")
    assert faults(response) == {("/password", rule) for rule in codes}
    assert len(response.json()["errors"]) == len(codes)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("alice", "Aa1-bcde", id="eight-characters"),
        pytest.param("alice", "Long-1" + "x" * 122, id="128-characters"),
        pytest.param("alice", "Aa1-" + "\U0001f40e" * 124, id="128-code-points-of-four-bytes"),
        pytest.param("alice", "Aa1 bcde", id="a-space-is-another-character"),
        pytest.param("al", "Xx-al-12345", id="a-username-of-two-may-be-in-it"),
    ],
)
def test_strong_passwords_are_taken(api: Api, username: str, password: str) -> None:
    body = registration(username=username, password=password)
    assert api.post("/api/auth/register", json=body).status_code == 201


def test_weakness_is_told_only_when_the_rest_is_valid(api: Api) -> None:
    response = api.post("/api/auth/register", json=registration(email="nobody", password="weak"))
    assert outcome(response) == (422, "validation_failed")
    assert faults(response) == {("/email", "email")}


def test_weakness_is_told_before_a_taken_name(api: Api, people: People) -> None:
    people.developer("alice")
    response = api.post("/api/auth/register", json=registration(password="weak"))
    assert outcome(response) == (422, "weak_password")


@pytest.mark.parametrize(
    ("password", "other"),
    [
        pytest.param(" Aa1-bcde ", "Aa1-bcde", id="not-trimmed"),
        pytest.param("Caf\u00e9-12345", "Cafe\u0301-12345", id="not-normalised"),
        pytest.param("Correct-horse-1", "correct-horse-1", id="case-matters"),
    ],
)
def test_a_password_is_taken_as_it_is(api: Api, password: str, other: str) -> None:
    assert api.post("/api/auth/register", json=registration(password=password)).status_code == 201
    assert outcome(login(api, "alice", other)) == (401, "invalid_credentials")
    assert login(api, "alice", password).status_code == 200


@pytest.mark.parametrize("password", [pytest.param("Aa1-\0bcde", id="nul"), 12345678, None, True])
def test_a_password_is_text(api: Api, password: object) -> None:
    response = api.post("/api/auth/register", json=registration(password=password))
    assert outcome(response) == (422, "validation_failed")
    assert {path for path, _ in faults(response)} == {"/password"}


def test_a_lone_surrogate_in_a_password_is_refused(api: Api) -> None:
    body = b'{"username": "alice", "email": "alice@example.com", "password": "Aa1-\\ud800bcd"}'
    response = api.post("/api/auth/register", content=body, headers={"Content-Type": "application/json"})
    assert outcome(response) == (422, "validation_failed")
    assert faults(response) == {("/password", "string_unicode")}


def test_an_unknown_user_costs_as_much_as_a_known_one() -> None:
    assert not HASHER.check_needs_rehash(UNKNOWN)


def test_no_password_is_echoed(api: Api) -> None:
    response = api.post("/api/auth/register", json=registration(email="nobody", password=PASSWORD))
    assert PASSWORD not in response.text

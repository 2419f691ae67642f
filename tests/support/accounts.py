"""Signing up, in and out."""

import hashlib
import secrets

import httpx2

from tests.support.api import JSON, Api
from tests.support.fixtures import Owner
from tests.support.people import PASSWORD, Person

BROWSER = {"User-Agent": "a browser"}


def registration(**members: object) -> JSON:
    """The body of a registration that succeeds, but for these members."""
    return {"username": "alice", "email": "alice@example.com", "password": PASSWORD, **members}


def login(api: Api, username: str, password: str = PASSWORD, *, address: str | None = None) -> httpx2.Response:
    """Try to sign in; from this address, where the server believes us."""
    headers = BROWSER | ({"X-Forwarded-For": address} if address else {})
    return api.post("/api/auth/login", json={"username": username, "password": password}, headers=headers)


def sign_in(api: Api, person: Person) -> JSON:
    """The tokens of a login, which must have succeeded."""
    response = login(api, person.username)
    assert response.status_code == 200, response.text
    tokens: JSON = response.json()
    return tokens


def refresh(api: Api, token: str) -> httpx2.Response:
    """Try to get new tokens."""
    return api.post("/api/auth/refresh", json={"refresh_token": token})


def refresh_token_of(person: Person, owner: Owner) -> str:
    """A refresh token of the session, without the cost of a login."""
    token = secrets.token_urlsafe(32)
    owner.execute(
        "INSERT INTO refresh_tokens (token_hash, session_id, expires_at) VALUES (%s, %s, now() + interval '1 hour')",
        (hashlib.sha256(token.encode()).digest(), person.session_id),
    )
    return token


def logout(api: Api, token: str) -> httpx2.Response:
    """Sign out."""
    return api.post("/api/auth/logout", json={"refresh_token": token})


def code(response: httpx2.Response) -> str:
    """The code of a refusal."""
    return str(response.json()["code"])


def outcome(response: httpx2.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return response.status_code, code(response)


def me(api: Api, token: str) -> httpx2.Response:
    """Ask for the own account with this access token."""
    return api.signed_in(token).get("/api/auth/me")


def faults(response: httpx2.Response) -> set[tuple[str, str]]:
    """Where and what is wrong, of a refusal with errors."""
    return {(error["path"], error["code"]) for error in response.json()["errors"]}

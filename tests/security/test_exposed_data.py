"""Somebody reads more than is meant for his eyes in answers that are his (OWASP API Security Top 10 2023, number 3).

A developer, a manager, somebody who is not signed in and an admin each ask for everything that there is, well and
badly; what belongs to another is then looked for in every header and body that came back.
"""

from collections.abc import Iterator
from typing import LiteralString, NamedTuple

import httpx2
import pytest

from operations.openapi import ENDPOINTS
from tests.support.accounts import registration, sign_in
from tests.support.api import Api
from tests.support.fixtures import Owner
from tests.support.people import PASSWORD, People, Person
from tests.support.world import World, body_of

NOBODY = "00000000-0000-7000-8000-000000000000"
AGENT, ADDRESS = "a browser of the victim's own", "203.0.113.77"
SECRETS: dict[str, LiteralString] = {
    "e-mail-address": "SELECT email FROM users WHERE id <> %(me)s",
    "e-mail-address-in-lower-case": "SELECT email_folded FROM users WHERE id <> %(me)s",
    "time-of-the-last-login": "SELECT to_char(last_login, 'YYYY-MM-DD\"T\"HH24:MI') FROM users WHERE id <> %(me)s",
    "client-address": "SELECT ip FROM sessions WHERE user_id <> %(me)s AND ip <> '127.0.0.1'",
    "client-address-in-the-audit-log": "SELECT ip FROM audit_events WHERE actor_id <> %(me)s AND ip <> '127.0.0.1'",
    "browser": "SELECT user_agent FROM sessions WHERE user_id <> %(me)s AND user_agent <> 'tests'",
    "session": "SELECT id::text FROM sessions WHERE user_id <> %(me)s",
    "request-of-another": "SELECT request_id FROM audit_events WHERE actor_id <> %(me)s",
    "event-of-the-audit-log": "SELECT id::text FROM audit_events WHERE actor_id <> %(me)s",
}
KEPT: dict[str, LiteralString] = {
    "password-hash": "SELECT password_hash FROM users",
    "any-password-hash": "SELECT '$argon2id$'",
    "refresh-token-as-hexadecimal": "SELECT encode(token_hash, 'hex') FROM refresh_tokens",
    "refresh-token-as-base64": "SELECT rtrim(encode(token_hash, 'base64'), '=') FROM refresh_tokens",
    "idempotency-key": "SELECT key FROM idempotency_keys",
    "idempotent-body": "SELECT encode(body_hash, 'hex') FROM idempotency_keys",
    "account-of-the-login-limit": "SELECT key FROM login_throttles",
    "folded-title": "SELECT title_folded FROM issues WHERE title_folded <> title",
    "search-words": "SELECT search::text FROM issues WHERE search <> ''",
    "name-of-a-database-role": "SELECT rolname FROM pg_roles WHERE rolname LIKE 'flycatcher_%%'",
    "name-of-a-constraint": "SELECT conname FROM pg_constraint WHERE conname LIKE 'uq_users_%%'",
}
"""What nobody is shown, not even an admin."""


class Seen(NamedTuple):
    """Who looked, and everything that came back."""

    me: str
    text: str


@pytest.fixture(scope="module")
def victim(standing: World, crowd: People, nobody: Api, housekeeper: Owner) -> Person:
    """Somebody who has signed in from afar, written everywhere and left traces in the audit log."""
    victim = crowd.manager()
    tokens = sign_in(nobody, victim)
    api = nobody.signed_in(tokens["access_token"])
    project = api.post("/api/projects", json={"name": "Hers"}, headers={"Idempotency-Key": "key-of-the-victim"}).json()
    issue = victim.issue(project, title="WRITTEN BY THE VICTIM", assignee_id=victim.id)
    comment = victim.comment(issue)
    victim.api.patch(f"/api/comments/{comment['id']}", json={"content": "Once more."})
    victim.api.patch(f"/api/issues/{issue['id']}", json={"assignee_id": standing.admin.id})
    where = {"agent": AGENT, "me": victim.id, "ip": ADDRESS}
    housekeeper.execute("UPDATE sessions SET ip = %(ip)s, user_agent = %(agent)s WHERE user_id = %(me)s", where)
    housekeeper.execute("UPDATE users SET last_login = '2001-02-03T04:05:06Z' WHERE id = %(me)s", where)
    housekeeper.execute("UPDATE audit_events SET ip = %(ip)s, user_agent = %(agent)s WHERE actor_id = %(me)s", where)
    return victim


def asked(standing: World, victim: Person, api: Api) -> Iterator[httpx2.Response]:
    """Every answer that one can get without changing anything."""
    for endpoint in ENDPOINTS:
        path = standing.path(endpoint)
        if endpoint.method == "GET":
            yield from (api.get(path), api.get(f"{path}?unknown=1"))
        elif endpoint.body:
            yield api.request(endpoint.method, path, json={**(body_of(endpoint) or {}), "unknown": 1})
    for path in (f"/api/users/{victim.id}", "/api/users", "/api/audit"):
        yield from (api.get(path), api.patch(path, json={}), api.delete(path))
    for issue in api.get("/api/issues").json().get("items", []):
        yield from (api.get(f"/api/issues/{issue['id']}{below}") for below in ("", "/history", "/comments"))
    yield api.get("/api/users?search=flycatcher")


def asked_by_anybody(victim: Person, api: Api) -> Iterator[httpx2.Response]:
    """Every answer that needs no token."""
    yield from (api.get(path) for path in ("/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/docs"))
    yield api.post("/api/auth/register", json=registration(username=victim.username))
    yield api.post("/api/auth/login", json={"username": victim.email.upper(), "password": f"{PASSWORD}2"})


@pytest.fixture(scope="module")
def seen(standing: World, victim: Person, crowd: People, nobody: Api) -> dict[str, Seen]:
    """What each of them saw."""
    people = {"admin": standing.admin, "developer": crowd.developer(), "manager": crowd.manager()}
    answers = {name: list(asked(standing, victim, person.api)) for name, person in people.items()}
    answers["nobody"] = [*asked(standing, victim, nobody), *asked_by_anybody(victim, nobody)]
    ids = {name: person.id for name, person in people.items()} | {"nobody": NOBODY}
    return {name: Seen(ids[name], "\n".join(map(whole, found))) for name, found in answers.items()}


def whole(answer: httpx2.Response) -> str:
    """Every header and the body."""
    return "\n".join([*(f"{name}: {value}" for name, value in answer.headers.items()), answer.text])


def check_hidden(owner: Owner, secret: LiteralString, seen: Seen) -> None:
    """There are such secrets, and this user saw none of them."""
    secrets = [row[0] for row in owner.execute(secret, {"me": seen.me}).fetchall() if row[0]]
    assert secrets
    assert [each for each in secrets if each in seen.text] == []


@pytest.mark.parametrize("eyes", ["nobody", "developer", "manager"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_what_belongs_to_another_is_not_seen(
    seen: dict[str, Seen], housekeeper: Owner, secret: LiteralString, eyes: str
) -> None:
    check_hidden(housekeeper, secret, seen[eyes])


@pytest.mark.parametrize("eyes", ["nobody", "developer", "manager", "admin"])
@pytest.mark.parametrize("secret", KEPT.values(), ids=KEPT.keys())
def test_what_the_server_keeps_to_itself_is_seen_by_nobody(
    seen: dict[str, Seen], housekeeper: Owner, secret: LiteralString, eyes: str
) -> None:
    check_hidden(housekeeper, secret, seen[eyes])


def test_who_may_see_it_sees_it(seen: dict[str, Seen], victim: Person) -> None:
    for shown in (victim.email, ADDRESS, AGENT, "2001-02-03T04:05:06"):
        assert shown in seen["admin"].text
    for name in ("developer", "manager"):
        assert "WRITTEN BY THE VICTIM" in seen[name].text
        assert victim.username in seen[name].text
    assert victim.username not in seen["nobody"].text

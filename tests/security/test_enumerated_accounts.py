"""Somebody who knows no names tries some, to learn from the answer or from its time which of them are accounts.

One answer for all of them must stop it, in the same octets and after the same work.
"""

import time

import pytest

from functions.auth.throttles import account_key
from tests.support.accounts import login
from tests.support.api import Api
from tests.support.fixtures import Owner
from tests.support.people import PASSWORD, People

STRANGERS = {
    "unknown-name": ("nobody", PASSWORD),
    "unknown-e-mail": ("nobody@flycatcher.example", PASSWORD),
    "wrong-password": ("bob", "Wrong-horse-1"),
    "wrong-password-by-e-mail": ("bob@flycatcher.example", "Wrong-horse-1"),
    "empty-password": ("bob", ""),
    "inactive-account": ("idle", PASSWORD),
    "wrong-password-of-an-inactive-account": ("idle", "Wrong-horse-1"),
    "name-of-a-deleted-account": ("gone", PASSWORD),
}

LOCK = (
    "INSERT INTO login_throttles (key, attempts, locked_until) "
    "SELECT DISTINCT key, '{}'::timestamptz[], now() + interval '89.5 s' FROM unnest(%s::text[]) key "
    "ON CONFLICT (key) DO UPDATE SET locked_until = excluded.locked_until"
)


@pytest.mark.parametrize("state", ["open", "locked"])
def test_every_stranger_is_told_the_same(api: Api, people: People, owner: Owner, state: str) -> None:
    accounts = [f"account:{people.developer(name).id}" for name in ("bob", "idle", "gone")]
    owner.execute("UPDATE users SET is_active = false WHERE username = 'idle'")
    owner.execute("DELETE FROM users WHERE username = 'gone'")
    told = {}
    for stranger, (username, password) in STRANGERS.items():
        if state == "locked":
            owner.execute(LOCK, ([*accounts, *(account_key(None, name) for name, _ in STRANGERS.values())],))
        body = {"username": username, "password": password}
        answer = api.post("/api/auth/login", json=body, headers={"X-Request-ID": "same"})
        counted = ("date", "ratelimit-remaining", "ratelimit-reset")
        headers = tuple(header for header in answer.headers.raw if header[0].decode().lower() not in counted)
        told[stranger] = (answer.status_code, headers, answer.content)
    assert told == dict.fromkeys(STRANGERS, told["wrong-password"])
    assert told["wrong-password"][0] == (401 if state == "open" else 423)
    assert owner.execute("SELECT count(*) FROM sessions WHERE user_agent <> 'tests'").fetchone() == (0,)
    assert login(api, "bob").status_code == (200 if state == "open" else 423)


def test_every_stranger_waits_as_long(api: Api, people: People, owner: Owner) -> None:
    """Far less than a hash takes would tell; what a busy machine adds to one of three attempts does not."""
    for name in ("bob", "idle"):
        people.developer(name)
    owner.execute("UPDATE users SET is_active = false WHERE username = 'idle'")
    fastest = dict.fromkeys(("wrong-password", "unknown-name", "unknown-e-mail", "inactive-account"), 60.0)
    for stranger in [*fastest] * 3:
        begun = time.perf_counter()
        login(api, *STRANGERS[stranger])
        fastest[stranger] = min(fastest[stranger], time.perf_counter() - begun)
    assert min(fastest.values()) > max(fastest.values()) / 4

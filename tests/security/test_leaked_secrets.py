"""Who reads the log, the audit log, a dump of the database or another's answer looks for passwords and tokens in it.

Of what a client sends nothing is written but what it creates; shared/observability/redaction.py takes out what looks
like a secret wherever a client chose the text, and of refresh tokens, passwords and unknown names hashes are stored.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import TupleRow

from local.app import create_app
from migrations.tables import metadata
from shared.endpoint import Endpoint
from shared.settings import Settings
from tests.support.accounts import login, logout, refresh
from tests.support.api import JSON
from tests.support.leaks import MARK, SECRET, WALK, ask_all, check_unseen, told
from tests.support.logs import Logged, logged
from tests.support.people import PASSWORD, People, password_hash
from tests.support.world import World, body_of

Owner = psycopg.Connection[TupleRow]
Options = dict[str, Any]

BASIC = base64.b64encode(f"bob:{SECRET}".encode()).decode()
HASHES = {("users", "password_hash"), ("refresh_tokens", "token_hash")}


def raw(text: str) -> Options:
    """A body as it is."""
    return {"content": text.encode(), "headers": {"Content-Type": "application/json"}}


def members(endpoint: Endpoint, value: object) -> JSON:
    """A body with this value for every member."""
    return dict.fromkeys(body_of(endpoint) or {"name": ""}, value)


WAYS: dict[str, Callable[[Endpoint], Options]] = {
    "unknown-member": lambda endpoint: {"json": {**(body_of(endpoint) or {}), "pasword": SECRET}},
    "member-of-the-wrong-type": lambda endpoint: {"json": members(endpoint, [SECRET])},
    "member-that-is-too-long": lambda endpoint: {"json": members(endpoint, SECRET * 1000)},
    "member-beside-a-lone-surrogate": lambda endpoint: raw(json.dumps(members(endpoint, f"{SECRET}\ud800"))),
    "json-that-does-not-end": lambda endpoint: raw(json.dumps(members(endpoint, SECRET))[:-2]),
    "unknown-parameter": lambda _: {"params": {"password": SECRET, "access_token": SECRET}},
    "parameter-of-the-wrong-type": lambda _: {"params": {"page": SECRET, "limit": SECRET, "sort": SECRET}},
    "search": lambda _: {"params": {"search": SECRET}},
    "bearer-token": lambda _: {"headers": {"Authorization": f"Bearer {SECRET}"}},
    "token-without-a-scheme": lambda _: {"headers": {"Authorization": SECRET}},
    "basic-credentials": lambda _: {"headers": {"Authorization": f"Basic {BASIC}"}},
    "other-headers": lambda _: {
        "headers": {
            "Cookie": f"session={SECRET}",
            "Idempotency-Key": f"{SECRET} 1",
            "If-Match": f'"{SECRET}"',
            "Origin": f"https://{SECRET}.example",
            "Proxy-Authorization": f"Basic {BASIC}",
            "Referer": f"https://x.example/?password={SECRET}",
            "User-Agent": f"curl -u Bearer {SECRET}",
            "X-Forwarded-For": SECRET,
            "X-Request-ID": f"{SECRET} 1",
        }
    },
}


def stored(owner: Owner) -> str:
    """Every row of every table, without the hashes in their columns."""
    found = []
    for table in metadata.sorted_tables:
        columns = [sql.Identifier(column.name) for column in table.columns if (table.name, column.name) not in HASHES]
        query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(columns), sql.Identifier(table.name))
        found.append(repr(owner.execute(query).fetchall()))
    return "".join(found)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_secret_that_is_sent_is_nowhere_afterwards(
    debug_log: Logged, crowd: People, standing: World, housekeeper: Owner, way: Callable[[Endpoint], Options]
) -> None:
    admin = crowd.admin()
    api = debug_log.api.signed_in(admin.token)
    answers = [api.request(endpoint.method, standing.path(endpoint), **way(endpoint)) for endpoint in WALK]
    secrets = (MARK, BASIC, admin.token)
    check_unseen(secrets, debug_log.text(), stored(housekeeper), *map(told, answers))


def test_no_token_and_no_password_outlives_its_use(
    debug_log: Logged, crowd: People, housekeeper: Owner, environ: dict[str, str]
) -> None:
    """A session from its first login to its last; only who signs in is told the tokens."""
    bob = crowd.developer()
    api, others = debug_log.api, []
    first = login(api, bob.username).json()
    second = refresh(api, first["refresh_token"]).json()
    me = api.signed_in(second["access_token"])
    agent = {"User-Agent": f"Bearer {second['access_token']}", "X-Request-ID": second["refresh_token"]}
    third = api.post("/api/auth/login", json={"username": bob.email, "password": PASSWORD}, headers=agent).json()
    others += [login(api, bob.username, SECRET), login(api, SECRET, PASSWORD), me.get("/api/auth/sessions")]
    others += [refresh(api, first["refresh_token"]), refresh(api, second["access_token"]), logout(api, SECRET)]
    for current, new in ((SECRET, PASSWORD), (PASSWORD, MARK), (PASSWORD, bob.username), (PASSWORD, SECRET)):
        others.append(bob.api.post("/api/auth/password", json={"current_password": current, "new_password": new}))
    others += [logout(api, third["refresh_token"]), me.get("/api/auth/me"), login(api, bob.username, SECRET)]
    assert [answer.status_code for answer in others] == [
        401,
        401,
        200,
        401,
        401,
        204,
        403,
        422,
        422,
        204,
        204,
        401,
        200,
    ]
    last = others.pop().json()
    tokens = [given[kind] for given in (first, second, third, last) for kind in ("access_token", "refresh_token")]
    (hashed,) = housekeeper.execute("SELECT password_hash FROM users WHERE id = %s", [bob.id]).fetchone() or ("",)
    key = Path(environ["JWT_PRIVATE_KEY_FILE"]).read_text(encoding="ascii").splitlines()[1:-1]
    assert hashed.startswith("$argon2id$")
    secrets = (PASSWORD, SECRET, bob.token, hashed, password_hash(), *tokens, *key)
    check_unseen(secrets, debug_log.text(), stored(housekeeper), *map(told, others))


def test_postgresql_and_redis_that_are_away_show_none_of_their_passwords(
    standing: World, environ: dict[str, str]
) -> None:
    urls = {
        "DATABASE_URL": f"postgresql://{MARK}-user:{SECRET}@127.0.0.1:1/flycatcher",
        "REDIS_URL": f"redis://{MARK}-user:{SECRET}@127.0.0.1:1",
    }
    settings = Settings.load({**environ, **urls, "DATABASE_WAIT_SECONDS": "0.01", "LOG_LEVEL": "debug"})
    for log in logged(create_app(settings), settings):
        answers = [*ask_all(log.api, standing), log.api.get("/readyz"), log.api.get("/metrics")]
        assert sum(answer.status_code == 503 for answer in answers) == len(WALK)
        check_unseen((MARK, standing.admin.token), log.text(), *map(told, answers))

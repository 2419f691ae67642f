"""Many ask at the same moment for what takes long: logins, registrations, long descriptions.

shared/workers.py gives each kind a few threads, a turn for each and a short queue, so that neither the event loop nor
the connections to PostgreSQL are taken from everybody else; functions/auth/throttles.py refuses without writing.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from threading import Condition, Event
from typing import NamedTuple
from uuid import uuid4

import httpx2
import pytest

from shared import workers
from shared.markdown import QUICK
from tests.support.accounts import login, outcome, registration
from tests.support.api import JSON, PLAIN, Api
from tests.support.fixtures import Owner, Serve, events, wait_until_blocked
from tests.support.people import PASSWORD, People
from tests.support.world import World, make_world

SECONDS = 5
AT_ONCE = 2
WAITING = 5
"""A shorter queue than there is, so that a flood need not be as long."""
TOO_MANY = 4
LONG = "x" * (QUICK + 1)
"""One character more than is rendered without a thread."""


class Held:
    """Work that does not end before the test lets it go; how much of it goes on at the same time is counted."""

    def __init__(self, result: object) -> None:
        self._result = result
        self._changed = Condition()
        self._now = 0
        self.most = 0
        self.go = Event()

    def __call__(self, *_given: object) -> object:
        """Do the work."""
        with self._changed:
            self._now += 1
            self.most = max(self.most, self._now)
            self._changed.notify_all()
        self.go.wait(2 * SECONDS)
        with self._changed:
            self._now -= 1
        return self._result

    def wait_for(self, count: int) -> None:
        """Wait until so much of it goes on."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._now >= count, SECONDS)


class Flood(NamedTuple):
    """A request that many send, the work that takes long in it, and what is answered to who had a turn."""

    work: str
    result: object
    at_once: int
    ask: Callable[[Api, World], httpx2.Response]
    answer: int


def register(api: Api, _world: World) -> httpx2.Response:
    """Register somebody new."""
    name = uuid4().hex
    return api.post("/api/auth/register", json=registration(username=name, email=f"{name}@flycatcher.example"))


def change_password(api: Api, world: World) -> httpx2.Response:
    """Change the password with a wrong one."""
    body = {"current_password": "Wrong-horse-1", "new_password": PASSWORD}
    return api.signed_in(world.admin.token).post("/api/auth/password", json=body)


def report(api: Api, world: World) -> httpx2.Response:
    """Report an issue at length."""
    body = {"title": "x", "description": LONG}
    return api.signed_in(world.admin.token).post(f"/api/projects/{world.project['id']}/issues", json=body)


FLOODS = {
    "logins": Flood("functions.auth.passwords._verify", False, AT_ONCE, lambda api, _: login(api, "nobody"), 401),
    "registrations": Flood("functions.auth.passwords.hash_password", "a hash", AT_ONCE, register, 201),
    "password-changes": Flood("functions.auth.passwords._verify", False, AT_ONCE, change_password, 403),
    "descriptions": Flood("shared.markdown.render", "", 1, report, 201),
}

RENDERED: dict[str, tuple[str, str, JSON]] = {
    "a-new-issue": ("POST", "/api/projects/PROJECT/issues", {"title": "x", "description": LONG}),
    "a-changed-issue": ("PATCH", "/api/issues/ISSUE", {"description": LONG}),
    "a-new-comment": ("POST", "/api/issues/ISSUE/comments", {"content": LONG}),
    "a-changed-comment": ("PATCH", "/api/comments/COMMENT", {"content": LONG}),
}


@pytest.fixture
def small(serve: Serve) -> Api:
    """A server that hashes two passwords at once and holds three connections."""
    return serve(PASSWORD_HASHES_AT_ONCE=str(AT_ONCE), DATABASE_POOL_SIZE="3")


def check_alive(api: Api, token: str) -> None:
    """Others are answered meanwhile, with and without the database."""
    url, headers = str(api.client.base_url), {"Authorization": f"Bearer {token}"}
    assert httpx2.get(f"{url}/healthz", timeout=SECONDS, verify=PLAIN).status_code == 200
    assert httpx2.get(f"{url}/api/projects", headers=headers, timeout=SECONDS, verify=PLAIN).status_code == 200


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_is_refused_at_once_and_leaves_the_rest_alone(
    small: Api, people: People, monkeypatch: pytest.MonkeyPatch, flood: Flood
) -> None:
    world, held = make_world(people), Held(flood.result)
    monkeypatch.setattr(flood.work, held)
    monkeypatch.setattr(workers, "WAITING", WAITING)
    times = flood.at_once + WAITING + TOO_MANY
    with ThreadPoolExecutor(times) as threads:
        asked = [threads.submit(flood.ask, small, world) for _ in range(times)]
        try:
            refused = [done.result() for done in islice(as_completed(asked, timeout=SECONDS), TOO_MANY)]
            held.wait_for(flood.at_once)
            check_alive(small, world.admin.token)
        finally:
            held.go.set()
    assert [outcome(answer) for answer in refused] == [(503, "service_unavailable")] * TOO_MANY
    assert sorted(done.result().status_code for done in asked)[:-TOO_MANY] == [flood.answer] * (flood.at_once + WAITING)
    assert held.most == flood.at_once


def test_the_queue_is_short() -> None:
    assert WAITING < workers.WAITING < 100


@pytest.mark.parametrize(("method", "path", "body"), RENDERED.values(), ids=RENDERED.keys())
def test_while_a_text_is_rendered_others_are_answered(
    small: Api, people: People, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: JSON
) -> None:
    world, held = make_world(people), Held("<p>rendered</p>")
    monkeypatch.setattr("shared.markdown.render", held)
    for kind, thing in {"PROJECT": world.project, "ISSUE": world.issue, "COMMENT": world.comment}.items():
        path = path.replace(kind, thing["id"])
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(small.signed_in(world.admin.token).request, method, path, json=body)
        try:
            held.wait_for(1)
            check_alive(small, world.admin.token)
        finally:
            held.go.set()
    assert "<p>rendered</p>" in asked.result().json().values()


def test_logins_that_wait_for_a_lock_leave_the_other_connections_alone(
    small: Api, people: People, owner: Owner
) -> None:
    bob = people.developer()
    login(small, "nobody")
    with ThreadPoolExecutor(6) as threads:
        with owner.transaction():
            owner.execute("SELECT FROM login_throttles FOR UPDATE")
            asked = [threads.submit(login, small, "nobody") for _ in range(6)]
            wait_until_blocked(owner, AT_ONCE)
            begun = time.monotonic()
            check_alive(small, bob.token)
            assert time.monotonic() - begun < 1
        assert [outcome(done.result()) for done in asked] == [(401, "invalid_credentials")] * 6


NAMES = {
    "one-name": lambda _: "nobody",
    "a-new-name-each-time": lambda number: f"nobody{number}",
    "a-long-name-each-time": lambda number: f"{number}".rjust(254, "x"),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_refused_attempts_leave_nothing_behind(serve: Serve, owner: Owner, name: Callable[[int], str]) -> None:
    api = serve(LOGIN_LIMIT_PER_MINUTE="3", TRUSTED_PROXIES="127.0.0.0/8")
    rows = "SELECT t::text, t.xmin::text, t.ctid::text FROM login_throttles t ORDER BY key"
    assert [login(api, name(number)).status_code for number in range(3)] == [401] * 3
    before, told = owner.execute(rows).fetchall(), events(owner)
    assert [login(api, name(number)).status_code for number in range(3, 13)] == [429] * 10
    assert owner.execute(rows).fetchall() == before
    assert events(owner) == told

"""Somebody who does harm would leave no trace, a false one, or one that nobody can read.

The audit log must stop it: every event of the contract leaves its row whatever comes with the request, what cannot be
written down does not happen, a denial names its endpoint, and nobody but an admin reads what is written.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest

from operations.openapi import ENDPOINTS
from shared.endpoint import Endpoint
from shared.security.permissions import DEVELOPER, needs_token, permits
from shared.vocabulary import AUDIT_ACTIONS, RoleName
from tests.support.accounts import logout, outcome, refresh, refresh_token_of, registration
from tests.support.api import Api, Server, new_client
from tests.support.fixtures import Owner
from tests.support.people import PASSWORD, People, Person
from tests.support.world import body_of, make_world, named

HOSTILE_AGENT = b'{"a": "\\n"}\' OR 1=1;--<script>\xff\x85%s${jndi:x} ' + b"x" * 10_000
HOSTILE_ID = b'"}\x85<script>'
HOSTILE_NAME = 'Kiosk\n{"action": "auth.login"}\r\n\u2028<script>alert(1)</script>\u202e'
NEW_PROJECT = "INSERT INTO projects (id, created_by, name, name_folded, search) VALUES (%s, %s, 'P', 'p', '')"
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Scene:
    """Bob, a manager, and an admin, whose every request is hostile, and what there is to do something to."""

    nobody: Api
    person: Person
    bob: Api
    admin: Api
    project: str
    owner: Owner

    def login(self, password: str = PASSWORD) -> httpx2.Response:
        """Bob signs in."""
        return self.nobody.post("/api/auth/login", json={"username": self.person.username, "password": password})

    def change_password(self, current: str = PASSWORD) -> httpx2.Response:
        """Bob changes the password."""
        body = {"current_password": current, "new_password": "Other-horse-1"}
        return self.bob.post("/api/auth/password", json=body)

    def throttled(self, setting: str) -> "Scene":
        """What is counted of Bob is this."""
        self.owner.execute(
            "INSERT INTO login_throttles (key, attempts, failures, locked_until) "
            "VALUES (%s, '{}', 999999, CASE WHEN %s = 'locked' THEN now() + interval '90 s' END)",
            (f"account:{self.person.id}", setting),
        )
        return self

    def patch_bob(self, **members: object) -> httpx2.Response:
        """The admin changes Bob."""
        return self.admin.patch(f"/api/users/{self.person.id}", json=members)

    def patch_project(self, **members: object) -> httpx2.Response:
        """Bob changes the project."""
        return self.bob.patch(f"/api/projects/{self.project}", json=members)

    def after(self, statement: str) -> "Scene":
        """The owner has changed a row."""
        self.owner.execute(statement.encode())
        return self

    def token(self) -> str:
        """A refresh token of Bob's."""
        return refresh_token_of(self.person, self.owner)

    def used_token(self) -> str:
        """One that has been replaced."""
        token = self.token()
        self.owner.execute("UPDATE refresh_tokens SET replaced_at = now()")
        return token


EVENTS: dict[str, Callable[[Scene], httpx2.Response]] = {
    "auth.register success": lambda scene: scene.nobody.post("/api/auth/register", json=registration()),
    "auth.login success": Scene.login,
    "auth.login failure": lambda scene: scene.login("Wrong-horse-1"),
    "auth.lockout failure": lambda scene: scene.throttled("nearly").login("Wrong-horse-1"),
    "auth.unlock success": lambda scene: scene.throttled("locked").admin.post(f"/api/users/{scene.person.id}/unlock"),
    "auth.refresh success": lambda scene: refresh(scene.nobody, scene.token()),
    "auth.refresh_reuse failure": lambda scene: refresh(scene.nobody, scene.used_token()),
    "auth.logout success": lambda scene: logout(scene.nobody, scene.token()),
    "auth.logout_all success": lambda scene: scene.bob.post("/api/auth/logout-all"),
    "auth.session_end success": lambda scene: scene.bob.delete(f"/api/auth/sessions/{scene.person.session_id}"),
    "auth.password_change success": Scene.change_password,
    "auth.password_change failure": lambda scene: scene.change_password("Wrong-horse-1"),
    "user.role_change success": lambda scene: scene.patch_bob(role="admin"),
    "user.deactivate success": lambda scene: scene.patch_bob(is_active=False),
    "user.activate success": lambda scene: scene.after(
        "UPDATE users SET is_active = false WHERE role = 'manager'").patch_bob(is_active=True),
    "user.delete success": lambda scene: scene.after("DELETE FROM projects").admin.delete(
        f"/api/users/{scene.person.id}"),
    "permission.denied denied": lambda scene: scene.bob.get("/api/audit"),
    "project.create success": lambda scene: scene.bob.post("/api/projects", json={"name": HOSTILE_NAME}),
    "project.edit success": lambda scene: scene.patch_project(name=HOSTILE_NAME),
    "project.archive success": lambda scene: scene.bob.delete(f"/api/projects/{scene.project}"),
    "project.restore success": lambda scene: scene.after(
        "UPDATE projects SET is_archived = true").patch_project(is_archived=False),
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile(server: Server) -> Iterator[Api]:
    """Nobody, whose every request says who it is in a way that should break something."""
    with new_client(server.url) as client:
        client.headers = httpx2.Headers([(b"User-Agent", HOSTILE_AGENT), (b"X-Request-ID", HOSTILE_ID)])
        yield Api(client)


@pytest.fixture
def scene(people: People, hostile: Api, owner: Owner) -> Scene:
    """Bob with a project, and nothing in the log."""
    bob, admin = people.manager(), people.admin()
    project = str(uuid4())
    owner.execute(
        "INSERT INTO projects (id, name, name_folded, created_by, search) VALUES (%s, 'P', 'p', %s, '')",
        (project, bob.id),
    )
    return Scene(hostile, bob, hostile.signed_in(bob.token), hostile.signed_in(admin.token), project, owner)


def rows(owner: Owner) -> list[tuple[object, ...]]:
    """What the log says of each event, and where from."""
    return owner.execute(
        "SELECT action || ' ' || outcome, ip, user_agent, request_id FROM audit_events ORDER BY at, id"
    ).fetchall()


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_leaves_its_row(scene: Scene, owner: Owner, event: str) -> None:
    answer = EVENTS[event](scene)
    request_id = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    expected = (event, "127.0.0.1", HOSTILE_AGENT.decode("latin-1")[:500], request_id)
    before = [("auth.login failure", *expected[1:])] if event == "auth.lockout failure" else []
    assert rows(owner) == [*before, expected]


def test_the_table_has_every_event_of_the_contract() -> None:
    assert {event.partition(" ")[0] for event in EVENTS} == set(AUDIT_ACTIONS)


def state(owner: Owner) -> list[tuple[object, ...]]:
    """All that an event could have changed."""
    tables = ("users", "sessions", "refresh_tokens", "projects", "audit_events")
    each = " UNION ALL ".join(f"SELECT '{table}', t::text FROM {table} t" for table in tables)  # noqa: S608  # our own names
    return owner.execute(f"{each} ORDER BY 1, 2".encode()).fetchall()


@pytest.fixture
def unwritable(scene: Scene, owner: Owner) -> Iterator[Scene]:
    """The same, where every transaction that has written to the log fails at its very end."""
    owner.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$;"
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON audit_events DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION fail()"
    )
    yield scene
    owner.execute("DROP FUNCTION fail CASCADE")


@pytest.mark.parametrize("event", EVENTS)
def test_what_cannot_be_written_down_does_not_happen(unwritable: Scene, owner: Owner, event: str) -> None:
    prepared: list[list[tuple[object, ...]]] = []
    client = unwritable.nobody.client
    client.event_hooks = {**client.event_hooks, "request": [lambda _: prepared.append(state(owner))]}
    answer = EVENTS[event](unwritable)
    client.event_hooks = {**client.event_hooks, "request": []}
    assert outcome(answer) == (500, "internal_error")
    assert state(owner) == prepared[-1]
    assert unwritable.person.api.get("/api/auth/me").status_code == 200


METADATA: dict[str, tuple[Headers, str]] = {
    "agent-of-a-megabyte": ([(b"User-Agent", b"x" * 1_000_000)], "x" * 500),
    "agent-of-markup": ([(b"User-Agent", b"<script>alert(1)</script>")], "<script>alert(1)</script>"),
    "agent-of-json": ([(b"User-Agent", b'","action":"auth.login","x":"')], '","action":"auth.login","x":"'),
    "agent-of-sql": ([(b"User-Agent", b"'); DELETE FROM audit_events; --")], "'); DELETE FROM audit_events; --"),
    "agent-of-a-format": (
        [(b"User-Agent", b"%s %(ip)s %n {0} {ip} :ip $1 \\x00")],
        "%s %(ip)s %n {0} {ip} :ip $1 \\x00",
    ),
    "agent-of-lone-octets": ([(b"User-Agent", b"\xff\xfe\x80\xc0\xed\xa0\x80")], "\xff\xfe\x80\xc0\xed\xa0\x80"),
    "agent-of-a-line-end": ([(b"User-Agent", b"a\x85b")], "a\x85b"),
    "agent-on-two-lines": ([(b"User-Agent", b"one"), (b"User-Agent", b"two")], "one"),
    "agent-of-nothing": ([(b"User-Agent", b"")], ""),
    "request-id-of-markup": ([(b"User-Agent", b"a"), (b"X-Request-ID", b"<script>")], "a"),
    "request-id-of-a-megabyte": ([(b"User-Agent", b"a"), (b"X-Request-ID", b"x" * 1_000_000)], "a"),
    "request-id-of-lone-octets": ([(b"User-Agent", b"a"), (b"X-Request-ID", b"\xb2\xb3\xb9")], "a"),
    "request-id-of-json": ([(b"User-Agent", b"a"), (b"X-Request-ID", b'","user_id":"')], "a"),
}


@pytest.mark.parametrize("attack", METADATA)
def test_a_row_says_what_came_and_can_be_read(people: People, owner: Owner, attack: str) -> None:
    bob, admin, (headers, agent) = people.developer(), people.admin(), METADATA[attack]
    signed = [*headers, (b"Authorization", f"Bearer {bob.token}".encode())]
    answer = bob.api.client.get("/api/audit", headers=signed)
    assert outcome(answer) == (403, "permission_denied")
    request_id = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    assert rows(owner) == [("permission.denied denied", "127.0.0.1", agent, request_id)]
    (event,) = admin.api.get(f"/api/audit?actor={bob.id}").json()["items"]
    assert (event["user_agent"], event["request_id"]) == (agent, request_id)


READS = {
    "list": ("GET", "/api/audit", {}),
    "head": ("HEAD", "/api/audit", {}),
    "own-events-alone": ("GET", "/api/audit?actor={id}", {}),
    "wrong-filter": ("GET", "/api/audit?action=x&page=0", {}),
    "any-entity-tag": ("GET", "/api/audit", {"If-None-Match": "*"}),
    "other-method": ("GET", "/api/audit", {"X-HTTP-Method-Override": "HEAD"}),
}


@pytest.mark.parametrize("role", ["developer", "manager"])
@pytest.mark.parametrize("attack", READS)
def test_nobody_else_reads_the_log(people: People, owner: Owner, attack: str, role: RoleName) -> None:
    bob, (method, path, headers) = people.person(role), READS[attack]
    answer = bob.api.request(method, path.format(id=bob.id), headers=headers)
    assert answer.status_code == 403
    assert [row[0] for row in rows(owner)] == ["permission.denied denied"]


DENIALS = [each for each in ENDPOINTS if needs_token(each.permission) and not permits(each.permission, DEVELOPER)]


@pytest.mark.parametrize("endpoint", DENIALS, ids=named)
def test_a_denial_names_its_endpoint_and_its_object(people: People, owner: Owner, endpoint: Endpoint) -> None:
    world, bob = make_world(people), people.developer()
    owner.execute("DELETE FROM audit_events")
    path = world.path(endpoint)
    answer = bob.api.request(endpoint.method, path, json=body_of(endpoint))
    assert outcome(answer) == (403, "permission_denied")
    found = owner.execute("SELECT actor_id::text, target_type, target_id::text, details FROM audit_events").fetchall()
    target = (endpoint.kind, path.split("/")[3]) if endpoint.kind else (None, None)
    assert found == [(bob.id, *target, {"method": endpoint.method, "route": endpoint.path})]

"""The examples of the document and of the guide are what the API answers: all is played again, and compared.

``make examples`` writes them anew where the API has changed.
"""

import json
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest

from operations.openapi import ENDPOINTS
from operations.openapi.examples import CAPTURED
from operations.openapi.links import operation_id
from shared.http.problems import PROBLEMS
from tests.support.api import JSON, Api, Headers, find_endpoint
from tests.support.capture import stable
from tests.support.example_story import AGENT, CHANGED, KIOSK, LINUS, STORY, Stage, Step
from tests.support.fixtures import Owner, Serve, wait_until_blocked
from tests.support.people import PASSWORD, People

NOWHERE = "01a2ffff-0000-7000-8000-000000000000"


class Scene:
    """A project with a critical issue and a comment, an archived project, and who refuses what."""

    def __init__(self, stage: Stage, serve: Serve, owner: Owner) -> None:
        self.stage, self.serve, self.owner = stage, serve, owner
        self.ada, self.grace, self.root = (stage.callers[name] for name in ("ada", "grace", "root"))
        project = self.made("ada", "/api/projects", KIOSK)
        self.project = f"/api/projects/{project['id']}"
        issue = self.made("grace", f"{self.project}/issues", {"title": "Drawer stays shut", "priority": "critical"})
        self.issue = f"/api/issues/{issue['id']}"
        comment = self.made("grace", f"/api/issues/{issue['id']}/comments", {"content": "On Mondays."})
        self.comment = f"/api/comments/{comment['id']}"
        archived = self.made("ada", "/api/projects", {"name": "Fax"})
        self.archived = f"/api/projects/{archived['id']}"
        self.ada.delete(self.archived)

    def made(self, who: str, path: str, body: JSON) -> JSON:
        """What a creation answered."""
        made: JSON = self.stage.play(Step(who, "POST", path, body))["answer"]
        return made

    def with_token(self, token: str) -> httpx2.Response:
        """Who one is by this token."""
        return self.stage.api.signed_in(token).get("/api/auth/me", headers=AGENT)

    def posted(self, api: Api, path: str, body: JSON, **headers: str) -> httpx2.Response:
        """A request with a body."""
        return api.post(path, json=body, headers=AGENT | headers)

    def patched(self, body: JSON, **headers: str) -> httpx2.Response:
        """A change of the issue by Grace."""
        return self.grace.patch(self.issue, json=body, headers=AGENT | headers)

    def sent(self, content: bytes, media_type: str = "application/json") -> httpx2.Response:
        """A sign-in with this body."""
        headers: Headers = AGENT | {"Content-Type": media_type}
        return self.stage.api.post("/api/auth/login", content=content, headers=headers)


Refuse = Callable[[Scene], httpx2.Response | JSON]
SIGN_IN = {"username": "grace", "password": "Correct-horse-2"}


def bad_request(scene: Scene) -> JSON:
    """What no client of HTTP would send."""
    address = scene.stage.api.client.base_url
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.sendall(b"GET /api/issues HTTP/1.1\r\nHost : here\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    problem: JSON = json.loads(answer.partition(b"\r\n\r\n")[2])
    return {**problem, "request_id": AGENT["X-Request-ID"]}


def token_expired(scene: Scene) -> httpx2.Response:
    tokens = scene.posted(scene.stage.api, "/api/auth/login", {"username": "root", "password": PASSWORD}).json()
    scene.owner.execute("UPDATE refresh_tokens SET expires_at = now() - interval '1 s'")
    body = {"refresh_token": tokens["refresh_token"]}
    return scene.posted(scene.stage.api, "/api/auth/refresh", body)


def token_revoked(scene: Scene) -> httpx2.Response:
    tokens = scene.posted(scene.stage.api, "/api/auth/login", {"username": "root", "password": PASSWORD}).json()
    scene.posted(scene.stage.api, "/api/auth/logout", {"refresh_token": tokens["refresh_token"]})
    return scene.with_token(tokens["access_token"])


def comment_required(scene: Scene) -> httpx2.Response:
    issue = scene.made("grace", f"{scene.project}/issues", {"title": "No change left", "priority": "critical"})
    path = f"/api/issues/{issue['id']}"
    for status in ("in_progress", "resolved"):
        scene.grace.patch(path, json={"status": status})
    return scene.grace.patch(path, json={"status": "closed"}, headers=AGENT)


def request_in_progress(scene: Scene) -> httpx2.Response:
    path, body, key = f"{scene.issue}/comments", {"content": "Again."}, {"Idempotency-Key": "again"}
    with ThreadPoolExecutor(1) as pool, psycopg.connect(scene.owner.info.dsn) as holder:
        holder.execute("SELECT FROM issues FOR UPDATE")
        first = pool.submit(scene.posted, scene.grace, path, body, **key)
        wait_until_blocked(scene.owner)
        refused = scene.posted(scene.grace, path, body, **key)
        holder.rollback()
        assert first.result().status_code == 201
    return refused


def idempotency_key_reused(scene: Scene) -> httpx2.Response:
    path, key = f"{scene.issue}/comments", {"Idempotency-Key": "once"}
    scene.posted(scene.grace, path, {"content": "One."}, **key)
    return scene.posted(scene.grace, path, {"content": "Two."}, **key)


def account_locked(scene: Scene) -> httpx2.Response:
    api = scene.serve(LOCKOUT_THRESHOLD="1", LOCKOUT_SECONDS="900")
    scene.posted(api, "/api/auth/login", SIGN_IN)
    return scene.posted(api, "/api/auth/login", SIGN_IN)


def rate_limited(scene: Scene) -> httpx2.Response:
    api = scene.serve(RATE_LIMIT_PER_MINUTE="1")
    api.get("/api/issues")
    return api.get("/api/issues", headers=AGENT)


def internal_error(scene: Scene) -> httpx2.Response:
    scene.owner.execute("ALTER TABLE projects RENAME description TO gone")
    try:
        return scene.ada.get(scene.project, headers=AGENT)
    finally:
        scene.owner.execute("ALTER TABLE projects RENAME gone TO description")


def service_unavailable(scene: Scene) -> httpx2.Response:
    """PostgreSQL is not where it is said to be: the discard port has nobody."""
    api = scene.serve(DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    return scene.posted(api, "/api/auth/login", SIGN_IN)


REFUSALS: dict[str, Refuse] = {
    "malformed_json": lambda scene: scene.sent(b'{"username": "ada",'),
    "bad_request": bad_request,
    "authentication_required": lambda scene: scene.stage.api.get("/api/issues", headers=AGENT),
    "invalid_token": lambda scene: scene.with_token("none.of.ours"),
    "token_expired": token_expired,
    "token_revoked": token_revoked,
    "invalid_credentials": lambda scene: scene.posted(scene.stage.api, "/api/auth/login", SIGN_IN),
    "permission_denied": lambda scene: scene.posted(scene.grace, "/api/projects", {"name": "Till"}),
    "not_found": lambda scene: scene.grace.get(f"/api/issues/{NOWHERE}", headers=AGENT),
    "method_not_allowed": lambda scene: scene.root.delete(scene.comment, headers=AGENT),
    "already_exists": lambda scene: scene.posted(scene.ada, "/api/projects", {"name": "KIOSK"}),
    "invalid_transition": lambda scene: scene.patched({"status": "closed"}),
    "comment_required": comment_required,
    "project_archived": lambda scene: scene.posted(scene.ada, f"{scene.archived}/issues", {"title": "No paper"}),
    "still_referenced": lambda scene: scene.root.delete(f"/api/users/{scene.stage.known['grace']}", headers=AGENT),
    "request_in_progress": request_in_progress,
    "last_admin": lambda scene: scene.root.delete(f"/api/users/{scene.stage.known['root']}", headers=AGENT),
    "precondition_failed": lambda scene: scene.patched({"priority": "low"}, **{"If-Match": '"5b0c7f64"'}),
    "payload_too_large": lambda scene: scene.sent(b" " * 1_048_577),
    "unsupported_media_type": lambda scene: scene.sent(b"username=ada", "application/x-www-form-urlencoded"),
    "validation_failed": lambda scene: scene.posted(
        scene.grace, f"{scene.project}/issues", {"title": "", "priority": "urgent", "colour": "red"}
    ),
    "weak_password": lambda scene: scene.posted(scene.stage.api, "/api/auth/register", {**LINUS, "password": "linus"}),
    "idempotency_key_reused": idempotency_key_reused,
    "account_locked": account_locked,
    "rate_limited": rate_limited,
    "internal_error": internal_error,
    "service_unavailable": service_unavailable,
}
"""How each code comes about."""


def problem(refuse: Refuse, scene: Scene) -> JSON:
    """What is told."""
    refused = refuse(scene)
    told: JSON = refused.json() if isinstance(refused, httpx2.Response) else refused
    return told


def name_of(step: Step) -> str:
    """The operation of a step."""
    endpoint = find_endpoint(step.method, urlsplit(step.path).path)
    assert endpoint
    return operation_id(endpoint)


def test_every_operation_and_every_code_is_played() -> None:
    assert sorted(map(name_of, STORY)) == sorted(map(operation_id, ENDPOINTS))
    assert list(REFUSALS) == list(PROBLEMS)
    assert CHANGED["current_password"] == PASSWORD


@pytest.mark.parametrize("part", ["operations", "problems"])
def test_what_is_shown_is_what_is_answered(api: Api, people: People, owner: Owner, serve: Serve, part: str) -> None:
    stage = Stage(api, people, owner)
    if part == "operations":
        played = stable({name_of(step): stage.play(step) for step in STORY})
    else:
        scene = Scene(stage, serve, owner)
        played = stable({code: problem(refuse, scene) for code, refuse in REFUSALS.items()})
        assert all(code == told["code"] for code, told in played.items())
    captured = json.loads(CAPTURED.read_text(encoding="utf-8"))
    if os.environ.get("CAPTURE_EXAMPLES"):
        CAPTURED.write_text(json.dumps(captured | {part: played}, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return
    assert played == captured[part]

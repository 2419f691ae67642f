"""A day with Flycatcher over all four functions, from registration to a token that none of them takes any more."""

from typing import Any
from uuid import uuid4

import httpx2 as httpx

PASSWORD = "Flycatcher-demo-1"
"""Of everybody in the demo."""
EACH_FUNCTION = ("/api/auth/me", "/api/projects", "/api/issues", "/api/comments/01a20430-4a88-7233-b2b1-68fd54c44639")
"""A path of each, which wants a token."""


def sign_in(client: httpx.Client, username: str, password: str = PASSWORD) -> dict[str, Any]:
    """The tokens of an account."""
    answer = client.post("/api/auth/login", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    """The header that goes with them."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def play(client: httpx.Client, project: str) -> None:
    """Register, report, work, close, sign out."""
    name, password = f"dev-{uuid4().hex[:12]}", "Story-of-1-day"
    account = {"username": name, "email": f"{name}@corp.example", "password": password}
    registered = client.post("/api/auth/register", json=account)
    assert registered.status_code == 201
    tokens = sign_in(client, name, password)
    signed_in = bearer(tokens)

    key = {"Idempotency-Key": uuid4().hex}
    reports = [
        client.post(
            f"/api/projects/{project}/issues",
            headers=signed_in | key,
            json={"title": "Receipt is cut off", "priority": "critical"},
        )
        for _ in range(2)
    ]
    assert [report.status_code for report in reports] == [201, 201]
    assert reports[0].content == reports[1].content
    issue = reports[0].headers["Location"]
    assert client.get(f"{issue}/history", headers=signed_in).json()["total"] == 0

    for status in ("in_progress", "resolved"):
        assert client.patch(issue, headers=signed_in, json={"status": status}).status_code == 200
    refused = client.patch(issue, headers=signed_in, json={"status": "closed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "comment_required")
    comment = client.post(f"{issue}/comments", headers=signed_in, json={"content": "A **new** cutter."})
    assert comment.status_code == 201
    assert comment.json()["content_html"] == "<p>A <strong>new</strong> cutter.</p>"
    closed = client.patch(issue, headers=signed_in, json={"status": "closed"})
    assert (closed.json()["status"], closed.json()["comment_count"]) == ("closed", 1)
    assert client.get(f"{issue}/history", headers=signed_in).json()["total"] == 3

    assert client.post("/api/auth/logout", json={"refresh_token": tokens["refresh_token"]}).status_code == 204
    answers = [client.get(path, headers=signed_in) for path in EACH_FUNCTION]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "token_revoked")] * 4

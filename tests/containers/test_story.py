"""A day with Flycatcher, through the gateway and TLS, over all four functions."""

from uuid import uuid4

import httpx2 as httpx

from tests.containers.conftest import bearer, sign_in

EACH_FUNCTION = ("/api/auth/me", "/api/projects", "/api/issues", "/api/comments/01a20430-4a88-7233-b2b1-68fd54c44639")


def test_from_registration_to_a_token_that_no_function_takes_any_more(client: httpx.Client, project: str) -> None:
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


def test_the_demo_is_there_and_everyone_of_it_signs_in(client: httpx.Client) -> None:
    admin = bearer(sign_in(client, "admin"))
    assert client.get("/api/users", headers=admin).json()["total"] >= 50
    assert client.get("/api/issues?project=none", headers=admin).status_code == 422
    assert client.get("/api/issues", headers=admin).json()["total"] >= 500
    assert sign_in(client, "dev40")["token_type"] == "Bearer"


def test_the_documentation_is_served_whole(client: httpx.Client) -> None:
    document = client.get("/api/openapi.json")
    assert document.json()["openapi"].startswith("3.1")
    page = client.get("/api/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "favicon-32x32.png"):
        assert client.get(f"/api/docs/{asset}").status_code == 200
    keys = client.get("/.well-known/jwks.json").json()["keys"]
    assert [key["use"] for key in keys] == ["sig"]

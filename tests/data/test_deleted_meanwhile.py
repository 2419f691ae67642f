"""A user who is deleted between the first statement of a request and the last: an answer, never an error of ours."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.api import JSON
from tests.support.fixtures import wait_until_blocked
from tests.support.people import People

WRITES: list[tuple[str, str, str, JSON]] = [
    ("a project", "POST", "/api/projects", {"name": "New"}),
    ("an issue", "POST", "/api/projects/{project}/issues", {"title": "New"}),
    ("an issue for another", "POST", "/api/projects/{project}/issues", {"title": "New", "assignee_id": "{other}"}),
    ("a comment", "POST", "/api/issues/{issue}/comments", {"content": "New"}),
    ("an assignment", "PATCH", "/api/issues/{issue}", {"assignee_id": "{other}"}),
]


@pytest.mark.parametrize("leaver", ["caller", "other"])
@pytest.mark.parametrize(("method", "path", "body"), [row[1:] for row in WRITES], ids=[row[0] for row in WRITES])
def test_nothing_is_written_for_a_user_who_has_just_been_deleted(
    people: People, database: str, method: str, path: str, body: JSON, leaver: str
) -> None:
    manager, caller, other = people.manager(), people.manager(), people.manager()
    project = manager.project()
    issue = manager.issue(project)
    ids = {"project": project["id"], "issue": issue["id"], "other": other.id}
    filled = {name: value.format(**ids) for name, value in body.items()}
    assigned = "assignee_id" in body
    with psycopg.connect(database) as owner, ThreadPoolExecutor(1) as thread:
        # Both rows are held, so that the request gets as far as its first reference and no further.
        owner.execute("SELECT FROM users WHERE id IN (%s, %s) FOR UPDATE", (caller.id, other.id))
        owner.execute("DELETE FROM users WHERE id = %s", ({"caller": caller.id, "other": other.id}[leaver],))
        answer = thread.submit(caller.api.request, method, path.format(**ids), json=filled)
        wait_until_blocked(owner)
        owner.commit()
        response = answer.result()
    if leaver == "caller":
        assert response.json()["code"] == "token_revoked"
    elif assigned:
        assert [error["path"] for error in response.json()["errors"]] == ["/assignee_id"]
    else:
        assert response.status_code == 201
        return
    assert manager.api.get("/api/projects").json()["items"] == [project]
    assert manager.api.get("/api/issues").json()["items"] == [issue]

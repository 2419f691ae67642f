"""The order of answers: where a request has two faults, the one that the contract names first is told."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support.api import Api, Headers, Server
from tests.support.faults import code
from tests.support.people import People
from tests.support.wire import exchange

TYPE_JSON = {"Content-Type": "application/json"}
HEADERS: dict[str, Headers] = {"": {}, "stale": {"If-Match": '"stale"'}, "key": {"Idempotency-Key": "a key"}}

TABLE = """
404 of the router before 415    | nobody    | POST   /api/nowhere                        | text                                |       | not_found
404 of the router before 401    | nobody    | GET    /api/nowhere                        |                                     |       | not_found
404 of the router before 422    | developer | GET    /api/nowhere?page=0                 |                                     |       | not_found
405 before 415                  | nobody    | PUT    /api/projects                       | text                                |       | method_not_allowed
405 before 401                  | nobody    | DELETE /api/comments/{comment}             |                                     |       | method_not_allowed
405 before 404 of the object    | developer | PUT    /api/issues/{unknown}               |                                     |       | method_not_allowed

415 before 401                  | nobody    | POST   /api/projects                       | text                                |       | unsupported_media_type
415 before 401 of a bad token   | impostor  | POST   /api/projects                       | text                                |       | unsupported_media_type
415 before 403 of the role      | developer | POST   /api/projects                       | text                                |       | unsupported_media_type
415 before 404 of the object    | developer | PATCH  /api/issues/{unknown}               | text                                |       | unsupported_media_type
415 before 403 of the object    | developer | PATCH  /api/issues/{issue}                 | text                                |       | unsupported_media_type
415 before 422                  | manager   | POST   /api/projects?x=1                   | text                                |       | unsupported_media_type

401 before 403 of the role      | nobody    | POST   /api/projects                       | {"name": "x"}                       |       | authentication_required
401 before 404 of the object    | nobody    | GET    /api/issues/{unknown}               |                                     |       | authentication_required
401 before 404 of no id         | nobody    | GET    /api/issues/x                       |                                     |       | authentication_required
401 before 400                  | nobody    | POST   /api/projects                       | {                                   |       | authentication_required
401 before 422                  | nobody    | GET    /api/issues?page=0                  |                                     |       | authentication_required
401 bad token before 404        | impostor  | GET    /api/issues/{unknown}               |                                     |       | invalid_token
401 bad token before 422        | impostor  | GET    /api/issues?page=0                  |                                     |       | invalid_token
401 ended before 403 of role    | ended     | POST   /api/projects                       | {"name": "x"}                       |       | token_revoked
401 ended before 404 of object  | ended     | GET    /api/issues/{unknown}               |                                     |       | token_revoked
401 ended before 404 of no id   | ended     | GET    /api/issues/x                       |                                     |       | token_revoked
401 ended before 404 of a write | ended     | PATCH  /api/issues/{unknown}               | {"title": "x"}                      |       | token_revoked
401 ended before 403 of object  | ended     | PATCH  /api/issues/{issue}                 | {"title": "x"}                      |       | token_revoked
401 ended before 400            | ended     | POST   /api/issues/{issue}/comments        | {                                   |       | token_revoked
401 ended before 422            | ended     | GET    /api/issues?page=0                  |                                     |       | token_revoked
401 ended before 422 password   | ended     | POST   /api/auth/password                  | {}                                  |       | token_revoked

403 of the role before 404      | developer | GET    /api/users/{unknown}                |                                     |       | permission_denied
403 of the role before no id    | manager   | DELETE /api/users/x                        |                                     |       | permission_denied
403 of the role before 400      | developer | POST   /api/projects                       | {                                   |       | permission_denied
403 of the role before 422      | developer | POST   /api/projects?x=1                   | {"name": 1}                         | key   | permission_denied
403 of the role before 422 list | manager   | GET    /api/audit?page=0                   |                                     |       | permission_denied

404 before 403 of the object    | developer | PATCH  /api/projects/{unknown}             | {"name": "x"}                       |       | not_found
404 before 403 of a member      | manager   | PATCH  /api/projects/{unknown}             | {"is_archived": true}               |       | not_found
404 before 400 of a change      | developer | PATCH  /api/comments/{unknown}             | {                                   |       | not_found
404 before 400 of a creation    | developer | POST   /api/projects/{unknown}/issues      | {                                   |       | not_found
404 before 422 of the body      | developer | POST   /api/issues/{unknown}/comments      | {}                                  |       | not_found
404 before 422 of the header    | developer | POST   /api/projects/{unknown}/issues      | {"title": "x"}                      | key   | not_found
404 before 422 of a list        | developer | GET    /api/projects/{unknown}/issues?page=0 |                                   |       | not_found
404 before 422 of a read        | developer | GET    /api/comments/{unknown}?x=1         |                                     |       | not_found
404 of no id before 422         | developer | GET    /api/issues/x?x=1                   |                                     |       | not_found
404 before 412                  | admin     | PATCH  /api/issues/{unknown}               | {"title": "x"}                      | stale | not_found

403 of the object before 400    | developer | PATCH  /api/issues/{issue}                 | {                                   |       | permission_denied
403 of the object before 422    | developer | PATCH  /api/projects/{project}             | {"name": 1, "x": 1}                 |       | permission_denied
403 of the object before query  | manager   | DELETE /api/projects/{project}?x=1         |                                     |       | permission_denied
403 of the object before 412    | manager   | PATCH  /api/comments/{comment}             | {"content": "x"}                    | stale | permission_denied
403 of the object before 409    | developer | PATCH  /api/issues/{archived_issue}        | {"title": "x"}                      |       | permission_denied
403 of a member before its 422  | assignee  | PATCH  /api/issues/{issue}                 | {"assignee_id": "x"}                |       | permission_denied
403 of a member before another  | manager   | PATCH  /api/projects/{project}             | {"is_archived": true, "name": 1}    |       | permission_denied
403 of a member before 412      | manager   | PATCH  /api/projects/{project}             | {"is_archived": true}               | stale | permission_denied
403 of a member before 409      | assignee  | PATCH  /api/issues/{issue}                 | {"assignee_id": null, "status": "closed"} | | permission_denied

400 before 412                  | admin     | PATCH  /api/projects/{project}             | {                                   | stale | malformed_json
422 before 412                  | admin     | PATCH  /api/projects/{project}             | {"name": ""}                        | stale | validation_failed
422 of the query before 412     | admin     | DELETE /api/projects/{project}?x=1         |                                     | stale | validation_failed
422 before 409                  | admin     | PATCH  /api/projects/{archived}            | {"name": ""}                        |       | validation_failed
422 before 409 of a creation    | admin     | POST   /api/projects/{archived}/issues     | {"title": ""}                       |       | validation_failed
422 of the header before 409    | admin     | POST   /api/issues/{archived_issue}/comments | {"content": "x"}                  | key   | validation_failed
422 of the assignee before 409  | admin     | POST   /api/projects/{archived}/issues     | {"title": "x", "assignee_id": "{unknown}"} | | validation_failed
422 of the assignee before move | admin     | PATCH  /api/issues/{issue}                 | {"assignee_id": "{unknown}", "status": "closed"} | | validation_failed
422 of the assignee before 412  | admin     | PATCH  /api/issues/{issue}                 | {"assignee_id": "{unknown}"}        | stale | validation_failed
412 before 409 of an archived   | admin     | PATCH  /api/projects/{archived}            | {"name": "x"}                       | stale | precondition_failed
412 before 409 of a move        | admin     | PATCH  /api/issues/{issue}                 | {"status": "closed"}                | stale | precondition_failed
412 before 409 of a name        | admin     | PATCH  /api/projects/{project}             | {"name": "archived"}                | stale | precondition_failed
412 where nothing would change  | admin     | PATCH  /api/projects/{project}             | {}                                  | stale | precondition_failed
"""  # noqa: E501  # a table is read by its columns
ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.splitlines() if line]


@dataclass(frozen=True)
class Scene:
    """Who asks, and what there is to ask for."""

    callers: dict[str, Api]
    ids: dict[str, str]

    def fill(self, template: str) -> str:
        for name, value in self.ids.items():
            template = template.replace(f"{{{name}}}", value)
        return template


@pytest.fixture(scope="module")
def scene(nobody: Api, crowd: People, database: str) -> Scene:
    """An admin's project with an issue that a developer works on, and an archived one; a session that has ended."""
    admin, manager, developer = crowd.admin(), crowd.manager(), crowd.developer()
    assignee, ended = crowd.developer(), crowd.developer()
    project, archived = admin.project(name="Live"), admin.project(name="Archived")
    issue = admin.issue(project, assignee_id=assignee.id)
    archived_issue, comment = admin.issue(archived), admin.comment(issue)
    assert admin.api.delete(f"/api/projects/{archived['id']}").status_code == 204
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute("UPDATE sessions SET ended_at = now() WHERE id = %s", [ended.session_id])
    named = {"project": project, "archived": archived, "issue": issue, "archived_issue": archived_issue}
    ids = {name: str(document["id"]) for name, document in {**named, "comment": comment}.items()}
    signed_in = {"admin": admin, "manager": manager, "developer": developer, "assignee": assignee, "ended": ended}
    callers = {name: person.api for name, person in signed_in.items()}
    return Scene({"nobody": nobody, "impostor": nobody.signed_in("a.b.c"), **callers}, {**ids, "unknown": str(uuid4())})


@pytest.mark.parametrize(
    ("who", "request_line", "body", "header", "answer"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_the_first_fault_is_told(
    scene: Scene, who: str, request_line: str, body: str, header: str, answer: str
) -> None:
    method, path = scene.fill(request_line).split()
    options: dict[str, Any] = {"headers": HEADERS[header]}
    if body:
        content_type = {"Content-Type": "text/plain"} if body == "text" else TYPE_JSON
        options = {"content": scene.fill(body), "headers": {**HEADERS[header], **content_type}}
    assert code(scene.callers[who].request(method, path, **options)) == answer


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("POST", "/api/nowhere", "not_found"),
        ("PUT", "/api/projects", "method_not_allowed"),
        ("POST", "/api/projects", "payload_too_large"),
        ("PATCH", "/api/issues/01900000-0000-7000-8000-000000000000", "payload_too_large"),
    ],
)
def test_a_body_that_is_too_large_comes_after_the_router_and_before_401(
    server: Server, method: str, path: str, answer: str
) -> None:
    headers = {**TYPE_JSON, "Content-Length": "1048577"}
    assert exchange(server.url, method, path, headers=headers).code() == answer

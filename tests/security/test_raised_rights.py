"""Somebody who is signed in, or not, takes a right that is another's (OWASP API Security Top 10 2023, numbers 1 and 5).

Objects are reached through the paths of others, requests pretend to be others, members that need a right hide in the
body, and rights that are lost are used once more. Each is refused for its own reason, and nothing has changed.
Who has which right is in tests/permissions.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2
import pytest

from shared.http.problems import PROBLEMS
from tests.support.accounts import outcome, refresh, sign_in
from tests.support.api import JSON, Api, Headers
from tests.support.fixtures import Owner
from tests.support.people import People, Person
from tests.support.state import state

# Attack, who, request, body, header, and how it is refused; = where it is answered as if the trick were not there.
TABLE = r"""
issue-in-place-of-a-project               | admin     | PATCH /api/projects/{issue}                    | {"name": "x"}                                              |                                       | not_found
issue-archived-as-a-project               | admin     | DELETE /api/projects/{issue}                   |                                                            |                                       | not_found
project-in-place-of-an-issue              | admin     | PATCH /api/issues/{project}                    | {"title": "x"}                                             |                                       | not_found
comment-in-place-of-an-issue              | admin     | PATCH /api/issues/{comment}                    | {"title": "x"}                                             |                                       | not_found
issue-in-place-of-a-comment               | admin     | PATCH /api/comments/{issue}                    | {"content": "x"}                                           |                                       | not_found
report-in-an-issue                        | admin     | POST /api/projects/{issue}/issues              | {"title": "x"}                                             |                                       | not_found
comment-on-a-project                      | admin     | POST /api/issues/{project}/comments            | {"content": "x"}                                           |                                       | not_found
comment-on-a-comment                      | admin     | POST /api/issues/{comment}/comments            | {"content": "x"}                                           |                                       | not_found
project-in-place-of-a-user                | admin     | DELETE /api/users/{project}                    |                                                            |                                       | not_found
session-in-place-of-a-user                | admin     | PATCH /api/users/{session}                     | {"is_active": false}                                       |                                       | not_found
user-in-place-of-a-session                | developer | DELETE /api/auth/sessions/{developer}          |                                                            |                                       | not_found
session-of-another                        | developer | DELETE /api/auth/sessions/{session}            |                                                            |                                       | not_found
report-through-two-projects               | developer | POST /api/projects/{mine}/issues?project={project} | {"title": "x"}                                         |                                       | validation_failed
another-user-in-the-query                 | developer | GET /api/auth/me?id={admin}                    |                                                            |                                       | validation_failed
another-users-sessions-in-the-query       | developer | GET /api/auth/sessions?user={admin}            |                                                            |                                       | validation_failed
another-user-in-the-body-of-a-read        | developer | GET /api/auth/me                               | {"id": "{admin}"}                                          |                                       | =
another-user-in-the-body-of-a-list        | developer | GET /api/auth/sessions                         | {"user_id": "{admin}"}                                     |                                       | =
head-of-the-audit-log                     | manager   | HEAD /api/audit                                |                                                            |                                       | permission_denied
head-of-a-user                            | manager   | HEAD /api/users/{admin}                        |                                                            |                                       | permission_denied
head-of-oneself-as-a-user                 | developer | HEAD /api/users/{developer}                    |                                                            |                                       | permission_denied
audit-log-of-oneself                      | developer | GET /api/audit?actor={developer}               |                                                            |                                       | permission_denied
audit-log-known-by-its-tag                | developer | GET /api/audit                                 |                                                            | If-None-Match: *                      | permission_denied
creation-by-its-key                       | developer | POST /api/projects                             | {"name": "x"}                                              | Idempotency-Key: admin                | permission_denied
role-in-the-query                         | developer | GET /api/audit?role=admin                      |                                                            |                                       | permission_denied
role-in-the-body-of-a-read                | developer | GET /api/audit                                 | {"role": "admin"}                                          |                                       | permission_denied
role-in-a-header                          | developer | GET /api/audit                                 |                                                            | X-Role: admin                         | permission_denied
user-in-a-header                          | developer | GET /api/audit                                 |                                                            | X-User-Id: {admin}                    | permission_denied
user-of-a-proxy                           | nobody    | GET /api/users                                 |                                                            | X-Forwarded-User: {admin}             | authentication_required
user-of-a-web-server                      | nobody    | GET /api/users                                 |                                                            | Remote-User: {admin}                  | authentication_required
user-of-a-certificate                     | nobody    | GET /api/users                                 |                                                            | X-SSL-Client-S-DN: CN={admin}         | authentication_required
method-in-a-header                        | admin     | GET /api/projects/{project}                    |                                                            | X-HTTP-Method-Override: DELETE        | =
method-in-a-shorter-header                | admin     | GET /api/projects/{project}                    |                                                            | X-HTTP-Method: DELETE                 | =
method-in-a-header-of-another-name        | admin     | GET /api/projects/{project}                    |                                                            | X-Method-Override: DELETE             | =
method-in-a-header-of-a-creation          | admin     | POST /api/issues/{issue}                       | {"title": "x"}                                             | X-HTTP-Method-Override: PATCH         | method_not_allowed
method-in-the-query                       | admin     | GET /api/projects/{project}?_method=DELETE     |                                                            |                                       | validation_failed
method-in-the-body                        | admin     | POST /api/projects/{project}/issues            | {"title": "x", "_method": "PATCH"}                         |                                       | validation_failed
path-in-a-header                          | developer | GET /api/auth/me                               |                                                            | X-Original-URL: /api/audit            | =
path-in-another-header                    | developer | GET /api/auth/me                               |                                                            | X-Rewrite-URL: /api/audit             | =
path-in-a-header-from-nowhere             | admin     | DELETE /api/nothing                            |                                                            | X-Original-URL: /api/projects/{project} | not_found
path-in-a-prefix                          | admin     | GET /audit                                     |                                                            | X-Forwarded-Prefix: /api              | not_found
assignee-written-in-escapes               | assignee  | PATCH /api/issues/{issue}                      | {"\u0061ssignee_id": null}                                 |                                       | permission_denied
assignee-twice                            | assignee  | PATCH /api/issues/{issue}                      | {"assignee_id": null, "assignee_id": "{assignee}"}         |                                       | permission_denied
assignee-that-is-no-id                    | assignee  | PATCH /api/issues/{issue}                      | {"assignee_id": 1, "title": "x"}                           |                                       | permission_denied
assignee-in-another-case                  | assignee  | PATCH /api/issues/{issue}                      | {"Assignee_id": null, "title": "x"}                        |                                       | validation_failed
assignee-behind-what-is-no-number         | assignee  | PATCH /api/issues/{issue}                      | {"assignee_id": null, "title": NaN, "title": "x"}          |                                       | malformed_json
assignee-behind-what-is-endless           | assignee  | PATCH /api/issues/{issue}                      | {"assignee_id": null, "title": [-Infinity], "title": "x"}  |                                       | malformed_json
archived-behind-what-is-no-number         | manager   | PATCH /api/projects/{project}                  | {"is_archived": true, "name": NaN, "name": "y"}            |                                       | malformed_json
archived-twice                            | manager   | PATCH /api/projects/{project}                  | {"is_archived": false, "is_archived": true}                |                                       | permission_denied
archived-with-what-is-no-flag             | manager   | PATCH /api/projects/{project}                  | {"is_archived": "true"}                                    |                                       | permission_denied
archived-as-it-is                         | manager   | PATCH /api/projects/{archived}                 | {"is_archived": true}                                      |                                       | permission_denied
restored-and-archived-in-one-body         | admin     | PATCH /api/projects/{archived}                 | {"is_archived": false, "name": "y", "is_archived": true}   |                                       | project_archived
"""  # noqa: E501  # a table is read by its columns
ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.splitlines() if line]

Move = tuple[int, str, int]
"""Which admin does what to which."""
WAYS: dict[str, tuple[str, JSON | None]] = {
    "demotes": ("PATCH", {"role": "manager"}),
    "deactivates": ("PATCH", {"is_active": False}),
    "deletes": ("DELETE", None),
}
GAMES: dict[str, list[Move]] = {
    "three-demote-each-other-in-a-circle": [(0, "demotes", 1), (1, "demotes", 2), (2, "demotes", 0)],
    "three-delete-each-other-in-a-circle": [(0, "deletes", 1), (1, "deletes", 2), (2, "deletes", 0)],
    "two-demote-themselves": [(0, "demotes", 0), (1, "demotes", 1)],
    "two-delete-themselves": [(0, "deletes", 0), (1, "deletes", 1)],
    "one-goes-while-the-other-deactivates-himself": [(0, "deletes", 0), (1, "deactivates", 1)],
    "one-demotes-the-other-who-deletes-him": [(0, "demotes", 1), (1, "deletes", 0)],
}


@dataclass(frozen=True)
class Scene:
    """Who attacks, and what."""

    people: dict[str, Person]
    callers: dict[str, Api]
    ids: dict[str, str]

    def send(self, who: str, request: str, body: str = "", header: str = "") -> httpx2.Response:
        """Send a request in somebody's name."""
        method, path, content, line = (self._fill(text) for text in (*request.split(" "), body, header))
        name, _, value = line.partition(": ")
        headers: Headers = {name: value} if line else {}
        if not body:
            return self.callers[who].request(method, path, headers=headers)
        headers = {"Content-Type": "application/json", **headers}
        return self.callers[who].request(method, path, headers=headers, content=content.encode())

    def _fill(self, template: str) -> str:
        for name, value in self.ids.items():
            template = template.replace(f"{{{name}}}", value)
        return template


@pytest.fixture(scope="module")
def scene(nobody: Api, crowd: People) -> Scene:
    """An admin's project with an issue that a developer works on, an archived one, and one of a manager."""
    admin, manager, developer, assignee = crowd.admin(), crowd.manager(), crowd.developer(), crowd.developer()
    people = {"admin": admin, "manager": manager, "developer": developer, "assignee": assignee}
    project, archived = admin.project(), admin.project()
    issue = admin.issue(project, assignee_id=assignee.id)
    objects = {"project": project, "archived": archived, "mine": manager.project(), "issue": issue}
    objects |= {"comment": admin.comment(issue)}
    assert admin.api.delete(f"/api/projects/{archived['id']}").status_code == 204
    key = {"Idempotency-Key": "admin"}
    assert admin.api.post("/api/projects", json={"name": "x"}, headers=key).status_code == 201
    ids = {name: str(document["id"]) for name, document in objects.items()}
    ids |= {name: person.id for name, person in people.items()} | {"session": admin.session_id}
    return Scene(people, {"nobody": nobody, **{name: person.api for name, person in people.items()}}, ids)


@pytest.mark.parametrize(
    ("who", "request_line", "body", "header", "answer"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_nobody_takes_the_right_of_another(
    scene: Scene, housekeeper: Owner, who: str, request_line: str, body: str, header: str, answer: str
) -> None:
    before = state(housekeeper)
    response = scene.send(who, request_line, body, header)
    if answer == "=":
        assert response.content == scene.send(who, request_line).content
    elif request_line.startswith("HEAD"):
        assert response.status_code == PROBLEMS[answer].status
    else:
        assert response.json()["code"] == answer
    assert state(housekeeper) == before


def test_the_same_is_granted_to_who_has_the_right(scene: Scene) -> None:
    for who, request, body in (
        ("admin", "PATCH /api/issues/{issue}", '{"assignee_id": null, "title": "x"}'),
        ("admin", "PATCH /api/issues/{issue}", '{"assignee_id": "{assignee}"}'),
        ("admin", "PATCH /api/projects/{project}", '{"is_archived": false}'),
        ("assignee", "PATCH /api/issues/{issue}", '{"title": "It breaks"}'),
        ("admin", "GET /api/audit", ""),
        ("admin", "HEAD /api/users/{admin}", ""),
    ):
        assert scene.send(who, request, body).status_code == 200


def test_who_works_on_an_issue_no_more_changes_nothing_in_it(scene: Scene) -> None:
    for assignee in ("null", '"{assignee}"'):
        assert scene.send("admin", "PATCH /api/issues/{issue}", f'{{"assignee_id": {assignee}}}').status_code == 200
        answer = scene.send("assignee", "PATCH /api/issues/{issue}", '{"title": "It breaks"}')
        assert answer.status_code == (403 if assignee == "null" else 200)


def test_a_manager_who_is_one_no_more_creates_nothing_by_old_means(scene: Scene, crowd: People, nobody: Api) -> None:
    demoted, key = crowd.manager(), {"Idempotency-Key": "mine"}
    tokens = sign_in(nobody, demoted)
    assert demoted.api.post("/api/projects", json={"name": "First"}, headers=key).status_code == 201
    assert scene.people["admin"].api.patch(f"/api/users/{demoted.id}", json={"role": "developer"}).status_code == 200
    old, new = (nobody.signed_in(token["access_token"]) for token in (tokens, sign_in(nobody, demoted)))
    assert outcome(old.post("/api/projects", json={"name": "First"}, headers=key)) == (401, "token_revoked")
    assert outcome(refresh(nobody, tokens["refresh_token"])) == (401, "token_revoked")
    assert outcome(new.post("/api/projects", json={"name": "First"}, headers=key)) == (403, "permission_denied")


@pytest.mark.parametrize("moves", GAMES.values(), ids=GAMES.keys())
def test_one_admin_is_left_whatever_they_do_at_once(crowd: People, housekeeper: Owner, moves: list[Move]) -> None:
    housekeeper.execute("UPDATE users SET is_active = false")
    for _ in range(3):
        admins = [crowd.admin() for _ in range(max(actor for actor, _, _ in moves) + 1)]

        def make(move: Move, admins: list[Person] = admins) -> httpx2.Response:
            actor, way, target = move
            method, body = WAYS[way]
            return admins[actor].api.request(method, f"/api/users/{admins[target].id}", json=body)

        with ThreadPoolExecutor(len(moves)) as threads:
            answers = list(threads.map(make, moves))
        assert {outcome(answer)[1] for answer in answers if not answer.is_success} <= {"last_admin", "token_revoked"}
        left = housekeeper.execute("SELECT id::text FROM users WHERE role = 'admin' AND is_active").fetchall()
        assert len(left) == 1
        (last,) = [admin for admin in admins if (admin.id,) == left[0]]
        assert outcome(last.api.delete(f"/api/users/{last.id}")) == (409, "last_admin")
        housekeeper.execute("DELETE FROM users WHERE id = ANY(%s::uuid[])", ([admin.id for admin in admins],))
    housekeeper.execute("UPDATE users SET is_active = true")

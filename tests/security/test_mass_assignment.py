"""Whoever may send a body adds members that only the server sets (OWASP API Security Top 10 2023, number 3).

Each piece of JSON is added to a body that the endpoint takes: its members are told to be unknown, and nothing has
changed. As an answer tells of every member, several pieces go into one body.
"""

import json
from collections.abc import Iterator

import httpx2
import pytest

from shared.endpoint import Endpoint
from tests.support.accounts import faults, outcome
from tests.support.fixtures import Owner
from tests.support.people import People, Person
from tests.support.state import state
from tests.support.world import WITH_BODY, World, body_of, named

SMUGGLED = {
    "id": '"id": "01900000-0000-7000-8000-000000000000"',
    "id-of-a-document-store": '"_id": "01900000-0000-7000-8000-000000000000"',
    "role": '"role": "admin"',
    "role-that-is-null": '"role": null',
    "role-twice-the-second-allowed": '"role": "admin", "role": "developer"',
    "role-written-in-escapes": '"\\u0072ole": "admin"',
    "role-in-another-case": '"Role": "admin"',
    "role-between-blanks": '" role ": "admin"',
    "role-with-a-null": '"role\\u0000": "admin"',
    "role-in-another-script": '"r\N{CYRILLIC SMALL LETTER O}le": "admin"',
    "role-in-full-width": '"\N{FULLWIDTH LATIN SMALL LETTER R}ole": "admin"',
    "role-below-a-user": '"user": {"role": "admin"}',
    "role-behind-a-dot": '"user.role": "admin"',
    "role-in-brackets": '"user[role]": "admin"',
    "roles": '"roles": ["admin"]',
    "is-admin": '"is_admin": true',
    "is-superuser": '"is_superuser": true, "is_staff": true',
    "permissions": '"permissions": ["manage users"]',
    "scope": '"scope": "admin"',
    "is-active": '"is_active": true',
    "is-active-twice": '"is_active": false, "is_active": true',
    "is-verified": '"email_verified": true',
    "password-hash": '"password_hash": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"',
    "password-of-another-member": '"passwd": "Correct-horse-2"',
    "session": '"sid": "01900000-0000-7000-8000-000000000000"',
    "session-that-is-current": '"current": true',
    "subject": '"sub": "{admin}"',
    "user": '"user_id": "{admin}"',
    "creator": '"created_by": {"id": "{admin}", "username": "x"}',
    "creator-by-id": '"created_by_id": "{admin}"',
    "reporter": '"reporter": {"id": "{admin}", "username": "x"}',
    "reporter-by-id": '"reporter_id": "{admin}"',
    "assignee-as-an-object": '"assignee": {"id": "{admin}", "username": "x"}',
    "author": '"author": {"id": "{admin}", "username": "x"}',
    "author-by-id": '"author_id": "{admin}"',
    "actor": '"actor": {"id": "{admin}", "username": "x"}',
    "project": '"project": {"id": "{project}", "name": "x"}',
    "project-by-id": '"project_id": "{project}"',
    "issue-by-id": '"issue_id": "{issue}"',
    "parent": '"parent_id": "{comment}"',
    "creation-time": '"created_at": "2020-01-31T08:00:00Z"',
    "update-time": '"updated_at": "2020-01-31T08:00:00Z"',
    "time-of-a-login": '"last_login": "2020-01-31T08:00:00Z"',
    "end-of-a-session": '"expires_at": "2099-01-31T08:00:00Z"',
    "lockout": '"locked_until": null, "failures": 0',
    "edited": '"edited": false',
    "status-at-creation": '"status": "closed"',
    "allowed-statuses": '"allowed_statuses": ["closed"]',
    "archived-at-creation": '"is_archived": true',
    "comment-count": '"comment_count": 1000000',
    "rendered-description": '"description_html": "<script>alert(1)</script>"',
    "rendered-comment": '"content_html": "<script>alert(1)</script>"',
    "search-vector": '"search": "\'x\'"',
    "folded-name": '"name_folded": "x", "username_folded": "x"',
    "prototype": '"__proto__": {"role": "admin"}',
    "constructor": '"constructor": {"prototype": {"role": "admin"}}',
    "class-of-python": '"__class__": {"__init__": {"__globals__": {}}}',
    "fields-set-of-pydantic": '"__pydantic_fields_set__": ["role"], "model_fields_set": ["role"]',
    "configuration-of-pydantic": '"model_config": {"extra": "allow"}',
    "operator-of-a-document-store": '"$set": {"role": "admin"}',
    "reference": '"$ref": "#/components/schemas/User"',
    "type-of-a-class": '"@type": "java.net.URL"',
    "patch-operation": '"op": "replace", "path": "/role", "value": "admin"',
    "method": '"_method": "DELETE"',
    "member-without-a-name": '"": "admin"',
}
SETTABLE = {
    "PATCH /api/users/{id}": {"role", "is_active"},
    "PATCH /api/projects/{id}": {"is_archived"},
    "PATCH /api/issues/{id}": {"status"},
}
"""What somebody with the right does set; tests/permissions says who that is."""


def names(piece: str) -> set[str]:
    """The members that a piece adds."""
    return set(json.loads(f"{{{piece}}}"))


def batches() -> Iterator[dict[str, str]]:
    """The pieces in as few bodies as can be, no two in one body with a member of the same name."""
    left = dict(SMUGGLED)
    while left:
        batch: dict[str, str] = {}
        for attack, piece in left.items():
            if not names(piece) & {name for other in batch.values() for name in names(other)}:
                batch[attack] = piece
        yield batch
        left = {attack: piece for attack, piece in left.items() if attack not in batch}


@pytest.fixture(scope="module")
def bystander(crowd: People) -> Person:
    """Whom the changes of a user are aimed at."""
    return crowd.developer()


def send(standing: World, bystander: Person, endpoint: Endpoint, content: str) -> httpx2.Response:
    """Send a body to the endpoint."""
    path = standing.path(endpoint).replace(f"/users/{standing.admin.id}", f"/users/{bystander.id}")
    headers = {"Content-Type": "application/json"}
    return standing.admin.api.request(endpoint.method, path, content=content.encode(), headers=headers)


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_what_only_the_server_sets_is_refused_everywhere(
    standing: World, bystander: Person, housekeeper: Owner, endpoint: Endpoint
) -> None:
    objects = {"{admin}": standing.admin.id, "{project}": standing.project["id"]}
    objects |= {"{issue}": standing.issue["id"], "{comment}": standing.comment["id"]}
    before = state(housekeeper)
    taken = []
    settable = SETTABLE.get(named(endpoint), set())
    for batch in batches():
        unknown = {attack: piece for attack, piece in batch.items() if not names(piece) <= settable}
        if not unknown:
            continue
        content = f"{json.dumps(body_of(endpoint))[:-1]}, {', '.join(unknown.values())}}}"
        for name, value in objects.items():
            content = content.replace(name, value)
        answer = send(standing, bystander, endpoint, content)
        assert outcome(answer) == (422, "validation_failed")
        refused = {path.removeprefix("/") for path, code in faults(answer) if code == "extra_forbidden"}
        taken += [attack for attack, piece in unknown.items() if not names(piece) <= refused]
    assert taken == []
    assert state(housekeeper) == before


@pytest.mark.parametrize("query", ["role=admin", "is_admin=true", "user[role]=admin", "role", "_method=DELETE"])
def test_what_only_the_server_sets_is_refused_in_the_query_of_a_body(
    standing: World, housekeeper: Owner, query: str
) -> None:
    before = state(housekeeper)
    for endpoint in WITH_BODY:
        path = f"{standing.path(endpoint)}?{query}"
        answer = standing.admin.api.request(endpoint.method, path, json=body_of(endpoint))
        assert outcome(answer) == (422, "validation_failed"), named(endpoint)
    assert state(housekeeper) == before


def test_the_bodies_alone_are_taken(standing: World, bystander: Person, housekeeper: Owner) -> None:
    answers = {}
    for endpoint in WITH_BODY:
        if not endpoint.path.startswith("/api/auth"):
            answers[named(endpoint)] = send(standing, bystander, endpoint, json.dumps(body_of(endpoint)))
    assert [name for name, answer in answers.items() if not answer.is_success] == []
    housekeeper.execute("UPDATE users SET role = 'developer' WHERE id = %s", (bystander.id,))

"""The permission matrix of the brief and of the contract's tables, cell by cell, against the running API."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.support.api import JSON, Api
from tests.support.fixtures import Owner, crowd, nobody
from tests.support.people import People
from tests.support.state import state

__all__ = ["crowd", "nobody"]

CALLERS = ("anonymous", "developer", "reporter", "assignee", "creator", "author", "manager", "admin")
SIGNED_IN = "no  yes yes yes yes yes yes yes"
ADMIN = "no  no  no  no  no  no  no  yes"
NEVER = "405 405 405 405 405 405 405 405"
MATRIX: list[tuple[str, str, str, Any, str]] = [
    # what, method, path, body, and in the order of CALLERS:
    # anonymous, any developer, the issue's reporter and assignee, the project's creator, the comment's author (all of
    # them developers), any manager, any admin
    ("list projects", "GET", "/api/projects", None, SIGNED_IN),
    ("view project", "GET", "/api/projects/{project}", None, SIGNED_IN),
    ("create project", "POST", "/api/projects", {"name": "{new}"}, "no  no  no  no  no  no  yes yes"),
    ("rename project", "PATCH", "/api/projects/{project}", {"name": "{new}"}, "no  no  no  no  yes no  yes yes"),
    ("describe project", "PATCH", "/api/projects/{project}", {"description": "New"}, "no no no no yes no yes yes"),
    ("archive project", "DELETE", "/api/projects/{project}", None, "no  no  no  no  yes no  no  yes"),
    ("archive by PATCH", "PATCH", "/api/projects/{project}", {"is_archived": True}, "no no no no yes no no yes"),
    ("restore project", "PATCH", "/api/projects/{archived}", {"is_archived": False}, "no no no no yes no no yes"),
    ("name is_archived", "PATCH", "/api/projects/{project}", {"is_archived": False}, "no no no no yes no no yes"),
    (
        "archive and rename",
        "PATCH",
        "/api/projects/{project}",
        {"name": "{new}", "is_archived": True},
        "no  no  no  no  yes no  no  yes",
    ),
    ("list issues", "GET", "/api/issues", None, SIGNED_IN),
    ("list a project's issues", "GET", "/api/projects/{project}/issues", None, SIGNED_IN),
    ("view issue", "GET", "/api/issues/{issue}", None, SIGNED_IN),
    ("view history", "GET", "/api/issues/{issue}/history", None, SIGNED_IN),
    ("create issue", "POST", "/api/projects/{project}/issues", {"title": "New"}, SIGNED_IN),
    (
        "assign a new issue",
        "POST",
        "/api/projects/{project}/issues",
        {"title": "N", "assignee_id": "{other}"},
        SIGNED_IN,
    ),
    ("retitle issue", "PATCH", "/api/issues/{issue}", {"title": "New"}, "no  no  yes yes yes no  yes yes"),
    ("describe issue", "PATCH", "/api/issues/{issue}", {"description": "New"}, "no no yes yes yes no yes yes"),
    ("move issue", "PATCH", "/api/issues/{issue}", {"status": "in_progress"}, "no no yes yes yes no yes yes"),
    ("prioritise issue", "PATCH", "/api/issues/{issue}", {"priority": "high"}, "no no yes yes yes no yes yes"),
    ("date issue", "PATCH", "/api/issues/{issue}", {"due_date": "2030-01-31"}, "no no yes yes yes no yes yes"),
    ("leave issue", "PATCH", "/api/issues/{issue}", {}, "no  no  yes yes yes no  yes yes"),
    ("assign issue", "PATCH", "/api/issues/{issue}", {"assignee_id": "{other}"}, "no no yes no yes no yes yes"),
    ("unassign issue", "PATCH", "/api/issues/{issue}", {"assignee_id": None}, "no no yes no yes no yes yes"),
    ("name the assignee", "PATCH", "/api/issues/{issue}", {"assignee_id": "{assignee}"}, "no no yes no yes no yes yes"),
    (
        "assign and retitle",
        "PATCH",
        "/api/issues/{issue}",
        {"title": "New", "assignee_id": "{other}"},
        "no  no  yes no  yes no  yes yes",
    ),
    ("list comments", "GET", "/api/issues/{issue}/comments", None, SIGNED_IN),
    ("view comment", "GET", "/api/comments/{comment}", None, SIGNED_IN),
    ("view revisions", "GET", "/api/comments/{comment}/revisions", None, SIGNED_IN),
    ("add comment", "POST", "/api/issues/{issue}/comments", {"content": "New"}, SIGNED_IN),
    ("edit comment", "PATCH", "/api/comments/{comment}", {"content": "New"}, "no  no  no  no  no  yes no  no"),
    ("leave comment", "PATCH", "/api/comments/{comment}", {}, "no  no  no  no  no  yes no  no"),
    ("delete comment", "DELETE", "/api/comments/{comment}", None, NEVER),
    ("delete issue", "DELETE", "/api/issues/{issue}", None, NEVER),
    ("see oneself", "GET", "/api/auth/me", None, SIGNED_IN),
    ("list own sessions", "GET", "/api/auth/sessions", None, SIGNED_IN),
    ("list members", "GET", "/api/users", None, SIGNED_IN),
    ("view user", "GET", "/api/users/{bystander}", None, ADMIN),
    ("promote user", "PATCH", "/api/users/{bystander}", {"role": "manager"}, ADMIN),
    ("deactivate user", "PATCH", "/api/users/{bystander}", {"is_active": False}, ADMIN),
    ("unlock user", "POST", "/api/users/{bystander}/unlock", None, ADMIN),
    ("delete user", "DELETE", "/api/users/{bystander}", None, ADMIN),
    ("view the audit log", "GET", "/api/audit", None, ADMIN),
]
CELLS = [
    pytest.param(method, path, body, caller, answer, id=f"{what}: {caller}")
    for what, method, path, body, row in MATRIX
    for caller, answer in zip(CALLERS, row.split(), strict=True)
]


@dataclass(frozen=True)
class World:
    """One object of each kind, and the caller, who is related to them."""

    api: Api
    ids: dict[str, str]

    def filled(self, body: JSON | None) -> JSON | None:
        """A body with its ids."""
        if body is None:
            return None
        return {name: value.format(**self.ids) if isinstance(value, str) else value for name, value in body.items()}


def _world(people: People, api: Api, owner: Owner, caller: str) -> World:
    """Whoever is not the caller is the other. A caller with no relation here has every one elsewhere."""
    other = people.manager()
    me = people.person("manager" if caller == "manager" else "admin" if caller == "admin" else "developer")
    cast = {relation: me if caller == relation else other for relation in ("reporter", "assignee", "author")}
    project = other.project()
    issue = cast["reporter"].issue(project, assignee_id=cast["assignee"].id)
    comment = cast["author"].comment(issue)
    ids = {"project": project["id"], "issue": issue["id"], "comment": comment["id"]}
    ids |= {"assignee": cast["assignee"].id, "other": other.id, "bystander": people.developer().id}
    ids["new"] = f"New {other.id}"
    ids["archived"] = other.project()["id"]
    assert other.api.delete(f"/api/projects/{ids['archived']}").status_code == 204
    if caller in ("creator", "developer"):
        mine = [other.project()["id"]] if caller == "developer" else [ids["project"], ids["archived"]]
        owner.execute("UPDATE projects SET created_by = %s WHERE id = ANY(%s::uuid[])", (me.id, mine))
    if caller == "developer":
        me.comment(me.issue(project, assignee_id=me.id))
    return World(api if caller == "anonymous" else me.api, ids)


@pytest.fixture(scope="module")
def make_world(crowd: People, nobody: Api, housekeeper: Owner) -> Callable[[str], World]:
    """Makes a world for a caller."""
    return lambda caller: _world(crowd, nobody, housekeeper, caller)


@pytest.fixture(scope="module")
def keep_world(make_world: Callable[[str], World]) -> Callable[[str], World]:
    """The one world of a caller for all cells that change nothing."""
    return cache(make_world)


@pytest.mark.parametrize(("method", "path", "body", "caller", "answer"), CELLS)
def test_every_cell(
    make_world: Callable[[str], World],
    keep_world: Callable[[str], World],
    housekeeper: Owner,
    method: str,
    path: str,
    body: JSON | None,
    caller: str,
    answer: str,
) -> None:
    changes = answer == "yes" and method != "GET"
    world = make_world(caller) if changes else keep_world(caller)
    before = None if changes else state(housekeeper)
    options = {} if body is None else {"json": world.filled(body)}
    response = world.api.request(method, path.format(**world.ids), **options)
    if answer == "yes":
        assert response.is_success, response.text
    elif answer == "405":
        assert response.status_code == 405
    elif caller == "anonymous":
        assert response.json()["code"] == "authentication_required"
    else:
        assert response.json()["code"] == "permission_denied"
    assert before is None or state(housekeeper) == before

"""A small world for tests that walk over every endpoint: one of everything, and who may do all to it."""

from dataclasses import dataclass
from uuid import uuid4

from operations.openapi import ENDPOINTS
from shared.endpoint import Endpoint
from tests.support.api import JSON
from tests.support.people import PASSWORD, People, Person

BODIES: dict[tuple[str, str], JSON] = {
    ("POST", "/api/auth/register"): {"username": "newcomer", "email": "new@flycatcher.example", "password": PASSWORD},
    ("POST", "/api/auth/login"): {"username": "nobody", "password": PASSWORD},
    ("POST", "/api/auth/refresh"): {"refresh_token": "none"},
    ("POST", "/api/auth/logout"): {"refresh_token": "none"},
    ("POST", "/api/auth/password"): {"current_password": PASSWORD, "new_password": f"{PASSWORD}2"},
    ("PATCH", "/api/users/{id}"): {"role": "manager"},
    ("POST", "/api/projects"): {"name": "Another"},
    ("PATCH", "/api/projects/{id}"): {"name": "Other"},
    ("POST", "/api/projects/{id}/issues"): {"title": "Another"},
    ("PATCH", "/api/issues/{id}"): {"title": "Other"},
    ("POST", "/api/issues/{id}/comments"): {"content": "Another."},
    ("PATCH", "/api/comments/{id}"): {"content": "Other."},
}
"""A body that each endpoint takes."""

LISTS = [endpoint for endpoint in ENDPOINTS if endpoint.query]
WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body]
WITH_ID = [endpoint for endpoint in ENDPOINTS if "{id}" in endpoint.path]


def named(endpoint: Endpoint) -> str:
    """How an endpoint is called in a test's id."""
    return f"{endpoint.method} {endpoint.path}"


def body_of(endpoint: Endpoint) -> JSON | None:
    """A body that the endpoint takes, or None where it takes none."""
    return BODIES[endpoint.method, endpoint.path] if endpoint.body else None


@dataclass(frozen=True)
class World:
    """One admin, who created one of everything."""

    admin: Person
    project: JSON
    issue: JSON
    comment: JSON

    def path(self, endpoint: Endpoint) -> str:
        """The endpoint's path, of an object that is there."""
        ids = {
            "project": self.project["id"],
            "issue": self.issue["id"],
            "comment": self.comment["id"],
            "user": self.admin.id,
            "session": self.admin.session_id,
        }
        return endpoint.path.replace("{id}", ids[endpoint.kind]) if endpoint.kind else endpoint.path


def make_world(people: People) -> World:
    """A world with an admin of its own."""
    admin = people.admin()
    project = admin.project()
    issue = admin.issue(project)
    return World(admin, project, issue, admin.comment(issue))


def unknown_path(endpoint: Endpoint) -> str:
    """The endpoint's path, of an object that is not there."""
    return endpoint.path.replace("{id}", str(uuid4()))

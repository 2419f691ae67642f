"""Users who are signed in, made without the cost of a password hash."""

from dataclasses import dataclass
from functools import cache
from itertools import count
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow
from uuid_utils.compat import uuid7

from functions.auth.passwords import hash_password
from functions.auth.tokens import Signer
from shared.text import fold, words
from shared.vocabulary import RoleName
from tests.support.api import JSON, Api

PASSWORD = "Correct-horse-1"


@cache
def password_hash() -> str:
    """One hash for all; hashing is tested elsewhere."""
    return hash_password(PASSWORD)


@dataclass(frozen=True)
class Person:
    """A user with a session, and a client in that user's name."""

    id: str
    username: str
    email: str
    session_id: str
    token: str
    api: Api

    @property
    def ref(self) -> JSON:
        """How the user is shown inside other objects."""
        return {"id": self.id, "username": self.username}

    def project(self, **members: object) -> JSON:
        """Create a project."""
        return created(self.api, "/api/projects", {"name": f"Project {next(_numbers)}", **members})

    def issue(self, project: JSON, **members: object) -> JSON:
        """Report an issue."""
        return created(self.api, f"/api/projects/{project['id']}/issues", {"title": "It breaks", **members})

    def comment(self, issue: JSON, content: str = "Me too.") -> JSON:
        """Comment on an issue."""
        return created(self.api, f"/api/issues/{issue['id']}/comments", {"content": content})


_numbers = count(1)


def created(api: Api, path: str, body: JSON) -> JSON:
    """What a creation answered, which must have succeeded."""
    response = api.post(path, json=body)
    assert response.status_code == 201, response.text
    document: JSON = response.json()
    return document


class People:
    """A factory of persons."""

    def __init__(self, api: Api, owner: psycopg.Connection[TupleRow], signer: Signer) -> None:
        self._api = api
        self._owner = owner
        self._signer = signer

    def developer(self, username: str | None = None) -> Person:
        """A developer."""
        return self.person("developer", username)

    def manager(self, username: str | None = None) -> Person:
        """A manager."""
        return self.person("manager", username)

    def admin(self, username: str | None = None) -> Person:
        """An admin."""
        return self.person("admin", username)

    def person(self, role: RoleName, username: str | None = None) -> Person:
        """Somebody of a role, signed in; the password is PASSWORD."""
        user_id = uuid7()
        username = username or f"{role}{next(_numbers)}"
        email = f"{username}@flycatcher.example"
        self._owner.execute(
            "INSERT INTO users (id, username, username_folded, email, email_folded, password_hash, role, search) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, array_to_tsvector(%s::text[]))",
            (user_id, username, fold(username), email, fold(email), password_hash(), role, words(username)),
        )
        session_id, token = self.session(user_id, role)
        return Person(str(user_id), username, email, str(session_id), token, self._api.signed_in(token))

    def session(self, user_id: UUID, role: RoleName) -> tuple[UUID, str]:
        """Sign a user in: the new session, and its access token."""
        session_id = uuid7()
        self._owner.execute(
            "INSERT INTO sessions (id, user_id, expires_at, ip, user_agent) "
            "VALUES (%s, %s, now() + interval '1 hour', '127.0.0.1', 'tests')",
            (session_id, user_id),
        )
        return session_id, self.token(user_id, session_id, role)

    def token(self, user_id: UUID, session_id: UUID, role: RoleName) -> str:
        """An access token as auth would sign it."""
        return self._signer.access_token(user_id, session_id, role)

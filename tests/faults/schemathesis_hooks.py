"""What schemathesis is told of our API beyond its document: who asks, and of what. It loads this module by its name.

The document makes requests that are well formed; names that are taken, ids of nothing and passwords that are too weak
would keep most of them from what the endpoints do. Of four requests one stays as it was made.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from uuid import UUID

import httpx2
import psycopg
import schemathesis
from schemathesis import AuthContext, HookContext, Response
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from functions.auth.tokens import Signer
from shared.security.permissions import needs_token
from shared.settings import Settings
from shared.text import fold
from tests.faults.schemathesis_checks import OPERATIONS, Case, operation_of
from tests.support.api import JSON, Api
from tests.support.people import PASSWORD, People, Person

Fit = Callable[[str], str]

LONGEST = 40
"""What is longer is a boundary that is tried out, and stays as it is."""
_numbers = count(1)
_turns = count(1)
_used: set[str] = set()
_live: list[str] = []
"""Refresh tokens that were given and not used."""


@cache
def people() -> People:
    """Makes users and sessions behind the API, without the cost of a password hash."""
    owner = psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)
    client = httpx2.Client(base_url=os.environ["FLYCATCHER_URL"])
    return People(Api(client), owner, Signer(Settings.load(os.environ)))


@cache
def root() -> Person:
    """The admin in whose name all is asked that is not about the own account."""
    return people().admin("root")


@cache
def guest() -> Person:
    """Whose sessions are listed and ended."""
    return people().developer("guest")


@cache
def standing() -> Mapping[str, str]:
    """An id of each kind, of an object that stays."""
    project = root().project()
    issue = root().issue(project)
    comment = root().comment(issue)
    return {"project": project["id"], "issue": issue["id"], "comment": comment["id"], "user": guest().id}


FRESH: Mapping[str, Callable[[], str]] = {
    "edit_project": lambda: str(root().project()["id"]),
    "archive_project": lambda: str(root().project()["id"]),
    "edit_user": lambda: people().developer().id,
    "delete_user": lambda: people().developer().id,
    "end_session": lambda: str(people().session(UUID(guest().id), "developer")[0]),
}
"""What makes an id for the operations after which an object is no longer what the others need."""


def unused(text: str) -> str:
    """The text, or where it was sent before another in its place."""
    if len(text) <= LONGEST and fold(text) in _used:
        text = f"{next(_numbers)}{text}"
    _used.add(fold(text))
    return text


def strong(_password: str) -> str:
    """A password that every rule allows."""
    return PASSWORD


def known(_text: str) -> str:
    """Somebody who can sign in."""
    return guest().username


def active(_user_id: str) -> str:
    """Somebody to whom an issue may be assigned."""
    return guest().id


def live(token: str) -> str:
    """A refresh token that works, where there is one."""
    return _live.pop() if _live else token


ALWAYS: Mapping[str, Mapping[str, Fit]] = {"change_password": {"current_password": strong}}
"""By operation: members of the body that are told to be wrong before the others, which are to be tried out."""
MEMBERS: Mapping[str, Mapping[str, Fit]] = {
    "register": {"username": unused, "email": unused, "password": strong},
    "change_password": {"new_password": strong},
    "create_project": {"name": unused},
    "edit_project": {"name": unused},
    "create_issue": {"assignee_id": active},
    "edit_issue": {"assignee_id": active},
}
"""By operation: members of the body that the state refuses as they are drawn, and what takes their place."""
LINKED: Mapping[str, Mapping[str, Fit]] = {
    "login": {"username": known, "password": strong},
    "refresh": {"refresh_token": live},
    "logout": {"refresh_token": live},
}
"""The same for what links give in the stateful phase."""


@schemathesis.auth(refresh_interval=None)
class Caller:
    """Signs in whoever may ask, and nobody where nobody has to be."""

    def get(self, case: Case, _context: AuthContext) -> str | None:
        """An access token. What ends sessions is asked by somebody who is asked for nothing else."""
        name = operation_of(case)
        if not needs_token(OPERATIONS[name].permission):
            return None
        if name in ("list_sessions", "end_session"):
            return people().session(UUID(guest().id), "developer")[1]
        return (people().developer() if case.path.startswith("/api/auth/") else root()).token

    def set(self, case: Case, token: str, _context: AuthContext) -> None:
        """Put the token into the request."""
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def before_call(_context: HookContext, case: Case, _kwargs: JSON) -> None:
    """Fit what is well formed to what is there; what breaks the document is left alone."""
    name = operation_of(case)
    assert case.meta
    is_linked = case.meta.phase.name == TestPhase.STATEFUL
    as_drawn = next(_turns) % 4 == 0
    if not case.meta.is_negative_at(ParameterLocation.PATH):
        _fit_id(case, name, as_drawn=as_drawn or is_linked)
    _fit_body(case, ALWAYS.get(name, {}))
    if not as_drawn and not case.meta.is_negative_at(ParameterLocation.BODY):
        _fit_body(case, MEMBERS.get(name, {}) if is_linked else {**MEMBERS, **LINKED}.get(name, {}))
    if not as_drawn and not case.meta.is_negative_at(ParameterLocation.HEADER):
        if "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
        if key := case.headers.get("Idempotency-Key"):
            case.headers["Idempotency-Key"] = unused(str(key))


def _fit_id(case: Case, name: str, *, as_drawn: bool) -> None:
    kind = OPERATIONS[name].kind
    if kind is None:
        return
    kept = {*standing().values(), root().id}
    if name in FRESH and (not as_drawn or case.path_parameters.get("id") in kept):
        case.path_parameters["id"] = FRESH[name]()
    elif not as_drawn:
        case.path_parameters["id"] = standing()[kind]


def _fit_body(case: Case, members: Mapping[str, Fit]) -> None:
    if not isinstance(case.body, dict):
        return
    for member, fit in members.items():
        value = case.body.get(member)
        if isinstance(value, str):
            case.body[member] = fit(value)


@schemathesis.hook
def after_call(_context: HookContext, case: Case, response: Response) -> None:
    """Remember the refresh tokens that are given."""
    if response.status_code == 200 and operation_of(case) in ("login", "refresh"):
        _live.append(response.json()["refresh_token"])

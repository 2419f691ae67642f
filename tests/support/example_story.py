"""A story in which every operation succeeds once, for the examples of the document and of the guide."""

import re
from typing import Any, NamedTuple

from tests.support.api import JSON, Api
from tests.support.fixtures import Owner
from tests.support.people import PASSWORD, People

AGENT = {"User-Agent": "curl/8.5.0", "X-Request-ID": "9c1f0a6be2d84f5c"}
LINUS = {"username": "linus", "email": "linus@flycatcher.example", "password": PASSWORD}
KIOSK = {"name": "Kiosk", "description": "The machines in the hall"}
RECEIPT = {"title": "Receipt is cut off", "description": "Only on **A5** paper", "priority": "high"}
CHANGED = {"current_password": PASSWORD, "new_password": "Battery-staple-2"}
ONCE = {"Idempotency-Key": "receipt-cut-off-1"}
UNCHANGED = {"If-Match": "{etag}"}
SHOWN = ("ETag", "Link", "Location")
"""Headers of an answer that an example shows."""
HIGH = "status=open,in_progress&priority=high&sort=-priority,created_at"


class Step(NamedTuple):
    """A request that succeeds; what is in braces is filled with what earlier answers held."""

    who: str
    method: str
    path: str
    body: JSON | None = None
    known_as: str = ""
    """The name under which the id that comes back is known from then on."""
    headers: JSON | None = None


STORY = [
    Step("", "POST", "/api/auth/register", LINUS, "linus"),
    Step("", "POST", "/api/auth/login", {"username": "ada", "password": PASSWORD}),
    Step("", "POST", "/api/auth/refresh", {"refresh_token": "{refresh_token}"}),
    Step("ada", "GET", "/api/auth/me"),
    Step("ada", "GET", "/api/users?search=grace&is_active=true"),
    Step("ada", "POST", "/api/projects", KIOSK, "project"),
    Step("ada", "GET", "/api/projects?search=kiosk&sort=name"),
    Step("ada", "GET", "/api/projects/{project}"),
    Step("ada", "PATCH", "/api/projects/{project}", {"description": "The machines in the hall, and their printers"}),
    Step("grace", "POST", "/api/projects/{project}/issues", RECEIPT, "issue", ONCE),
    Step("grace", "GET", f"/api/issues?{HIGH}"),
    Step("grace", "GET", "/api/projects/{project}/issues?assignee=none"),
    Step("grace", "GET", "/api/issues/{issue}"),
    Step("ada", "PATCH", "/api/issues/{issue}", {"status": "in_progress", "assignee_id": "{grace}"}, "", UNCHANGED),
    Step("grace", "GET", "/api/issues/{issue}/history"),
    Step("grace", "POST", "/api/issues/{issue}/comments", {"content": "With **thin** paper alone."}, "comment"),
    Step("grace", "GET", "/api/issues/{issue}/comments"),
    Step("grace", "GET", "/api/comments/{comment}"),
    Step("grace", "PATCH", "/api/comments/{comment}", {"content": "With **thin** paper, and with labels."}),
    Step("grace", "GET", "/api/comments/{comment}/revisions"),
    Step("root", "GET", "/api/users/{linus}"),
    Step("root", "PATCH", "/api/users/{linus}", {"role": "manager"}),
    Step("root", "POST", "/api/users/{linus}/unlock"),
    Step("root", "GET", "/api/audit?action=project.create&actor={ada}"),
    Step("", "GET", "/.well-known/jwks.json"),
    Step("ada", "GET", "/api/auth/sessions"),
    Step("ada", "DELETE", "/api/auth/sessions/{session}"),
    Step("grace", "POST", "/api/auth/password", CHANGED),
    Step("ada", "DELETE", "/api/projects/{project}"),
    Step("root", "DELETE", "/api/users/{linus}"),
    Step("root", "POST", "/api/auth/logout-all"),
    Step("", "POST", "/api/auth/logout", {"refresh_token": "{refresh_token}"}),
]


class Stage:
    """Ada, a manager, Grace, a developer, and Root, an admin, all of them signed in; and what the answers held."""

    def __init__(self, api: Api, people: People, owner: Owner) -> None:
        self.api = api
        everybody = [people.manager("ada"), people.developer("grace"), people.admin("root")]
        owner.execute("DELETE FROM sessions")  # ours alone shall be seen
        self.known = {person.username: person.id for person in everybody}
        self.callers = {"": api} | {person.username: self._signed_in(person.username) for person in everybody}

    def _signed_in(self, username: str) -> Api:
        answer = self.api.post("/api/auth/login", json={"username": username, "password": PASSWORD}, headers=AGENT)
        return self.api.signed_in(answer.json()["access_token"])

    def play(self, step: Step) -> JSON:
        """What was sent, and what came."""
        path, headers, body = (self._filled(part) for part in (step.path, step.headers, step.body))
        answer = self.callers[step.who].request(step.method, path, json=body, headers=AGENT | (headers or {}))
        assert answer.is_success, answer.text
        self.known["etag"] = answer.headers.get("ETag", "")
        shown = answer.json() if answer.content else None
        self._remember(step, shown or {})
        played = {
            "method": step.method,
            "path": path,
            "headers": headers,
            "body": body,
            "status": answer.status_code,
            "answer_headers": {name: answer.headers[name] for name in SHOWN if name in answer.headers},
            "answer": shown,
        }
        return {name: part for name, part in played.items() if part}

    def _remember(self, step: Step, shown: JSON) -> None:
        if "refresh_token" in shown:
            self.known["refresh_token"] = shown["refresh_token"]
            self.callers["ada"] = self.api.signed_in(shown["access_token"])
        if step.path == "/api/auth/sessions":
            self.known["session"] = next(session["id"] for session in shown["items"] if not session["current"])
        if step.known_as:
            self.known[step.known_as] = shown["id"]

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(member) for name, member in value.items()}
        return re.sub(r"{(\w+)}", lambda found: self.known[found[1]], value) if isinstance(value, str) else value

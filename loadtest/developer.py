"""A developer: what one knows and has before one, and how one calls the API. What is done is told in the story."""

import itertools
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment
from locust.exception import StopUser

from loadtest.client import Answer, Client
from loadtest.options import Options
from loadtest.session import Gate, Session

LATER = ("429 rate_limited", "503 service_unavailable")
"""After these one waits as long as the server asks."""
REMEMBERED = 100
"""Issues whose numbers one has at hand."""
LEAVING_SECONDS = 10.0


class Office:
    """What the developers of this process share."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.gate = Gate(options.sign_ins)
        self.names: Iterator[str] = itertools.cycle(options.names)


class Developer(FastHttpUser):
    """One person with one session."""

    abstract = True
    office: Office
    """Set when the options are known."""
    network_timeout = 30.0
    connection_timeout = 10.0

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        options = self.office.options
        self.session = Session(
            Client(self.client, options.addresses), next(self.office.names), options.password, self.office.gate
        )
        self.pause = (0.0, 0.0)
        self.me: dict[str, Any] = {}
        self.colleagues: list[str] = []
        self.projects: list[str] = []
        self._issues: dict[str, str] = {}
        self._api = Client(self.client, options.addresses)

    def on_start(self) -> None:
        """Come in: sign in, and see which projects there are and what is new in them."""
        self.session.sign_in()
        self.me = self.call("GET", "/api/auth/me").body or {}
        self.see_projects()
        if not self.projects:
            raise StopUser
        self.list_issues()

    def on_stop(self) -> None:
        """Go home, not all in the same second: that would be the highest load of the day."""
        if self.session.is_open:
            time.sleep(random.uniform(0, LEAVING_SECONDS))
            self.session.sign_out()

    def wait_time(self) -> float:
        """How long until the next scene: what the scene asks for, at the pace of this run."""
        return random.uniform(*self.pause) / self.office.options.pace

    def think(self, least: float, most: float) -> None:
        """Read or write for so many seconds of a person, within a scene."""
        time.sleep(random.uniform(least, most) / self.office.options.pace)

    def call(self, method: str, template: str, *, headers: dict[str, str] | None = None, **given: Any) -> Answer:
        """Call the API as oneself. Whoever is not known any more signs in anew at the next call."""
        own = self.session.headers() | (headers or {})
        answer = self._api.call(method, template, headers=own, **given)
        if answer.outcome.startswith("401"):
            self.session.forget()
        if answer.outcome in LATER:
            time.sleep(answer.retry_after)
        return answer

    def see_projects(self) -> None:
        """Look up the projects, and keep those to work in."""
        answer = self.call("GET", "/api/projects", query={"limit": 100})
        if answer.outcome == "200":
            only = self.office.options.project
            self.projects = [item["id"] for item in answer.body["items"] if only in ("", item["name"])]

    def list_issues(self, query: dict[str, object] | None = None, project: str = "") -> list[Any]:
        """Look at a list, of one project or of all, and keep what can be worked on: not what is archived."""
        template = "/api/projects/{project}/issues" if project else "/api/issues"
        answer = self.call("GET", template, query=query, project=project)
        items = answer.body["items"] if answer.outcome == "200" else []
        usable = [item for item in items if item["project"]["id"] in self.projects]
        self._keep((item["id"], self._issues.get(item["id"], "")) for item in usable)
        return usable

    def read_issue(self, issue: str) -> Any:
        """Open an issue; one that was open before is only asked for if it has changed. None where it has not."""
        tag = self._issues.get(issue)
        answer = self.call(
            "GET",
            "/api/issues/{issue}",
            headers={"If-None-Match": tag} if tag else {},
            expect=("200", "304") if tag else ("200",),
            check=lambda answer: "200 with another issue" if answer.body and answer.body["id"] != issue else "",
            issue=issue,
        )
        self.keep_tag(issue, answer)
        return answer.body if answer.outcome == "200" else None

    def keep_tag(self, issue: str, answer: Answer) -> None:
        """Remember which state of the issue was seen last."""
        if answer.outcome in ("200", "201"):
            self._keep([(issue, answer.headers.get("ETag") or "")])

    def if_match(self, issue: str) -> dict[str, str]:
        """The condition that nobody has changed the issue since one saw it."""
        tag = self._issues.get(issue)
        return {"If-Match": tag} if tag else {}

    def some_issue(self) -> str | None:
        """An issue from the lists that were seen; None where there was none, and a new list comes in its place."""
        if not self._issues:
            self.list_issues({"limit": 50})
        return random.choice(list(self._issues)) if self._issues else None

    def _keep(self, issues: Iterable[tuple[str, str]]) -> None:
        for issue, tag in issues:
            self._issues.pop(issue, None)
            self._issues[issue] = tag
        for issue in list(self._issues)[:-REMEMBERED]:
            del self._issues[issue]

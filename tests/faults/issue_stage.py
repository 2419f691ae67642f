"""Where the issue machine plays: three people on two servers with one database, and the model's words in HTTP's."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import httpx2

from shared.settings import Settings
from tests.faults.issue_model import GONE, HELPER, MANAGER, REPORTER, Answer, Comment, Edit, Entry, Issue, Move
from tests.support.api import JSON, Api, Server, new_client
from tests.support.people import People, Person

UNKNOWN_TAG = '"of nothing that ever was"'


class Stage:
    """Who plays, each through one of the two servers, and the issue that is played with."""

    def __init__(
        self, people: Mapping[str, Person], clients: tuple[httpx2.Client, httpx2.Client], threads: ThreadPoolExecutor
    ) -> None:
        first, second = clients
        self._people = people
        self._names = {person.id: name for name, person in people.items()}
        self._threads = threads
        self._apis = {name: Api(first, person.token) for name, person in people.items()}
        self._apis[MANAGER] = Api(second, people[MANAGER].token)
        self.views = (View(self._apis[REPORTER], self._names), View(self._apis[MANAGER], self._names))
        """The issue as each of the servers shows it."""

    def begin(self, issue: Issue) -> None:
        """A new project of the manager's, and an issue of the reporter's in it that is as the model's."""
        project = self._people[MANAGER].project()
        members = self._members(issue.members)
        del members["status"]
        reported = self._people[REPORTER].issue(project, **members)
        for view in self.views:
            view.project, view.issue = f"/api/projects/{project['id']}", f"/api/issues/{reported['id']}"

    def at_once(self, moves: tuple[Move, Move], tags: Mapping[int, str]) -> list[httpx2.Response]:
        """Send two moves together."""
        start = Barrier(len(moves))

        def send(move: Move) -> httpx2.Response:
            start.wait(timeout=10)
            return self.send(move, tags)

        return list(self._threads.map(send, moves))

    def send(self, move: Move, tags: Mapping[int, str]) -> httpx2.Response:
        """The request of a move; ``tags`` are the entity tags of the versions that were seen."""
        api, path = self._apis[move.actor], self.views[0]
        if isinstance(move, Edit):
            headers = None if move.seen is None else {"If-Match": tags.get(move.seen, UNKNOWN_TAG)}
            return api.patch(path.issue, json=self._members(move.patch), headers=headers)
        if isinstance(move, Comment):
            headers = {"Idempotency-Key": move.key} if move.key else None
            return api.post(f"{path.issue}/comments", json={"content": move.content}, headers=headers)
        if move.by_delete:
            return api.delete(path.project)
        return api.patch(path.project, json={"is_archived": move.is_archived})

    def told(self, move: Move, answer: httpx2.Response) -> Answer:
        """An answer in the model's words."""
        if answer.status_code >= 400:
            problem = answer.json()
            is_move = problem["code"] == "invalid_transition"
            told = (problem["from"], problem["to"], problem["allowed"]) if is_move else None
            return Answer(answer.status_code, problem["code"], told)
        if isinstance(move, Edit):
            return Answer(answer.status_code, None, self.views[0].shown(answer.json()))
        if isinstance(move, Comment):
            return Answer(answer.status_code, None, answer.json()["content"])
        return Answer(answer.status_code)

    def _members(self, members: Mapping[str, str | None]) -> JSON:
        """The members of a body, with ids for people."""
        assignee = members.get("assignee_id")
        return {**members, **({"assignee_id": self._people[assignee].id} if assignee else {})}


class View:
    """The issue and its project, as one server shows them to one person."""

    project: str
    issue: str

    def __init__(self, api: Api, names: Mapping[str, str]) -> None:
        self._api = api
        self._names = names

    def read(self, tag: str | None = None) -> httpx2.Response:
        """The issue; with a tag, unless it is still that."""
        return self._api.get(self.issue, headers={"If-None-Match": tag} if tag else None)

    def shown(self, document: JSON) -> JSON:
        """An issue in the model's words."""
        names = ("title", "status", "priority", "due_date", "allowed_statuses", "comment_count")
        return {**{name: document[name] for name in names}, "assignee_id": self._name(document["assignee"])}

    def is_archived(self) -> bool:
        """Whether the project is."""
        return bool(self._api.get(self.project).json()["is_archived"])

    def comments(self) -> int:
        """How many comments are listed."""
        return int(self._api.get(f"{self.issue}/comments?limit=1").json()["total"])

    def history(self) -> set[Entry]:
        """The history, of which the newest comes first, and the lines of one edit have one time."""
        answer = self._api.get(f"{self.issue}/history?limit=100").json()
        assert answer["total"] == len(answer["items"])
        times = [line["at"] for line in answer["items"]]
        assert times == sorted(times, reverse=True)
        edits = {at: number for number, at in enumerate(sorted(set(times)), start=1)}
        return {self._entry(edits[line["at"]], line) for line in answer["items"]}

    def _entry(self, edit: int, line: JSON) -> Entry:
        before, after = line["from"], line["to"]
        if line["field"] == "assignee":
            before, after = self._name(before), self._name(after)
        return Entry(edit, str(self._name(line["actor"])), line["field"], before, after)

    def _name(self, user: JSON | None) -> str | None:
        return self._names[user["id"]] if user else None


@contextmanager
def two_servers(people: People, first: Server, environ: dict[str, str]) -> Iterator[Stage]:
    """A stage on a server that runs and on a second one beside it."""
    cast = {
        REPORTER: people.developer(),
        MANAGER: people.manager(),
        HELPER: people.developer(),
        GONE: people.developer(),
    }
    people.admin().api.patch(f"/api/users/{cast[GONE].id}", json={"is_active": False})
    with (
        Server(Settings.load(environ)) as second,
        new_client(first.url) as here,
        new_client(second.url) as there,
        ThreadPoolExecutor(2) as threads,
    ):
        yield Stage(cast, (here, there), threads)

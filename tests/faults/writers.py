"""Clients who write while servers die under them, and remember what each was told.

A request that got no answer, or 503, may have been done or not: it is made again, at another instance, until that is
known. What is acknowledged in the end is what has to be there.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import count
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

import httpx2

from shared.settings import FUNCTION_NAMES, FunctionName
from tests.support.api import JSON, PLAIN
from tests.support.load import Answer, Operation, ask, told
from tests.support.people import PASSWORD, Person
from tests.support.stack import Instance, Stack, wait_until_listening, wait_until_ready

PAUSE, PATIENCE = 0.02, 0.1
"""Seconds between a client's requests, and before one that is made again."""
CLIENT_SECONDS, START_SECONDS = 10.0, 60.0
SETTLING_SECONDS = 30.0
"""After which whoever makes a request again and again gives up: far more than any fault lasts."""
IN_PROGRESS = "request_in_progress"
DONE = frozenset({200, 201})
NIL = str(UUID(int=0))
REFRESHES = 5
OPERATIONS = (
    "POST /api/projects",
    "PATCH /api/projects",
    "POST /api/projects/issues",
    "PATCH /api/issues",
    "POST /api/issues/comments",
    "PATCH /api/comments",
    "POST /api/auth/login",
    "POST /api/auth/refresh",
)
"""What the clients do, all of it."""
EDITS: list[JSON] = [
    {"status": "in_progress", "title": "Begun", "priority": "high"},
    {"due_date": "2030-01-02", "priority": "low"},
    {"status": "resolved", "title": "Done", "due_date": None},
    {"status": "reopened", "priority": "critical"},
    {"status": "in_progress", "due_date": "2031-02-03", "title": "Begun again"},
]
"""What becomes of an issue."""
numbers = count(1)


class Fleet:
    """Two instances of each function. Clients take turns: what one has not answered, the other is asked next."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._instances = {name: [stack.start(name) for _ in range(2)] for name in FUNCTION_NAMES}
        self._turns = count()
        self._favoured: int | None = None
        for instance in self.every():
            wait_until_ready(instance)

    def every(self) -> list[Instance]:
        """All that run."""
        return [instance for instances in self._instances.values() for instance in instances]

    def url(self, function: FunctionName) -> str:
        """The one whose turn it is."""
        number = next(self._turns) % 2 if self._favoured is None else self._favoured
        return self._instances[function][number].url

    @contextmanager
    def favoured(self, number: int) -> Iterator[None]:
        """All clients ask this one of each function for a while."""
        self._favoured = number
        try:
            yield
        finally:
            self._favoured = None

    def kill(self, number: int) -> None:
        """Kill this one of each function."""
        killed = [instances[number] for instances in self._instances.values()]
        for instance in killed:
            instance.process.kill()
        for instance in killed:
            instance.process.wait(10)

    def replace(self, number: int, *, same_port: bool) -> None:
        """Start others in the place of those that were killed."""
        for function, instances in self._instances.items():
            port = instances[number].port if same_port else 0
            instances[number] = self.stack.start(function, port, wait=False)
        for instances in self._instances.values():
            wait_until_listening(instances[number], START_SECONDS)


class Client:
    """Somebody with a connection of one's own, and every answer that came on it."""

    def __init__(self, fleet: Fleet, person: Person) -> None:
        self.answers: list[Answer] = []
        self.person = person
        self.is_over = threading.Event()
        self._fleet = fleet
        self._http = httpx2.Client(timeout=CLIENT_SECONDS, verify=PLAIN)

    def work(self) -> None:
        """Go on until it is over; then everything that was begun has an answer."""
        with self._http:
            while not self.is_over.is_set():
                self.write()

    def write(self) -> None:
        """Do some work."""
        raise NotImplementedError

    def ask(
        self, function: FunctionName, method: str, path: str, body: JSON, *, key: str = "", expected: Set[int] = DONE
    ) -> Answer:
        """Make one request, at the instance whose turn it is."""
        time.sleep(PAUSE)
        route = "/".join(part for part in path.split("/") if len(part) < len(NIL))
        operation = Operation(
            f"{method} {route}",
            method,
            self._fleet.url(function) + path,
            self.person.token,
            lambda: body,
            lambda: {"Idempotency-Key": key} if key else {},
            frozenset(expected),
        )
        answer = ask(self._http, operation)
        self.answers.append(answer)
        return answer

    def again(self, request: Callable[[], Answer]) -> Answer:
        """Make a request again and again until it is answered."""
        deadline = time.monotonic() + SETTLING_SECONDS
        while not (answer := request()).is_good:
            assert is_open(answer) or answer.code == IN_PROGRESS, told([answer])
            assert time.monotonic() < deadline, told(self.answers)
            time.sleep(PATIENCE)
        return answer


def is_open(answer: Answer) -> bool:
    """Whether nobody can know if the request was done."""
    return answer.status in (0, 503)


class Writer(Client):
    """Creates and changes."""

    def __init__(self, fleet: Fleet, person: Person) -> None:
        super().__init__(fleet, person)
        self.stories: dict[str, list[JSON]] = {}
        """Of each object, by its path, how it was shown when it was created, and after each change."""
        self.unseen = 0
        """Creations that were done, though the first answer got lost."""

    def create(self, function: FunctionName, path: str, body: JSON, *, keyed: bool = True) -> str:
        """Create something; its path, or nothing where it had no key and got no answer."""
        key = f"key-{next(numbers)}" if keyed else ""
        request = partial(self.ask, function, "POST", path, body, key=key)
        answer = request()
        assert answer.is_good or is_open(answer), told([answer])
        if not answer.is_good and keyed:
            lost = datetime.now(UTC)
            answer = self.again(request)
            assert answer.document
            self.unseen += datetime.fromisoformat(answer.document["created_at"]) < lost
        if answer.document is None or not answer.is_good:
            return ""
        assert body.items() <= answer.document.items()
        created = f"/api/{function}/{answer.document['id']}"
        assert created not in self.stories
        self.stories[created] = [answer.document]
        return created

    def change(self, path: str, body: JSON) -> None:
        """Change something. The same change again is no change, so that it can be made again."""
        answer = self.again(partial(self.ask, function_of(path), "PATCH", path, body))
        assert answer.document
        self.stories[path].append(answer.document)


class Founder(Writer):
    """Creates projects, and changes them."""

    def write(self) -> None:
        """One project."""
        project = self.create("projects", "/api/projects", {"name": f"Project {uuid4()}"})
        self.change(project, {"description": "Changed"})


class Member(Writer):
    """Somebody with a project."""

    @cached_property
    def project(self) -> str:
        """Its path."""
        return self.create("projects", "/api/projects", {"name": f"Project {uuid4()}"})

    def report(self, *, keyed: bool = True) -> str:
        """Create an issue."""
        body = {"title": "It breaks", "description": f"Issue {uuid4()}"}
        return self.create("issues", f"{self.project}/issues", body, keyed=keyed)

    def comment(self, issue: str, *, keyed: bool = True) -> str:
        """Comment on an issue."""
        return self.create("comments", f"{issue}/comments", {"content": f"Comment {uuid4()}"}, keyed=keyed)


class Reporter(Member):
    """Creates all the time, and always with a key."""

    def write(self) -> None:
        """An issue with comments."""
        issue = self.report()
        for _ in range(3):
            self.comment(issue)


class Developer(Member):
    """Works on issues."""

    def write(self) -> None:
        """The life of two issues."""
        for keyed in (True, False):
            issue = self.report(keyed=keyed)
            for edit in EDITS if issue else []:
                self.change(issue, {**edit, "assignee_id": self.person.id if "title" in edit else None})


class Author(Member):
    """Writes comments on an issue, and better ones."""

    @cached_property
    def issue(self) -> str:
        """Its path."""
        return self.report()

    def write(self) -> None:
        """Two comments."""
        for keyed in (True, False):
            comment = self.comment(self.issue, keyed=keyed)
            for better in (", better", ", best") if comment else ():
                self.change(comment, {"content": self.stories[comment][0]["content"] + better})


def function_of(path: str) -> FunctionName:
    """Whose object this is; projects, issues and comments are called like their functions."""
    (found,) = [name for name in FUNCTION_NAMES if name == path.split("/")[2]]
    return found


class Visitor(Client):
    """Signs in and refreshes."""

    def __init__(self, fleet: Fleet, person: Person) -> None:
        super().__init__(fleet, person)
        self.live: list[str] = []
        """Refresh tokens that were given and not used."""
        self.used: list[str] = []
        """Refresh tokens for which others were given."""
        self.stolen: list[str] = []
        """Refresh tokens that were replaced by an answer that got lost, and used again."""

    def write(self) -> None:
        """A login and some refreshes."""
        credentials = {"username": self.person.username, "password": PASSWORD}
        tokens = self.again(partial(self.ask, "auth", "POST", "/api/auth/login", credentials)).document
        for _ in range(REFRESHES):
            assert tokens
            token = tokens["refresh_token"]
            request = partial(self.ask, "auth", "POST", "/api/auth/refresh", {"refresh_token": token})
            answer = request()
            if not answer.is_good:
                assert is_open(answer), told([answer])
                answer = self.again(partial(request, expected={*DONE, 401}))
            if answer.code:
                assert answer.code == "token_revoked"
                self.stolen.append(token)
                return
            self.used.append(token)
            tokens = answer.document
        assert tokens
        self.live.append(tokens["refresh_token"])


class Working:
    """Clients at work, each in a thread, from ``with`` to its end."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self._clients = clients
        self._threads = ThreadPoolExecutor(len(clients))
        self._work: list[Future[None]] = []

    def __enter__(self) -> Self:
        self._work = [self._threads.submit(client.work) for client in self._clients]
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _tb: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.is_over.set()
        with self._threads:
            for work in self._work:
                work.result(SETTLING_SECONDS + CLIENT_SECONDS)

    def answers(self, since: float = 0.0) -> list[Answer]:
        """What was told of the requests that began since."""
        return [answer for client in self._clients for answer in list(client.answers) if answer.began >= since]

    def wait_for_good(self, since: float, count: int = 1, seconds: float = 30) -> None:
        """Wait until so many of each of OPERATIONS that began since have succeeded."""
        while time.monotonic() < since + seconds:
            for work in self._work:
                if work.done():
                    work.result()
            good = Counter(answer.operation.name for answer in self.answers(since) if answer.is_good)
            if all(good[name] >= count for name in OPERATIONS):
                return
            time.sleep(0.02)
        raise AssertionError(f"not all succeed after {seconds} s: {told(self.answers(since))}")

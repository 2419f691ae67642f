"""The operations that are measured, and their mix."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from benchmarks.client import Request
from benchmarks.world import World
from loadtest.routes import function_of

CONTENT = "Seen again on **staging** after the last deploy; the worker logs `timeout` twice and gives up."
DESCRIPTION = "Open the list, choose a filter, go back.\n\n- expected: the filter stays\n- seen: it is gone"


class Work:
    """Makes the requests of developers who are signed in."""

    def __init__(self, world: World, tokens: list[str], seed: int = 1) -> None:
        self._world = world
        self._random = random.Random(seed)
        self._heads = [f"Host: bench\r\nAuthorization: Bearer {token}\r\n".encode() for token in tokens]

    def get(self, target: str) -> Request:
        """A read of the function that has the path."""
        return Request(function_of(target), b"GET %s HTTP/1.1\r\n%s\r\n" % (target.encode(), self._head()))

    def get_issue(self) -> Request:
        return self.get(f"/api/issues/{self._issue()}")

    def list_issues(self) -> Request:
        project, status = self._project(), self._random.choice(("open", "in_progress", "closed"))
        return self.get(f"/api/issues?project={project}&status={status}&limit=20")

    def list_comments(self) -> Request:
        return self.get(f"/api/issues/{self._issue()}/comments")

    def create_issue(self) -> Request:
        title = f"The filter is lost on the way back, case {self._random.randrange(10**6)}"
        new = {"title": title, "description": DESCRIPTION, "priority": "high"}
        return self._post(f"/api/projects/{self._project()}/issues", new)

    def add_comment(self) -> Request:
        return self._post(f"/api/issues/{self._issue()}/comments", {"content": CONTENT})

    def mix(self) -> Request:
        """A day: 50 issues read, 25 lists, 5 times comments, 10 issues reported, 10 comments."""
        (make,) = self._random.choices(tuple(OPERATIONS.values()), tuple(WEIGHTS.values()))
        return make(self)

    def _issue(self) -> str:
        return self._random.choice(self._world.issues)

    def _head(self) -> bytes:
        return self._random.choice(self._heads)

    def _project(self) -> str:
        return self._random.choice(self._world.projects)

    def _post(self, target: str, members: Mapping[str, str]) -> Request:
        body = json.dumps(members).encode()
        head = self._head() + b"Content-Type: application/json\r\n"
        line = b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (target.encode(), head, len(body))
        return Request(function_of(target), line + body, 201)


Operation = Callable[[Work], Request]
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "get issue": Work.get_issue,
        "list 20 issues": Work.list_issues,
        "comments of an issue": Work.list_comments,
        "create issue": Work.create_issue,
        "add comment": Work.add_comment,
    }
)
WEIGHTS: Mapping[str, int] = MappingProxyType(
    {
        "get issue": 50,
        "list 20 issues": 25,
        "comments of an issue": 5,
        "create issue": 10,
        "add comment": 10,
    }
)
MIX = "mix"
ALL: Mapping[str, Operation] = MappingProxyType({**OPERATIONS, MIX: Work.mix})


def requests(work: Work, operation: Operation, count: int) -> Iterator[Request]:
    """So many requests of one kind."""
    return islice(iter(lambda: operation(work), None), count)
